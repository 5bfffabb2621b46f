// What the stories of bound sessions stand on: the real Chromium over https, with software keys, through the real nginx; pages of the service's own
// origin, and of another host of the site. What browsers ask by themselves is seen at the proxy.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { app, auth, startHttps, startProfile, trust } from "./https.mjs";
import { freePort, person, startPostgres, startService } from "./support.mjs";

export const access = "__Host-access_token";
const bind = { "X-Doorward-Bind": "device" };

/** The settings of a database. */
export const on = async (t, database) => (database === "PostgreSQL" ? { DATABASE_URL: await startPostgres(t) } : {});

/** Service, proxy and a home for browsers. `more` is what the proxy does to the service. */
export async function start(t, settings = {}, more = "") {
  const https = await freePort();
  const service = await startService(t, {
    HOST: "127.0.0.1",
    SECURE_COOKIES: "on",
    JWT_SECRET_KEY: "0123456789abcdef-made-for-this-test-alone",
    TRUSTED_PROXIES: "127.0.0.1/32,::1/128",
    ALLOWED_ORIGINS: `https://${app}:${https}`,
    LOG_LEVEL: "warn",
    ...settings,
  });
  const proxy = await startHttps(t, https, service.port, more);
  const asked = (path, agent = "") => proxy.seen().filter((one) => one.path === `/api/auth/${path}` && one.agent.includes(agent));
  return { ...proxy, service, api: `https://${auth}:${https}`, pages: `https://${app}:${https}`, home: trust(t, proxy.authority), asked };
}

/** A page of the service's own origin, in a browser that has never been here. */
export async function openOwn(t, site, name, options) {
  const { context, kill } = await startProfile(t, site.home, name, options);
  return { context, kill, page: await open(context, `${site.api}/docs`) };
}

export async function open(context, url) {
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** Calls the service from a page of this or another origin: `{status, body}`. */
export function call(page, api, method, path, body, headers = {}) {
  return page.evaluate(
    async ([url, method, body, headers]) => {
      const sent = body ? { "Content-Type": "application/json", ...headers } : headers;
      const response = await fetch(url, { method, credentials: "include", headers: sent, body: body ? JSON.stringify(body) : null });
      return { status: response.status, body: await response.json().catch(() => null) };
    },
    [`${api}/api/auth${path}`, method, body, headers],
  );
}

export async function register(page, site) {
  assert.equal((await call(page, site.api, "POST", "/register", person)).status, 201);
}

export async function login(page, site) {
  assert.equal((await call(page, site.api, "POST", "/login", person, bind)).status, 200);
}

/** Waits until there is one: two minutes at most, for Chromium leaves more and more time between the tries of a service that was away. */
export async function until(what, look, told = () => "") {
  for (const end = Date.now() + 120_000; Date.now() < end; await new Promise((done) => setTimeout(done, 20))) {
    const found = await look();
    if (found) return found;
  }
  return assert.fail(`never: ${what} ${told()}`);
}

/** Waits until the browser has bound its newest session. */
export const bound = (site, count = 1) => until("a binding", () => site.asked("device/register").filter((one) => one.status === 200)[count - 1]);

/** The cookie has run out. */
export const expire = (context) => context.clearCookies({ name: access });

const entry = fileURLToPath(new URL("../../clients/typescript/src/index.ts", import.meta.url));
const built = await build({ entryPoints: [entry], bundle: true, format: "iife", globalName: "doorward", write: false });

/** Doorward's own client, in a page: `ask` calls it. */
export function useClient(page, site) {
  return page.evaluate(`${built.outputFiles[0].text}; globalThis.auth = doorward.createAuthClient({ baseUrl: "${site.api}" }); 0`);
}

/** The result of a method of the client in a page. */
export function ask(page, method, ...words) {
  return page.evaluate(([method, words]) => globalThis.auth[method](...words), [method, words]);
}

/** The data of one that succeeds. */
export async function succeeds(page, method, ...words) {
  const result = await ask(page, method, ...words);
  assert.ok(result.ok, `${method}: ${JSON.stringify(result)}`);
  return result.data;
}
