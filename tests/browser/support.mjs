// The real binary, the real Chromium, and pages on origins of their own. All of it stops with the test that started it.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { delimiter, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { atEnd, temporaryFolder } from "./ends.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const binary = resolve(here, process.env.DOORWARD_BIN ?? "../../target/debug/doorward");

/** What everybody registers with. */
export const person = { email: "user@example.com", password: "SecurePass123" };

/** Starts Doorward in an empty folder, on a free port; returns that. */
export const startDoorward = async (t, settings) => (await startService(t, settings)).port;

/** The same, with `kill`, which ends it as a machine does that loses power, and `again`, which starts it with all that it had, on the same port. */
export async function startService(t, settings = {}) {
  const folder = temporaryFolder(t, "browser");
  let child, ended;
  const kill = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  const start = (port) => {
    // Cheap hashes: these tests are about browsers.
    const environment = { BCRYPT_COST: "4", ...settings, PORT: `${port}` };
    child = spawn(binary, [], { cwd: folder, env: environment, stdio: ["ignore", "pipe", "pipe"] });
    ended = new Promise((done) => child.once("close", done));
    let log = "";
    child.stderr.on("data", (data) => (log += data));
    return new Promise((found, failed) => {
      child.once("error", failed);
      child.once("close", () => failed(new Error(`the server ended: ${log}`)));
      createInterface(child.stdout).on("line", (line) => {
        const address = /^Doorward on http:\/\/[^ ,]*?:(\d+)/.exec(line);
        if (address) found(Number(address[1]));
      });
    });
  };
  atEnd(t, kill);
  // Nobody else has it while the service is away.
  const port = await start(await freePort());
  return { port, kill, again: () => start(port) };
}

/** Reads what a service has put into its `MAIL_FOLDER`: each call waits for the next mail of a kind, and gives its address, text and link. */
export function mailbox(folder) {
  const seen = new Set();
  return async (kind) => {
    for (let tries = 0; tries < 1_000; tries++) {
      const file = readdirSync(folder).find((name) => name.endsWith(`-${kind}.eml`) && !seen.has(name));
      if (file) {
        seen.add(file);
        const text = readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n");
        return { to: /^To: (.*)$/m.exec(text)[1], text, link: /^http.*$/m.exec(text)?.[0] };
      }
      await wait(20);
    }
    assert.fail(`no mail: ${kind}`);
  };
}

/** Starts a throw-away PostgreSQL on a free port; returns a database's URL. */
export async function startPostgres(t) {
  const folder = temporaryFolder(t, "pg");
  const isRoot = process.getuid() === 0;
  // It refuses to run as root.
  const as = (program, ...words) => (isRoot ? ["setpriv", "--reuid=postgres", "--clear-groups", program, ...words] : [program, ...words]);
  if (isRoot) execFileSync("chown", ["postgres", folder]);
  const data = join(folder, "data");
  const [initdb, ...words] = as(findPostgres("initdb"), "-D", data, "-U", "doorward", "-A", "trust", "-E", "UTF8", "--no-sync");
  execFileSync(initdb, words, { cwd: folder, stdio: "ignore" });
  const port = await freePort();
  const settings = ["listen_addresses=127.0.0.1", `port=${port}`, `unix_socket_directories=${folder}`, "fsync=off"];
  const [postgres, ...rest] = as(findPostgres("postgres"), "-D", data, ...settings.flatMap((setting) => ["-c", setting]));
  const server = spawn(postgres, rest, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise((done) => server.once("close", done));
  atEnd(t, async () => {
    server.kill("SIGQUIT");
    await ended;
  });
  await new Promise((ready, failed) => {
    server.once("close", () => failed(new Error("PostgreSQL ended")));
    server.stderr.on("data", (data) => /ready to accept connections/.test(data) && ready());
  });
  return `postgres://doorward@127.0.0.1:${port}/postgres`;
}

/** A port of 127.0.0.1 that is free, and stays so: it lies below those that systems give to who asks for any, and to connections. */
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer();
    const listens = await new Promise((done) => server.once("error", () => done(false)).listen(port, "127.0.0.1", () => done(true)));
    if (!listens) continue;
    await new Promise((done) => server.close(done));
    return port;
  }
}

/** In the PATH, or where Debian has it. */
function findPostgres(program) {
  const debian = existsSync("/usr/lib/postgresql") ? readdirSync("/usr/lib/postgresql") : [];
  const folders = [...debian.map((version) => `/usr/lib/postgresql/${version}/bin`), ...process.env.PATH.split(delimiter)];
  const found = folders.map((folder) => join(folder, program)).find((file) => existsSync(file));
  assert.ok(found, "PostgreSQL is missing: scripts/setup installs it");
  return found;
}

/** Serves one page (and `/auth.js`, where there is a script) at a free port of 127.0.0.1, which is localhost too; returns that. */
export async function startPage(t, html = "<!doctype html><title>A page</title>", script = "") {
  const server = createServer((request, response) => {
    const isScript = request.url === "/auth.js";
    response.writeHead(200, { "Content-Type": isScript ? "text/javascript" : "text/html; charset=utf-8" });
    response.end(isScript ? script : html);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  atEnd(t, () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  });
  return server.address().port;
}

/** A new Chromium with a fresh profile; returns its context. */
export async function startBrowser(t, options = {}, more = []) {
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", ...more],
  });
  atEnd(t, () => browser.close());
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(20_000);
  return context;
}

/** Writes down what a page asks other origins for, and what a policy refused; `assertQuiet` says that there was nothing. */
export function watch(context, origin) {
  const requests = [];
  const complaints = [];
  context.on("request", (request) => requests.push(request.url()));
  context.on("console", (message) => {
    if (/content security policy/i.test(message.text())) complaints.push(message.text());
  });
  context.on("weberror", (error) => complaints.push(String(error.error())));
  return {
    assertQuiet() {
      assert.ok(requests.some((url) => url.startsWith(`${origin}/`)), "nothing was asked for");
      const isElsewhere = (url) => !url.startsWith(`${origin}/`) && !/^(data|blob):/.test(url);
      assert.deepEqual(requests.filter(isElsewhere), []);
      assert.deepEqual(complaints, []);
    },
  };
}

/** Calls the API from the page's own scripts: `{status, body, retryAfter}`, or `{refused}` where the browser keeps the answer. */
export function call(page, api, method, path, body) {
  return page.evaluate(
    async ([url, method, body]) => {
      try {
        const response = await fetch(url, {
          method,
          credentials: "include",
          headers: body ? { "Content-Type": "application/json" } : {},
          body: body ? JSON.stringify(body) : null,
        });
        const retryAfter = response.headers.get("Retry-After");
        return { status: response.status, body: await response.json(), retryAfter };
      } catch (error) {
        return { refused: error.name };
      }
    },
    [`${api}/api/auth${path}`, method, body],
  );
}

export function findChromium() {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const candidates = process.env.PATH.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  const found = candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  assert.ok(found, "Chromium is missing: scripts/setup installs it");
  return found;
}
