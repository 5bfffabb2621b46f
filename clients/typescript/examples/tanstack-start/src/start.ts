import { createMiddleware, createStart } from "@tanstack/react-start";

import { renewAuthState } from "@doorward/client/server";

/** Who asks, once for each request; a session whose access token has run out is renewed on the way. */
export const auth = createMiddleware().server(async ({ next, request }) => {
  const baseUrl = process.env["DOORWARD_URL"] ?? "http://localhost:8000";
  const state = await renewAuthState({ baseUrl, headers: request.headers });
  const result = await next({ context: { auth: state } });
  for (const cookie of state.setCookies) result.response.headers.append("Set-Cookie", cookie);
  return result;
});

export const startInstance = createStart(() => ({ requestMiddleware: [auth] }));
