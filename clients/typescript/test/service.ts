// A service of a test's own making, over real HTTP: what it answers to each path, and what it was asked.

import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

import { onTestFinished } from "vitest";

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
};

export function problem(status: number, code: string): Answer {
  const body = { type: `urn:doorward:problem:${code}`, title: code, status, detail: `It is ${code}.`, code };
  return { status, body, headers: { "Content-Type": "application/problem+json" } };
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
    response.writeHead(what.status, what.headers ?? { "Content-Type": "application/json" });
    response.end(what.text ?? (what.body === undefined ? "" : JSON.stringify(what.body)));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
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
