import { defineMiddleware } from "astro:middleware";

import { renewAuthState } from "@doorward/client/server";

const baseUrl = process.env["DOORWARD_URL"] ?? "http://localhost:8000";

/** Who asks, once for each page; a session whose access token has run out is renewed on the way. */
export const onRequest = defineMiddleware(async ({ request, locals }, next) => {
  const auth = await renewAuthState({ baseUrl, headers: request.headers });
  locals.auth = auth;
  const response = await next();
  for (const cookie of auth.setCookies) response.headers.append("Set-Cookie", cookie);
  return response;
});
