// Every page of the demo in both themes and both widths, as axe and a narrow window see it.

import { test } from "node:test";

import { person, startBrowser } from "../../../tests/browser/support.mjs";
import { call, fill, heading, judge, logIn, press, startDemo } from "./support.mjs";

/** A token that is good for nothing. */
const TOKEN = "n0tT8g0Y2XkZ1m5cJm3Qp7uV9wB4aS6dF8hK2lN5rE0";

for (const colorScheme of ["light", "dark"]) {
  for (const width of [390, 1280]) {
    test(`every page reads well: ${colorScheme}, ${width} pixels`, async (t) => {
      const { api, url } = await startDemo(t);
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
        [`reset#token=${TOKEN}`, "reset", "Set a new password"],
        [`verify#token=${TOKEN}`, "verify", "Confirm your address"],
        [`email#restore=${TOKEN}`, "restore", "Take your account back"],
        [`email#token=${TOKEN}`, "email-login", "Log in"],
        ["#/", "login", "Log in"],
      ]) {
        await page.goto(url + address);
        await heading(page, title);
        await page.getByRole("button").click();
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
      for (const name of ["", "sessions", "email", "password", "data"]) {
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
    });
  }
}
