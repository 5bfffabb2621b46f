// Tabs of a real Chromium with the built client, a service on another port, and a proxy that loses replies.

import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";

import { chromium } from "playwright-core";

import { atEnd, temporaryFolder } from "../../../../tests/browser/ends.mjs";
import { findChromium, person, startBrowser, startDoorward, startPage, startPostgres } from "../../../../tests/browser/support.mjs";

export { person, startPage, startPostgres };

const script = readFileSync(new URL("../../dist/script.js", import.meta.url), "utf8");
const html = (api, settings) => `<!doctype html><title>A page</title><script type="module">
  import { createAuthClient } from "/auth.js";
  window.auth = createAuthClient({ baseUrl: ${JSON.stringify(api)}, ${settings} });
  window.lost = [];
  auth.on("session-lost", ({ code }) => lost.push(code));
</script>`;

/** A service, a page on another port of localhost with a client of it, and a way to open tabs. */
export async function start(t, { settings = {}, client = "", through = (port) => port, context, host = "localhost" } = {}) {
  const port = await startDoorward(t, { LOGIN_RATE_LIMIT: "off", ...settings });
  const seen = await through(port);
  const page = await startPage(t, html(`http://localhost:${seen}`, client), script);
  const browser = context ?? (await startBrowser(t));
  const open = async () => {
    const tab = await browser.newPage();
    await tab.goto(`http://${host}:${page}/`);
    await tab.waitForFunction(() => "auth" in window);
    return tab;
  };
  return { api: `http://localhost:${port}`, page: `http://${host}:${page}/`, browser, open };
}

/** Registers and logs in through a tab. */
export async function logIn(tab, who = person) {
  return tab.evaluate(async (person) => {
    await auth.register(person);
    return (await auth.login(person)).ok;
  }, who);
}

/** A page like `start`'s on another origin. */
export async function startOrigin(t, api) {
  return `http://localhost:${await startPage(t, html(api, ""), script)}/`;
}

/** A Chromium that keeps pages as they were, for when somebody comes back: playwright turns that off. */
export async function startKeeping(t) {
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
  atEnd(t, () => browser.close());
  return browser.newContext();
}

/** Who this tab thinks is logged in, and what it lost. */
export function state(tab) {
  return tab.evaluate(() => ({ status: auth.getSnapshot().status, lost }));
}

/** Waits until the tab thinks so. */
export async function until(tab, status) {
  await tab.waitForFunction((status) => auth.getSnapshot().status === status, status);
}

/** Makes every access token of this browser run out, as an hour does. */
export async function expireAccess(browser) {
  await browser.clearCookies({ name: "access_token" });
}

/** Stands before the service, and can lose the reply to a refresh after the service has committed it, or be slow with that to a path. */
export async function startProxy(t, port) {
  const proxy = { lose: 0, lost: 0, slow: null };
  const server = createServer((visitor) => {
    const service = connect(port, "127.0.0.1");
    let doomed = false;
    let delay = 0;
    visitor.on("data", (data) => {
      if (proxy.lose > 0 && data.toString("latin1").startsWith("POST /api/auth/refresh")) {
        proxy.lose -= 1;
        doomed = true;
      }
      delay = proxy.slow && data.toString("latin1").startsWith(proxy.slow.path) ? proxy.slow.milliseconds : 0;
      service.write(data);
    });
    service.on("data", (data) => {
      if (delay) return void setTimeout(() => visitor.writable && visitor.write(data), delay);
      if (!doomed) return visitor.write(data);
      proxy.lost += 1;
      visitor.destroy();
      service.destroy();
    });
    const end = () => {
      visitor.destroy();
      service.destroy();
    };
    for (const socket of [visitor, service]) socket.on("close", end).on("error", end);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  atEnd(t, () => new Promise((done) => server.close(done)));
  proxy.port = server.address().port;
  return proxy;
}

/** A Chromium on a profile that outlives it. */
export async function startOnProfile(t) {
  const folder = temporaryFolder(t, "profile");
  return async () => {
    const context = await chromium.launchPersistentContext(folder, {
      executablePath: findChromium(),
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
      // The test kills it.
      handleSIGTERM: false,
    });
    atEnd(t, () => context.close().catch(() => {}));
    return context;
  };
}
