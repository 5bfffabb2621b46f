// One question a line, one answer a line: what SimpleWebAuthn says of a passkey's answer, and what an authenticator of nid-webauthn-emulator answers.

import { createInterface } from "node:readline";

import { verifyAuthenticationResponse, verifyRegistrationResponse } from "@simplewebauthn/server";
import { AuthenticatorEmulator, WebAuthnEmulator } from "nid-webauthn-emulator";

const emulators = new Map();
function emulator(algorithm) {
  if (!emulators.has(algorithm)) emulators.set(algorithm, new WebAuthnEmulator(new AuthenticatorEmulator({ algorithmIdentifiers: [algorithm] })));
  return emulators.get(algorithm);
}

const answers = {
  create: ({ algorithm, origin, options }) => emulator(algorithm).createJSON(origin, options),
  get: ({ algorithm, origin, options }) => emulator(algorithm).getJSON(origin, options),
  async register({ answer, expected }) {
    const { verified } = await verifyRegistrationResponse({ response: answer, ...expected, supportedAlgorithmIDs: [-7, -8, -257] });
    if (!verified) throw new Error("not verified");
  },
  async signIn({ answer, expected, credential: { publicKey, ...rest } }) {
    const credential = { publicKey: new Uint8Array(Buffer.from(publicKey, "base64url")), ...rest };
    const { verified } = await verifyAuthenticationResponse({ response: answer, ...expected, credential });
    if (!verified) throw new Error("not verified");
  },
};

for await (const line of createInterface(process.stdin)) {
  const { what, ...words } = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await answers[what](words)) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
