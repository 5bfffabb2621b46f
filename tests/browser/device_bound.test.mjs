// Sessions that are bound to a device, in the real Chromium.

import assert from "node:assert/strict";
import { test } from "node:test";

import { access, bound, call, expire, login, on, open, openOwn, register, start, until } from "./bound.mjs";
import { auth } from "./https.mjs";
import { person } from "./support.mjs";

for (const database of ["SQLite", "PostgreSQL"]) {
  test(`a session stays with its device, on ${database}`, async (t) => {
    const site = await start(t, await on(t, database));
    const { context, page } = await openOwn(t, site, "laptop");
    await register(page, site);
    await login(page, site);
    const registered = await bound(site);
    const took = registered.at - site.asked("login")[0].at;
    assert.ok(took < 1, `bound ${took} s after the login`);
    t.diagnostic(`bound ${Math.round(took * 1000)} ms after the login's answer`);
    // All that a device says: its key, and the challenge.
    const [header, claims] = registered.proof.split(".", 2).map((part) => JSON.parse(Buffer.from(part, "base64url")));
    assert.deepEqual([Object.keys(header).sort(), header.alg, header.typ], [["alg", "jwk", "typ"], "ES256", "dbsc+jwt"]);
    assert.deepEqual(Object.keys(claims), ["jti"]);

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

    // The jar, copied into another profile, which has no key.
    const thief = await openOwn(t, site, "thief");
    await thief.context.addCookies((await context.cookies()).filter((cookie) => cookie.domain === auth));
    // The stated limit: the life of one access token.
    assert.equal((await call(thief.page, site.api, "GET", "/me")).status, 200);
    await expire(thief.context);
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

for (const database of ["SQLite", "PostgreSQL"]) {
  test(`a browser that is killed soon after the login is logged in when it is back, on ${database}`, async (t) => {
    const site = await start(t, await on(t, database));
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
}

test("a service that is away for a minute costs no binding", async (t) => {
  const site = await start(t);
  const { context, page } = await openOwn(t, site, "laptop");
  await register(page, site);
  await login(page, site);
  await bound(site);
  const works = async () => (await call(page, site.api, "GET", "/me").catch(() => ({}))).status === 200;
  // The process is gone, and the proxy says so, for a minute in which somebody goes on trying.
  await site.service.kill();
  for (const end = Date.now() + 60_000; Date.now() < end; await new Promise((done) => setTimeout(done, 2_000))) {
    await expire(context);
    assert.ok(!(await works()));
  }
  const tries = site.asked("device/refresh");
  assert.ok(tries.length > 3 && tries.every((one) => one.status === 502), JSON.stringify(tries.map((one) => one.status)));
  await site.service.again();
  const back = Date.now();
  const asked = (path) => site.asked(path).slice(-9).map(({ at, took, status, skipped }) => [Math.round(at * 1000) - back, took, status, skipped]);
  await until("the session again", works, () => JSON.stringify({ refreshes: asked("device/refresh"), looks: asked("me") }));
  t.diagnostic(`${tries.length} tries; renewed ${Date.now() - back} ms after the service was back`);
  // Nobody is there at all.
  await expire(context);
  site.stop();
  await until("nobody answers", async () => !(await works()));
  await until("the proxy again", () => {
    try {
      site.again();
      return true;
    } catch {
      return false;
    }
  });
  await until("the session again", works);
  assert.deepEqual((await call(page, site.api, "GET", "/sessions")).body.sessions.map((session) => session.bound), [true]);
});
