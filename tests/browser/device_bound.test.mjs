// Sessions that are bound to a device: the real Chromium over https, with software keys, through the real nginx; pages of the service's own
// origin, and of another host of the site. What browsers ask by themselves is seen at the proxy.

import assert from "node:assert/strict";
import { test } from "node:test";

import { app, auth, startHttps, startProfile, trust } from "./https.mjs";
import { freePort, person, startDoorward, startPostgres } from "./support.mjs";

const access = "__Host-access_token";
const bind = { "X-Doorward-Bind": "device" };

/** Service, proxy and a home for browsers. */
async function start(t, settings = {}) {
  const https = await freePort();
  const port = await startDoorward(t, {
    HOST: "127.0.0.1",
    SECURE_COOKIES: "on",
    JWT_SECRET_KEY: "0123456789abcdef-made-for-this-test-alone",
    TRUSTED_PROXIES: "127.0.0.1/32,::1/128",
    ALLOWED_ORIGINS: `https://${app}:${https}`,
    LOG_LEVEL: "warn",
    ...settings,
  });
  const proxy = await startHttps(t, https, port);
  const asked = (path, agent = "") => proxy.seen().filter((one) => one.path === `/api/auth/${path}` && one.agent.includes(agent));
  return { ...proxy, api: `https://${auth}:${https}`, pages: `https://${app}:${https}`, home: trust(t, proxy.authority), asked };
}

/** A page of the service's own origin, in a browser that has never been here. */
async function openOwn(t, site, name, options) {
  const { context, kill } = await startProfile(t, site.home, name, options);
  return { context, kill, page: await open(context, `${site.api}/docs`) };
}

async function open(context, url) {
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** Calls the service from a page of this or another origin: `{status, body}`. */
function call(page, api, method, path, body, headers = {}) {
  return page.evaluate(
    async ([url, method, body, headers]) => {
      const sent = body ? { "Content-Type": "application/json", ...headers } : headers;
      const response = await fetch(url, { method, credentials: "include", headers: sent, body: body ? JSON.stringify(body) : null });
      return { status: response.status, body: await response.json().catch(() => null) };
    },
    [`${api}/api/auth${path}`, method, body, headers],
  );
}

async function register(page, site) {
  assert.equal((await call(page, site.api, "POST", "/register", person)).status, 201);
}

async function login(page, site) {
  assert.equal((await call(page, site.api, "POST", "/login", person, bind)).status, 200);
}

/** Waits until there is one. */
async function until(what, look) {
  for (const end = Date.now() + 10_000; Date.now() < end; await new Promise((done) => setTimeout(done, 20))) {
    const found = await look();
    if (found) return found;
  }
  return assert.fail(`never: ${what}`);
}

/** Waits until the browser has bound its newest session. */
const bound = (site, count = 1) => until("a binding", () => site.asked("device/register").filter((one) => one.status === 200)[count - 1]);

/** The cookie has run out. */
const expire = (context) => context.clearCookies({ name: access });

for (const database of ["SQLite", "PostgreSQL"]) {
  test(`a session stays with its device, on ${database}`, async (t) => {
    const site = await start(t, database === "SQLite" ? {} : { DATABASE_URL: await startPostgres(t) });
    const { context, page } = await openOwn(t, site, "laptop");
    await register(page, site);
    await login(page, site);
    const registered = await bound(site);
    const took = registered.at - site.asked("login")[0].at;
    assert.ok(took < 1, `bound ${took} s after the login`);
    t.diagnostic(`bound ${Math.round(took * 1000)} ms after the login's answer`);

    // Cookie and configuration are of one mind: nothing is refreshed that has not run out.
    for (let request = 0; request < 5; request++) assert.equal((await call(page, site.api, "GET", "/me")).status, 200);
    assert.equal(site.asked("device/refresh").length, 0);

    // It has run out: it is renewed before the request leaves, by one request, for the challenge was there.
    await expire(context);
    assert.equal((await call(page, site.api, "GET", "/me")).status, 200);
    assert.deepEqual(site.asked("device/refresh").map((one) => one.status), [200]);
    assert.ok(site.asked("me").every((one) => one.status === 200 && one.cookie.includes(access)));

    // Five tabs at once: one refresh.
    const tabs = [page];
    while (tabs.length < 5) tabs.push(await open(context, `${site.api}/docs`));
    await expire(context);
    const answers = await Promise.all(tabs.map((tab) => call(tab, site.api, "GET", "/me")));
    assert.deepEqual(answers.map((answer) => answer.status), [200, 200, 200, 200, 200]);
    assert.equal(site.asked("device/refresh").length, 2);

    // A page on another host of the site.
    const elsewhere = await open(context, site.pages);
    await expire(context);
    assert.equal((await call(elsewhere, site.api, "GET", "/me")).body.email, person.email);
    assert.equal(site.asked("device/refresh").length, 3);
    // What it would ask of a session that is not bound: it has nothing to do.
    assert.equal((await call(elsewhere, site.api, "POST", "/refresh")).status, 200);

    // The jar, copied into another profile, which has no key. The access token has run out.
    const thief = await openOwn(t, site, "thief");
    const jar = (await context.cookies()).filter((cookie) => cookie.domain === auth && cookie.name !== access);
    await thief.context.addCookies(jar);
    assert.equal((await call(thief.page, site.api, "GET", "/me")).status, 401);
    const refused = await call(thief.page, site.api, "POST", "/refresh");
    assert.deepEqual([refused.status, refused.body.code], [403, "device_proof_required"]);
    assert.equal((await call(page, site.api, "GET", "/me")).status, 200);
    const exported = (await call(page, site.api, "GET", "/me/export")).body;
    assert.ok(JSON.stringify(exported).includes("device_proof_missing"), "the audit tells");
    const listed = (await call(page, site.api, "GET", "/sessions")).body.sessions;
    assert.deepEqual(listed.map((session) => session.bound), [true]);

    // Ended elsewhere, by the thief's browser with the password: it is not revived, and the browser asks no more.
    await thief.context.clearCookies();
    assert.equal((await call(thief.page, site.api, "POST", "/login", person)).status, 200);
    assert.equal((await call(thief.page, site.api, "POST", "/logout-all", { keep_current: true })).status, 200);
    await expire(context);
    assert.equal((await call(page, site.api, "GET", "/me")).status, 401);
    const asked = site.asked("device/refresh");
    assert.deepEqual([asked.at(-1).status, asked.at(-1).challenge], [200, ""]);
    assert.equal((await call(page, site.api, "GET", "/me")).status, 401);
    assert.equal(site.asked("device/refresh").length, asked.length);

    // A new login is bound anew, from the other host too.
    await login(elsewhere, site);
    await bound(site, 2);
    await expire(context);
    assert.equal((await call(elsewhere, site.api, "GET", "/me")).status, 200);
  });
}

test("a cookie that runs out by itself is never missing", async (t) => {
  const site = await start(t, { DEVICE_BOUND_TTL: "2s" });
  const { page } = await openOwn(t, site, "laptop");
  await register(page, site);
  await login(page, site);
  await bound(site);
  for (let round = 0; round < 4; round++) {
    await new Promise((done) => setTimeout(done, 2_200));
    assert.equal((await call(page, site.api, "GET", "/me")).status, 200);
  }
  assert.ok(site.asked("me").every((one) => one.cookie.includes(access)));
  assert.ok(site.asked("device/refresh").length >= 4);
});

test("a browser that is killed soon after the login is logged in when it is back", async (t) => {
  const site = await start(t);
  const before = await openOwn(t, site, "laptop");
  await register(before.page, site);
  await login(before.page, site);
  await bound(site);
  // Before it writes its cookies to the disk, which it does every 30 s.
  await new Promise((done) => setTimeout(done, 5_000));
  await before.kill();
  const after = await openOwn(t, site, "laptop");
  assert.equal((await call(after.page, site.api, "GET", "/me")).status, 200);
  const proofs = site.asked("device/refresh").filter((one) => one.proof && one.status === 200);
  assert.equal(proofs.length, 1);
  t.diagnostic(`with the cookies ${JSON.stringify(proofs[0].cookie.match(/__Host-\w+(?==)/g) ?? [])}`);
});

test("a service that is away costs no binding", async (t) => {
  const site = await start(t);
  const { context, page } = await openOwn(t, site, "laptop");
  await register(page, site);
  await login(page, site);
  await bound(site);
  // It answers, but not that: the request goes out without its cookie, and says so.
  site.ail(true);
  await until("a refresh that fails", async () => {
    await expire(context);
    await call(page, site.api, "GET", "/me");
    return site.asked("device/refresh").some((one) => one.status === 503);
  });
  assert.equal(site.asked("me").at(-1).status, 401);
  assert.match(site.asked("me").at(-1).skipped, /server_error/);
  site.ail(false);
  await until("the session again", async () => (await call(page, site.api, "GET", "/me")).status === 200);
  // It is not there at all.
  await expire(context);
  site.stop();
  await until("nobody answers", () => call(page, site.api, "GET", "/me").then(() => false, () => true));
  await until("the proxy again", () => {
    try {
      site.again();
      return true;
    } catch {
      return false;
    }
  });
  await until("the session again", async () => (await call(page, site.api, "GET", "/me").catch(() => ({}))).status === 200);
});

test("a browser that binds nothing goes on as it always did", async (t) => {
  const site = await start(t);
  const { context, page } = await openOwn(t, site, "laptop", { binds: false });
  await register(page, site);
  await login(page, site);
  assert.equal((await call(page, site.api, "GET", "/me")).status, 200);
  await expire(context);
  assert.equal((await call(page, site.api, "GET", "/me")).status, 401);
  assert.equal((await call(page, site.api, "POST", "/refresh")).status, 200);
  assert.equal((await call(page, site.api, "GET", "/me")).status, 200);
  assert.deepEqual((await call(page, site.api, "GET", "/sessions")).body.sessions.map((session) => session.bound), [false]);
  const elsewhere = await open(context, site.pages);
  assert.equal((await call(elsewhere, site.api, "GET", "/me")).status, 200);
  assert.equal((await call(elsewhere, site.api, "POST", "/logout")).status, 200);
  assert.equal((await call(page, site.api, "POST", "/refresh")).status, 401);
  assert.equal(site.asked("device/register").length + site.asked("device/refresh").length, 0);
});
