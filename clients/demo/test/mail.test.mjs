// What is done by mail: the real service writes the mails, and their links are opened in a real Chromium.

import assert from "node:assert/strict";
import { test } from "node:test";

import { person, startBrowser } from "../../../tests/browser/support.mjs";
import { call, confirmed, fill, heading, logIn, open, press, startDemo, tabTo } from "./support.mjs";

const NEW = "EvenMoreSecure456";
const logsIn = async (api, email, password) => (await call(api, "/login", { email, password })).status === 200;

test("a forgotten password: the same words for everybody, a link that works once", async (t) => {
  const { api, url, mail } = await startDemo(t);
  await call(api, "/register", person);
  const browser = await startBrowser(t);
  const page = await open(browser, url);
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  const said = [];
  for (const email of ["nobody@example.com", person.email]) {
    await fill(page, { Email: email });
    await press(page, "Mail me a link");
    await page.getByText("is on its way").waitFor();
    said.push(await page.getByRole("status").last().textContent());
    await page.reload();
    await heading(page, "Forgot your password?");
  }
  assert.equal(said[0], said[1]);

  const { to, link } = await mail("reset");
  assert.equal(to, person.email);
  const asked = [];
  browser.on("request", (request) => asked.push(request.url()));
  const reset = await open(browser, link);
  await heading(reset, "Set a new password");
  assert.equal(reset.url(), `${url}reset`, "the token is out of the address");
  assert.ok(!asked.some((address) => address.includes(link.split("=")[1])), "and was sent to no server");
  assert.ok(await logsIn(api, person.email, person.password), "opening it has done nothing");

  await fill(reset, { "New password": "short" });
  await press(reset, "Set password");
  await reset.locator('[aria-invalid="true"]').waitFor();
  await fill(reset, { "New password": NEW });
  await press(reset, "Set password");
  await reset.getByText("Your password is set.").waitFor();
  await reset.getByRole("link", { name: "Log in" }).click();
  await logIn(reset, { ...person, password: NEW });
  assert.ok(!(await logsIn(api, person.email, person.password)));

  // Once; and into the page that is open.
  await page.goto(link);
  await fill(page, { "New password": "YetAnotherSecure789" });
  await press(page, "Set password");
  await page.getByRole("alert").filter({ hasText: "This link has been used or has expired." }).waitFor();
  await page.reload();
  await heading(page, "Open the link again");
  await page.goto(link);
  await heading(page, "Set a new password");
});

test("an address is confirmed: where its person is logged in, and where somebody else is", async (t) => {
  const { api, url, mail } = await startDemo(t, { EMAIL_VERIFICATION: "on" });
  const browser = await startBrowser(t);
  const page = await open(browser, `${url}#/register`);
  await fill(page, { Email: person.email, "New password": person.password });
  await press(page, "Register");
  await heading(page, "Welcome");
  const first = await mail("verify");
  await page.getByRole("link", { name: "Confirm it" }).click();
  await page.getByText("not confirmed").waitFor();
  await press(page, "Mail me a link that confirms it");
  await page.getByText("is on its way").waitFor();
  assert.equal((await mail("verify")).link, first.link, "asking again voids nothing");

  const confirms = await open(browser, first.link);
  await confirms.getByText("You are logged in.").waitFor();
  await press(confirms, "Confirm");
  await confirms.getByText("Your address is confirmed.").waitFor();
  await confirms.getByRole("link", { name: "Go on" }).click();
  await heading(confirms, "Welcome");
  assert.equal(await confirms.getByRole("link", { name: "Confirm it" }).count(), 0);

  // Somebody has registered Bob's address, and Bob opens the link where Ann is logged in.
  const bob = { email: "bob@example.com", password: "KnownToTheThief1" };
  await call(api, "/register", bob);
  const his = await open(browser, (await mail("verify")).link);
  await press(his, "Confirm");
  await his.locator('[aria-invalid="true"]').waitFor();
  await fill(his, { "New password": NEW });
  await press(his, "Confirm");
  await his.getByText("Your address is confirmed.").waitFor();
  assert.ok(!(await logsIn(api, bob.email, bob.password)), "whoever registered it does not keep it");
  assert.ok(await logsIn(api, bob.email, NEW));
});

test("no account before its address is confirmed", async (t) => {
  const { url, mail } = await startDemo(t, { EMAIL_VERIFICATION: "required" });
  const browser = await startBrowser(t);
  const page = await open(browser, `${url}#/register`);
  await fill(page, { "Name (optional)": "Ann", Email: person.email, "New password": person.password });
  await press(page, "Register");
  await page.getByText("A mail to this address says how it goes on.").waitFor();
  assert.equal(await page.getByRole("alert").textContent(), "");

  const made = await open(browser, (await mail("registration")).link);
  await fill(made, { "New password": NEW });
  await press(made, "Confirm");
  await made.getByRole("link", { name: "Log in" }).click();
  await logIn(made, { ...person, password: NEW });
  await heading(made, "Welcome, Ann");
});

test("a mistyped address is corrected by who knows the password, before anybody is let in", async (t) => {
  const { api, url, mail, restart } = await startDemo(t, { EMAIL_VERIFICATION: "on" });
  const mistyped = { email: "user@example.con", password: person.password };
  await call(api, "/register", mistyped);
  assert.equal((await mail("verify")).to, mistyped.email);
  // From now on nobody is let in before.
  await restart({ EMAIL_VERIFICATION: "required" });
  const page = await open(await startBrowser(t), url);
  await fill(page, { Email: mistyped.email, Password: mistyped.password });
  await press(page, "Log in");
  await page.getByRole("link", { name: "Correct it" }).click();
  await heading(page, "Correct your address");
  const correct = async (password) => {
    await fill(page, { "Address with the mistake": mistyped.email, Password: password, "Right address": person.email });
    await press(page, "Mail me a link there");
  };
  await correct("WrongPass123");
  await page.getByRole("alert").filter({ hasText: "Incorrect" }).waitFor();
  await correct(mistyped.password);
  await page.getByText("on its way").waitFor();
  let mailed;
  do mailed = await mail("verify");
  while (mailed.to !== person.email);
  await page.goto(mailed.link);
  await fill(page, { "New password": NEW });
  await press(page, "Confirm");
  await page.getByRole("link", { name: "Log in" }).click();
  await logIn(page, { ...person, password: NEW });
  assert.ok(!(await logsIn(api, mistyped.email, mistyped.password)));
});

test("another address, and the way back", async (t) => {
  const { api, url, mail } = await startDemo(t, { EMAIL_VERIFICATION: "on" });
  await confirmed(api, mail);
  const browser = await startBrowser(t);
  const page = await open(browser, url);
  await logIn(page);
  await page.getByRole("link", { name: "Address", exact: true }).click();
  await fill(page, { "New address": "new@example.com", Password: "WrongPass123" });
  await press(page, "Change address");
  await page.getByRole("alert").filter({ hasText: "password" }).waitFor();
  await fill(page, { "New address": "New@example.com", Password: person.password });
  await press(page, "Change address");
  const pending = page.getByText(`Your address is ${person.email} until you have opened it`);
  await pending.waitFor();
  await page.reload();
  await pending.waitFor();

  const { to, link } = await mail("email_change");
  assert.equal(to, "new@example.com");
  // Who has that mailbox alone has nothing.
  const there = await open(await startBrowser(t), link);
  await there.getByText("Log in with your present address").waitFor();
  await fill(there, { Email: person.email, Password: person.password });
  await press(there, "Log in");
  await press(there, "Use the new address");
  await there.getByText("Your address is new@example.com.").waitFor();
  await page.reload();
  await page.getByText("new@example.com").waitFor();
  assert.equal(await pending.count(), 0);

  // It was a thief: the former mailbox has the account again.
  const notice = await mail("email_changed");
  assert.equal(notice.to, person.email);
  const back = await open(await startBrowser(t), notice.link);
  await heading(back, "Take your account back");
  assert.equal(back.url(), `${url}email`);
  await fill(back, { "New password": NEW });
  await press(back, "Take it back");
  await back.getByText("The account has your address again").waitFor();
  await back.getByRole("link", { name: "Log in" }).click();
  await logIn(back, { ...person, password: NEW });
  await page.getByRole("link", { name: "Devices" }).click();
  await page.getByText("Your session was ended").waitFor();
});

test("that was not me: everybody is out, and the change is off", async (t) => {
  const { api, url, mail } = await startDemo(t, { EMAIL_VERIFICATION: "on" });
  await confirmed(api, mail);
  const browser = await startBrowser(t);
  const thief = await open(browser, url);
  await logIn(thief);
  await thief.getByRole("link", { name: "Address", exact: true }).click();
  await fill(thief, { "New address": "thief@example.com", Password: person.password });
  await press(thief, "Change address");
  await thief.getByText("A link is on its way to thief@example.com").waitFor();

  const notice = await mail("email_changing");
  assert.equal(notice.to, person.email);
  const owner = await open(await startBrowser(t), notice.link);
  await press(owner, "It was not me");
  await owner.getByText("every session of the account has ended").waitFor();
  assert.equal(owner.url(), `${url}not-me`);
  await thief.getByRole("link", { name: "Devices" }).click();
  await thief.getByText("Your session was ended").waitFor();
  const confirms = await open(browser, (await mail("email_change")).link);
  await fill(confirms, { Email: person.email, Password: person.password });
  await press(confirms, "Log in");
  await press(confirms, "Use the new address");
  await confirms.getByRole("alert").filter({ hasText: "This link has been used or has expired." }).waitFor();

  await owner.goto((await mail("reset")).link);
  await fill(owner, { "New password": NEW });
  await press(owner, "Set password");
  await owner.getByRole("link", { name: "Log in" }).click();
  await logIn(owner, { ...person, password: NEW });
});

test("a forgotten password by keyboard alone", async (t) => {
  const { api, url, mail } = await startDemo(t);
  await call(api, "/register", person);
  const page = await open(await startBrowser(t), url);
  await heading(page, "Log in");
  await tabTo(page, "Forgot your password?");
  await page.keyboard.press("Enter");
  await heading(page, "Forgot your password?");
  await tabTo(page, "email");
  await page.keyboard.type(person.email);
  await page.keyboard.press("Enter");
  await page.getByText("is on its way").waitFor();
  await page.goto((await mail("reset")).link);
  await heading(page, "Set a new password");
  await tabTo(page, "new_password");
  await page.keyboard.type(NEW);
  await page.keyboard.press("Enter");
  await page.getByText("Your password is set.").waitFor();
  await tabTo(page, "Log in");
  await page.keyboard.press("Enter");
  await heading(page, "Log in");
  await tabTo(page, "email");
  await page.keyboard.type(person.email);
  await tabTo(page, "password");
  await page.keyboard.type(NEW);
  await page.keyboard.press("Enter");
  await heading(page, "Welcome");
});
