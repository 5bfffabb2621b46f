import type { AuthState } from "@doorward/client/server";
import { renewAuthState } from "@doorward/client/server";

declare module "h3" {
  interface H3EventContext {
    auth: AuthState;
  }
}

/** Who asks, once for each page; a session whose access token has run out is renewed on the way. */
export default defineEventHandler(async (event) => {
  const baseUrl = process.env["DOORWARD_URL"] ?? "http://localhost:8000";
  const auth = await renewAuthState({ baseUrl, headers: event.headers });
  event.context.auth = auth;
  for (const cookie of auth.setCookies) appendResponseHeader(event, "Set-Cookie", cookie);
});
