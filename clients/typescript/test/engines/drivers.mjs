// Firefox by WebDriver BiDi, WebKitGTK by its own driver, with as little between as there can be: tabs, a function run in them, cookies; and an
// authenticator, in Firefox alone.

import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

import puppeteer from "puppeteer-core";

import { atEnd, temporaryFolder } from "../../../../tests/browser/ends.mjs";
import { freePort } from "../../../../tests/browser/support.mjs";
import * as marionette from "./marionette.mjs";

const first = (files) => files.find((file) => existsSync(file));
const libraries = existsSync("/usr/lib") ? readdirSync("/usr/lib").map((name) => `/usr/lib/${name}`) : [];

/** The engines that are installed; each opens a browser with a fresh profile. */
export const engines = {
  Firefox: { file: first(["/usr/bin/firefox-esr", "/usr/bin/firefox"]), launch: launchFirefox },
  WebKitGTK: {
    file: existsSync("/usr/bin/Xvfb") && existsSync("/usr/bin/WebKitWebDriver") && first(libraries.flatMap((at) => ["4.1", "6.0", "4.0"].map((version) => `${at}/${version === "6.0" ? "webkitgtk" : "webkit2gtk"}-${version}/MiniBrowser`))),
    launch: launchWebKit,
  },
};

async function launchFirefox(t, executablePath) {
  const profile = temporaryFolder(t, "firefox");
  const args = ["--profile", profile, ...marionette.args];
  const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true, args, extraPrefsFirefox: marionette.preferences });
  atEnd(t, () => browser.close());
  return {
    async open(url) {
      const page = await browser.newPage();
      await page.goto(url);
      return {
        evaluate: (work, word) => page.evaluate(work, word),
        goto: (url) => page.goto(url),
        back: () => page.evaluate(() => void setTimeout(() => history.back())),
      };
    },
    async expireAccess() {
      const cookies = await browser.cookies();
      await browser.deleteCookie(...cookies.filter(({ name }) => name === "access_token"));
    },
    attach: (settings) => marionette.attach(t, profile, settings),
  };
}

async function launchWebKit(t, binary) {
  const environment = { ...process.env, ...(await startDisplay(t)), WEBKIT_DISABLE_COMPOSITING_MODE: "1", GDK_BACKEND: "x11", LIBGL_ALWAYS_SOFTWARE: "1" };
  const port = await freePort();
  const driver = spawn("/usr/bin/WebKitWebDriver", [`--port=${port}`], { env: environment, stdio: "ignore" });
  const ended = new Promise((done) => driver.once("close", done));
  atEnd(t, () => {
    driver.kill();
    return ended;
  });
  const ask = async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, ...(body ? { body: JSON.stringify(body) } : {}) });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${path}: ${value.error} ${value.message}`);
    return value;
  };
  for (let attempt = 0; !(await ask("GET", "/status").catch(() => null)); attempt++) {
    if (attempt > 100) throw new Error("WebKitWebDriver does not start");
    await wait(100);
  }
  const options = { binary, args: ["--automation"] };
  const { sessionId } = await ask("POST", "/session", { capabilities: { alwaysMatch: { "webkitgtk:browserOptions": options } } });
  const at = `/session/${sessionId}`;
  atEnd(t, () => ask("DELETE", at).catch(() => {}));
  await ask("POST", `${at}/timeouts`, { script: 60_000 });
  // A session has one current window: one thing at a time.
  let last = Promise.resolve();
  const within = (handle, work) => {
    const turn = last.then(async () => {
      await ask("POST", `${at}/window`, { handle });
      return work();
    });
    last = turn.catch(() => {});
    return turn;
  };
  let isFirst = true;
  let current;
  return {
    async open(url) {
      const handle = isFirst ? await ask("GET", `${at}/window`) : (await ask("POST", `${at}/window/new`, { type: "tab" })).handle;
      isFirst = false;
      current = handle;
      const goto = (url) => within(handle, () => ask("POST", `${at}/url`, { url }));
      await goto(url);
      /** Begun here, and looked after now and then: other tabs go on meanwhile. */
      const evaluate = async (work, word) => {
        const script = `const key = "call" + (window.calls = (window.calls ?? 0) + 1);
          Promise.resolve((${work})(arguments[0])).then((value) => (window[key] = { value }), (error) => (window[key] = { error: String(error) }));
          return key;`;
        const key = await within(handle, () => ask("POST", `${at}/execute/sync`, { script, args: [word ?? null] }));
        for (;;) {
          const done = await within(handle, () => ask("POST", `${at}/execute/sync`, { script: "return window.calls ? (window[arguments[0]] ?? null) : { error: 'the page has gone' }", args: [key] }));
          if (done?.error) throw new Error(done.error);
          if (done) return done.value;
          await wait(10);
        }
      };
      const back = () => within(handle, () => ask("POST", `${at}/back`, {}));
      return { evaluate, goto, back };
    },
    expireAccess: () => within(current, () => ask("DELETE", `${at}/cookie/access_token`)),
  };
}

/** A display that nobody sees. */
async function startDisplay(t) {
  const server = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "1280x900x24", "-nolisten", "tcp"], { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  const ended = new Promise((done) => server.once("close", done));
  atEnd(t, () => {
    server.kill();
    return ended;
  });
  const [number] = await new Promise((done, failed) => {
    server.once("error", failed);
    server.stdio[3].once("data", (data) => done(String(data).split("\n")));
  });
  return { DISPLAY: `:${number}` };
}
