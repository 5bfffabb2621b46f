/** For servers that render pages: who asks, and a session that is renewed on the way. */
import type { User } from "./generated/operations.js";
import { request } from "./request.js";

/** What a server can know of who asks for a page. */
export type AuthState =
  /** Logged in. */
  | { readonly state: "authenticated"; readonly user: User }
  /** The access token has run out; the browser renews it when the page comes alive, or the server by `renewAuthState`. */
  | { readonly state: "refreshable" }
  | { readonly state: "anonymous" }
  /** The cookies did not come along (a link on another site leads here), or Doorward does not answer: the browser will find out. */
  | { readonly state: "unknown" };

/** What `getAuthState` needs. */
export interface ServerOptions {
  /** Where the server reaches Doorward. */
  readonly baseUrl: string;
  /** Of the request for the page: `Cookie`, `Sec-Fetch-Site` and `User-Agent` are looked at. */
  readonly headers: Pick<Headers, "get">;
  /** Milliseconds until Doorward's answer is given up (2,000). */
  readonly timeout?: number;
  readonly fetch?: typeof fetch;
}

/** `Set-Cookie` headers for the answer with the page, each as it is. Not enumerable: the state alone goes into what a page is given as its data. */
export type Renewed = AuthState & { readonly setCookies: readonly string[] };

/** Who asks for a page. It never refreshes: the browser would not hear of the new cookies. */
export async function getAuthState(options: ServerOptions): Promise<AuthState> {
  return ask(options, cookiesOf(options));
}

/**
 * Who asks for a page, whose session is renewed where its access token has run out. Only for who can pass on *all* of `setCookies`, each in a
 * `Set-Cookie` header of its own; else the browser is left with a token that was used, which the service forgives for a moment alone.
 */
export async function renewAuthState(options: ServerOptions): Promise<Renewed> {
  const before = cookiesOf(options);
  const state = await ask(options, before);
  if (state.state !== "refreshable") return renewed(state, []);
  const setCookies: string[] = [];
  const [renewal] = await request(http(options, before, (response) => setCookies.push(...response.headers.getSetCookie())), "refresh");
  // Another request of this page may have ended it; or it is not known.
  if (!renewal.ok) return renewed({ state: renewal.kind === "problem" ? "anonymous" : "unknown" }, setCookies);
  return renewed(await ask(options, merged(before, setCookies)), setCookies);
}

function renewed(state: AuthState, setCookies: readonly string[]): Renewed {
  return Object.defineProperty(state, "setCookies", { value: setCookies }) as Renewed;
}

async function ask(options: ServerOptions, cookie: string): Promise<AuthState> {
  const { headers } = options;
  // The hint comes along where a link on another site leads here, and the tokens do not: it says that there are some, never whose.
  if (!named("(?:access|refresh)_token", cookie)) return { state: named("session_hint", cookie) || !cameAlong(headers) ? "unknown" : "anonymous" };
  const [result] = await request(http(options, cookie), "state");
  if (!result.ok) return { state: "unknown" };
  const { user, refreshable } = result.data;
  if (user) return { state: "authenticated", user };
  return { state: refreshable ? "refreshable" : "anonymous" };
}

/** Behind a cookie's name there may be COOKIE_SUFFIX. */
function named(name: string, cookie: string): boolean {
  return new RegExp(`(?:^|;)\\s*(?:__Host-|__Secure-)?${name}(?:_[a-z0-9-]+)?=`).test(cookie);
}

/**
 * Whether the hint would have come along, too: a server on another host than Doorward is not sent it, and sessions of the version before have none.
 * Where another site has led here they do not, and neither do they when that page is loaded again:
 * which WebKit does not tell from an address that was typed.
 */
function cameAlong(headers: Pick<Headers, "get">): boolean {
  const site = headers.get("Sec-Fetch-Site");
  // Chromium has stayed at 537.36 for ever.
  const isWebKit = /AppleWebKit\/(?!537\.36)/.test(headers.get("User-Agent") ?? "");
  return site !== "cross-site" && !(isWebKit && site === "none");
}

function cookiesOf({ headers }: ServerOptions): string {
  return headers.get("Cookie") ?? "";
}

/** The request's cookies go along, and no others; and the browser's name, which the list of sessions shows. */
function http({ baseUrl, headers, timeout = 2_000, fetch: send = fetch }: ServerOptions, cookie: string, answered?: (response: Response) => void) {
  const agent = headers.get("User-Agent");
  const forward: typeof fetch = async (input, init) => {
    const response = await send(input, { ...init, headers: { Cookie: cookie, ...(agent ? { "User-Agent": agent } : {}) }, cache: "no-store" });
    answered?.(response);
    return response;
  };
  return { baseUrl: baseUrl.replace(/\/$/, ""), fetch: forward, timeout };
}

/** A browser's cookies after it has taken these. */
function merged(cookie: string, setCookies: readonly string[]): string {
  const pairs = setCookies.map((one) => one.split(";")[0]!.trim());
  const names = pairs.map((pair) => pair.split("=")[0]);
  const kept = cookie.split(";").map((pair) => pair.trim()).filter((pair) => pair && !names.includes(pair.split("=")[0]));
  return [...kept, ...pairs].join("; ");
}
