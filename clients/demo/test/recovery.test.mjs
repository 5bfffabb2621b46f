// A second step of which all is lost: asked for with the password, mailed, waited for, removed; and stopped by its owner.

import assert from "node:assert/strict";
import { test } from "node:test";

import { startClock } from "../../../tests/browser/authenticator.mjs";
import { person, startBrowser } from "../../../tests/browser/support.mjs";
import { beginLogin, call, confirmed, fill, heading, logIn, logOut, open, press, setUpApp, startDemo, tabTo } from "./support.mjs";

const WAIT = { EMAIL_VERIFICATION: "on", FACTOR_RECOVERY: "3d" };
const DAYS = 24 * 60 * 60;

/** Somebody with an authenticator app and a confirmed address, at the second step of a login; and a clock of the service's that stands still. */
async function begin(t, settings = WAIT) {
  const clock = startClock(t);
  const { api, url, mail } = await startDemo(t, { EMAIL_VERIFICATION: "on", ...clock.settings, ...settings });
  await confirmed(api, mail);
  const browser = await startBrowser(t);
  const page = await open(browser, url);
  await logIn(page);
  const app = await setUpApp(page, clock);
  await logOut(page);
  await beginLogin(page);
  return { clock, api, url, mail, browser, page, app };
}

/** The mail that begins it, to whoever has proved the password. */
async function ask({ page, mail }) {
  await press(page, "I have lost all of these");
  await heading(page, "Have you lost your second step?");
  await press(page, "Mail me a link");
  await page.getByText("is on its way to the address of your account").waitFor();
  return mail("factor_recovery");
}

const wantsCode = async (api) => (await (await call(api, "/login", person)).json()).code === "second_factor_required";
const isOver = (page) => page.getByRole("alert").filter({ hasText: "This link has been used or has expired." }).waitFor();

test("who has lost the app and the codes waits, and logs in by the password alone", async (t) => {
  const here = await begin(t);
  const { clock, api, url, mail, browser } = here;
  const { to, link } = await ask(here);
  assert.equal(to, person.email);
  const asked = [];
  browser.on("request", (request) => asked.push(request.url()));
  const page = await open(browser, link);
  await heading(page, "Begin the removal");
  assert.equal(page.url(), `${url}factor-recovery`, "the token is out of the address");
  await press(page, "Begin");
  await page.getByText("The removal has begun.").waitFor();
  assert.ok(!asked.some((address) => address.includes(link.split("=")[1])), "and was sent to no server");
  await mail("factor_recovery_started");

  // Nothing is removed before the wait is over.
  clock.pass(2 * DAYS);
  await mail("factor_recovery_started");
  assert.ok(await wantsCode(api));
  clock.pass(DAYS);
  const ready = await mail("factor_recovery_ready");
  await page.goto(ready.link);
  await heading(page, "Remove your second step");
  assert.ok(await wantsCode(api), "opening it has done nothing");
  await press(page, "Remove it");
  await page.getByText("The second factor is removed.").waitFor();
  await page.getByRole("link", { name: "Log in" }).click();
  await logIn(page);
  await page.getByRole("link", { name: "Two steps" }).click();
  await page.getByRole("button", { name: "Set up an app" }).waitFor();

  const again = await open(await startBrowser(t), ready.link);
  await press(again, "Remove it");
  await isOver(again);
  await again.reload();
  await heading(again, "Open the link again");
});

test("the owner stops what somebody else has begun, who knows the password", async (t) => {
  const here = await begin(t);
  const { clock, api, mail, browser } = here;
  const start = (await ask(here)).link;
  const page = await open(browser, start);
  await press(page, "Begin");
  await page.getByText("The removal has begun.").waitFor();

  const owner = await open(await startBrowser(t), (await mail("factor_recovery_started")).link);
  await heading(owner, "Stop the removal");
  await press(owner, "Stop it");
  await owner.getByText("The removal is stopped.").waitFor();
  await owner.getByRole("link", { name: "Set a new one" }).click();
  await heading(owner, "Forgot your password?");
  await page.goto(start);
  await press(page, "Begin");
  await isOver(page);
  clock.pass(4 * DAYS);
  assert.ok(await wantsCode(api));
});

test("where operators do it that is said; and who takes too long begins again", async (t) => {
  const { clock, page, app } = await begin(t, {});
  await press(page, "I have lost all of these");
  await press(page, "Mail me a link");
  await page.getByRole("alert").filter({ hasText: "Ask those who run this service" }).waitFor();
  // It was in the other pocket.
  await press(page, "Back to the code");
  await fill(page, { Code: clock.code(app.secret) });
  await press(page, "Log in");
  await heading(page, "Welcome");

  await logOut(page);
  await beginLogin(page);
  await press(page, "I have lost all of these");
  clock.pass(6 * 60);
  await press(page, "Mail me a link");
  await page.getByText("That took too long.").waitFor();
});

test("by keyboard alone", async (t) => {
  const here = await begin(t);
  const { clock, mail, browser, page } = here;
  const enter = async (page, text) => {
    await tabTo(page, text);
    await page.keyboard.press("Enter");
  };
  await enter(page, "I have lost all of these");
  await heading(page, "Have you lost your second step?");
  await enter(page, "Mail me a link");
  await page.getByText("is on its way").waitFor();
  const link = await open(browser, (await mail("factor_recovery")).link);
  await heading(link, "Begin the removal");
  await enter(link, "Begin");
  await link.getByText("The removal has begun.").waitFor();
  clock.pass(3 * DAYS);
  await link.goto((await mail("factor_recovery_ready")).link);
  await heading(link, "Remove your second step");
  await enter(link, "Remove it");
  await link.getByText("The second factor is removed.").waitFor();
  await enter(link, "Log in");
  await heading(link, "Log in");
  await tabTo(link, "email");
  await link.keyboard.type(person.email);
  await tabTo(link, "password");
  await link.keyboard.type(person.password);
  await link.keyboard.press("Enter");
  await heading(link, "Welcome");
});
