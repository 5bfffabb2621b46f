// The built demo, the real service beside it, and the mails that the service writes.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "vite";

import { atEnd, temporaryFolder } from "../../../tests/browser/ends.mjs";
import { mailbox, person, startService } from "../../../tests/browser/support.mjs";

export const root = fileURLToPath(new URL("..", import.meta.url));
const axe = readFileSync(join(root, "node_modules/axe-core/axe.min.js"), "utf8");
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };
const UNLIMITED = ["LOGIN", "REGISTER", "PASSWORD_CHANGE", "ACCOUNT"].map((name) => [`${name}_RATE_LIMIT`, "off"]);

/** The built demo on a port of its own, for a service whose mails lead to it; `restart` gives that other settings. */
export async function startDemo(t, settings = {}) {
  const folder = temporaryFolder(t, "demo");
  const server = createServer((request, response) => {
    // Its pages have addresses of their own, and are one file.
    const path = extname(request.url) ? request.url : "/index.html";
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
  const url = `http://localhost:${server.address().port}/`;
  const mails = temporaryFolder(t, "mails");
  const pages = Object.entries({ RESET: "reset", VERIFY: "verify", EMAIL_CHANGE: "email", NOT_ME: "not-me", FACTOR_RECOVERY: "factor-recovery" });
  const links = pages.map(([name, page]) => [`${name}_URL`, url + page]);
  const environment = { ...Object.fromEntries([...UNLIMITED, ...links]), MAIL_FOLDER: mails, ...settings };
  const { port, kill, again } = await startService(t, environment);
  process.env.VITE_DOORWARD_URL = `http://localhost:${port}`;
  await build({ root, logLevel: "error", build: { outDir: folder, emptyOutDir: true } });
  const restart = async (more) => {
    Object.assign(environment, more);
    await kill();
    await again();
  };
  return { api: `http://localhost:${port}/api/auth`, url, mail: mailbox(mails), restart };
}

/** Another device of the person's. */
export const call = (api, path, body, cookie = "") =>
  fetch(api + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "User-Agent": "Mozilla/5.0 (iPhone) Safari/604.1", Cookie: cookie },
    body: JSON.stringify(body),
  });

/** A person whose address is confirmed, where a mail is sent for that (`EMAIL_VERIFICATION`). */
export async function confirmed(api, mail, who = person) {
  await call(api, "/register", who);
  const token = (await mail("verify")).link.split("#token=")[1];
  assert.equal((await call(api, "/email/verify", { token, new_password: who.password })).status, 200);
}

/** What a mail leads to, in a page of its own. */
export async function open(context, link) {
  const page = await context.newPage();
  await page.goto(link);
  return page;
}

export async function fill(page, values) {
  for (const [label, value] of Object.entries(values)) await page.getByLabel(label, { exact: true }).fill(value);
}

export const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

export async function logIn(page, who = person) {
  await fill(page, { Email: who.email, Password: who.password });
  await press(page, "Log in");
  await heading(page, /^Welcome/);
}

/** From the first page, which the next login leads to then. */
export async function logOut(page) {
  await page.getByRole("link", { name: "Home" }).click();
  await press(page, "Log out");
  await heading(page, "Log in");
}

/** The first of two steps. */
export async function beginLogin(page, who = person) {
  await fill(page, { Email: who.email, Password: who.password });
  await press(page, "Log in");
  await heading(page, /^(Your second step|One thing more)$/);
}

/** An authenticator app for whoever is logged in: its secret, and the recovery codes. */
export async function setUpApp(page, clock) {
  await page.getByRole("link", { name: "Two steps" }).click();
  await press(page, "Set up an app");
  await press(page, "Show the code for the app");
  const secret = (await page.locator(".secret").textContent()).replaceAll(" ", "");
  await fill(page, { Code: clock.code(secret) });
  await press(page, "Confirm");
  await heading(page, "Your recovery codes");
  const codes = await page.locator(".codes li").allInnerTexts();
  await press(page, "I have written them down");
  await page.getByText("The app is set up.").waitFor();
  return { secret, codes };
}

/** The code without which an account gets no first factor, where mail is sent by SMTP. */
export async function mailedCode(mail) {
  const { to, text } = await mail("Your code to set up a second step");
  assert.equal(to, person.email);
  return /^[0-9a-z]{4}-[0-9a-z]{4}$/m.exec(text)[0];
}

/** Goes on by the keyboard until it is at a link or button of this text, or a field of this name. */
export async function tabTo(page, text) {
  for (let presses = 0; presses < 30; presses++) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => document.activeElement.textContent || document.activeElement.name);
    if (at === text) return;
  }
  assert.fail(`the keyboard does not reach ${text}`);
}

export const heading = (page, name) => page.getByRole("heading", { name }).waitFor();

/** axe finds nothing, and nothing is wider than the window. */
export async function judge(page, name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run());
  assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), [], name);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is too wide`);
  if (process.env.SCREENSHOTS) {
    mkdirSync(process.env.SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`), fullPage: true });
  }
}
