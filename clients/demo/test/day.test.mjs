// The demo in a real Chromium, against the real service: a person's day, by mouse and by keyboard, built and as `npm run dev`.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { atEnd } from "../../../tests/browser/ends.mjs";
import { person, startBrowser, startDoorward } from "../../../tests/browser/support.mjs";
import { call, fill, heading, judge, logIn, root, startDemo } from "./support.mjs";

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
  await heading(page, "Welcome, Ann");

  await fill(page, { Name: "Ann Example" });
  await page.getByRole("button", { name: "Save" }).click();
  await heading(page, "Welcome, Ann Example");
  await page.reload();
  await heading(page, "Welcome, Ann Example");

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
  await heading(page, "Log in");
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
  const reason = page.getByText("Your session was ended, on another device");
  await reason.waitFor();
  for (let attempt = 0; attempt < 3; attempt++) {
    await fill(page, { Email: person.email, Password: "WrongPass123" });
    await page.getByRole("button", { name: "Log in", exact: true }).click();
    await page.getByRole("alert").filter({ hasText: /Incorrect|Too many/ }).waitFor();
  }
  const waiting = page.getByRole("button", { name: /^Again in \d+ s$/ });
  await waiting.waitFor();
  assert.ok(await waiting.isDisabled());
  assert.ok(await reason.isVisible(), "and stays until somebody logs in");
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
  await heading(page, "Log in");
});

test("by keyboard alone", async (t) => {
  const { api, url } = await startDemo(t);
  await call(api, "/register", person);
  const page = await (await startBrowser(t)).newPage();
  await page.goto(url);
  await heading(page, "Log in");
  for (const text of [person.email, person.password]) {
    await page.keyboard.press("Tab");
    await page.keyboard.type(text);
  }
  await page.keyboard.press("Enter");
  await heading(page, "Welcome");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "MAIN", "focus begins at the new page");
  for (let presses = 0; presses < 12; presses++) {
    await page.keyboard.press("Shift+Tab");
    if ((await page.evaluate(() => document.activeElement.textContent)) === "Devices") break;
  }
  await page.keyboard.press("Enter");
  await heading(page, "Where you are logged in");
});

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
    await heading(page, "Welcome");
    // Where the links of mails lead.
    await page.goto(new URL("not-me#token=abc", address).href);
    await heading(page, "Was it not you?");
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
