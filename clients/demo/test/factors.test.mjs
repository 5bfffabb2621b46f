// A second factor in the demo, by the real service: set up, logged in with, lost, removed; and proving once more who asks.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { startClock } from "../../../tests/browser/authenticator.mjs";
import { startMailServer } from "../../../tests/browser/mail_server.mjs";
import { person, startBrowser } from "../../../tests/browser/support.mjs";
import { beginLogin, call, fill, heading, judge, logIn, logOut, mailedCode, press, setUpApp, startDemo, tabTo } from "./support.mjs";

/** A person who is logged in, and whose service has a clock that stands still. */
async function begin(t, settings = {}) {
  const clock = startClock(t);
  const { api, url } = await startDemo(t, { ...clock.settings, ...settings });
  await call(api, "/register", person);
  const context = await startBrowser(t);
  const page = await context.newPage();
  await page.goto(url);
  return { clock, api, url, context, page };
}

test("an app is set up; from then on a login wants a code; the lost app is removed by a recovery code", async (t) => {
  const { clock, page } = await begin(t);
  await logIn(page);
  await page.getByRole("link", { name: "Two steps" }).click();
  await press(page, "Set up an app");
  await press(page, "Show the code for the app");
  const secret = (await page.locator(".secret").textContent()).replaceAll(" ", "");
  await fill(page, { Code: "12345" });
  await press(page, "Confirm");
  await page.getByRole("alert").filter({ hasText: "code" }).waitFor();
  await fill(page, { Code: clock.code(secret) });
  await press(page, "Confirm");
  await heading(page, "Your recovery codes");
  const codes = await page.locator(".codes li").allInnerTexts();
  assert.equal(new Set(codes).size, 10);
  const download = page.waitForEvent("download");
  await press(page, "Download");
  assert.deepEqual(readFileSync(await (await download).path(), "utf8").trim().split("\n"), codes);
  await page.emulateMedia({ media: "print" });
  assert.ok(await page.locator(".codes").isVisible());
  assert.deepEqual(await page.locator("header, button").evaluateAll((all) => all.filter((one) => one.checkVisibility()).length), 0, "paper has no buttons");
  await page.emulateMedia({ media: null });
  await press(page, "Go on");
  await page.getByText("The app is set up.").waitFor();
  await page.getByText("10 of them are good still.").waitFor();

  await logOut(page);
  await beginLogin(page);
  await fill(page, { Code: "000000" });
  await press(page, "Log in");
  await page.getByRole("alert").filter({ hasText: "code" }).waitFor();
  const code = clock.code(secret);
  await fill(page, { Code: `${code.slice(0, 3)} ${code.slice(3)}` });
  await press(page, "Log in");
  await heading(page, "Welcome");

  // The phone is gone.
  await logOut(page);
  await beginLogin(page);
  await press(page, "Use a recovery code");
  await fill(page, { "Recovery code": codes[0].toUpperCase() });
  await press(page, "Log in");
  await heading(page, "Have you lost the app?");
  await page.getByText("9 of them are good still.").waitFor();
  await press(page, "Remove the lost app");
  await page.getByText("The app is removed.").waitFor();
  await logOut(page);
  await logIn(page);
});

test("where mail is sent the first app takes the code that was mailed, and the next one does not", async (t) => {
  const { settings, mail } = await startMailServer(t);
  const { clock, page } = await begin(t, settings);
  await logIn(page);
  await page.getByRole("link", { name: "Two steps" }).click();
  const show = async (button) => {
    await press(page, button);
    await press(page, "Show the code for the app");
    return (await page.locator(".secret").textContent()).replaceAll(" ", "");
  };
  const secret = await show("Set up an app");
  const code = await mailedCode(mail);
  await fill(page, { Code: clock.code(secret), "Mailed code": "0000-0000" });
  await press(page, "Confirm");
  await page.getByRole("alert").filter({ hasText: "Enter the code that was mailed to you" }).waitFor();
  await judge(page, "app-mailed-code");
  // As people type it.
  await fill(page, { Code: clock.code(secret), "Mailed code": code.toUpperCase().replace("-", " ") });
  await press(page, "Confirm");
  await heading(page, "Your recovery codes");
  await press(page, "I have written them down");
  await page.getByText("The app is set up.").waitFor();
  await page.getByRole("link", { name: "Address", exact: true }).click();
  await page.getByText("confirmed", { exact: true }).waitFor();

  await page.getByRole("link", { name: "Two steps" }).click();
  const other = await show("Another app");
  assert.equal(await page.getByLabel("Mailed code").count(), 0);
  await fill(page, { Code: clock.code(other) });
  await press(page, "Confirm");
  await page.getByText("The app is set up.").waitFor();
});

test("what wants a proof asks for one, and goes on with what it was wanted for", async (t) => {
  const { clock, api, page } = await begin(t);
  await logIn(page);
  const { secret, codes } = await setUpApp(page, clock);
  clock.pass(11 * 60);
  await page.getByRole("link", { name: "Password" }).click();
  const change = async () => {
    await fill(page, { "Current password": person.password, "New password": "EvenMoreSecure456" });
    await press(page, "Change password");
    await heading(page, "Is it you?");
  };
  await change();
  await press(page, "Not now");
  await page.getByRole("alert").filter({ hasText: "Prove once more" }).waitFor();
  assert.equal((await call(api, "/login", person)).status, 401, "it wants a code");
  await change();
  await fill(page, { "Your password": person.password, Code: "000000" });
  await press(page, "Go on");
  await page.getByRole("dialog").getByRole("alert").filter({ hasText: "code" }).waitFor();
  await fill(page, { Code: clock.code(secret) });
  await press(page, "Go on");
  await page.getByText("Your password is changed.").waitFor();
  assert.equal(await page.getByRole("dialog").count(), 0);

  // By a recovery code, where the app is not at hand.
  clock.pass(11 * 60);
  await page.getByRole("link", { name: "Your data" }).click();
  const download = page.waitForEvent("download");
  await press(page, "Download");
  await press(page, "Use a recovery code");
  await fill(page, { "Your password": "EvenMoreSecure456", "Recovery code": codes[0] });
  await press(page, "Go on");
  assert.ok(readFileSync(await (await download).path(), "utf8").includes(person.email));

  // New recovery codes, without being asked again.
  await page.getByRole("link", { name: "Two steps" }).click();
  await page.getByText("9 of them are good still.").waitFor();
  await press(page, "Make new ones");
  await heading(page, "Your recovery codes");
  const fresh = await page.locator(".codes li").allInnerTexts();
  assert.ok(fresh.length === 10 && !fresh.includes(codes[1]));
  await press(page, "I have written them down");
  await page.getByText("10 of them are good still.").waitFor();
  // Another app takes the place of the first, and the codes stay.
  await press(page, "Another app");
  await press(page, "Show the code for the app");
  const other = (await page.locator(".secret").textContent()).replaceAll(" ", "");
  await fill(page, { Code: clock.code(other) });
  await press(page, "Confirm");
  await page.getByText("The app is set up.").waitFor();
  await page.getByText("10 of them are good still.").waitFor();
  await logOut(page);
  await beginLogin(page, { ...person, password: "EvenMoreSecure456" });
  await fill(page, { Code: clock.code(other) });
  await press(page, "Log in");
  await heading(page, "Welcome");
});

test("where everybody needs a second factor it is set up on the way in; a step that takes too long begins again", async (t) => {
  const { clock, page } = await begin(t, { SECOND_FACTOR: "required" });
  await beginLogin(page);
  await heading(page, "One thing more");
  await press(page, "Show the code for the app");
  await page.locator(".secret").waitFor();
  clock.pass(6 * 60);
  await fill(page, { Code: "000000" });
  await press(page, "Confirm");
  await page.getByText("That took too long.").waitFor();
  await beginLogin(page);
  await press(page, "Show the code for the app");
  const secret = (await page.locator(".secret").textContent()).replaceAll(" ", "");
  await fill(page, { Code: clock.code(secret) });
  await press(page, "Confirm");
  await heading(page, "Your recovery codes");
  assert.equal(await page.locator(".codes li").count(), 10);
  await press(page, "I have written them down");
  await heading(page, "Welcome");
  await page.getByRole("link", { name: "Two steps" }).click();
  await press(page, "Remove");
  await page.getByRole("status").filter({ hasText: "Everybody needs a second factor here." }).waitFor();
});

test("by keyboard alone: set up, log in, prove once more", async (t) => {
  const { clock, page } = await begin(t);
  await logIn(page);
  const { keyboard } = page;
  const secret = async () => {
    await page.locator(".secret").waitFor();
    return (await page.locator(".secret").textContent()).replaceAll(" ", "");
  };
  const enter = async (text) => {
    await tabTo(page, text);
    await keyboard.press("Enter");
  };
  await page.evaluate(() => document.querySelector("nav a").focus());
  await enter("Two steps");
  await page.getByRole("button", { name: "Set up an app" }).waitFor();
  await enter("Set up an app");
  await heading(page, "Your authenticator app");
  await enter("Show the code for the app");
  const app = await secret();
  await tabTo(page, "code");
  await keyboard.type(clock.code(app));
  await keyboard.press("Enter");
  await heading(page, "Your recovery codes");
  await enter("I have written them down");
  await page.getByText("The app is set up.").waitFor();

  clock.pass(11 * 60);
  await enter("Make new ones");
  await heading(page, "Is it you?");
  await keyboard.press("Escape");
  await page.getByText("Prove once more").waitFor();
  await enter("Make new ones");
  await heading(page, "Is it you?");
  await keyboard.type(person.password);
  await tabTo(page, "code");
  await keyboard.type(clock.code(app));
  await keyboard.press("Enter");
  await heading(page, "Your recovery codes");
  await enter("I have written them down");
  await page.getByText("10 of them are good still.").waitFor();

  await logOut(page);
  await tabTo(page, "email");
  await keyboard.type(person.email);
  await tabTo(page, "password");
  await keyboard.type(person.password);
  await keyboard.press("Enter");
  await heading(page, "Your second step");
  await keyboard.type(clock.code(app));
  await keyboard.press("Enter");
  await heading(page, "Welcome");
});
