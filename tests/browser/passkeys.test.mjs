// Passkeys in the real Chromium, with an authenticator of its own making.

import assert from "node:assert/strict";
import { test } from "node:test";

import { call, person, startBrowser, startDoorward, startPage } from "./support.mjs";

const RATES = { LOGIN_RATE_LIMIT: "100/1m" };

/** A service, and a page on another port of localhost whose person is logged in and has an authenticator. */
async function start(t, { settings = {}, authenticator = {}, listed = false, login = 200 } = {}) {
  const home = `http://localhost:${await startPage(t, '<!doctype html><title>A page</title><input autocomplete="username webauthn">')}`;
  const api = `http://localhost:${await startDoorward(t, { ...RATES, ...settings, ...(listed ? { ALLOWED_ORIGINS: home, PUBLIC_URL: home } : {}) })}`;
  const context = await startBrowser(t);
  const page = await open(context, home);
  const device = await attach(page, authenticator);
  assert.equal((await call(page, api, "POST", "/register", person)).status, 201);
  assert.equal((await call(page, api, "POST", "/login", person)).status, login);
  return { home, api, context, page, device };
}

async function open(context, origin) {
  const page = await context.newPage();
  await page.goto(`${origin}/`);
  return page;
}

/** Plugs an authenticator in; it answers for one page. */
async function attach(page, options = {}) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      ctap2Version: "ctap2_1",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
      ...options,
    },
  });
  const send = (method, more = {}) => cdp.send(`WebAuthn.${method}`, { authenticatorId, ...more });
  return {
    send,
    credentials: async () => (await send("getCredentials")).credentials,
    isVerified: (isUserVerified) => send("setUserVerified", { isUserVerified }),
  };
}

/** Has the browser make a passkey of these options; what `toJSON()` gives, or the error's name. */
const create = (page, options) =>
  page.evaluate(async (options) => {
    try {
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
      return (await navigator.credentials.create({ publicKey })).toJSON();
    } catch (error) {
      return { error: error.name };
    }
  }, options);

/** Has the browser ask for one. */
const get = (page, options, more = {}) =>
  page.evaluate(
    async ([options, more]) => {
      try {
        const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
        return (await navigator.credentials.get({ publicKey, ...more })).toJSON();
      } catch (error) {
        return { error: error.name };
      }
    },
    [options, more],
  );

/** Adds a passkey. */
async function add(page, api, name = "My laptop") {
  const options = await call(page, api, "POST", "/me/passkeys/options");
  assert.equal(options.status, 200, JSON.stringify(options.body));
  const credential = await create(page, options.body);
  const added = await call(page, api, "POST", "/me/passkeys", { credential, name });
  assert.equal(added.status, 200, JSON.stringify(added.body));
  return added.body;
}

const loginOptions = async (page, api) => (await call(page, api, "POST", "/login/passkey/options")).body;

/** Signs in by a passkey alone; the answer. */
async function signIn(page, api, change = {}, more = {}) {
  const options = { ...(await loginOptions(page, api)), ...change };
  const passkey = await get(page, options, more);
  return passkey.error ? { error: passkey.error } : call(page, api, "POST", "/login/passkey", { passkey });
}

const told = (answer) => [answer.status, answer.body.code];

test("a passkey is added, and signs in by a button, with nothing typed", async (t) => {
  const { api, context, page, device } = await start(t);
  const added = await add(page, api);
  assert.equal(added.recovery_codes.length, 10);
  const [made] = await device.credentials();
  assert.deepEqual([made.rpId, made.isResidentCredential, made.userName], ["localhost", true, person.email]);
  // An authenticator that has one makes no other.
  const again = (await call(page, api, "POST", "/me/passkeys/options")).body;
  assert.deepEqual(await create(page, again), { error: "InvalidStateError" });

  assert.equal((await call(page, api, "POST", "/logout")).status, 200);
  assert.equal((await signIn(page, api)).status, 200);
  assert.equal((await call(page, api, "GET", "/me")).body.email, person.email);
  const listed = (await call(page, api, "GET", "/me/factors")).body.passkeys;
  assert.deepEqual([listed.length, listed[0].name, typeof listed[0].last_used_at], [1, "My laptop", "string"]);
  const challenge = (await context.cookies()).find((cookie) => cookie.name === "passkey_ceremony");
  assert.ok(challenge.httpOnly && challenge.sameSite === "Strict", JSON.stringify(challenge));

  // Beside the password, and once more in a session.
  assert.equal((await call(page, api, "POST", "/logout")).status, 200);
  const half = await call(page, api, "POST", "/login", person);
  assert.deepEqual([half.body.code, half.body.methods], ["second_factor_required", ["recovery_code", "passkey"]]);
  const second = await get(page, (await call(page, api, "POST", "/login/second-factor/options")).body);
  assert.equal((await call(page, api, "POST", "/login/second-factor", { passkey: second })).status, 200);
  const reproof = await get(page, (await call(page, api, "POST", "/reauthenticate/options")).body);
  assert.equal((await call(page, api, "POST", "/reauthenticate", { passkey: reproof })).status, 200);
});

test("where everybody needs a factor one is made on the way in, and logs in", async (t) => {
  const { api, page, device } = await start(t, { settings: { SECOND_FACTOR: "required" }, login: 401 });
  const options = await call(page, api, "POST", "/login/passkeys/options");
  assert.equal(options.status, 200, JSON.stringify(options.body));
  const credential = await create(page, options.body);
  const added = await call(page, api, "POST", "/login/passkeys", { credential, name: "My laptop" });
  assert.deepEqual([added.status, added.body.recovery_codes?.length], [200, 10], JSON.stringify(added.body));
  assert.equal((await call(page, api, "GET", "/me")).body.email, person.email);
  const [made] = await device.credentials();
  assert.deepEqual([made.rpId, made.isResidentCredential, made.userName], ["localhost", true, person.email]);
  assert.equal((await call(page, api, "POST", "/logout")).status, 200);
  assert.equal((await signIn(page, api)).status, 200);
});

test("autofill signs in: conditional mediation", async (t) => {
  const { api, page } = await start(t);
  await add(page, api);
  assert.equal((await call(page, api, "POST", "/logout")).status, 200);
  assert.equal(await page.evaluate(() => PublicKeyCredential.isConditionalMediationAvailable()), true);
  const answer = await signIn(page, api, {}, { mediation: "conditional" });
  assert.equal(answer.status, 200, JSON.stringify(answer));
  assert.equal((await call(page, api, "GET", "/me")).body.email, person.email);
});

test("whom the authenticator does not verify is not signed in", async (t) => {
  const { api, page, device } = await start(t);
  await add(page, api);
  await device.isVerified(false);
  assert.deepEqual(await signIn(page, api), { error: "NotAllowedError" });
  // A page that asks for less gets an answer, which is refused.
  assert.deepEqual(told(await signIn(page, api, { userVerification: "discouraged" })), [401, "incorrect_passkey"]);
  await device.isVerified(true);
  assert.equal((await signIn(page, api)).status, 200);
});

test("a page of another origin, and one that asks for another domain, has nothing", async (t) => {
  const { api, context, page } = await start(t, { listed: true });
  await add(page, api);
  // Another port is another origin: the answer that it gets is refused, though it is brought from our page.
  const hostile = await open(context, `http://localhost:${await startPage(t)}`);
  await attach(hostile);
  const options = (await call(page, api, "POST", "/me/passkeys/options")).body;
  const made = await create(hostile, { ...options, excludeCredentials: [] });
  assert.equal(made.type, "public-key", JSON.stringify(made));
  const brought = await call(page, api, "POST", "/me/passkeys", { credential: made, name: "Theirs" });
  assert.deepEqual(told(brought), [422, "invalid_passkey"]);

  // A host below asks for our domain, and the browser refuses; for its own, and the service does.
  const below = await open(context, `http://app.localhost:${await startPage(t)}`);
  await attach(below);
  assert.deepEqual(await create(below, options), { error: "SecurityError" });
  const own = await create(below, { ...options, excludeCredentials: [], rp: { id: "app.localhost", name: "Ours" } });
  assert.equal(own.type, "public-key", JSON.stringify(own));
  const other = await call(page, api, "POST", "/me/passkeys", { credential: own, name: "Theirs" });
  assert.deepEqual(told(other), [422, "invalid_passkey"]);
  assert.equal((await call(page, api, "GET", "/me/factors")).body.passkeys.length, 1);
});

test("a counter that goes back signs in, and is written down", async (t) => {
  const { api, page, device } = await start(t);
  await add(page, api);
  for (let time = 0; time < 3; time++) assert.equal((await signIn(page, api)).status, 200);
  const [credential] = await device.credentials();
  assert.ok(credential.signCount > 2, JSON.stringify(credential));
  await device.send("removeCredential", { credentialId: credential.credentialId });
  await device.send("addCredential", { credential: { ...credential, signCount: 0 } });
  assert.equal((await signIn(page, api)).status, 200);
  const { audit } = (await call(page, api, "GET", "/me/export")).body;
  assert.equal(audit.filter((record) => record.event === "passkey_counter_back").length, 1);
});

test("one that was removed signs in no more, and the browser can be told", async (t) => {
  const { api, page, device } = await start(t, { settings: { PASSKEY_TELL_UNKNOWN: "on" } });
  const added = await add(page, api);
  const path = `/me/passkeys/${added.passkey.id}`;
  const removed = await page.evaluate(
    async (url) => (await fetch(url, { method: "DELETE", credentials: "include" })).status,
    `${api}/api/auth${path}`,
  );
  assert.equal(removed, 204);
  assert.deepEqual(told(await signIn(page, api)), [401, "unknown_passkey"]);
  const [credential] = await device.credentials();
  const credentialId = Buffer.from(credential.credentialId, "base64").toString("base64url");
  await page.evaluate((of) => PublicKeyCredential.signalUnknownCredential(of), { rpId: "localhost", credentialId });
  assert.deepEqual(await device.credentials(), []);
});

test("two tabs at once each have their challenge", async (t) => {
  const { api, home, context, page, device } = await start(t);
  await add(page, api);
  assert.equal((await call(page, api, "POST", "/logout")).status, 200);
  const other = await open(context, home);
  const twin = await attach(other);
  for (const credential of await device.credentials()) await twin.send("addCredential", { credential });
  const [one, two] = [await loginOptions(page, api), await loginOptions(other, api)];
  assert.notEqual(one.challenge, two.challenge);
  const answers = [await get(page, one), await get(other, two)];
  const signed = await Promise.all([
    call(page, api, "POST", "/login/passkey", { passkey: answers[0] }),
    call(other, api, "POST", "/login/passkey", { passkey: answers[1] }),
  ]);
  assert.deepEqual(signed.map((answer) => answer.status), [200, 200]);
  // And each once.
  const again = await call(page, api, "POST", "/login/passkey", { passkey: answers[0] });
  assert.deepEqual(told(again), [409, "passkey_challenge_expired"]);
});
