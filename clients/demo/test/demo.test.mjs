// The demo in a real Chromium, against the real service: a person's day, by mouse and by keyboard, in both themes and both widths.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { build } from "vite";

import { atEnd, temporaryFolder } from "../../../tests/browser/ends.mjs";
import { person, startBrowser, startDoorward } from "../../../tests/browser/support.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const axe = readFileSync(join(root, "node_modules/axe-core/axe.min.js"), "utf8");
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

/** The built demo on a port of its own, for this service. */
async function startDemo(t, settings = {}) {
  const port = await startDoorward(t, { LOGIN_RATE_LIMIT: "off", ...settings });
  const folder = temporaryFolder(t, "demo");
  process.env.VITE_DOORWARD_URL = `http://localhost:${port}`;
  await build({ root, logLevel: "error", build: { outDir: folder, emptyOutDir: true } });
  const server = createServer((request, response) => {
    const path = request.url === "/" ? "/index.html" : request.url;
    try {
      response.setHeader("Content-Type", TYPES[extname(path)] ?? "application/octet-stream");
      response.end(readFileSync(join(folder, path)));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  atEnd(t, () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  });
  return { api: `http://localhost:${port}/api/auth`, url: `http://localhost:${server.address().port}/` };
}

/** Another device of the person's. */
const call = (api, path, body, cookie = "") =>
  fetch(api + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "User-Agent": "Mozilla/5.0 (iPhone) Safari/604.1", Cookie: cookie },
    body: JSON.stringify(body),
  });

async function fill(page, values) {
  for (const [label, value] of Object.entries(values)) await page.getByLabel(label, { exact: true }).fill(value);
}

async function logIn(page, who = person) {
  await fill(page, { Email: who.email, Password: who.password });
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: /^Welcome/ }).waitFor();
}

test("a person's day: register, look around, change things, leave", async (t) => {
  const { api, url } = await startDemo(t);
  const page = await (await startBrowser(t)).newPage();
  await page.goto(url);
  await page.getByRole("link", { name: "Make an account" }).click();

  // What is wrong stands beside its field.
  await fill(page, { Email: "nonsense", "New password": "short" });
  await page.getByRole("button", { name: "Register" }).click();
  await page.locator('input[name="email"][aria-invalid="true"]').waitFor();
  const described = await page.locator('input[name="password"]').getAttribute("aria-describedby");
  assert.equal(described.split(" ").length, 2, "the rule, and what is wrong");
  await fill(page, { "New password": "ä".repeat(40) });
  await page.getByText("9 bytes too long.").waitFor();
  await fill(page, { "Name (optional)": "Ann", Email: person.email, "New password": person.password });
  await page.getByRole("button", { name: "Register" }).click();
  await page.getByRole("heading", { name: "Welcome, Ann" }).waitFor();

  await fill(page, { Name: "Ann Example" });
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "Welcome, Ann Example" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Welcome, Ann Example" }).waitFor();

  // Another device.
  const phone = (await call(api, "/login", person)).headers.getSetCookie().map((cookie) => cookie.split(";")[0]).join("; ");
  await page.getByRole("link", { name: "Devices" }).click();
  await page.getByText("this device", { exact: true }).waitFor();
  assert.equal(await page.getByRole("listitem").count(), 2);
  await page.getByRole("button", { name: /^Log out this device: / }).click();
  await page.getByText(/is logged out\.$/).waitFor();
  assert.equal((await call(api, "/refresh", {}, phone)).status, 401);

  await page.getByRole("link", { name: "Password" }).click();
  await fill(page, { "Current password": "WrongPass123", "New password": "EvenMoreSecure456" });
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByRole("alert").filter({ hasText: "password" }).waitFor();
  await fill(page, { "Current password": person.password, "New password": "EvenMoreSecure456" });
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("Your password is changed.").waitFor();

  await page.getByRole("link", { name: "Your data" }).click();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  const data = JSON.parse(readFileSync(await (await download).path(), "utf8"));
  assert.ok(JSON.stringify(data).includes(person.email));
  await fill(page, { Password: "EvenMoreSecure456" });
  await page.getByRole("button", { name: "Delete my account" }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  assert.equal((await call(api, "/login", { ...person, password: "EvenMoreSecure456" })).status, 401);
});

test("a throttled login counts down, and the reason of a lost session is a plain sentence", async (t) => {
  const { api, url } = await startDemo(t, { LOGIN_RATE_LIMIT: "3/1m" });
  const page = await (await startBrowser(t)).newPage();
  await page.goto(url);
  await call(api, "/register", person);
  await logIn(page);
  const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  await call(api, "/logout-all", {}, cookie);
  await page.getByRole("link", { name: "Devices" }).click();
  await page.getByText("Your session was ended, on another device").waitFor();
  for (let attempt = 0; attempt < 3; attempt++) {
    await fill(page, { Email: person.email, Password: "WrongPass123" });
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("alert").filter({ hasText: /Incorrect|Too many/ }).waitFor();
  }
  const waiting = page.getByRole("button", { name: /^Again in \d+ s$/ });
  await waiting.waitFor();
  assert.ok(await waiting.isDisabled());
});

test("a service that is away is said, and asked again", async (t) => {
  const { url } = await startDemo(t);
  const page = await (await startBrowser(t)).newPage();
  await page.route("**/api/auth/state", (route) => route.abort());
  await page.goto(url);
  await page.getByText("The service can't be reached.").waitFor();
  await judge(page, "unavailable");
  await page.unroute("**/api/auth/state");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
});

test("by keyboard alone", async (t) => {
  const { api, url } = await startDemo(t);
  await call(api, "/register", person);
  const page = await (await startBrowser(t)).newPage();
  await page.goto(url);
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  for (const text of [person.email, person.password]) {
    await page.keyboard.press("Tab");
    await page.keyboard.type(text);
  }
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Welcome" }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "MAIN", "focus begins at the new page");
  for (let presses = 0; presses < 12; presses++) {
    await page.keyboard.press("Shift+Tab");
    if ((await page.evaluate(() => document.activeElement.textContent)) === "Devices") break;
  }
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Where you are logged in" }).waitFor();
});

for (const colorScheme of ["light", "dark"]) {
  for (const width of [390, 1280]) {
    test(`every page reads well: ${colorScheme}, ${width} pixels`, async (t) => {
      const { api, url } = await startDemo(t);
      await call(api, "/register", { ...person, full_name: "Ann Example" });
      const context = await startBrowser(t, { colorScheme, viewport: { width, height: 900 } });
      const page = await context.newPage();
      await page.goto(url);
      await page.getByRole("heading", { name: "Log in" }).waitFor();
      await judge(page, `login-${colorScheme}-${width}`);
      for (const [address, name, heading] of [
        ["#/register", "register", "Make an account"],
        ["#token=abc", "reset", "Set a new password"],
        ["#/", "login", "Log in"],
      ]) {
        await page.goto(url + address);
        await page.getByRole("heading", { name: heading }).waitFor();
        await page.getByRole("button").click();
        await page.locator(".error").first().waitFor();
        await judge(page, `${name}-errors-${colorScheme}-${width}`);
      }
      await logIn(page);
      for (const [address, name] of [["#/", "home"], ["#/sessions", "sessions"], ["#/password", "password"], ["#/data", "data"]]) {
        await page.goto(url + address);
        await page.getByRole("heading", { level: 1 }).waitFor();
        if (name === "sessions") await page.getByRole("listitem").first().waitFor();
        await judge(page, `${name}-${colorScheme}-${width}`);
      }
    });
  }
}

/** axe finds nothing, and nothing is wider than the window. */
async function judge(page, name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run());
  assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), [], name);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is too wide`);
  if (process.env.SCREENSHOTS) {
    mkdirSync(process.env.SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`), fullPage: true });
  }
}

test("npm run dev: beside the service by CORS, and by the proxy", async (t) => {
  const port = await startDoorward(t, { LOGIN_RATE_LIMIT: "off" });
  const service = `http://localhost:${port}`;
  await call(`${service}/api/auth`, "/register", person);
  for (const settings of [{ VITE_DOORWARD_URL: service }, { VITE_DOORWARD_URL: "", DOORWARD_URL: service }]) {
    const address = await startVite(t, settings);
    const page = await (await startBrowser(t)).newPage();
    await page.goto(address);
    await logIn(page);
    await page.reload();
    await page.getByRole("heading", { name: "Welcome" }).waitFor();
  }
});

async function startVite(t, settings) {
  const environment = { ...process.env, ...settings, NO_COLOR: "1" };
  const vite = spawn(process.execPath, ["node_modules/vite/bin/vite.js", "--port", "0"], { cwd: root, env: environment });
  const ended = new Promise((done) => vite.once("close", done));
  atEnd(t, () => {
    vite.kill();
    return ended;
  });
  return new Promise((found, failed) => {
    let text = "";
    vite.once("close", () => failed(new Error(text)));
    vite.stdout.on("data", (data) => {
      text += data;
      const address = /Local:\s+(http:\/\/\S+)/.exec(text);
      if (address) found(address[1]);
    });
  });
}
