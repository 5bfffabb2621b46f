import type { Handle } from "@sveltejs/kit/hooks";

import { renewAuthState } from "@doorward/client/server";

const baseUrl = process.env["DOORWARD_URL"] ?? "http://localhost:8000";

/** Who asks, once for each page; a session whose access token has run out is renewed on the way. */
export const handle: Handle = async ({ event, resolve }) => {
  const auth = await renewAuthState({ baseUrl, headers: event.request.headers });
  event.locals.auth = auth;
  const response = await resolve(event);
  for (const cookie of auth.setCookies) response.headers.append("Set-Cookie", cookie);
  return response;
};
