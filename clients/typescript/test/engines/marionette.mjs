// Authenticators in Firefox, by its own protocol: WebDriver BiDi has none.

import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { atEnd } from "../../../../tests/browser/ends.mjs";

/** What Firefox must be started with. It chooses a port, and writes it into its profile; while it looks for real authenticators it asks no virtual one. */
export const args = ["--marionette"];
export const preferences = {
  "marionette.port": 0,
  "security.webauth.webauthn_enable_softtoken": true,
  "security.webauth.webauthn_enable_usbtoken": false,
};

/** Plugs an authenticator into the Firefox of this profile, for all of its pages. */
export async function attach(t, profile, settings = {}) {
  const ask = await converse(t, profile);
  const { value: authenticatorId } = await ask("AddVirtualAuthenticator", {
    protocol: "ctap2_1",
    transport: "internal",
    hasResidentKey: true,
    hasUserVerification: true,
    isUserConsenting: true,
    isUserVerified: true,
    ...settings,
  });
  return {
    credentials: async () => (await ask("GetCredentials", { authenticatorId })).value,
    isVerified: (isUserVerified) => ask("SetUserVerified", { authenticatorId, isUserVerified }),
  };
}

/** Packets of JSON behind their length: `[0, number, command, words]`, and `[1, number, error, result]` for an answer. */
async function converse(t, profile) {
  const file = join(profile, "MarionetteActivePort");
  for (let attempt = 0; !existsSync(file) || !readFileSync(file, "utf8"); attempt++) {
    if (attempt > 200) throw new Error("Firefox has no Marionette");
    await wait(50);
  }
  const socket = connect(Number(readFileSync(file, "utf8")), "127.0.0.1");
  atEnd(t, () => socket.destroy());
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
      // The first one says who is there.
      if (!Array.isArray(packet)) continue;
      const [, number, error, result] = packet;
      const { done, failed } = waiting.get(number);
      if (error) failed(new Error(`${error.error}: ${error.message}`));
      else done(result);
    }
  });
  socket.on("error", (error) => waiting.forEach(({ failed }) => failed(error)));
  let last = 0;
  return (command, words) =>
    new Promise((done, failed) => {
      const packet = JSON.stringify([0, ++last, `WebAuthn:${command}`, words]);
      waiting.set(last, { done, failed });
      socket.write(`${Buffer.byteLength(packet)}:${packet}`);
    });
}
