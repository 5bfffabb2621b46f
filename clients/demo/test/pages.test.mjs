// Every page of the demo in both themes and both widths, as axe and a narrow window see it.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { readSymbol, startClock } from "../../../tests/browser/authenticator.mjs";
import { temporaryFolder } from "../../../tests/browser/ends.mjs";
import { person, startBrowser } from "../../../tests/browser/support.mjs";
import { beginLogin, call, fill, heading, judge, logIn, logOut, press, startDemo } from "./support.mjs";

/** A token that is good for nothing. */
const TOKEN = "n0tT8g0Y2XkZ1m5cJm3Qp7uV9wB4aS6dF8hK2lN5rE0";

for (const colorScheme of ["light", "dark"]) {
  for (const width of [390, 1280]) {
    test(`every page reads well: ${colorScheme}, ${width} pixels`, async (t) => {
      const clock = startClock(t);
      const { api, url } = await startDemo(t, clock.settings);
      await call(api, "/register", { ...person, full_name: "Ann Example" });
      const page = await (await startBrowser(t, { colorScheme, viewport: { width, height: 900 } })).newPage();
      const see = (name) => judge(page, `${name}-${colorScheme}-${width}`);
      await page.goto(url);
      await heading(page, "Log in");
      await see("login");

      // What is wrong, beside a field or above the button.
      for (const [address, name, title] of [
        ["#/register", "register", "Make an account"],
        ["#/forgot", "forgot", "Forgot your password?"],
        ["#/correct", "correct", "Correct your address"],
        [`reset#token=${TOKEN}`, "reset", "Set a new password"],
        [`verify#token=${TOKEN}`, "verify", "Confirm your address"],
        [`email#restore=${TOKEN}`, "restore", "Take your account back"],
        [`factor-recovery#start=${TOKEN}`, "recovery-start", "Begin the removal"],
        [`factor-recovery#cancel=${TOKEN}`, "recovery-cancel", "Stop the removal"],
        [`factor-recovery#remove=${TOKEN}`, "recovery-remove", "Remove your second step"],
        [`email#token=${TOKEN}`, "email-login", "Log in"],
        ["#/", "login", "Log in"],
      ]) {
        await page.goto(url + address);
        await heading(page, title);
        await page.locator("form button:not([type])").click();
        await page.locator(".error").first().waitFor();
        await see(`${name}-errors`);
      }
      await page.goto(`${url}reset`);
      await heading(page, "Open the link again");
      await see("no-token");
      await page.goto(`${url}not-me#token=${TOKEN}`);
      await heading(page, "Was it not you?");
      await see("not-me");
      await press(page, "It was not me");
      await page.getByText("If this link was good").waitFor();
      await see("not-me-done");
      await page.goto(`${url}#/forgot`);
      await fill(page, { Email: person.email });
      await press(page, "Mail me a link");
      await page.getByText("is on its way").waitFor();
      await see("forgot-done");

      await page.goto(url);
      await logIn(page);
      for (const name of ["", "sessions", "email", "security", "password", "data"]) {
        await page.goto(`${url}#/${name}`);
        await page.getByRole("heading", { level: 1 }).waitFor();
        if (name === "sessions") await page.getByRole("listitem").first().waitFor();
        await see(name || "home");
      }
      await page.goto(`${url}#/email`);
      await fill(page, { "New address": "new@example.com", Password: person.password });
      await press(page, "Change address");
      await page.getByText("A link is on its way to new@example.com").waitFor();
      await see("email-pending");
      await page.goto(`${url}email#token=${TOKEN}`);
      await press(page, "Use the new address");
      await page.locator(".error").waitFor();
      await see("email-confirm-errors");

      await page.goto(`${url}#/security`);
      await press(page, "Set up an app");
      await see("app");
      await press(page, "Show the code for the app");
      await page.locator(".secret").waitFor();
      await see("app-symbol");
      const symbol = join(temporaryFolder(t, "symbol"), "symbol.png");
      await page.locator(".symbol").screenshot({ path: symbol });
      const address = await page.getByRole("link", { name: "open the app" }).getAttribute("href");
      for (const [reader, read] of Object.entries(readSymbol(symbol))) assert.equal(read, address, reader);
      const secret = (await page.locator(".secret").textContent()).replaceAll(" ", "");
      await fill(page, { Code: "1" });
      await press(page, "Confirm");
      await page.locator(".error").first().waitFor();
      await see("app-errors");
      await fill(page, { Code: clock.code(secret) });
      await press(page, "Confirm");
      await heading(page, "Your recovery codes");
      await see("recovery-codes");
      const [recovery] = await page.locator(".codes li").allInnerTexts();
      await press(page, "I have written them down");
      await page.getByText("10 of them").waitFor();
      await see("security-app");
      clock.pass(11 * 60);
      await press(page, "Make new ones");
      await heading(page, "Is it you?");
      await see("proof");
      await press(page, "Go on");
      await page.getByRole("dialog").locator(".error").first().waitFor();
      await see("proof-errors");
      await press(page, "Not now");
      await logOut(page);
      await beginLogin(page);
      await see("second-step");
      await press(page, "Log in");
      await page.locator(".error").first().waitFor();
      await see("second-step-errors");
      await press(page, "I have lost all of these");
      await see("second-step-lost");
      await press(page, "Mail me a link");
      await page.locator(".error").first().waitFor();
      await see("second-step-lost-errors");
      await press(page, "Back to the code");
      await press(page, "Use a recovery code");
      await see("second-step-recovery");
      await fill(page, { "Recovery code": recovery });
      await press(page, "Log in");
      await heading(page, "Have you lost the app?");
      await see("security-lost");
    });
  }
}
