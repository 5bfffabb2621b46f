import { operations } from "./generated/operations.js";
import type { Arguments, User } from "./generated/operations.js";
import { attempt, request } from "./request.js";
import type { Http } from "./request.js";
import type { Operation, Result } from "./result.js";
import { GONE, START, UNKNOWN, step } from "./state.js";
import type { Effect, Event, LostCode, Outcome, Snapshot } from "./state.js";

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
  readonly storage?: Pick<Storage, "getItem" | "setItem"> | null;
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

/** Operations of the contract, by their ids there. */
export type Methods<Op extends Operation> = { [One in Op]: (...words: Arguments[One]) => Promise<Result<One>> };

type Operations = Methods<Exclude<keyof typeof operations, "state" | "listSessions">>;

/** A client of one Doorward. A page needs one; see `createAuthClient`. */
export interface AuthClient extends Operations {
  sessions(): Promise<Result<"listSessions">>;
  /** An operation by its id: for those that `@doorward/client/account` adds. */
  operate<Op extends Operation>(op: Op, ...words: unknown[]): Promise<Result<Op>>;
  /** `fetch` for your own API, with the same login: the cookies go along, and a 401 is answered by a refresh and one more try. */
  fetch(input: string | URL, init?: RequestInit): Promise<Response>;
  /** Finds out who is logged in, by one request. Safe to call again. */
  start(): Promise<Snapshot>;
  subscribe(listener: () => void): () => void;
  getSnapshot(): Snapshot;
  /** What a server renders: nobody is known yet. */
  getServerSnapshot(): Snapshot;
  on<E extends keyof Events>(event: E, listener: (detail: Events[E]) => void): () => void;
  /** Stops timers and listeners. */
  dispose(): void;
}

/** What a call is waiting for, and how its requests are made. */
interface Pending {
  readonly done: (outcome: Outcome) => void;
  readonly ask: (as: Operation) => Promise<readonly [Outcome, string | null]>;
}

type Listener = (before: Snapshot, after: Snapshot) => void;

/** Milliseconds until it is tried again where the service was away. */
const SOON = 5_000;

/** Makes a client. It asks for nothing until it is told to: see `start`. */
export function createAuthClient(options: AuthClientOptions = {}): AuthClient {
  const page = globalThis.document;
  const base = (options.baseUrl ?? "").replace(/\/$/, "");
  const name = `doorward:${base}`;
  const {
    accessTokenTtl = 3_600,
    timeout = 10_000,
    fetch: send = (...a: Parameters<typeof fetch>) => fetch(...a),
    // A browser may forbid it, or have none.
    storage = attempt(() => localStorage),
    locks = globalThis.navigator?.locks,
    channel = page && attempt(() => new BroadcastChannel(name)),
    random = Math.random,
  } = options;
  const http: Http = { baseUrl: base, fetch: send, timeout };

  let state = START;
  let calls = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let renewedAt = 0;
  let warned = !page;
  const single: { [Op in Operation]?: Promise<Result<Op>> | undefined } = {};
  /** Has a signal, as listeners want one. */
  const gone = new AbortController();
  const pending = new Map<number, Pending>();
  const listeners = new Set<Listener>();

  /** When the tokens were renewed last, by this browser's clock: to renew them in time, and for nothing else. */
  const note = () => attempt(() => storage!.getItem(name));

  const effects: { [E in Effect as E[0]]: (...words: E extends readonly [string, ...infer W] ? W : never) => void } = {
    async send(id, op, sent) {
      const as = op as Operation;
      const [outcome, session] = await (pending.get(id)?.ask(as) ?? request(http, as));
      feed({ type: "answer", id, sent, outcome, session });
    },
    /** A courtesy: the service keeps sessions right without it. */
    async lock() {
      let begun;
      const hold = () =>
        new Promise<void>((done) => {
          begun = effects.free = done;
          feed({ type: "locked" });
        });
      await 0;
      try {
        await locks!.request(name, { signal: AbortSignal.timeout(2 * timeout) }, hold);
      } catch {
        // There are none; or whoever has it has hung.
        if (!begun) void hold();
      }
    },
    free() {},
    done(id, outcome) {
      pending.get(id)?.done(outcome);
      pending.delete(id);
    },
    tell: (session, lost) => attempt(() => channel!.postMessage({ session, lost })),
    renewed() {
      renewedAt = Date.now();
      attempt(() => storage!.setItem(name, `${renewedAt}`));
      wake();
    },
  };

  /**
   * Renews the tokens ahead of their end, at a time of each tab's own, and only where somebody looks; asks again where it was not answered
   * who is logged in. A clock that was put says no more than "now" or "as if renewed now".
   */
  function wake(soon = state.shown.status === "unavailable") {
    clearTimeout(timer);
    if (!page || !(soon || state.shown.user)) return;
    const before = note();
    const since = Math.max(+before! || 0, renewedAt) || (renewedAt = Date.now());
    const ahead = accessTokenTtl * (750 + random() * 200) - Math.max(Date.now() - since, 0);
    timer = setTimeout(
      async () => {
        if (page.hidden) return;
        if (!state.shown.user) look();
        // Another tab has renewed them meanwhile.
        wake(state.shown.user && note() === before ? !(await share("refresh")).ok : undefined);
      },
      soon ? SOON : ahead,
    );
  }

  /** Tells the machine what happened, and does what it says. */
  function feed(event: Event) {
    const before = state.shown;
    const [next, todo] = step(state, event);
    state = next;
    for (const [effect, ...words] of todo) (effects[effect] as (...words: unknown[]) => void)(...words);
    const after = next.shown;
    if (after === before) return;
    wake();
    if (after.status === "unavailable" && !warned) {
      warned = true;
      console.error(`${name}: no answer to ${location.origin} (ALLOWED_ORIGINS?)`);
    }
    listeners.forEach((listener) => listener(before, after));
  }

  /** Somebody else may be logged in now. */
  const look = () => feed({ type: "told", lost: GONE });

  function call(op: Operation | "fetch", ask: Pending["ask"], kind?: { alone: boolean; reads: boolean; leaves: boolean }) {
    return new Promise<Outcome>((done) => {
      pending.set(++calls, { done, ask });
      feed({ type: "call", id: calls, op, ...kind });
    });
  }

  /** Calls an operation, with an id and a body where it has them. */
  function operate<Op extends Operation>(op: Op, ...words: unknown[]): Promise<Result<Op>> {
    const row = operations[op as "me"] as string;
    const id = (row.includes("{") ? words.shift() : "") as string;
    const body = words[0] as { keep_current?: boolean } | undefined;
    const user = state.shown.user?.id;
    return call(op, (as) => request(http, as, { id, body, user }), {
      alone: row.includes("*"),
      reads: row[0] === "G",
      leaves: /^(logo|del)/.test(op) && !body?.keep_current,
    }) as Promise<unknown> as Promise<Result<Op>>;
  }

  /** One for all who ask at a time. */
  function share<Op extends "state" | "refresh">(op: Op): Promise<Result<Op>> {
    return (single[op] ??= operate(op).finally(() => delete single[op]) as never) as never;
  }

  function subscribe(listener: Listener) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  const client: Omit<AuthClient, keyof Operations> & Partial<Operations> = {
    operate,
    sessions: () => operate("listSessions"),
    refresh: () => share("refresh"),
    async fetch(input, init) {
      let asked: Promise<Response> | undefined;
      await call("fetch", async () => {
        // What can be sent only once is sent only once.
        if (!asked || !(init?.body instanceof ReadableStream)) asked = send(input, { credentials: "include", ...init });
        const ok = (await asked.catch(() => null))?.status !== 401;
        return [{ ok, problem: !ok && { code: GONE } }, null];
      });
      return asked!;
    },
    start: () => share("state").then(() => state.shown),
    subscribe,
    getSnapshot: () => state.shown,
    getServerSnapshot: () => UNKNOWN,
    on: (event, listener) =>
      subscribe((before, { status, user, lost }) => {
        const what = user ? user.id !== before.user?.id && "authenticated" : status !== before.status && status;
        const tell = listener as (detail: unknown) => void;
        if (event === what) tell(user);
        else if (what && lost && event !== "authenticated") tell({ code: lost });
      }),
    dispose() {
      clearTimeout(timer);
      channel?.close();
      gone.abort();
    },
  };
  for (const op in operations) client[op as "me"] ??= (...words) => operate(op as "me", ...words);

  if (channel) channel.onmessage = ({ data }) => feed({ type: "told", ...data });
  if (page) {
    const seen = () => {
      if (page.hidden || state.shown === UNKNOWN) return;
      look();
      wake();
    };
    page.addEventListener("visibilitychange", seen, gone);
    // A page that is kept is asked before it shows anybody again: nothing reaches it meanwhile.
    addEventListener("pagehide", (event) => event.persisted && feed({ type: "hidden" }), gone);
    addEventListener("pageshow", (event) => event.persisted && look(), gone);
  }
  return client as AuthClient;
}
