// Production, where TLS ends at a proxy: Debian's nginx with the real deploy/nginx.conf, and the cookies with prefixes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { auth as name, startHttps } from "./https.mjs";
import { call, freePort, person, startBrowser, startDoorward, startService } from "./support.mjs";

test("through nginx the browser keeps cookies with the __Host- prefix", async (t) => {
  const port = await startDoorward(t, {
    ENVIRONMENT: "production",
    HOST: "127.0.0.1",
    BCRYPT_COST: "12",
    JWT_SECRET_KEY: "0123456789abcdef-made-for-this-test-alone",
    TRUSTED_PROXIES: "127.0.0.1/32,::1/128",
    SHUTDOWN_DELAY: "0s",
    // A page on the service's own origin, to call from.
    API_DOCS: "on",
  });
  const https = await freePort();
  await startHttps(t, https, port);
  const api = `https://${name}:${https}`;
  const context = await startBrowser(t, { ignoreHTTPSErrors: true }, [`--host-resolver-rules=MAP ${name} 127.0.0.1`]);
  const page = await context.newPage();
  await page.goto(`${api}/docs`);
  assert.equal((await call(page, api, "POST", "/register", person)).status, 201);
  assert.equal((await call(page, api, "POST", "/login", person)).status, 200);
  const cookies = await context.cookies();
  assert.deepEqual(cookies.map((cookie) => cookie.name).sort(), ["__Host-access_token", "__Host-device", "__Host-recent_proof", "__Host-refresh_token", "__Host-session_hint"]);
  assert.ok(cookies.every((cookie) => cookie.secure && cookie.httpOnly && cookie.path === "/"), JSON.stringify(cookies));
  assert.equal((await call(page, api, "GET", "/me")).body.email, person.email);
  assert.equal((await call(page, api, "POST", "/refresh")).status, 200);
  const sessions = (await call(page, api, "GET", "/sessions")).body.sessions;
  assert.deepEqual(sessions.map((session) => [session.ip, session.current]), [["127.0.0.1", true]]);
  assert.match(sessions[0].device, /Chrom/);
  assert.equal((await call(page, api, "POST", "/logout")).status, 200);
  assert.deepEqual((await context.cookies()).map((cookie) => cookie.name).sort(), ["__Host-device"]);
});

test("after a change of COOKIE_DOMAIN a login leaves one access cookie, and a logout none", async (t) => {
  const settings = { SECURE_COOKIES: "on", COOKIE_DOMAIN: "example.com", TRUSTED_PROXIES: "127.0.0.1/32,::1/128", LOGIN_RATE_LIMIT: "100/1m" };
  const service = await startService(t, settings);
  const https = await freePort();
  await startHttps(t, https, service.port);
  const api = `https://${name}:${https}`;
  const context = await startBrowser(t, { ignoreHTTPSErrors: true }, [`--host-resolver-rules=MAP ${name} 127.0.0.1`]);
  const page = await context.newPage();
  await page.goto(`${api}/docs`);
  const access = async () => (await context.cookies()).filter((cookie) => cookie.name.includes("access_token")).map((cookie) => cookie.domain);
  const entered = async () => assert.equal((await call(page, api, "POST", "/login", person)).status, 200);
  const isThere = async () => assert.equal((await call(page, api, "GET", "/me")).body.email, person.email);
  assert.equal((await call(page, api, "POST", "/register", person)).status, 201);
  await entered();
  for (const domain of [name, "example.com", name]) {
    settings.COOKIE_DOMAIN = domain;
    await service.kill();
    await service.again();
    // One session, two cookies: one person.
    await isThere();
    assert.equal((await call(page, api, "POST", "/refresh")).status, 200);
    await isThere();
    assert.equal((await access()).length, 2);
    // Another session.
    await entered();
    await isThere();
    assert.deepEqual(await access(), [`.${domain}`]);
  }
  settings.COOKIE_DOMAIN = "example.com";
  await service.kill();
  await service.again();
  assert.equal((await call(page, api, "POST", "/refresh")).status, 200);
  assert.equal((await call(page, api, "POST", "/logout")).status, 200);
  assert.deepEqual(await access(), []);
});
