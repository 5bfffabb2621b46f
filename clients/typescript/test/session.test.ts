import { expect, test, vi } from "vitest";

import { createAuthClient } from "../src/index.js";
import type { AuthClientOptions } from "../src/index.js";
import type { Answer, Service } from "./service.js";
import { memory, message, problem, queue, serve, user } from "./service.js";

/** A service whose access token is good for so many answers after each refresh. */
function session(good: number) {
  const state = { good, refresh: message("Token refreshed successfully") as Answer, again: 1_000 };
  const answer = (path: string): Answer => {
    if (path === "/refresh") {
      if (typeof state.refresh === "object" && state.refresh.status === 200) state.good = state.again;
      return state.refresh;
    }
    if (path === "/login" || path === "/logout") return message("done");
    return state.good-- > 0 ? { status: 200, body: user } : problem(401, "token_expired");
  };
  return { state, answer };
}

function tab(service: Service, options: Partial<AuthClientOptions> = {}) {
  return createAuthClient({ baseUrl: service.url, storage: memory(), locks: queue(), channel: null, ...options });
}

const refreshes = (service: Service) => service.asked.filter((path) => path === "POST /refresh").length;

test("a hundred callers that find the token expired share one refresh, and all succeed", async () => {
  const { answer } = session(0);
  const service = await serve(answer);
  const here = tab(service);
  const results = await Promise.all(Array.from({ length: 100 }, () => here.me()));
  expect(results.every((result) => result.ok)).toBe(true);
  expect(refreshes(service)).toBe(1);
});

test("two tabs of a browser share one refresh by the lock, and take two without it", async () => {
  for (const locks of [queue(), null]) {
    const { answer } = session(0);
    const service = await serve(answer);
    const storage = memory();
    const tabs = [tab(service, { storage, locks }), tab(service, { storage, locks })];
    const results = await Promise.all(tabs.map((one) => one.me()));
    expect(results.map((result) => result.ok)).toEqual([true, true]);
    expect(refreshes(service)).toBe(locks ? 1 : 2);
  }
});

test("a lock that nobody gives back holds nobody up", async () => {
  const { answer } = session(0);
  const service = await serve(answer);
  const stuck = { request: (_: string, options: LockOptions) => new Promise((_, no) => (options.signal!.onabort = no)) };
  const here = tab(service, { locks: stuck as unknown as AuthClientOptions["locks"] & object, timeout: 50 });
  expect(await here.me()).toMatchObject({ ok: true });
});

test("operations that change the cookies wait for the lock, and do not wait for themselves", async () => {
  const { state, answer } = session(0);
  const service = await serve((path) => (path === "/refresh" ? answer(path) : answer("/me")));
  const here = tab(service);
  // The token has run out: each of them refreshes in between, which takes the lock too.
  expect((await here.changePassword({ current_password: "SecurePass123", new_password: "EvenMoreSecure456" })).ok).toBe(true);
  expect(service.asked).toEqual(["POST /password", "POST /refresh", "POST /password"]);
  state.good = 0;
  expect((await here.logoutAll()).ok).toBe(true);
  expect(service.asked.slice(3)).toEqual(["POST /logout-all", "POST /refresh", "POST /logout-all"]);
});

test("a service that is away at a first visit says nothing of who is there", async () => {
  const service = await serve(() => problem(503, "database_unavailable"));
  const here = tab(service);
  expect((await here.start()).status).toBe("unknown");
});

test("503, 429 and a lost connection while refreshing log nobody out", async () => {
  const { state, answer } = session(1);
  const service = await serve(answer);
  const here = tab(service);
  expect(await here.me()).toMatchObject({ ok: true });
  const lost = vi.fn();
  here.on("session-lost", lost);
  for (const refresh of [problem(503, "overloaded"), problem(429, "too_many_attempts"), "cut"] as Answer[]) {
    state.refresh = refresh;
    expect(await here.me()).toMatchObject({ ok: false, kind: refresh === "cut" ? "network" : "unavailable" });
    expect(here.getSnapshot().status).toBe("authenticated");
  }
  state.refresh = message("Token refreshed successfully");
  expect(await here.me()).toMatchObject({ ok: true });
  expect(lost).not.toHaveBeenCalled();
});

test("a session that has ended is lost once, with the reason, and only where there was one", async () => {
  const { state, answer } = session(1);
  const service = await serve(answer);
  const here = tab(service);
  const events: unknown[] = [];
  here.on("authenticated", (who) => events.push(["authenticated", who.email]));
  here.on("anonymous", () => events.push("anonymous"));
  here.on("session-lost", (why) => events.push(why.code));
  await here.start();
  state.good = 0;
  state.refresh = problem(401, "session_reuse_detected");
  await Promise.all([here.me(), here.me(), here.sessions()]);
  expect(events).toEqual([["authenticated", user.email], "anonymous", "session_reuse_detected"]);
  expect(here.getSnapshot()).toEqual({ status: "anonymous", user: null, lost: "session_reuse_detected" });
  const stranger = tab(service);
  stranger.on("session-lost", () => events.push("never"));
  await stranger.start();
  expect(events).not.toContain("never");
});

test("who was never here costs one request, and is anonymous", async () => {
  const service = await serve(() => problem(401, "not_authenticated"));
  const here = tab(service);
  await Promise.all([here.start(), here.start()]);
  expect(here.getSnapshot()).toEqual({ status: "anonymous", user: null, lost: null });
  expect(service.asked).toEqual(["POST /refresh"]);
});

test("a service that does not answer at the start leaves it open who is logged in", async () => {
  let up = false;
  const { answer } = session(1_000);
  const service = await serve((path) => (up ? answer(path) : problem(503, "database_unavailable")));
  const storage = memory();
  storage.setItem(`doorward:${service.url}`, String(Date.now()));
  const here = tab(service, { storage });
  expect((await here.start()).status).toBe("unknown");
  up = true;
  expect((await here.start()).status).toBe("authenticated");
});

test("login and logout tell the other tabs, and listeners hear of each change once", async () => {
  const { answer } = session(1_000);
  const service = await serve(answer);
  const channels: { onmessage: ((event: MessageEvent) => void) | null }[] = [];
  const channel = () => {
    const own = {
      onmessage: null as ((event: MessageEvent) => void) | null,
      close: () => {},
      postMessage: (data: unknown) =>
        channels.filter((other) => other !== own).forEach((other) => other.onmessage?.({ data } as MessageEvent)),
    };
    channels.push(own);
    return own as unknown as AuthClientOptions["channel"] & object;
  };
  const storage = memory();
  const [one, other] = [tab(service, { storage, channel: channel() }), tab(service, { storage, channel: channel() })];
  const heard = vi.fn();
  other.subscribe(heard);
  await one.login({ email: user.email, password: "SecurePass123" });
  await vi.waitFor(() => expect(other.getSnapshot().user?.email).toBe(user.email));
  expect(heard).toHaveBeenCalledTimes(1);
  await one.logout();
  expect(other.getSnapshot()).toEqual({ status: "anonymous", user: null, lost: null });
  expect(heard).toHaveBeenCalledTimes(2);
});

test("fetch takes the same login to another API, and tries once more after a refresh", async () => {
  const { state, answer } = session(0);
  const service = await serve((path, request) => (path === "/refresh" ? answer(path) : { status: state.good > 0 ? 200 : 401, body: request.method }));
  const here = tab(service);
  const response = await here.fetch(`${service.url}/orders`, { method: "PUT", body: "{}" });
  expect([response.status, await response.json()]).toEqual([200, "PUT"]);
  expect(service.asked).toEqual(["PUT /orders", "POST /refresh", "PUT /orders"]);
});
