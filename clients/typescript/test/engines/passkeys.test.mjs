// Passkeys in browsers that are not Chromium, by the client and the real service: Firefox has an authenticator of its own making, WebKitGTK has no
// passkeys, and the client says so.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { person, startDoorward, startPage } from "../../../../tests/browser/support.mjs";
import { engines } from "./drivers.mjs";

const entries = ["index", "passkeys", "account"].map((name) => `export * from "./${name}.js";`).join("");
const bundled = await build({
  stdin: { contents: entries, resolveDir: fileURLToPath(new URL("../../dist", import.meta.url)) },
  bundle: true,
  format: "esm",
  write: false,
});
const html = (api) => `<!doctype html><title>A page</title><input autocomplete="username webauthn"><script type="module">
  import { account, createAuthClient, passkeys } from "/auth.js";
  window.auth = createAuthClient({ baseUrl: ${JSON.stringify(api)} });
  window.account = account(auth);
  window.passkeys = passkeys(auth);
</script>`;

const scenario = (name, what, work) => {
  const skip = !engines[name].file && process.env.DOORWARD_TEST_ENGINES !== "required" && `${name} is not installed`;
  test(`${name}: ${what}`, { skip, timeout: 240_000 }, work);
};

/** A service, and a page on another port whose person is logged in; and an authenticator where there can be one. */
async function start(t, { launch, file }) {
  const api = `http://localhost:${await startDoorward(t, { LOGIN_RATE_LIMIT: "off" })}`;
  const page = await startPage(t, html(api), bundled.outputFiles[0].text);
  const { open, attach } = await launch(t, file);
  const device = await attach?.();
  const tab = await open(`http://localhost:${page}/`);
  const logged = await tab.evaluate(async (person) => {
    await auth.register(person);
    return auth.login(person);
  }, person);
  assert.equal(logged.ok, true, JSON.stringify(logged));
  return { tab, device };
}

const add = (tab) => tab.evaluate(() => passkeys.add("My laptop"));
const logOut = (tab) => tab.evaluate(() => auth.logout());

scenario("Firefox", "a passkey is added, signs in with nothing typed, beside the password, and once more", async (t) => {
  const { tab, device } = await start(t, engines.Firefox);
  assert.deepEqual(await tab.evaluate(() => passkeys.support()), { passkeys: true, autofill: true });
  const added = await add(tab);
  assert.equal(added.data?.recovery_codes.length, 10, JSON.stringify(added));
  const [made] = await device.credentials();
  assert.deepEqual([made.rpId, made.isResidentCredential], ["localhost", true], JSON.stringify(made));
  // An authenticator that has one makes no other.
  assert.deepEqual(await add(tab), { ok: false, kind: "exists" });

  assert.ok((await logOut(tab)).ok);
  const signedIn = await tab.evaluate(() => passkeys.login());
  assert.equal(signedIn.ok, true, JSON.stringify(signedIn));
  assert.equal(await tab.evaluate(() => auth.getSnapshot().user.email), person.email);

  assert.ok((await logOut(tab)).ok);
  const half = await tab.evaluate((person) => auth.login(person), person);
  assert.equal(half.problem?.code, "second_factor_required", JSON.stringify(half));
  assert.equal((await tab.evaluate(() => passkeys.secondFactor())).ok, true);
  assert.equal((await tab.evaluate(() => passkeys.reauthenticate())).ok, true);
  const factors = await tab.evaluate(() => account.listFactors());
  assert.equal(factors.data.passkeys.length, 1);
  assert.equal((await tab.evaluate((id) => passkeys.remove(id), factors.data.passkeys[0].id)).ok, true);
  assert.ok((await logOut(tab)).ok);
  const refused = await tab.evaluate(() => passkeys.login());
  assert.equal(refused.problem?.code, "incorrect_passkey", JSON.stringify(refused));
});

scenario("Firefox", "whom the authenticator does not verify is not signed in", async (t) => {
  const { tab, device } = await start(t, engines.Firefox);
  assert.equal((await add(tab)).ok, true);
  assert.ok((await logOut(tab)).ok);
  await device.isVerified(false);
  assert.deepEqual(await tab.evaluate(() => passkeys.login()), { ok: false, kind: "cancelled" });
  await device.isVerified(true);
  assert.equal((await tab.evaluate(() => passkeys.login())).ok, true);
});

scenario("WebKitGTK", "the client says that there are no passkeys here", async (t) => {
  const { tab } = await start(t, engines.WebKitGTK);
  assert.deepEqual(await tab.evaluate(() => passkeys.support()), { passkeys: false, autofill: false });
  const cause = "this browser, or this page, has no passkeys";
  assert.deepEqual(await tab.evaluate(() => passkeys.login()), { ok: false, kind: "browser", cause });
  assert.deepEqual(await tab.evaluate(() => passkeys.add("My laptop")), { ok: false, kind: "browser", cause });
});
