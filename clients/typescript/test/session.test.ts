import { expect, onTestFinished, test, vi } from "vitest";

import { account } from "../src/account.js";
import { createAuthClient } from "../src/index.js";
import type { AuthClientOptions } from "../src/index.js";
import { bob, channels, doorward, memory, problem, promised, queue, user } from "./service.js";
import type { Answer, Doorward, Service } from "./service.js";

function tab(service: Service, options: Partial<AuthClientOptions> = {}) {
  const client = createAuthClient({ baseUrl: service.url, storage: memory(), locks: queue(), channel: null, ...options });
  onTestFinished(() => client.dispose());
  return client;
}

/** So many tabs of one browser. */
function tabs(service: Service, count: number, options: Partial<AuthClientOptions> = {}) {
  const channel = channels();
  const shared = { storage: memory(), locks: queue(), ...options };
  return Array.from({ length: count }, () => tab(service, { ...shared, channel: channel() }));
}

const refreshes = (service: Service) => service.asked.filter((path) => path === "POST /refresh").length;
const expire = (service: Doorward) => (service.cookies = { ...service.cookies, fresh: false });
const login = { email: user.email, password: "SecurePass123" };

test("a hundred callers that find the token expired share one refresh, and all succeed", async () => {
  const service = await doorward(user);
  const here = tab(service);
  expire(service);
  const results = await Promise.all(Array.from({ length: 100 }, () => here.me()));
  expect(results.every((result) => result.ok)).toBe(true);
  expect(refreshes(service)).toBe(1);
});

test("tabs of a browser share one refresh by the lock, and get along without it", async () => {
  for (const locks of [queue(), null]) {
    const service = await doorward(user);
    expire(service);
    const results = await Promise.all(tabs(service, 3, { locks }).map((one) => one.me()));
    expect(results.map((result) => result.ok)).toEqual([true, true, true]);
    expect(refreshes(service)).toBeLessThanOrEqual(locks ? 1 : 3);
  }
});

test("a lock that nobody gives back holds nobody up, and neither does one that is forbidden", async () => {
  const stuck = (_: string, options: LockOptions) => new Promise((_, no) => (options.signal!.onabort = no));
  const forbidden = () => Promise.reject(new DOMException("opaque origin", "SecurityError"));
  for (const request of [stuck, forbidden]) {
    const service = await doorward(user);
    expire(service);
    const here = tab(service, { locks: { request } as unknown as AuthClientOptions["locks"] & object, timeout: 150 });
    expect(await here.me()).toMatchObject({ ok: true });
  }
});

test("operations that change the cookies wait for the lock, and do not wait for themselves", async () => {
  const service = await doorward(user);
  const here = tab(service);
  await here.start();
  const password = { current_password: "SecurePass123", new_password: "EvenMoreSecure456" };
  // The token has run out: each of them refreshes in between, which takes the lock too.
  for (const [change, path] of [
    [() => here.changePassword(password), "POST /password"],
    [() => here.logoutAll(), "POST /logout-all"],
  ] as const) {
    expire(service);
    const before = service.asked.length;
    expect((await change()).ok).toBe(true);
    expect(service.asked.slice(before)).toEqual([path, "GET /state", "POST /refresh", path]);
  }
  expect(here.getSnapshot().status).toBe("anonymous");
});

test("503, 429 and a lost connection while refreshing log nobody out", async () => {
  const service = await doorward(user);
  const here = tab(service);
  await here.start();
  const lost = vi.fn();
  here.on("session-lost", lost);
  expire(service);
  for (const refresh of [problem(503, "overloaded"), problem(429, "too_many_attempts"), "cut"] as Answer[]) {
    service.instead = (path) => (path === "/refresh" ? refresh : undefined);
    expect(await here.me()).toMatchObject({ ok: false, kind: refresh === "cut" ? "network" : "unavailable" });
    expect(here.getSnapshot().status).toBe("authenticated");
  }
  service.instead = () => undefined;
  expect(await here.me()).toMatchObject({ ok: true });
  expect(lost).not.toHaveBeenCalled();
});

test("a session that has ended is lost once, with the reason, and only where there was one", async () => {
  for (const fresh of [true, false]) {
    const service = await doorward(user);
    const here = tab(service);
    const events: unknown[] = [];
    here.on("authenticated", (who) => events.push(["authenticated", who.email]));
    here.on("anonymous", () => events.push("anonymous"));
    here.on("session-lost", (why) => events.push(why.code));
    await here.start();
    service.sessions[0]!.over = "session_reuse_detected";
    service.cookies = { session: 0, fresh };
    // Where the access token is gone too the refresh alone knows why.
    if (!fresh) service.instead = (path) => (path === "/me" || path === "/sessions" ? problem(401, "not_authenticated") : undefined);
    await Promise.all([here.me(), here.me(), here.sessions()]);
    expect(events).toEqual([["authenticated", user.email], "anonymous", "session_reuse_detected"]);
    expect(here.getSnapshot()).toEqual({ status: "anonymous", user: null, lost: "session_reuse_detected" });
    const stranger = tab(service);
    stranger.on("session-lost", () => events.push("never"));
    await stranger.start();
    expect(events).not.toContain("never");
  }
});

test("why a session ended is said until somebody is logged in, whatever the page of the login asks meanwhile", async () => {
  const service = await doorward(user);
  const here = tab(service);
  await here.start();
  service.sessions[0]!.over = "session_revoked";
  await here.sessions();
  const said = { status: "anonymous", user: null, lost: "session_revoked" };
  expect(here.getSnapshot()).toEqual(said);
  // A challenge for autofill is a cookie, too: it is asked who is logged in after it.
  service.instead = (path) => (path === "/login/passkey/options" ? { status: 200, body: { rpId: "localhost" } } : undefined);
  const before = service.asked.length;
  expect(await account(here).loginPasskeyOptions()).toMatchObject({ ok: true });
  await vi.waitFor(() => expect(service.asked.slice(before)).toContain("GET /state"));
  await here.me();
  expect(here.getSnapshot()).toEqual(said);
  await here.login(login);
  await here.logout();
  expect(here.getSnapshot()).toEqual({ ...said, lost: null });
});

test("a device that is not proved is away once, and then somebody else's", async () => {
  const service = await doorward(user);
  const here = tab(service);
  await here.start();
  const lost: unknown[] = [];
  here.on("session-lost", (why) => lost.push(why.code));
  const refused = (path: string) => (path === "/refresh" ? problem(403, "device_proof_required") : undefined);
  // The browser may not have been answered when it asked: nobody is logged out by that, however often it happens.
  for (let time = 0; time < 2; time++) {
    expire(service);
    service.instead = refused;
    expect(await here.me()).toEqual({ ok: false, kind: "unavailable" });
    service.instead = () => undefined;
    expect(await here.me()).toMatchObject({ ok: true });
  }
  // Twice in a row: it has no key.
  expire(service);
  service.instead = refused;
  expect(await here.me()).toEqual({ ok: false, kind: "unavailable" });
  expect(here.getSnapshot().status).toBe("authenticated");
  expect(await here.me()).toMatchObject({ ok: false });
  expect(here.getSnapshot()).toEqual({ status: "anonymous", user: null, lost: "device_proof_required" });
  expect(lost).toEqual(["device_proof_required"]);
});

test("who was never here costs one request, which is no 401", async () => {
  const service = await doorward();
  const here = tab(service);
  await Promise.all([here.start(), here.start()]);
  expect(here.getSnapshot()).toEqual({ status: "anonymous", user: null, lost: null });
  expect(service.asked).toEqual(["GET /state"]);
});

test("a service that does not answer at the start is a state with its reason, and start tries again", async () => {
  const service = await doorward(user);
  const here = tab(service, { timeout: 100 });
  const heard = vi.fn();
  here.subscribe(heard);
  for (const [answer, failure] of [
    [problem(503, "database_unavailable"), { kind: "unavailable" }],
    ["hang", { kind: "unavailable" }],
    [{ status: 404, text: "<html>Another server</html>" }, { kind: "unexpected", status: 404 }],
    ["cut", { kind: "network" }],
  ] as [Answer, object][]) {
    service.instead = () => answer;
    expect(await here.start()).toMatchObject({ status: "unavailable", user: null, failure: { ok: false, ...failure } });
  }
  // The same again is nothing new.
  const { length } = heard.mock.calls;
  await here.start();
  expect(heard.mock.calls.length).toBe(length);
  service.instead = () => undefined;
  expect((await here.start()).status).toBe("authenticated");
});

test("a service that answers, but not pages of this origin, is told apart from one that is away", async () => {
  const service = await doorward(user);
  // As CORS has it: whoever may not read the answer sees an error.
  const cors: typeof fetch = async (input, init) => {
    await fetch(input, { method: init!.method ?? "GET" });
    if (init?.mode === "no-cors") return new Response();
    throw new TypeError("Failed to fetch");
  };
  expect(await tab(service, { fetch: cors }).start()).toMatchObject({ status: "unavailable", failure: { kind: "origin" } });
});

test("a browser clock that was hours ahead decides nothing", async () => {
  const service = await doorward(user);
  const storage = memory();
  storage.setItem(`doorward:${service.url}`, String(Date.now() + 5 * 3_600_000));
  const here = tab(service, { storage });
  expire(service);
  expect(await here.start()).toMatchObject({ status: "authenticated" });
  expire(service);
  expect(await here.me()).toMatchObject({ ok: true });
  const before = refreshes(service);
  expect(await here.refresh()).toMatchObject({ ok: true });
  expect(refreshes(service)).toBe(before + 1);
});

test("a tab that asks while another changes the password stays in, and so does the other", async () => {
  const service = await doorward(user);
  const [changing, asking] = tabs(service, 2) as [ReturnType<typeof tab>, ReturnType<typeof tab>];
  const lost = vi.fn();
  for (const one of [changing, asking]) {
    await one.start();
    one.on("session-lost", lost);
    one.on("anonymous", lost);
  }
  const { kept, keep } = promised();
  service.late = (path) => (path === "/password" ? kept : undefined);
  const change = changing.changePassword({ current_password: "SecurePass123", new_password: "EvenMoreSecure456" });
  await vi.waitFor(() => expect(service.sessions[0]!.over).toBe("session_revoked"));
  const ask = asking.sessions();
  await vi.waitFor(() => expect(service.asked).toContain("GET /sessions"));
  keep();
  expect((await change).ok).toBe(true);
  expect((await ask).ok).toBe(true);
  expect([changing, asking].map((one) => one.getSnapshot().user?.email)).toEqual([user.email, user.email]);
  expect(lost).not.toHaveBeenCalled();
});

test("an answer of the login before is asked for once more, and not believed", async () => {
  const service = await doorward(user);
  const [one, other] = tabs(service, 2) as [ReturnType<typeof tab>, ReturnType<typeof tab>];
  await one.start();
  await other.start();
  const { kept, keep } = promised();
  service.late = (path) => (path === "/me" ? kept : undefined);
  const late = other.me();
  await vi.waitFor(() => expect(service.asked).toContain("GET /me"));
  await one.login({ ...login, email: bob.email });
  await vi.waitFor(() => expect(other.getSnapshot().user?.email).toBe(bob.email));
  const seen: unknown[] = [];
  other.subscribe(() => seen.push(other.getSnapshot().user?.email));
  keep();
  expect(await late).toMatchObject({ ok: true, data: { email: bob.email } });
  expect(seen).toEqual([]);
});

test("storage that is full or forbidden is as none", async () => {
  const full = { ...memory(), setItem: () => { throw new DOMException("full", "QuotaExceededError"); } };
  const forbidden = { getItem: full.setItem, setItem: full.setItem };
  for (const storage of [full, forbidden, null]) {
    const service = await doorward();
    const here = tab(service, { storage });
    expect((await here.start()).status).toBe("anonymous");
    expect(await here.login(login)).toMatchObject({ ok: true });
    expect(here.getSnapshot().user?.email).toBe(user.email);
    expire(service);
    expect(await here.me()).toMatchObject({ ok: true });
    expect(await here.logout()).toMatchObject({ ok: true });
    expect(here.getSnapshot().status).toBe("anonymous");
  }
});

test("what a page changes for one person is not done to another who has logged in on another origin", async () => {
  const service = await doorward(user);
  const here = tab(service);
  await here.start();
  service.enter(bob);
  const renamed = await here.updateMe({ full_name: "Ann" });
  expect(renamed).toMatchObject({ ok: false, kind: "problem", problem: { code: "other_user" } });
  expect(service.shown).toEqual(["1"]);
  expect(here.getSnapshot().user?.email).toBe(bob.email);
  expect(await here.updateMe({ full_name: "Bob" })).toMatchObject({ ok: true, data: { email: bob.email, full_name: "Bob" } });
  await here.login(login);
  await here.refresh();
  await here.fetch(`${service.url}/orders`, { method: "POST" });
  expect(service.shown).toEqual(["1", "2"]);
});

test("a login whose cookies the browser drops says so", async () => {
  const service = await doorward();
  service.keepsCookies = false;
  const here = tab(service);
  await here.start();
  expect(await here.login(login)).toEqual({ ok: false, kind: "cookies" });
  expect(here.getSnapshot()).toEqual({ status: "anonymous", user: null, lost: null });
});

test("a logout whose answer is lost is looked after", async () => {
  const service = await doorward(user);
  const here = tab(service);
  await here.start();
  service.instead = (path) => {
    if (path !== "/logout") return;
    service.cookies = { session: null, fresh: true };
    return "cut";
  };
  expect(await here.logout()).toMatchObject({ ok: false, kind: "network" });
  await vi.waitFor(() => expect(here.getSnapshot()).toEqual({ status: "anonymous", user: null, lost: null }));
});

test("ending one's own session is a logout", async () => {
  const service = await doorward(user);
  const here = tab(service);
  await here.start();
  service.instead = (path) => {
    if (!path.startsWith("/sessions/")) return;
    service.cookies = { session: null, fresh: true };
    return { status: 204, headers: { "X-Doorward-Session": "S0" } };
  };
  expect((await here.endSession("0")).ok).toBe(true);
  await vi.waitFor(() => expect(here.getSnapshot()).toEqual({ status: "anonymous", user: null, lost: null }));
});

test("login and logout tell the other tabs, which look for themselves, and listeners hear of each change once", async () => {
  const service = await doorward();
  const [one, other] = tabs(service, 2) as [ReturnType<typeof tab>, ReturnType<typeof tab>];
  const heard = vi.fn();
  other.subscribe(heard);
  await one.login(login);
  await vi.waitFor(() => expect(other.getSnapshot().user?.email).toBe(user.email));
  expect(heard).toHaveBeenCalledTimes(1);
  await one.logout();
  await vi.waitFor(() => expect(other.getSnapshot()).toEqual({ status: "anonymous", user: null, lost: null }));
  expect(heard).toHaveBeenCalledTimes(2);
});

test("another tab's word that somebody is out is looked after", async () => {
  const service = await doorward(user);
  const channel = channels();
  const here = tab(service, { channel: channel() });
  await here.start();
  const heard = vi.fn();
  here.subscribe(heard);
  const before = service.asked.length;
  channel().postMessage({ session: null, lost: "session_revoked" });
  await vi.waitFor(() => expect(service.asked.length).toBe(before + 1));
  expect(await here.me()).toMatchObject({ ok: true });
  expect(heard).not.toHaveBeenCalled();
});

test("fetch takes the same login to another API, and tries once more after a refresh", async () => {
  const service = await doorward(user);
  service.instead = (path, request) => {
    if (path !== "/orders") return;
    return { status: service.cookies.fresh ? 200 : 401, body: request.method };
  };
  const here = tab(service);
  await here.start();
  expire(service);
  const response = await here.fetch(`${service.url}/orders`, { method: "PUT", body: "{}" });
  expect([response.status, await response.json()]).toEqual([200, "PUT"]);
  expect(service.asked).toEqual(["GET /state", "PUT /orders", "GET /state", "POST /refresh", "PUT /orders"]);
});

test("fetch hands on what the API refuses for reasons of its own, and a network that is away", async () => {
  const service = await doorward(user);
  service.instead = (path) => (path === "/orders" ? { status: 401, body: "no" } : path === "/away" ? "cut" : undefined);
  const here = tab(service);
  await here.start();
  expect((await here.fetch(`${service.url}/orders`)).status).toBe(401);
  expect(refreshes(service)).toBe(0);
  await expect(here.fetch(`${service.url}/away`)).rejects.toThrow();
  const body = new ReadableStream({ start: (to) => (to.enqueue(new TextEncoder().encode("{}")), to.close()) });
  expect((await here.fetch(`${service.url}/orders`, { method: "PUT", body, duplex: "half" } as RequestInit)).status).toBe(401);
  expect(here.getSnapshot().status).toBe("authenticated");
});
