// What browsers do to sessions: tabs, lost replies, other devices. The real client, Chromium and service; letters as in the design.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { getAuthState, renewAuthState } from "../../dist/server.js";
import {
  expireAccess,
  logIn,
  person,
  start,
  startKeeping,
  startOnProfile,
  startOrigin,
  startPage,
  startPostgres,
  startProxy,
  state,
  until,
} from "./support.mjs";

const STRICT = { REFRESH_GRACE: "0s", REFRESH_LOST_REPLIES_PER_DAY: "0" };

/** Counts the requests of a browser to a path, until it is asked. */
function count(browser, path) {
  const asked = { number: 0 };
  browser.on("request", (request) => {
    if (request.method() === "POST" && request.url().endsWith(path)) asked.number += 1;
  });
  return asked;
}

/** Which of its session's refresh tokens the browser holds. */
function generation(cookies) {
  return Buffer.from(named(cookies, "refresh_token"), "base64url").readUInt32BE(21);
}

/** Each tab asks so often at once; how many succeed. */
async function askAtOnce(tabs, times) {
  const counts = await Promise.all(
    tabs.map((tab) =>
      tab.evaluate(async (times) => {
        const results = await Promise.all(Array.from({ length: times }, () => auth.me()));
        return results.filter((result) => result.ok).length;
      }, times),
    ),
  );
  return counts.reduce((sum, number) => sum + number);
}

/** Each database, as settings of the service. */
const DATABASES = {
  SQLite: () => ({}),
  PostgreSQL: async (t) => ({ DATABASE_URL: await startPostgres(t) }),
};

for (const [letter, client, database] of [
  ["A", "", "SQLite"],
  ["A", "", "PostgreSQL"],
  ["B", "locks: null", "SQLite"],
]) {
  const how = client ? ", without locks" : "";
  test(`${letter}: two tabs, a hundred requests each without a valid token, ten rounds${how}, ${database}`, async (t) => {
    const { browser, open } = await start(t, { client, settings: await DATABASES[database](t) });
    const tabs = [await open(), await open()];
    assert.ok(await logIn(tabs[0]));
    for (let round = 0; round < 10; round++) {
      await expireAccess(browser);
      const refreshes = count(browser, "/refresh");
      assert.equal(await askAtOnce(tabs, 100), 200, `round ${round}`);
      // One of each tab at the most: with the lock mostly one, but a tab may hear late of what the other has stored.
      assert.ok(refreshes.number >= 1 && refreshes.number <= 2, `${refreshes.number} refreshes`);
    }
    // All rounds lie in one window, so that only the first rotated.
    assert.equal(generation(await browser.cookies()), 2);
    for (const tab of tabs) assert.deepEqual(await state(tab), { status: "authenticated", lost: [] });
  });
}

test("C: a strict service without the client's lock logs a tab out: these tests can fail", async (t) => {
  const { browser, open } = await start(t, { settings: STRICT, client: "locks: null" });
  const tabs = [await open(), await open()];
  assert.ok(await logIn(tabs[0]));
  let lost = false;
  for (let round = 0; round < 20 && !lost; round++) {
    await expireAccess(browser);
    await askAtOnce(tabs, 100);
    const states = await Promise.all(tabs.map(state));
    lost = states.some(({ status }) => status === "anonymous");
  }
  assert.ok(lost, "nobody was ever logged out");
});

for (const database of Object.keys(DATABASES)) {
  test(`D: the reply to a refresh is lost after the service has committed it, ${database}`, async (t) => {
    let proxy;
    const through = async (port) => (proxy = await startProxy(t, port)).port;
    const { browser, open } = await start(t, { through, settings: await DATABASES[database](t) });
    const tab = await open();
    assert.ok(await logIn(tab));
    for (let round = 1; round <= 2; round++) {
      await expireAccess(browser);
      proxy.lose = 1;
      // On a connection that it has used before Chromium itself tries again.
      const first = await tab.evaluate(() => auth.me());
      assert.equal(proxy.lost, round);
      assert.ok(first.ok || first.kind === "network", JSON.stringify(first));
      assert.deepEqual(await state(tab), { status: "authenticated", lost: [] });
      assert.ok((await tab.evaluate(() => auth.me())).ok, "the next try is answered");
    }
  });
}

test("E: a tab is closed in the middle of a refresh", async (t) => {
  const { browser, open } = await start(t);
  const tabs = [await open(), await open()];
  assert.ok(await logIn(tabs[0]));
  // The other tab has heard of the login, and asks for nothing any more.
  await until(tabs[1], "authenticated");
  await expireAccess(browser);
  const begun = tabs[0].waitForRequest((request) => request.url().endsWith("/refresh"));
  void tabs[0].evaluate(() => auth.me()).catch(() => {});
  await begun;
  await tabs[0].close();
  assert.ok((await tabs[1].evaluate(() => auth.me())).ok);
});

test("F: a refresh that is answered 503, then 429, changes nothing", async (t) => {
  const { browser, open } = await start(t);
  const tab = await open();
  assert.ok(await logIn(tab));
  await expireAccess(browser);
  for (const status of [503, 429]) {
    const headers = { "Retry-After": "2", "Access-Control-Expose-Headers": "Retry-After", "Access-Control-Allow-Credentials": "true" };
    await tab.route("**/refresh", async (route) => {
      const origin = (await route.request().headerValue("origin")) ?? "";
      await route.fulfill({ status, headers: { ...headers, "Access-Control-Allow-Origin": origin }, body: "" });
    });
    assert.deepEqual(await tab.evaluate(() => auth.me()), { ok: false, kind: "unavailable", code: undefined, retryAfter: 2 });
    assert.deepEqual(await state(tab), { status: "authenticated", lost: [] });
    await tab.unroute("**/refresh");
  }
  assert.ok((await tab.evaluate(() => auth.me())).ok);
});

test("G: a session that was ended elsewhere, and one that was stolen, are lost in both tabs, with the reason", async (t) => {
  const { api, browser, open } = await start(t, { settings: STRICT });
  const tabs = [await open(), await open()];
  for (const [code, end] of [
    ["session_ended", (cookies) => elsewhere(api, "/logout", cookies)],
    ["session_reuse_detected", (cookies) => stolen(api, cookies)],
  ]) {
    assert.ok(await logIn(tabs[0]));
    await until(tabs[1], "authenticated");
    await end(await browser.cookies());
    await tabs[0].evaluate(() => auth.me());
    for (const tab of tabs) {
      await until(tab, "anonymous");
      assert.equal((await state(tab)).lost.at(-1), code);
    }
  }
});

const named = (cookies, name) => cookies.find((cookie) => cookie.name === name).value;

/** Somebody else with these cookies. Returns the refresh cookie that comes back. */
async function elsewhere(api, path, cookies) {
  const headers = { Cookie: `refresh_token=${typeof cookies === "string" ? cookies : named(cookies, "refresh_token")}` };
  const answer = await fetch(`${api}/api/auth${path}`, { method: "POST", headers });
  return /refresh_token=([^;]+)/.exec(answer.headers.get("set-cookie") ?? "")?.[1];
}

/** A thief refreshes with a copy of the cookie, and then once more with the same. */
async function stolen(api, cookies) {
  assert.ok(await elsewhere(api, "/refresh", cookies));
  assert.equal(await elsewhere(api, "/refresh", cookies), undefined);
}

test("H: login and logout in one tab show in the other", async (t) => {
  const { open } = await start(t);
  const tabs = [await open(), await open()];
  await tabs[1].evaluate(() => auth.start());
  assert.ok(await logIn(tabs[0]));
  await until(tabs[1], "authenticated");
  await tabs[1].evaluate(() => auth.logout());
  await until(tabs[0], "anonymous");
  for (const tab of tabs) assert.deepEqual((await state(tab)).lost, []);
});

test("I: a first visit costs one request, and loses nothing", async (t) => {
  const { browser, open } = await start(t);
  const asked = [];
  browser.on("request", (request) => request.url().includes("/api/auth/") && asked.push(request.url()));
  const tab = await open();
  await tab.evaluate(() => Promise.all([auth.start(), auth.start()]));
  assert.equal(asked.length, 1);
  assert.deepEqual(await state(tab), { status: "anonymous", lost: [] });
});

test("L: the password is changed in one tab while another asks, twenty times: both stay in", async (t) => {
  let proxy;
  const through = async (port) => (proxy = await startProxy(t, port)).port;
  const { open } = await start(t, { through, settings: { PASSWORD_CHANGE_RATE_LIMIT: "1000/1h" } });
  const [changing, asking] = [await open(), await open()];
  assert.ok(await logIn(changing));
  await until(asking, "authenticated");
  // The answer takes its time, and the service has changed it by then.
  proxy.slow = { path: "POST /api/auth/password", milliseconds: 120 };
  let [current, next] = [person.password, "EvenMoreSecure456"];
  for (let round = 0; round < 20; round++) {
    const change = changing.evaluate(([current_password, new_password]) => auth.changePassword({ current_password, new_password }), [current, next]);
    await wait(20 * (round % 8));
    const asked = await asking.evaluate(() => auth.sessions());
    const changed = await change;
    assert.ok(changed.ok, JSON.stringify(changed));
    assert.ok(asked.ok, JSON.stringify(asked));
    [current, next] = [next, current];
  }
  for (const tab of [changing, asking]) assert.deepEqual(await state(tab), { status: "authenticated", lost: [] });
});

test("M: a page on 127.0.0.1 keeps no cookies of localhost: the login says so", async (t) => {
  const { open } = await start(t, { host: "127.0.0.1" });
  const tab = await open();
  const result = await tab.evaluate(async (person) => {
    await auth.register(person);
    return auth.login(person);
  }, person);
  assert.deepEqual(result, { ok: false, kind: "cookies" });
  assert.deepEqual(await state(tab), { status: "anonymous", lost: [] });
});

test("N: a page whose origin is not allowed, and one whose service is away, show a state, and say why once", async (t) => {
  const refused = await start(t, { settings: { ALLOWED_ORIGINS: "http://localhost:1" } });
  const away = await start(t, { through: () => 1 });
  for (const [{ open, page }, kind] of [
    [refused, "origin"],
    [away, "network"],
  ]) {
    const tab = await open();
    const said = [];
    tab.on("console", (message) => message.text().startsWith("doorward:") && said.push(message.text()));
    await tab.evaluate(() => auth.start());
    const shown = await tab.evaluate(() => auth.start());
    assert.deepEqual([shown.status, shown.failure.kind], ["unavailable", kind]);
    assert.equal(said.length, 1);
    assert.ok(said[0].includes(page.slice(0, -1)) && said[0].includes("ALLOWED_ORIGINS"), said[0]);
  }
});

test("O: a page on another origin logs somebody else in: the first does nothing to them, and shows them", async (t) => {
  const { api, browser, open } = await start(t);
  const first = await open();
  assert.ok(await logIn(first));
  const second = await browser.newPage();
  await second.goto(await startOrigin(t, api));
  await second.waitForFunction(() => "auth" in window);
  const bob = { email: "bob@example.com", password: person.password };
  assert.ok(await logIn(second, bob));
  const result = await first.evaluate(() => auth.updateMe({ full_name: "Ann" }));
  assert.deepEqual([result.ok, result.problem.code], [false, "other_user"]);
  assert.equal(await first.evaluate(() => auth.getSnapshot().user.email), bob.email);
  assert.equal((await second.evaluate(() => auth.me())).data.full_name, null);
});

test("P: a page that was kept shows nobody until it has asked", async (t) => {
  const { api, open } = await start(t, { context: await startKeeping(t) });
  const tab = await open();
  assert.ok(await logIn(tab));
  await tab.evaluate(() => {
    window.shown = [];
    window.kept = false;
    auth.subscribe(() => shown.push(auth.getSnapshot().user?.email ?? auth.getSnapshot().status));
    addEventListener("pageshow", (event) => (kept = event.persisted));
  });
  await tab.goto(await startOrigin(t, api));
  await tab.waitForFunction(() => "auth" in window);
  const bob = { email: "bob@example.com", password: person.password };
  assert.ok(await logIn(tab, bob));
  // No page is loaded by it that could be waited for.
  await tab.evaluate(() => void setTimeout(() => history.back()));
  await tab.waitForFunction(() => "kept" in window);
  await until(tab, "authenticated");
  assert.ok(await tab.evaluate(() => kept), "the page was not kept: nothing is shown");
  assert.deepEqual(await tab.evaluate(() => shown), ["unknown", bob.email]);
});

test("Q: a server that renders pages tells who asks, and renews the session on the way", async (t) => {
  const { api, browser, open } = await start(t);
  assert.ok(await logIn(await open()));
  const ask = (how, cookies) => how({ baseUrl: api, headers: new Headers({ Cookie: cookies.map(({ name, value }) => `${name}=${value}`).join("; ") }) });
  assert.equal((await ask(getAuthState, await browser.cookies())).user.email, person.email);
  await expireAccess(browser);
  const cookies = await browser.cookies();
  assert.deepEqual(await ask(getAuthState, cookies), { state: "refreshable" });
  const renewed = await ask(renewAuthState, cookies);
  assert.equal(renewed.user.email, person.email);
  assert.deepEqual(renewed.setCookies.map((cookie) => cookie.split("=")[0]), ["access_token", "session_hint", "refresh_token"]);
});

test("J: a browser that is killed 12 s after a refresh comes back logged in", async (t) => {
  const launch = await startOnProfile(t);
  const first = await launch();
  const { page, browser, open } = await start(t, { context: first });
  const tab = await open();
  assert.ok(await logIn(tab));
  // Chromium writes its cookies to the disk every 30 s: the login's are there, the refresh's are not.
  await wait(35_000);
  assert.ok((await tab.evaluate(() => auth.refresh())).ok);
  const used = (await browser.cookies()).find((cookie) => cookie.name === "refresh_token").value;
  await wait(12_000);
  await kill(tab);
  const second = await launch();
  const kept = (await second.cookies()).find((cookie) => cookie.name === "refresh_token").value;
  assert.notEqual(kept, used, "the newest cookie was on the disk already: nothing is shown");
  const again = await second.newPage();
  await again.goto(page);
  await again.waitForFunction(() => "auth" in window);
  assert.ok((await again.evaluate(() => auth.refresh())).ok);
  assert.ok((await again.evaluate(() => auth.me())).ok);
});

/** SIGKILL, to the browser of this tab. */
async function kill(tab) {
  const session = await tab.context().newCDPSession(tab);
  const gone = new Promise((done) => tab.context().once("close", done));
  void session.send("Browser.crash").catch(() => {});
  await gone;
}

test("a page without a build step: the README's, with the client that the service serves", async (t) => {
  const { api, browser, open } = await start(t);
  assert.ok(await logIn(await open()));
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const [, snippet] = /```html\n(.*?)```/s.exec(readme);
  const html = `<!doctype html><title>A page</title><body>${snippet.replaceAll("http://localhost:8000", api)}</body>`;
  const page = await browser.newPage();
  await page.goto(`http://localhost:${await startPage(t, html)}/`);
  await page.getByText(person.email).waitFor();
});

test("K: a throttled login tells a page on another origin how long to wait", async (t) => {
  const { open } = await start(t, { settings: { LOGIN_RATE_LIMIT: "5/1m" } });
  const tab = await open();
  const last = await tab.evaluate(async (person) => {
    for (let attempt = 0; attempt < 5; attempt++) await auth.login(person);
    return auth.login(person);
  }, person);
  assert.deepEqual([last.kind, last.problem.code], ["problem", "too_many_attempts"]);
  assert.ok(last.retryAfter >= 1 && last.retryAfter <= 60, String(last.retryAfter));
});
