import type { Bodies, Operation, User } from "./generated/operations.js";
import { request } from "./request.js";
import type { Result } from "./result.js";

/** Why a session ended that was there. */
export type LostCode =
  | "session_expired"
  | "session_ended"
  | "session_revoked"
  | "session_reuse_detected"
  | "not_authenticated";

/** Who is logged in, as far as this tab knows. The same object while nothing changes. */
export type Snapshot =
  | { readonly status: "unknown"; readonly user: null; readonly lost: null }
  | { readonly status: "authenticated"; readonly user: User; readonly lost: null }
  | { readonly status: "anonymous"; readonly user: null; readonly lost: LostCode | null };

/** What a client can be told to do otherwise. */
export interface AuthClientOptions {
  /** Where Doorward is, such as `http://localhost:8000`; empty: where the page is (a proxy leads to it). */
  readonly baseUrl?: string;
  /** `ACCESS_TOKEN_TTL` of the service, in seconds (3600): tokens are renewed ahead of it. */
  readonly accessTokenTtl?: number;
  /** Milliseconds until a request is given up (10,000): a hung service must not hold up every tab. */
  readonly timeout?: number;
  /** For tests, and where there is no browser. */
  readonly fetch?: typeof fetch;
  readonly storage?: Pick<Storage, "getItem" | "setItem" | "removeItem"> | null;
  readonly locks?: Pick<LockManager, "request"> | null;
  readonly channel?: Pick<BroadcastChannel, "postMessage" | "close" | "onmessage"> | null;
  readonly random?: () => number;
}

interface Events {
  /** Somebody is logged in. */
  authenticated: User;
  /** Nobody is. */
  anonymous: null;
  /** Somebody was logged in and is no more, without having asked for it. */
  "session-lost": { readonly code: LostCode };
}

type Body<Op extends keyof Bodies> = Bodies[Op];

/** A client of one Doorward. A page needs one; see `createAuthClient`. */
export interface AuthClient {
  register(body: Body<"register">): Promise<Result<"register">>;
  login(body: Body<"login">): Promise<Result<"login">>;
  logout(): Promise<Result<"logout">>;
  me(): Promise<Result<"me">>;
  updateMe(body: Body<"updateMe">): Promise<Result<"updateMe">>;
  deleteMe(body: Body<"deleteMe">): Promise<Result<"deleteMe">>;
  exportMe(): Promise<Result<"exportMe">>;
  refresh(): Promise<Result<"refresh">>;
  sessions(): Promise<Result<"listSessions">>;
  endSession(id: string): Promise<Result<"endSession">>;
  logoutAll(body?: Body<"logoutAll">): Promise<Result<"logoutAll">>;
  changePassword(body: Body<"changePassword">): Promise<Result<"changePassword">>;
  resetPassword(body: Body<"resetPassword">): Promise<Result<"resetPassword">>;
  forgotPassword(body: Body<"forgotPassword">): Promise<Result<"forgotPassword">>;
  reportNotMe(body: Body<"reportNotMe">): Promise<Result<"reportNotMe">>;
  sendVerification(): Promise<Result<"sendVerification">>;
  verifyEmail(body: Body<"verifyEmail">): Promise<Result<"verifyEmail">>;
  changeEmail(body: Body<"changeEmail">): Promise<Result<"changeEmail">>;
  confirmEmailChange(body: Body<"confirmEmailChange">): Promise<Result<"confirmEmailChange">>;
  restoreEmail(body: Body<"restoreEmail">): Promise<Result<"restoreEmail">>;
  /** `fetch` for your own API, with the same login: the cookies go along, and a 401 is answered by a refresh and one more try. */
  fetch(input: string | URL, init?: RequestInit): Promise<Response>;
  /** Finds out who is logged in; at most one request where nobody is. Safe to call again. */
  start(): Promise<Snapshot>;
  subscribe(listener: () => void): () => void;
  getSnapshot(): Snapshot;
  /** What a server renders: nobody is known yet. */
  getServerSnapshot(): Snapshot;
  on<E extends keyof Events>(event: E, listener: (detail: Events[E]) => void): () => void;
  /** Stops timers and listeners. */
  dispose(): void;
}

const UNKNOWN: Snapshot = { status: "unknown", user: null, lost: null };

/** What these say is mended by a refresh; other codes say that the session is over. */
const RENEWABLE = ["not_authenticated", "token_expired"];

/** A late answer to a refresh must not overwrite the cookies of these. */
const SETS_COOKIES: readonly Operation[] = ["changePassword", "deleteMe", "logoutAll"];

/** Milliseconds until it is tried again to find out who is logged in, where the service was away. */
const AGAIN = 5_000;

/** Makes a client. It asks for nothing until it is told to: see `start`. */
export function createAuthClient(options: AuthClientOptions = {}): AuthClient {
  const base = (options.baseUrl ?? "").replace(/\/$/, "");
  const name = `doorward:${base}`;
  const send = options.fetch ?? ((...a: Parameters<typeof fetch>) => fetch(...a));
  const call = { baseUrl: `${base}/api/auth`, fetch: send, timeout: options.timeout ?? 10_000 };
  const storage = options.storage === undefined ? browserStorage() : options.storage;
  const locks = options.locks === undefined ? globalThis.navigator?.locks : options.locks;
  const channel = options.channel === undefined ? globalThis.document && new BroadcastChannel(name) : options.channel;
  const random = options.random ?? Math.random;
  const ttl = (options.accessTokenTtl ?? 3_600) * 1_000;

  let snapshot = UNKNOWN;
  let starting: Promise<Snapshot> | undefined;
  let refreshing: Promise<Result<"refresh">> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let current: string | undefined;
  const listeners = new Set<() => void>();
  const handlers = new Map<string, Set<(detail: never) => void>>();

  /** When this browser's tokens were last renewed: known where somebody is, or was, logged in. */
  const renewedAt = () => Number(storage?.getItem(name)) || 0;

  function emit<E extends keyof Events>(event: E, detail: Events[E]) {
    handlers.get(event)?.forEach((handler) => (handler as (detail: Events[E]) => void)(detail));
  }

  function become(next: Snapshot) {
    const before = snapshot;
    if (before.status === next.status && JSON.stringify(before) === JSON.stringify(next)) return;
    snapshot = next;
    if (next.status === "anonymous") clearTimeout(timer);
    listeners.forEach((listener) => listener());
    if (next.user) {
      if (before.user?.id !== next.user.id) emit("authenticated", next.user);
    } else if (before.status !== next.status) emit("anonymous", null);
    if (next.lost && before.user) emit("session-lost", { code: next.lost });
  }

  /** Nobody is logged in any more. `lost` says why, where nobody asked for it; only who was logged in can lose it. */
  function out(lost: LostCode | null, tell = true) {
    const was = snapshot.status === "authenticated";
    storage?.removeItem(name);
    if (tell && was) channel?.postMessage({ out: lost });
    // A second request of the same lost session does not take the reason away.
    become({ status: "anonymous", user: null, lost: was || !lost ? lost : snapshot.lost });
  }

  /** The tokens are new. */
  function renewed() {
    storage?.setItem(name, String(Date.now()));
    schedule();
  }

  /** Renews ahead of expiry, at a time of each tab's own, and only where somebody looks. */
  function schedule() {
    clearTimeout(timer);
    if (!globalThis.document) return;
    const due = renewedAt() + ttl * (0.75 + random() * 0.2);
    timer = setTimeout(() => {
      if (document.visibilityState !== "hidden") void refresh(due);
    }, Math.max(0, due - Date.now()));
  }

  /** One tab at a time changes the cookies. A courtesy: the service keeps sessions right without it. */
  async function alone<T>(work: () => Promise<T>): Promise<T> {
    let began = false;
    const once = () => {
      began = true;
      return work();
    };
    if (locks) {
      try {
        return (await locks.request(name, { signal: AbortSignal.timeout(2 * call.timeout) }, once)) as T;
      } catch (cause) {
        // Whoever holds it has hung; but what has begun is not begun again.
        if (began) throw cause;
      }
    }
    return once();
  }

  /** Renews the tokens that were no good at `since`: one request for all callers of this tab, and none where another tab has just done it. */
  function refresh(since = Date.now()): Promise<Result<"refresh">> {
    refreshing ??= alone(async (): Promise<Result<"refresh">> => {
      if (renewedAt() > since) {
        schedule();
        return { ok: true, status: 200, data: { message: "" } };
      }
      const result = await request(call, "refresh");
      if (result.ok) renewed();
      else if (result.kind === "problem" && result.status === 401) out(result.problem.code as LostCode);
      return result;
    }).finally(() => (refreshing = undefined));
    return refreshing;
  }

  /** An operation that needs a login. */
  async function authenticated<Op extends Operation>(op: Op, body?: unknown, id?: string): Promise<Result<Op>> {
    const since = Date.now();
    // Alone for the request, not for the refresh, which wants to be alone itself.
    const ask = () => request(call, op, body, id);
    const send = SETS_COOKIES.includes(op) ? () => alone(ask) : ask;
    const result = await send();
    if (result.ok || result.kind !== "problem" || result.status !== 401) return result;
    const { code } = result.problem as { code: string };
    if (!RENEWABLE.includes(code)) {
      out(code as LostCode);
      return result;
    }
    const renewal = await refresh(since);
    if (renewal.ok) return send();
    return renewal.kind === "problem" ? result : (renewal as Result<Op>);
  }

  async function me() {
    const result = await authenticated("me");
    if (result.ok) {
      if (!renewedAt()) renewed();
      else schedule();
      become({ status: "authenticated", user: result.data, lost: null });
    }
    return result;
  }

  /** An operation after which nobody is logged in. */
  async function leaving<Op extends Operation>(op: Op, body?: unknown, stays = false): Promise<Result<Op>> {
    const result = await (op === "logout" ? alone(() => request(call, op)) : authenticated(op, body));
    if (result.ok && !stays) out(null);
    return result;
  }

  /** Finds out who is logged in. */
  function start(): Promise<Snapshot> {
    starting ??= (async () => {
      // Where nobody is known to be logged in a refresh tells it with one request.
      if (renewedAt() || (await refresh()).ok) await me();
      starting = undefined;
      // The service is away: that says nothing of who is logged in.
      if (snapshot === UNKNOWN && globalThis.document) timer = setTimeout(() => void start(), AGAIN);
      return snapshot;
    })();
    return starting;
  }

  if (channel) {
    channel.onmessage = ({ data }: MessageEvent<{ out?: LostCode | null }>) => {
      if ("out" in data) out(data.out ?? null, false);
      else void me();
    };
  }
  const shown = () => {
    if (document.visibilityState === "visible" && snapshot.user) schedule();
  };
  globalThis.document?.addEventListener("visibilitychange", shown);

  return {
    register: (body) => request(call, "register", body),
    async login(body) {
      const result = await alone(() => request(call, "login", body));
      if (result.ok) {
        renewed();
        await me();
        channel?.postMessage({});
      }
      return result;
    },
    logout: () => leaving("logout"),
    me,
    async updateMe(body) {
      const result = await authenticated("updateMe", body);
      if (result.ok) become({ status: "authenticated", user: result.data, lost: null });
      return result;
    },
    deleteMe: (body) => leaving("deleteMe", body),
    exportMe: () => authenticated("exportMe"),
    refresh: () => refresh(),
    async sessions() {
      const result = await authenticated("listSessions");
      if (result.ok) current = result.data.sessions.find((session) => session.current)?.id;
      return result;
    },
    async endSession(id) {
      const result = await authenticated("endSession", undefined, id);
      if (result.ok && id === current) out(null);
      return result;
    },
    logoutAll: (body) => leaving("logoutAll", body, body?.keep_current === true),
    async changePassword(body) {
      const result = await authenticated("changePassword", body);
      if (result.ok) renewed();
      return result;
    },
    resetPassword: (body) => request(call, "resetPassword", body),
    forgotPassword: (body) => request(call, "forgotPassword", body),
    reportNotMe: (body) => request(call, "reportNotMe", body),
    sendVerification: () => authenticated("sendVerification"),
    verifyEmail: (body) => request(call, "verifyEmail", body),
    changeEmail: (body) => authenticated("changeEmail", body),
    async confirmEmailChange(body) {
      const result = await authenticated("confirmEmailChange", body);
      if (result.ok) become({ status: "authenticated", user: result.data, lost: null });
      return result;
    },
    restoreEmail: (body) => request(call, "restoreEmail", body),
    async fetch(input, init) {
      const since = Date.now();
      const again = () => send(input, { credentials: "include", ...init });
      const response = await again();
      const readable = !(init?.body instanceof ReadableStream);
      return response.status === 401 && readable && (await refresh(since)).ok ? again() : response;
    },
    start,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    getSnapshot: () => snapshot,
    getServerSnapshot: () => UNKNOWN,
    on(event, listener) {
      const set = handlers.get(event) ?? new Set();
      handlers.set(event, set.add(listener));
      return () => void set.delete(listener);
    },
    dispose() {
      clearTimeout(timer);
      channel?.close();
      globalThis.document?.removeEventListener("visibilitychange", shown);
    },
  };
}

/** None where there is no browser, or where it forbids storage. */
function browserStorage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}
