// Passkeys in the demo: a real Chromium with an authenticator of its own making, and the real service.

import assert from "node:assert/strict";
import { test } from "node:test";

import { startMailServer } from "../../../tests/browser/mail_server.mjs";
import { person, startBrowser } from "../../../tests/browser/support.mjs";
import { beginLogin, call, fill, heading, judge, logIn, logOut, mailedCode, press, startDemo } from "./support.mjs";

/** A person who is logged in, with an authenticator that answers what it is asked while `touches` is on; what it was asked before waits for ever. */
async function begin(t, settings = {}) {
  const { api, url } = await startDemo(t, settings);
  await call(api, "/register", person);
  const context = await startBrowser(t);
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const options = { protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true };
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", { options: { ...options, automaticPresenceSimulation: false } });
  const touches = (enabled) => cdp.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });
  const credentials = async () => (await cdp.send("WebAuthn.getCredentials", { authenticatorId })).credentials;
  const forget = () => cdp.send("WebAuthn.clearCredentials", { authenticatorId });
  await page.goto(url);
  return { api, url, context, page, touches, credentials, forget };
}

/** A browser that offers no passkeys in autofill, as not all do: who asks is the button alone. */
async function withoutAutofill(page) {
  const script = () => {
    if (globalThis.PublicKeyCredential) PublicKeyCredential.isConditionalMediationAvailable = async () => false;
  };
  await page.addInitScript(script);
  await page.evaluate(script);
}

/** Adds one for whoever is logged in. */
async function add({ page, touches }, name = "My laptop") {
  await page.getByRole("link", { name: "Two steps" }).click();
  await fill(page, { "Its name": name });
  await touches(true);
  await press(page, "Add a passkey");
}

test("a passkey is added, named, signs in by autofill and by a button, proves once more, and is removed", async (t) => {
  const here = await begin(t);
  const { page } = here;
  await logIn(page);
  await add(here);
  await heading(page, "Your recovery codes");
  await press(page, "I have written them down");
  await page.getByText("My laptop").waitFor();
  await judge(page, "passkeys");

  await fill(page, { "Its name": "Another" });
  await press(page, "Add a passkey");
  await page.getByText("This device has a passkey of yours already.").waitFor();
  await press(page, "Rename: My laptop");
  await fill(page, { "Name of My laptop": "Work laptop" });
  await press(page, "Save");
  await page.getByText("Work laptop").waitFor();

  // By autofill: the browser offers it in the field, and the authenticator is touched at once.
  const entered = page.waitForResponse((answer) => answer.url().endsWith("/login/passkey") && answer.ok());
  await page.getByRole("link", { name: "Home" }).click();
  await press(page, "Log out");
  await entered;
  await heading(page, "Welcome");

  // By a button: nothing is typed, not even who it is.
  await withoutAutofill(page);
  await logOut(page);
  await page.getByRole("button", { name: "Log in with a passkey" }).waitFor();
  await judge(page, "login-passkey");
  await press(page, "Log in with a passkey");
  await heading(page, "Welcome");

  // Beside the password.
  await logOut(page);
  await beginLogin(page);
  await press(page, "Use a passkey");
  await heading(page, "Welcome");

  // Once more in a session: the proof is gone, as after ten minutes.
  await page.context().clearCookies({ name: "recent_proof" });
  await page.getByRole("link", { name: "Two steps" }).click();
  await press(page, "Remove: Work laptop");
  await heading(page, "Is it you?");
  await judge(page, "proof-passkey");
  await press(page, "Use a passkey");
  await page.getByText("The passkey is removed.").waitFor();
  await logOut(page);
  await logIn(page);
});

test("what is cancelled is told from what failed, and a passkey that the service does not know is offered no more", async (t) => {
  const here = await begin(t, { PASSKEY_TELL_UNKNOWN: "on" });
  const { api, url, page, touches, credentials } = here;
  await logIn(page);
  await add(here);
  await heading(page, "Your recovery codes");
  const [code] = await page.locator(".codes li").allInnerTexts();
  await press(page, "I have written them down");
  await page.getByText("My laptop").waitFor();
  // On the server alone, by another device.
  const entered = await call(api, "/login", person);
  const cookies = (answer) => answer.headers.getSetCookie().map((cookie) => cookie.split(";")[0]).join("; ");
  const phone = cookies(await call(api, "/login/second-factor", { recovery_code: code }, cookies(entered)));
  const listed = await (await fetch(`${api}/me/factors`, { headers: { Cookie: phone } })).json();
  const removed = await fetch(`${api}/me/passkeys/${listed.passkeys[0].id}`, { method: "DELETE", headers: { Cookie: phone } });
  assert.equal(removed.status, 204);
  assert.equal((await credentials()).length, 1);

  await touches(false);
  await withoutAutofill(page);
  await logOut(page);
  await press(page, "Log in with a passkey");
  // Another question ends the one that waits: nothing is said of it.
  await press(page, "Log in with a passkey");
  assert.equal(await page.locator(".error").count(), 0);
  await page.goto("about:blank");
  await touches(true);
  await page.goto(url);
  await press(page, "Log in with a passkey");
  await page.getByRole("alert").filter({ hasText: "passkey" }).waitFor();
  for (let tries = 0; (await credentials()).length; tries++) {
    assert.ok(tries < 1_000, "the browser was not told");
    await new Promise((done) => setTimeout(done, 20));
  }
});

test("where mail is sent a first passkey takes the code that was mailed", async (t) => {
  const { settings, mail } = await startMailServer(t);
  const here = await begin(t, settings);
  const { page } = here;
  await logIn(page);
  await add(here);
  const enter = async (code) => {
    await fill(page, { "Mailed code": code });
    await press(page, "Go on");
  };
  const code = await mailedCode(mail);
  await enter("0000-0000");
  await page.getByText("That was not the code.").waitFor();
  assert.equal(await page.getByLabel("Mailed code").evaluate((field) => field === document.activeElement), true);
  await judge(page, "passkey-mailed-code");
  await enter(code);
  await heading(page, "Your recovery codes");
});
