// One of examples/: installed, built, compiled, and walked by Chromium, as it is developed and as it is served.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { startClock } from "../../../tests/browser/authenticator.mjs";
import { freePort, person, startBrowser, startDoorward } from "../../../tests/browser/support.mjs";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
export const COMPILERS = ["5.9.3", "7.0.2"];
// Both at once; the second goes by another name.
const TYPESCRIPT = [`typescript@${COMPILERS[0]}`, `typescript-7@npm:typescript@${COMPILERS[1]}`];
const SILENT = { NEXT_TELEMETRY_DISABLED: "1", ASTRO_TELEMETRY_DISABLED: "1", NUXT_TELEMETRY_DISABLED: "1", CI: "1" };

/** The package as a registry would have it: a file. */
export function packClient(t) {
  const folder = temporary(t, "pack");
  const words = ["pack", "--json", "--pack-destination", folder];
  const [{ filename }] = JSON.parse(execFileSync("npm", words, { cwd: at(".."), encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
  return join(folder, filename);
}

/** Returns the example's line of the table; throws where anything is not as it should be. */
export async function tryExample(t, name, example, client, isLocked) {
  const folder = isLocked ? copyBesideLock(t, name, client) : install(t, name, example, client);
  const modules = isLocked ? at("../examples/node_modules") : join(folder, "node_modules");
  const clock = example.hasSecondStep && startClock(t);
  const service = `http://localhost:${await startDoorward(t, { LOGIN_RATE_LIMIT: "off", ...(clock && clock.settings) })}`;
  const body = JSON.stringify(person);
  await fetch(`${service}/api/auth/register`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const environment = { ...process.env, ...SILENT, DOORWARD_URL: service, PATH: `${modules}/.bin:${process.env.PATH}` };
  const run = (command, ...words) => execFileSync(command, words, { cwd: folder, env: environment, stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });

  run(...example.build);
  if (example.types) run(...example.types);
  const compilers = example.isReadByTsc === false ? [] : ["typescript", "typescript-7"];
  for (const compiler of compilers) run("node", join(modules, compiler, "bin/tsc"), "--noEmit");

  const start = (command, port) => startApplication(t, command(port), { cwd: folder, env: { ...environment, PORT: port, HOST: "127.0.0.1" } });
  const developed = await freePort();
  await start(example.develop, String(developed));
  await walk(t, developed, example.renders);
  const served = await freePort();
  await start(example.serve, String(served));
  const edge = await startEdge(t, served, service);
  await walk(t, edge, example.renders);
  if (clock) {
    const secret = await enrol(service, clock);
    for (const port of [developed, edge]) await walkTwoSteps(t, port, clock, secret);
  }

  const version = (one) => JSON.parse(readFileSync(join(modules, one, "package.json"), "utf8")).version;
  const did = { renewed: "renewed and rendered by the server", found: "rendered by the server" }[example.renders];
  const compiled = compilers.length ? "both" : `${COMPILERS[0]}, by ${example.types.join(" ")}`;
  const loggedIn = `developed and served: logged in${clock ? ", by two steps too" : ""}, loaded again`;
  const walked = [loggedIn, ...(did ? [did] : [])].join(", ");
  return `| [${name}](${name}) | ${example.show.map((one) => `${one} ${version(one)}`).join(", ")} | ${compiled} | ${walked} |`;
}

function install(t, name, { packages, isInstalledFromFolder }, client) {
  const folder = temporary(t, name);
  cpSync(at(`../examples/${name}`), folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: `example-${name}`, private: true, type: "module" }));
  const newest = packages.map((one) => (one.includes("@", 1) ? one : `${one}@latest`));
  const ours = isInstalledFromFolder ? ["--install-links", at("..")] : [client];
  execFileSync("npm", ["install", "--silent", "--no-audit", "--no-fund", "@types/node@20", ...TYPESCRIPT, ...ours, ...newest], { cwd: folder, stdio: "inherit" });
  return folder;
}

/** A copy below the packages that scripts/setup has installed: builds write into it. */
function copyBesideLock(t, name, client) {
  const folder = at(`../examples/.try/${name}`);
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  rmSync(folder, { recursive: true, force: true });
  cpSync(at(`../examples/${name}`), folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: `example-${name}`, private: true, type: "module" }));
  const ours = join(folder, "node_modules/@doorward/client");
  mkdirSync(ours, { recursive: true });
  execFileSync("tar", ["-xzf", client, "--strip-components=1", "-C", ours]);
  return folder;
}

async function startApplication(t, [command, ...words], options) {
  // A group of its own: what frameworks start ends with them.
  const application = spawn(command, words, { ...options, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [application.stdout, application.stderr]) stream.on("data", (data) => (said += data));
  const ended = new Promise((done) => application.once("close", done));
  t.after(async () => {
    if (application.exitCode === null) process.kill(-application.pid, "SIGKILL");
    await ended;
  });
  for (let attempt = 0; !(await fetch(`http://localhost:${options.env.PORT}/`).catch(() => null))?.ok; attempt++) {
    if (attempt > 300 || application.exitCode !== null) throw new Error(`${command} ${words.join(" ")} does not start: ${said}`);
    await new Promise((done) => setTimeout(done, 200));
  }
}

/** One host with paths, as docs/topologies.md has it: nginx leads /api/auth/ to the service and the rest to the application. */
async function startEdge(t, application, service) {
  const folder = temporary(t, "edge");
  const port = await freePort();
  const headers = `proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;`;
  const location = (path, url) => `location ${path} { proxy_pass ${url}; ${headers} }`;
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((one) => `${one}_temp_path ${folder}/${one};`).join(" ");
  const server = `server { listen 127.0.0.1:${port}; ${location("/api/auth/", service)} ${location("/", `http://localhost:${application}`)} }`;
  writeFileSync(join(folder, "nginx.conf"), `daemon off; pid ${folder}/pid; events {} http { access_log off; ${paths} ${server} }`);
  const nginx = spawn("nginx", ["-p", folder, "-e", join(folder, "error.log"), "-c", join(folder, "nginx.conf")], {
    env: { PATH: `${process.env.PATH}:/usr/sbin` },
    stdio: "ignore",
  });
  const ended = new Promise((done) => nginx.once("close", done));
  t.after(async () => {
    nginx.kill("SIGTERM");
    await ended;
  });
  for (let attempt = 0; !(await fetch(`http://127.0.0.1:${port}/`).catch(() => null)); attempt++) {
    if (attempt > 50) throw new Error(`nginx does not start: ${readFileSync(join(folder, "error.log"), "utf8")}`);
    await new Promise((done) => setTimeout(done, 100));
  }
  return port;
}

/** Logs in by the application's form, and loads the page again; without the access token too, as after a pause. */
async function walk(t, port, renders) {
  const context = await startBrowser(t);
  const page = await context.newPage();
  const url = `http://localhost:${port}/`;
  const loggedIn = () => page.getByRole("button", { name: `Log out ${person.email}` }).waitFor();
  const rendered = async () => {
    const answer = await page.reload();
    const html = await answer.text();
    // The hint is no secret.
    const cookies = (await context.cookies()).filter(({ name }) => name !== "session_hint");
    for (const { name, value } of cookies) assert.ok(!html.includes(value), `the page holds the cookie ${name}`);
    const set = (await answer.headersArray()).filter(({ name }) => name.toLowerCase() === "set-cookie").map(({ value }) => value.split("=")[0]);
    return { who: /id="server"[^>]*>([^<]*)</.exec(html)?.[1], set: set.sort() };
  };
  await page.goto(url, { waitUntil: "networkidle" });
  await page.locator('input[name="email"]').fill(person.email);
  await page.locator('input[name="password"]').fill(person.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await loggedIn();
  if (!renders) {
    await page.reload();
    return loggedIn();
  }
  assert.deepEqual(await rendered(), { who: person.email, set: [] });
  await loggedIn();
  await context.clearCookies({ name: "access_token" });
  const renewed = { who: person.email, set: ["access_token", "session_hint", "refresh_token"] };
  assert.deepEqual(await rendered(), renders === "renewed" ? renewed : { who: "refreshable", set: [] });
  await loggedIn();
}

/** An authenticator app of the person's: its secret. */
async function enrol(service, clock) {
  const ask = (path, cookie, body) => {
    const headers = { Cookie: cookie, ...(body && { "Content-Type": "application/json" }) };
    return fetch(`${service}/api/auth${path}`, { method: "POST", headers, body: body && JSON.stringify(body) });
  };
  const cookies = (await ask("/login", "", person)).headers.getSetCookie();
  const cookie = cookies.map((one) => one.split(";")[0]).join("; ");
  const { secret } = await (await ask("/me/totp", cookie)).json();
  assert.equal((await ask("/me/totp/confirm", cookie, { code: clock.code(secret) })).status, 200);
  return secret;
}

/** Logs in by the application's two forms; and once more after a logout. */
async function walkTwoSteps(t, port, clock, secret) {
  const page = await (await startBrowser(t)).newPage();
  await page.goto(`http://localhost:${port}/`, { waitUntil: "networkidle" });
  for (let times = 0; times < 2; times++) {
    await page.locator('input[name="email"]').fill(person.email);
    await page.locator('input[name="password"]').fill(person.password);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.locator('input[name="code"]').fill(clock.code(secret));
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("button", { name: `Log out ${person.email}` }).click();
  }
}

function temporary(t, name) {
  const folder = mkdtempSync(join(tmpdir(), `doorward-${name}-`));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  return folder;
}
