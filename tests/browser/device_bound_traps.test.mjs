// What Chromium does with bound sessions that no draft says, and that Doorward is built around (`docs/design/device-bound.md`). The proxy spoils what
// the service does right: each trap is seen to be there, so that a browser which has it no more is noticed.

import assert from "node:assert/strict";
import { test } from "node:test";

import { bound, call, expire, login, open, openOwn, register, start, until } from "./bound.mjs";

const REFRESH = "location = /api/auth/device/refresh";
/** The service's JSON with this in place of that. */
const bent = (from, to) => `sub_filter_types application/json; sub_filter_once off; sub_filter '${from}' '${to}'; proxy_set_header Accept-Encoding "";`;

/** A browser that has just bound its session, or believes so. */
async function begin(t, { settings = {}, proxy = "", browser } = {}) {
  const site = await start(t, settings, proxy);
  const laptop = await openOwn(t, site, "laptop", browser);
  await register(laptop.page, site);
  await login(laptop.page, site);
  await bound(site);
  const me = async (page = laptop.page) => (await call(page, site.api, "GET", "/me")).status;
  return { site, ...laptop, me, refreshes: () => site.asked("device/refresh") };
}

test("attributes that differ from the cookie's are a refresh before every request, for ever", async (t) => {
  for (const proxy of ["", bent("SameSite=Strict", "SameSite=Lax"), bent("; Secure", ""), bent("Path=/", "Path=/api")]) {
    const { me, refreshes } = await begin(t, { proxy });
    for (let request = 0; request < 5; request++) assert.equal(await me(), 200);
    // The right ones first: none.
    if (proxy) assert.ok(refreshes().length >= 5, `${proxy}: ${refreshes().length}`);
    else assert.equal(refreshes().length, 0);
  }
});

test("a scope of the whole site, or none, from a host below it is no binding", async (t) => {
  for (const proxy of [bent('"include_site":false', '"include_site":true'), bent('"scope":', '"scoped":')]) {
    const { context, me, refreshes } = await begin(t, { proxy });
    await expire(context);
    assert.equal(await me(), 401, proxy);
    assert.equal(refreshes().length, 0, proxy);
  }
});

test("pages of another host wait only if that is named", async (t) => {
  const { site, context, me, refreshes } = await begin(t, { proxy: bent('"allowed_refresh_initiators":\\["app.example.com"\\]', '"allowed_refresh_initiators":[]').replaceAll("\\\\", "") });
  const elsewhere = await open(context, site.pages);
  await expire(context);
  assert.equal(await me(elsewhere), 401);
  assert.equal(refreshes().length, 0);
  assert.equal(await me(), 200);
});

test("400, 401, 404 and 429 at the refresh end the binding; 503 and a hang-up do not", async (t) => {
  const { site, context, page, me, refreshes } = await begin(t);
  let logins = 1;
  for (const [status, ends, skipped] of [[400, true], [401, true], [404, true], [429, true], [503, false, "server_error"], [444, false, "unreachable"]]) {
    const before = refreshes().length;
    site.change(`${REFRESH} { return ${status}; }`);
    await until(`${status}`, async () => {
      await expire(context);
      await me();
      return refreshes().slice(before).some((one) => one.status === status);
    });
    if (skipped) assert.match(site.asked("me").at(-1).skipped, new RegExp(skipped), `${status}`);
    site.change("");
    const asked = () => refreshes().some((one) => one.status === 200 && one.at > site.asked("me").at(-1).at - 1);
    if (ends) {
      // The proxy has changed when a page's own request is answered by the service.
      await until("the service again", async () => (await call(page, site.api, "POST", "/device/refresh")).status === 400 && status !== 400 || (await call(page, site.api, "POST", "/device/refresh")).body !== null);
      const after = refreshes().length;
      assert.equal(await me(), 401, `${status}`);
      assert.equal(refreshes().length, after, `${status}: it asks no more`);
      await login(page, site);
      await bound(site, ++logins);
    } else {
      await until("the session again", async () => (await me()) === 200);
      assert.ok(asked(), `${status}`);
    }
  }
});

test("403 without a challenge is tried a few times, and ends the binding", async (t) => {
  const { context, me, refreshes } = await begin(t, { proxy: "proxy_hide_header Secure-Session-Challenge;" });
  for (let round = 0; round < 8; round++) {
    await expire(context);
    assert.equal(await me(), 401);
  }
  const tries = refreshes().length;
  t.diagnostic(`${tries} tries`);
  assert.ok(tries > 0 && tries <= 8);
  for (let round = 0; round < 3; round++) assert.equal(await me(), 401);
  assert.equal(refreshes().length, tries);
});

test("a cookie of two minutes or less is renewed beside every request", async (t) => {
  const { me, refreshes } = await begin(t, { settings: { DEVICE_BOUND_TTL: "2m" } });
  for (let request = 1; request <= 3; request++) {
    assert.equal(await me(), 200);
    await until("a refresh", () => refreshes().length >= request);
  }
});

test("a browser signs six times in a while: then nothing is renewed, and no new login is bound", async (t) => {
  const { site, context, page, me, refreshes } = await begin(t, { browser: { quota: true } });
  let signed = 1;
  await until("an end", async () => {
    await expire(context);
    if ((await me()) !== 200) return true;
    signed += 1;
    return false;
  });
  t.diagnostic(`${signed} signatures, the registration's among them`);
  assert.ok(signed >= 4 && signed <= 8, `${signed}`);
  assert.match(site.asked("me").at(-1).skipped, /quota_exceeded/);
  // Its page is told to wait, and not that the session is over.
  assert.deepEqual([(await call(page, site.api, "POST", "/refresh")).status, refreshes().at(-1).status], [503, 200]);
  await login(page, site);
  await new Promise((done) => setTimeout(done, 500));
  assert.equal(site.asked("device/register").length, 1);
  // It is a session as others are.
  assert.equal(await me(), 200);
  await expire(context);
  assert.equal((await call(page, site.api, "POST", "/refresh")).status, 200);
  assert.equal(await me(), 200);
});
