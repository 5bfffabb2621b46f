#!/bin/sh
# nid-webauthn-emulator 0.2.11 (npm), which answers in Node.js as a browser with an authenticator does: two of them in one process, a person's phone and
# laptop, on one site.
#
# One would expect two `new WebAuthnEmulator()` to be two devices, each with passkeys of its own.
# Seen: they are one, for all that are made without `credentialsRepository` keep their passkeys in the same list: the laptop signs in by the phone's passkey;
# it makes none where the phone's is in `excludeCredentials`; and one that it makes without that takes the place of the phone's, as
# on one authenticator. The refusal is a `NotAllowedError`, which browsers give where somebody has said no; of a passkey that is there already they say
# `InvalidStateError`.
#
# For who runs a login service: a test of a second device, of a removed passkey or of `excludeCredentials` needs
# `new AuthenticatorEmulator({ credentialsRepository: new PasskeysCredentialsMemoryRepository() })` for each device, and a browser for what the page
# shows of errors.
# Doorward's own tests use one person and one passkey at a time with it.
#
# Installs the package in a temporary folder, runs it, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts nid-webauthn-emulator@0.2.11
cat > probe.mjs <<'JAVASCRIPT'
import { AuthenticatorEmulator, PasskeysCredentialsMemoryRepository, WebAuthnEmulator } from "nid-webauthn-emulator";

const origin = "https://shop.example";
const bytes = (byte) => Buffer.alloc(32, byte).toString("base64url");
const known = (...passkeys) => passkeys.map(({ id }) => ({ type: "public-key", id }));
const creation = (...passkeys) => ({
  rp: { id: "shop.example", name: "A shop" },
  user: { id: bytes(1), name: "ann", displayName: "Ann" },
  challenge: bytes(2),
  pubKeyCredParams: [{ type: "public-key", alg: -7 }],
  excludeCredentials: known(...passkeys),
  authenticatorSelection: { residentKey: "required", userVerification: "required" },
});
const login = (...passkeys) => ({ challenge: bytes(3), rpId: "shop.example", allowCredentials: known(...passkeys), userVerification: "required" });

const own = () => new WebAuthnEmulator(new AuthenticatorEmulator({ credentialsRepository: new PasskeysCredentialsMemoryRepository() }));
for (const [name, device] of [["as they are", () => new WebAuthnEmulator()], ["a repository for each", own]]) {
  const [phone, laptop] = [device(), device()];
  const first = phone.createJSON(origin, creation());
  const say = (work) => {
    try {
      const { id } = work();
      return id === first.id ? "the phone's passkey" : "another passkey";
    } catch (error) {
      return `${error.name} ${/CTAP2_\w+/.exec(error.message)?.[0]}`;
    }
  };
  console.log(`${name}: the laptop signs in: ${say(() => laptop.getJSON(origin, login()))}`);
  console.log(`${name}: the laptop makes one, the phone's is excluded: ${say(() => laptop.createJSON(origin, creation(first)))}`);
  laptop.createJSON(origin, creation());
  console.log(`${name}: the laptop has made one, the phone signs in by its own: ${say(() => phone.getJSON(origin, login(first)))}`);
  console.log(`${name}: the phone makes another, its own is excluded: ${say(() => phone.createJSON(origin, creation(first)))}`);
}
JAVASCRIPT
node probe.mjs > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
as they are: the laptop signs in: the phone's passkey
as they are: the laptop makes one, the phone's is excluded: NotAllowedError CTAP2_ERR_CREDENTIAL_EXCLUDED
as they are: the laptop has made one, the phone signs in by its own: NotAllowedError CTAP2_ERR_NO_CREDENTIALS
as they are: the phone makes another, its own is excluded: another passkey
a repository for each: the laptop signs in: NotAllowedError CTAP2_ERR_NO_CREDENTIALS
a repository for each: the laptop makes one, the phone's is excluded: another passkey
a repository for each: the laptop has made one, the phone signs in by its own: the phone's passkey
a repository for each: the phone makes another, its own is excluded: NotAllowedError CTAP2_ERR_CREDENTIAL_EXCLUDED
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
