// Pages on other origins than the service: the frontend on the same site, and strangers on another.

import assert from "node:assert/strict";
import { test } from "node:test";

import { call, person, startBrowser, startDoorward, startPage } from "./support.mjs";

const stranger = { email: "stranger@example.com", password: "SecurePass123" };

/** Opens a page of ours on this origin, in a tab of its own. */
async function open(context, origin) {
  const page = await context.newPage();
  await page.goto(`${origin}/`);
  return page;
}

test("a frontend on another port of localhost registers, logs in and stays logged in", async (t) => {
  const api = `http://localhost:${await startDoorward(t)}`;
  const context = await startBrowser(t);
  const page = await open(context, `http://localhost:${await startPage(t)}`);
  assert.equal((await call(page, api, "GET", "/me")).status, 401);
  assert.equal((await call(page, api, "POST", "/register", person)).status, 201);
  assert.equal((await call(page, api, "POST", "/login", person)).status, 200);
  const cookies = await context.cookies();
  assert.deepEqual(cookies.map((cookie) => cookie.name).sort(), ["access_token", "device", "recent_proof", "refresh_token", "session_hint"]);
  // The hint opens nothing, and goes along where a link from another site leads here.
  const kept = (cookie) => cookie.httpOnly && cookie.sameSite === (cookie.name === "session_hint" ? "Lax" : "Strict");
  assert.ok(cookies.every(kept), JSON.stringify(cookies));
  await page.reload();
  assert.equal((await call(page, api, "GET", "/me")).body.email, person.email);
  assert.equal((await call(page, api, "POST", "/refresh")).status, 200);
  assert.equal((await call(page, api, "POST", "/logout")).status, 200);
  assert.equal((await call(page, api, "GET", "/me")).status, 401);
});

test("a throttled login tells scripts on another origin how long to wait", async (t) => {
  const api = `http://localhost:${await startDoorward(t, { LOGIN_RATE_LIMIT: "5/1m" })}`;
  const page = await open(await startBrowser(t), `http://localhost:${await startPage(t)}`);
  for (let attempt = 1; attempt <= 5; attempt++) {
    const refused = await call(page, api, "POST", "/login", person);
    assert.deepEqual([refused.status, refused.body.code], [401, "incorrect_credentials"]);
  }
  const throttled = await call(page, api, "POST", "/login", person);
  assert.deepEqual([throttled.status, throttled.body.code], [429, "too_many_attempts"]);
  const seconds = Number(throttled.retryAfter);
  assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60, `Retry-After: ${throttled.retryAfter}`);
});

// In development every port of both loopbacks is allowed by CORS, so that only the cookies' SameSite stands between the sites;
// with a list of origins the stranger is refused as well.
for (const listed of [false, true]) {
  test(`a page on another site is nobody, ${listed ? "and not on the list" : "though CORS allows it"}`, async (t) => {
    const home = `http://localhost:${await startPage(t)}`;
    const api = `http://localhost:${await startDoorward(t, listed ? { ALLOWED_ORIGINS: home } : {})}`;
    const context = await startBrowser(t);
    const page = await open(context, home);
    for (const account of [stranger, person]) await call(page, api, "POST", "/register", account);
    assert.equal((await call(page, api, "POST", "/login", person)).status, 200);
    const before = await context.cookies();

    const hostile = await open(context, `http://127.0.0.1:${await startPage(t)}`);
    const attempts = [
      ["GET", "/me", undefined, 401],
      ["POST", "/logout", undefined, 200],
      ["POST", "/logout-all", undefined, 401],
      ["POST", "/refresh", undefined, 401],
      ["POST", "/login", stranger, 200],
    ];
    for (const [method, path, body, asNobody] of attempts) {
      const answer = await call(hostile, api, method, path, body);
      if (listed) assert.deepEqual(answer, { refused: "TypeError" }, path);
      else assert.equal(answer.status, asNobody, path);
    }

    // Forms need no CORS. What they can send is refused before it is read.
    const form = `<form method="post" action="${api}/api/auth/login" enctype="text/plain">
      <input name='{"email":"${stranger.email}","password":"${stranger.password}","x":"' value='"}'></form>`;
    await hostile.setContent(form);
    const posted = hostile.waitForResponse(`${api}/api/auth/login`);
    await hostile.evaluate(() => document.forms[0].submit());
    assert.equal((await posted).status(), listed ? 403 : 415);

    assert.deepEqual(await context.cookies(), before);
    assert.equal((await call(page, api, "GET", "/me")).body.email, person.email);
  });
}

test("no page of another site can say that a proxy was asked for it", async (t) => {
  const home = `http://localhost:${await startPage(t)}`;
  const api = `http://localhost:${await startDoorward(t, { ALLOWED_ORIGINS: home, TRUSTED_PROXIES: "127.0.0.0/8,::1" })}`;
  const context = await startBrowser(t);
  const page = await open(context, home);
  await call(page, api, "POST", "/register", person);
  assert.equal((await call(page, api, "POST", "/login", person)).status, 200);
  const hostile = await open(context, `http://hostile.localhost:${await startPage(t)}`);
  const refused = await hostile.evaluate(async (api) => {
    const headers = { "X-Forwarded-Host": location.host };
    const answer = fetch(`${api}/api/auth/logout`, { method: "POST", credentials: "include", headers });
    return answer.then((response) => response.status, (error) => error.name);
  }, api);
  assert.equal(refused, "TypeError");
  assert.equal((await call(page, api, "GET", "/me")).body.email, person.email);
});
