// The pages that stand in, in development, for those of the application: each link of a mail leads to one that does what it is for.

import assert from "node:assert/strict";
import { test } from "node:test";

import { temporaryFolder } from "./ends.mjs";
import { call, mailbox, person, startBrowser, startDoorward, watch } from "./support.mjs";

const NEW = "EvenMoreSecure456";

test("after a plain start every link leads to a page that does what it is for", async (t) => {
  const folder = temporaryFolder(t, "mails");
  const limits = Object.fromEntries(["LOGIN", "REGISTER", "ACCOUNT", "PASSWORD_CHANGE"].map((name) => [`${name}_RATE_LIMIT`, "off"]));
  const api = `http://localhost:${await startDoorward(t, { ...limits, EMAIL_VERIFICATION: "on", MAIL_FOLDER: folder })}`;
  const mail = mailbox(folder);
  const browser = await startBrowser(t);
  const watched = watch(browser, api);
  const page = await browser.newPage();
  const ask = async (method, path, body) => (await call(page, api, method, path, body)).status;
  const logIn = (email, password) => ask("POST", "/login", { email, password });
  /** Opens a link, fills in a password where there is one, and goes on; gives what the page says. */
  const follow = async (link, title, password) => {
    const opened = await browser.newPage();
    await opened.goto(link);
    await opened.getByRole("heading", { name: title }).waitFor();
    assert.equal(opened.url(), link.split("#")[0], "the token is out of the address");
    if (password) await opened.getByLabel(/password/i).fill(password);
    await opened.getByRole("button", { name: "Go on" }).click();
    await opened.waitForFunction(() => document.getElementById("answer").textContent);
    return opened.getByRole("status").textContent();
  };
  await page.goto(`${api}/docs`);

  assert.equal(await ask("POST", "/register", person), 201);
  const { link } = await mail("verify");
  assert.equal(await follow(link, "Confirm your address"), "Is required where you are not logged in to the account.");
  assert.equal(await follow(link, "Confirm your address", NEW), "Your address is confirmed");
  assert.equal(await logIn(person.email, person.password), 401);

  assert.equal(await ask("POST", "/password/forgot", { email: person.email }), 202);
  const reset = await mail("reset");
  assert.equal(await follow(reset.link, "Set a new password", person.password), "Password changed");
  assert.match(await follow(reset.link, "Set a new password", NEW), /used or has expired/);

  assert.equal(await logIn(person.email, person.password), 200);
  assert.equal(await ask("POST", "/email/change", { email: "new@example.com", current_password: person.password }), 202);
  // The whole person is the answer.
  assert.equal(await follow((await mail("email_change")).link, "Confirm your new address"), "Done");
  const back = await mail("email_changed");
  assert.equal(await follow(back.link, "Take your address back", NEW), "The account has its former address and a new password");

  assert.equal(await logIn(person.email, NEW), 200);
  assert.equal(await ask("POST", "/password", { current_password: NEW, new_password: person.password }), 200);
  const notice = await mail("password_changed");
  assert.match(await follow(notice.link, "It was not me: end all sessions"), /^If this link was good/);
  assert.equal(await ask("GET", "/me"), 401);

  // The next link, into the page that is open.
  await page.goto(`${api}/pages/reset#token=one`);
  await page.evaluate(() => (location.hash = "#token=two"));
  await page.waitForURL(`${api}/pages/reset`);
  watched.assertQuiet();
});
