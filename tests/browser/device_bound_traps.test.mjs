// What Chromium does with bound sessions that no draft says, and that Doorward is built around (`docs/design/device-bound.md`). The proxy spoils what
// the service does right: each trap is seen to be there, so that a browser which has it no more is noticed.

import assert from "node:assert/strict";
import { test } from "node:test";

import { bound, call, expire, login, open, openOwn, register, start, until } from "./bound.mjs";
import { app } from "./https.mjs";

/** The service's JSON with this in place of that. */
const bent = (from, to) => `sub_filter_types application/json; sub_filter_once off; sub_filter '${from}' '${to}'; proxy_set_header Accept-Encoding "";`;

/** A browser that has just bound its session, or believes so. */
async function begin(t, { settings = {}, proxy = "" } = {}) {
  const site = await start(t, settings, proxy);
  const laptop = await openOwn(t, site, "laptop");
  await register(laptop.page, site);
  await login(laptop.page, site);
  await bound(site);
  const me = async (page = laptop.page) => (await call(page, site.api, "GET", "/me")).status;
  return { site, ...laptop, me, refreshes: () => site.asked("device/refresh") };
}

test("attributes that differ from the cookie's are a refresh before every request, for ever", async (t) => {
  // The right ones first: none.
  for (const proxy of ["", bent("SameSite=Strict", "SameSite=Lax"), bent("HttpOnly; ", "")]) {
    const { me, refreshes } = await begin(t, { proxy });
    for (let request = 0; request < 5; request++) assert.equal(await me(), 200);
    assert.equal(refreshes().length, proxy ? 5 : 0, proxy);
  }
});

test("attributes that no cookie of this name may have, a scope of the whole site from a host below it, or none, are no binding, without a word", async (t) => {
  const scopes = [bent('"include_site":false', '"include_site":true'), bent('"scope":', '"scoped":')];
  for (const proxy of [bent("; Secure", ""), bent("Path=/;", "Path=/api;"), ...scopes]) {
    const { context, me, refreshes } = await begin(t, { proxy });
    await expire(context);
    assert.equal(await me(), 401, proxy);
    assert.equal(refreshes().length, 0, proxy);
  }
});

test("pages of another host wait only if that is named", async (t) => {
  const named = '"allowed_refresh_initiators":';
  const { site, context, me, refreshes } = await begin(t, { proxy: bent(`${named}["${app}"]`, `${named}[]`) });
  const elsewhere = await open(context, site.pages);
  await expire(context);
  assert.equal(await me(elsewhere), 401);
  assert.equal(refreshes().length, 0);
  assert.equal(await me(), 200);
});

test("400, 401, 404 and 429 at the refresh end the binding; 503 and a hang-up do not", async (t) => {
  const { site, context, page, me, refreshes } = await begin(t);
  let logins = 1;
  const answers = { 400: "", 401: "", 404: "", 429: "", 503: "server_error", 444: "unreachable" };
  for (const [status, skipped] of Object.entries(answers)) {
    site.change(`location = /api/auth/device/refresh { return ${status}; }`);
    // The proxy takes a moment to change.
    await until(status, async () => {
      await expire(context);
      return (await me()) === 401 && refreshes().at(-1).status === Number(status);
    });
    assert.match(site.asked("me").at(-1).skipped, new RegExp(skipped || "^$"), status);
    const told = refreshes().length;
    let asked = 0;
    site.change("");
    await until("the service again", async () => {
      asked++;
      return (await call(page, site.api, "POST", "/device/refresh").catch(() => null))?.body?.code;
    });
    if (skipped) {
      await until("the session again", async () => (await me()) === 200);
      continue;
    }
    // The proxy writes a line after the answer.
    await until("a line for each", () => refreshes().length >= told + asked);
    const before = refreshes().length;
    assert.equal(await me(), 401, status);
    assert.equal(refreshes().length, before, `${status}: it asks no more`);
    await login(page, site);
    await bound(site, ++logins);
  }
});

test("403 without a challenge is tried four times by who has one to sign, else once, and ends the binding", async (t) => {
  for (const [proxy, tries] of [["location = /api/auth/device/refresh { return 403; }", 4], ["proxy_hide_header Secure-Session-Challenge;", 1]]) {
    const { context, me, refreshes } = await begin(t, { proxy });
    for (let round = 0; round < 5; round++) {
      await expire(context);
      assert.equal(await me(), 401);
    }
    assert.deepEqual(refreshes().map((one) => [one.status, Boolean(one.proof)]), Array(tries).fill([403, tries > 1]));
  }
});

test("a cookie of two minutes or less is renewed beside every request", async (t) => {
  const { me, refreshes } = await begin(t, { settings: { DEVICE_BOUND_TTL: "2m" } });
  for (let request = 1; request <= 3; request++) {
    assert.equal(await me(), 200);
    await until("a refresh", () => refreshes().length >= request);
  }
});
