// A service of a test's own making, over real HTTP: what it answers to each path, and what it was asked.

import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

import { onTestFinished } from "vitest";

import type { AuthClientOptions } from "../src/index.js";

export type Answer = { status: number; body?: unknown; headers?: Record<string, string>; text?: string } | "hang" | "cut";

export interface Service {
  readonly url: string;
  /** Method and path of every request so far. */
  readonly asked: string[];
}

export const user = {
  id: 1,
  email: "ann@example.com",
  full_name: null,
  is_active: true,
  email_verified: false,
  is_superuser: false,
  created_at: "2026-01-01T00:00:00Z",
  last_login: null,
  external_id: null,
};

export function problem(status: number, code: string): Answer {
  const body = { type: `urn:doorward:problem:${code}`, title: code, status, detail: `It is ${code}.`, code };
  return { status, body, headers: { "Content-Type": "application/problem+json" } };
}

/** One that says by what can be proved what is wanted. */
export function asking(status: number, code: string, methods: readonly string[]): Answer {
  const refused = problem(status, code) as { body: object };
  return { ...refused, status, body: { ...refused.body, methods } };
}

export const message = (text: string): Answer => ({ status: 200, body: { message: text } });

/** Answers by path, such as `/me`. */
export async function serve(answer: (path: string, request: IncomingMessage) => Answer | Promise<Answer>): Promise<Service> {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const path = (request.url ?? "").replace("/api/auth", "");
    asked.push(`${request.method} ${path}`);
    const what = await answer(path, request);
    if (what === "hang") return;
    if (what === "cut") return void request.socket.destroy();
    response.writeHead(what.status, { "Content-Type": "application/json", ...what.headers });
    response.end(what.text ?? (what.body === undefined ? "" : JSON.stringify(what.body)));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** A small Doorward, together with the cookies of the one browser that asks it: Node's fetch keeps none. */
export interface Doorward extends Service {
  readonly sessions: { user: typeof user; over: string | null }[];
  cookies: { session: number | null; fresh: boolean };
  keepsCookies: boolean;
  /** What it answers otherwise than it would. */
  instead: (path: string, request: IncomingMessage) => Answer | undefined;
  /** What an answer waits for, and the browser's new cookies with it. */
  late: (path: string) => Promise<void> | undefined;
  /** `X-Doorward-User` of each request that has it. */
  readonly shown: string[];
  /** Another page of this browser logs in. */
  enter(who: typeof user): void;
}

export const bob = { ...user, id: 2, email: "bob@example.com" };

export async function doorward(who?: typeof user): Promise<Doorward> {
  const here: Omit<Doorward, keyof Service> = {
    sessions: [],
    cookies: { session: null, fresh: true },
    keepsCookies: true,
    instead: () => undefined,
    late: () => undefined,
    shown: [],
    enter(user) {
      here.cookies = { session: here.sessions.push({ user, over: null }) - 1, fresh: true };
    },
  };
  if (who) here.enter(who);
  const service = await serve(async (path, request) => {
    const shown = request.headers["x-doorward-user"];
    if (shown) here.shown.push(String(shown));
    const instead = here.instead(path, request);
    if (instead) return instead;
    let body = "";
    for await (const chunk of request) body += chunk;
    const [answer, cookies] = decide(here, `${request.method} ${path}`, body, shown);
    await here.late(path);
    if (cookies && here.keepsCookies) here.cookies = cookies;
    return answer;
  });
  return Object.assign(here, service);
}

function decide(here: Omit<Doorward, keyof Service>, what: string, body: string, shown: unknown): [Answer, Doorward["cookies"]?] {
  const { sessions, cookies } = here;
  const session = cookies.session === null ? undefined : sessions[cookies.session];
  const about = (answer: Answer, at = cookies.session) =>
    typeof answer === "object" && at !== null ? { ...answer, headers: { ...answer.headers, "X-Doorward-Session": `S${at}` } } : answer;
  const enter = (user: Doorward["sessions"][0]["user"]): [Answer, Doorward["cookies"]] => {
    const at = sessions.push({ user, over: null }) - 1;
    return [about(message("done"), at), { session: at, fresh: true }];
  };
  if (what === "POST /login") {
    if (session) session.over = "session_ended";
    return enter(body.includes(bob.email) ? bob : user);
  }
  if (what === "POST /logout") {
    if (session) session.over = "session_ended";
    return [message("done"), { session: null, fresh: true }];
  }
  const isGood = session && !session.over && cookies.fresh;
  if (what === "GET /state") {
    const answer = { status: 200, body: { user: isGood ? session.user : null, refreshable: Boolean(session && !session.over && !isGood) } };
    return [isGood ? about(answer) : answer];
  }
  if (!session) return [problem(401, "not_authenticated")];
  if (session.over) return [what === "POST /refresh" ? problem(401, session.over) : about(problem(401, session.over))];
  if (what === "POST /refresh") return [about(message("done")), { ...cookies, fresh: true }];
  if (!cookies.fresh) return [about(problem(401, "token_expired"))];
  if (shown && shown !== String(session.user.id)) return [about(problem(409, "other_user"))];
  if (what === "POST /password") {
    for (const one of sessions) if (one.user === session.user) one.over ??= "session_revoked";
    return enter(session.user);
  }
  if (what === "POST /logout-all" || what === "DELETE /me") {
    session.over = "session_revoked";
    return [about(what === "DELETE /me" ? { status: 204 } : message("done")), { session: null, fresh: true }];
  }
  if (what === "PATCH /me") session.user = { ...session.user, ...JSON.parse(body) };
  if (what.endsWith(" /me")) return [about({ status: 200, body: session.user })];
  if (what === "GET /sessions") return [about({ status: 200, body: { sessions: [] } })];
  return [about({ status: 200, body: what })];
}

/** Channels of the tabs of a browser. */
export function channels(): () => AuthClientOptions["channel"] & object {
  const all: { onmessage: ((event: MessageEvent) => void) | null }[] = [];
  return () => {
    const own = {
      onmessage: null as ((event: MessageEvent) => void) | null,
      close: () => {},
      postMessage: (data: unknown) => all.filter((other) => other !== own).forEach((other) => other.onmessage?.({ data } as MessageEvent)),
    };
    all.push(own);
    return own as unknown as AuthClientOptions["channel"] & object;
  };
}

/** A promise, and how to keep it. */
export function promised(): { readonly kept: Promise<void>; readonly keep: () => void } {
  let keep!: () => void;
  const kept = new Promise<void>((done) => (keep = done));
  return { kept, keep };
}

/** Storage in memory; several clients on one are tabs of a browser. */
export function memory(): Pick<Storage, "getItem" | "setItem" | "removeItem"> {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}

/** Locks as browsers have them. */
export function queue(): Pick<LockManager, "request"> {
  let last: Promise<unknown> = Promise.resolve();
  const request = (_name: string, options: LockOptions, work: () => Promise<unknown>) => {
    const turn = last.catch(() => {}).then(() => {
      if (options.signal?.aborted) throw options.signal.reason;
      return work();
    });
    last = turn;
    return turn;
  };
  return { request } as Pick<LockManager, "request">;
}
