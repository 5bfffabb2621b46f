/** For servers that render pages. They tell who asks, and never refresh: the browser would not hear of the new cookies. */
import type { User } from "./generated/operations.js";
import { request } from "./request.js";

/** What a server can know of who asks for a page. */
export type AuthState =
  /** Logged in. */
  | { readonly state: "authenticated"; readonly user: User }
  /** The access token has run out; the browser will renew it when the page comes alive. */
  | { readonly state: "refreshable" }
  | { readonly state: "anonymous" }
  /** The cookies did not come along (a link on another site leads here), or Doorward does not answer: the browser will find out. */
  | { readonly state: "unknown" };

/** What `getAuthState` needs. */
export interface ServerOptions {
  /** Where the server reaches Doorward. */
  readonly baseUrl: string;
  /** Of the request for the page: `Cookie` and `Sec-Fetch-Site` are looked at. */
  readonly headers: Pick<Headers, "get">;
  /** Milliseconds until Doorward's answer is given up (2,000). */
  readonly timeout?: number;
  readonly fetch?: typeof fetch;
}

/** Who asks for a page. Passes on the request's cookies, and no others. */
export async function getAuthState(options: ServerOptions): Promise<AuthState> {
  const { baseUrl, headers, timeout = 2_000, fetch: send = fetch } = options;
  const cookie = headers.get("Cookie") ?? "";
  const has = (kind: string) => new RegExp(`(?:^|;)\\s*(?:__Host-|__Secure-)?${kind}_token=`).test(cookie);
  if (!has("access") && !has("refresh")) {
    return { state: headers.get("Sec-Fetch-Site") === "cross-site" ? "unknown" : "anonymous" };
  }
  if (!has("access")) return { state: "refreshable" };
  const forward: typeof fetch = (input, init) => send(input, { ...init, headers: { Cookie: cookie }, cache: "no-store" });
  const call = { baseUrl: baseUrl.replace(/\/$/, ""), fetch: forward, timeout };
  const [result] = await request(call, "me");
  if (result.ok) return { state: "authenticated", user: result.data };
  if (result.kind !== "problem") return { state: "unknown" };
  const renewable = result.problem.code === "token_expired" || result.problem.code === "not_authenticated";
  return { state: renewable && has("refresh") ? "refreshable" : "anonymous" };
}
