#!/bin/sh
# A virtual authenticator in Firefox ESR 153.8.0 (Debian 12), added as geckodriver and Selenium add one (`WebAuthn:AddVirtualAuthenticator`), and a page that
# asks for a new passkey.
#
# One would expect that an authenticator which the browser has taken, and given an id, is the one that the page's request goes to, as it is in Chromium.
# Seen: the command succeeds and its list of passkeys can be read, but `navigator.credentials.create` waits until its time is over and says
# `NotAllowedError`, as if somebody had said no: Firefox looks for real authenticators. `security.webauth.webauthn_enable_softtoken`, which says what one
# looks for, changes nothing by itself: it counts only while `security.webauth.webauthn_enable_usbtoken` is off. With both the passkey is made in a moment.
#
# For who runs a login service: set both in the profile that tries passkeys in Firefox, and give the request a short `timeout`. A test that
# expects a refusal passes without them, for another reason than it thinks.
# Doorward's own tests set both.
#
# Unpacks Debian's Firefox in a temporary folder (what it stands on must be installed, as with the package itself), runs it, and fails when that
# changes. Takes a minute.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq firefox-esr=153.8.0esr-1~deb12u1 2> /dev/null
dpkg -x ./*.deb root
cat > probe.mjs <<'JAVASCRIPT'
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

const page = createServer((_, answer) => answer.setHeader("content-type", "text/html").end("<!doctype html><title>A page</title>"));
await new Promise((listening) => page.listen(0, "127.0.0.1", listening));

/** Marionette, what geckodriver speaks to Firefox: JSON behind its length. */
async function converse(file) {
  for (let tries = 0; !existsSync(file) || !readFileSync(file, "utf8"); tries++) {
    if (tries > 600) throw new Error("Firefox does not start");
    await wait(100);
  }
  const socket = connect(Number(readFileSync(file, "utf8")), "127.0.0.1");
  const waiting = new Map();
  let unread = Buffer.alloc(0);
  socket.on("data", (data) => {
    unread = Buffer.concat([unread, data]);
    for (;;) {
      const colon = unread.indexOf(":");
      const end = colon + 1 + Number(unread.subarray(0, Math.max(colon, 0)));
      if (colon < 0 || unread.length < end) return;
      const packet = JSON.parse(unread.subarray(colon + 1, end));
      unread = unread.subarray(end);
      if (Array.isArray(packet)) waiting.get(packet[1])(packet);
    }
  });
  let last = 0;
  const ask = (command, words = {}) =>
    new Promise((done, failed) => {
      const packet = JSON.stringify([0, ++last, command, words]);
      waiting.set(last, ([, , error, result]) => (error ? failed(new Error(`${error.error}: ${error.message}`)) : done(result)));
      socket.write(`${Buffer.byteLength(packet)}:${packet}`);
    });
  return { ask, close: () => socket.destroy() };
}

const script = `const done = arguments[arguments.length - 1];
  const publicKey = {
    rp: { id: "localhost", name: "A shop" }, user: { id: new Uint8Array(16), name: "ann", displayName: "Ann" }, challenge: new Uint8Array(32),
    pubKeyCredParams: [{ type: "public-key", alg: -7 }], authenticatorSelection: { residentKey: "required", userVerification: "required" }, timeout: 15000,
  };
  navigator.credentials.create({ publicKey }).then(() => done("a passkey"), (error) => done(error.name));`;

async function run(name, preferences) {
  const profile = `${process.cwd()}/profile-${name.replaceAll(/\W/g, "")}`;
  mkdirSync(profile);
  const lines = Object.entries({ "marionette.port": 0, ...preferences }).map(([name, value]) => `user_pref("${name}", ${value});\n`);
  writeFileSync(`${profile}/user.js`, lines.join(""));
  const firefox = spawn(`${process.cwd()}/root/usr/lib/firefox-esr/firefox-esr`, ["--headless", "--no-remote", "--marionette", "--profile", profile], { stdio: "ignore" });
  const ended = new Promise((done) => firefox.once("close", done));
  try {
    const { ask, close } = await converse(`${profile}/MarionetteActivePort`);
    await ask("WebDriver:NewSession");
    await ask("WebDriver:SetTimeouts", { script: 120_000 });
    await ask("WebDriver:Navigate", { url: `http://localhost:${page.address().port}/` });
    const device = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserConsenting: true, isUserVerified: true };
    const { value: authenticatorId } = await ask("WebAuthn:AddVirtualAuthenticator", device);
    const { value } = await ask("WebDriver:ExecuteAsyncScript", { script, args: [] });
    const { value: held } = await ask("WebAuthn:GetCredentials", { authenticatorId });
    console.log(`${name}: the authenticator is added, the page has ${value}, the authenticator holds ${held.length}`);
    close();
  } finally {
    firefox.kill("SIGKILL");
    await ended;
  }
}

await run("as it is", {});
await run("enable_softtoken", { "security.webauth.webauthn_enable_softtoken": true });
await run("enable_softtoken, enable_usbtoken off", { "security.webauth.webauthn_enable_softtoken": true, "security.webauth.webauthn_enable_usbtoken": false });
page.closeAllConnections();
page.close();
JAVASCRIPT
HOME="$folder" node probe.mjs > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
as it is: the authenticator is added, the page has NotAllowedError, the authenticator holds 0
enable_softtoken: the authenticator is added, the page has NotAllowedError, the authenticator holds 0
enable_softtoken, enable_usbtoken off: the authenticator is added, the page has a passkey, the authenticator holds 1
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
