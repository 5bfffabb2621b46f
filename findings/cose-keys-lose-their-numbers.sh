#!/bin/sh
# The public key of a passkey (COSE_Key: a CBOR map whose names are the numbers 1, 3, -1, -2, -3) read and written again by ten CBOR libraries of npm: cbor
# 10.0.12, cborg 6.1.5, cbor2 2.3.0, borc 3.0.0, @levischuck/tiny-cbor 0.3.6, cbor-x 1.6.8, cbor-js 0.1.0, cbor-sync 1.0.4, @stablelib/cbor 2.0.4,
# cbor-redux 1.0.0. python-fido2 2.2.1 (PyPI) made the key, and verifies a signature with what came back.
#
# One would expect the same bytes: nothing was changed, and CBOR has numbers for names.
# Seen: cbor, borc and, from a Uint8Array, cbor2 and tiny-cbor give them. Five make an object of the map, so that -2 is the text "-2" from then on, and
# what they write is another map: cbor-x, cbor-js, cbor-sync, stablelib and cbor-redux. cborg refuses the map unless it is told `useMaps`. What was read matters,
# too: cbor2 given a Buffer writes its byte strings as `{"type": "Buffer", "data": [..]}`, tiny-cbor refuses a Buffer, cbor-sync all else, and cbor-x
# writes a Uint8Array with a tag, and a Buffer without. Nobody complains of the key that was written: a server that stores it registers the passkey, and
# the first login fails, for there is no algorithm under the number 3.
#
# For who runs a login service: store the bytes of the key as they stand in the authenticator data, and never what was decoded; have a passkey that
# was just stored sign in once in a test.
# Doorward stores the bytes, and refuses a key that is not written as authenticators write it.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'fido2==2.2.1' 'cryptography==50.0.2'
npm install --silent --no-audit --no-fund --ignore-scripts cbor@10.0.12 cborg@6.1.5 cbor2@2.3.0 borc@3.0.0 @levischuck/tiny-cbor@0.3.6 \
    cbor-x@1.6.8 cbor-js@0.1.0 cbor-sync@1.0.4 @stablelib/cbor@2.0.4 cbor-redux@1.0.0
cat > make.py <<'PYTHON'
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256

pair = ec.generate_private_key(ec.SECP256R1())
key = cbor.encode(dict(ES256.from_cryptography_key(pair.public_key())))
json.dump({"key": key.hex(), "signature": pair.sign(b"a login", ec.ECDSA(hashes.SHA256())).hex()}, open("made.json", "w"))
PYTHON
cat > again.mjs <<'JAVASCRIPT'
import { readFileSync, writeFileSync } from "node:fs";
import borc from "borc";
import cbor from "cbor";
import cborJs from "cbor-js";
import * as redux from "cbor-redux";
import cborSync from "cbor-sync";
import * as cborX from "cbor-x";
import * as cbor2 from "cbor2";
import * as cborg from "cborg";
import * as tiny from "@levischuck/tiny-cbor";
import * as stablelib from "@stablelib/cbor";

const key = Buffer.from(JSON.parse(readFileSync("made.json", "utf8")).key, "hex");
const whole = (bytes) => Uint8Array.from(bytes).buffer;
const libraries = {
  cbor: [cbor.decodeFirstSync, cbor.encode],
  borc: [borc.decode, borc.encode],
  cborg: [cborg.decode, cborg.encode],
  "cborg, useMaps": [(bytes) => cborg.decode(bytes, { useMaps: true }), cborg.encode],
  cbor2: [cbor2.decode, cbor2.encode],
  "tiny-cbor": [tiny.decodeCBOR, tiny.encodeCBOR],
  "cbor-x": [cborX.decode, cborX.encode],
  "cbor-js": [(bytes) => cborJs.decode(whole(bytes)), cborJs.encode],
  "cbor-sync": [cborSync.decode, cborSync.encode],
  stablelib: [(bytes) => stablelib.decode(bytes), (value) => stablelib.encode(value)],
  "cbor-redux": [(bytes) => redux.decode(whole(bytes)), (value) => redux.encode(value)],
};
const again = [];
for (const [name, [decode, encode]] of Object.entries(libraries)) {
  for (const [what, bytes] of [["Uint8Array", Uint8Array.from(key)], ["Buffer", key]]) {
    try {
      const value = decode(bytes);
      again.push([name, what, value.constructor.name, Buffer.from(encode(value)).toString("hex")]);
    } catch (error) {
      again.push([name, what, String(error), null]);
    }
  }
}
writeFileSync("again.json", JSON.stringify(again));
JAVASCRIPT
cat > judge.py <<'PYTHON'
import json

from fido2 import cbor
from fido2.cose import CoseKey

made = json.load(open("made.json"))
for name, what, value, written in json.load(open("again.json")):
    if written is None:
        print(f"{name}, {what}: {value}")
        continue
    try:
        CoseKey.parse(cbor.decode(bytes.fromhex(written))).verify(b"a login", bytes.fromhex(made["signature"]))
        answer = "verifies"
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    print(f"{name}, {what}: {value}, {'the same bytes' if written == made['key'] else 'other bytes'}, {answer}")
PYTHON
env/bin/python make.py
node again.mjs
env/bin/python judge.py > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
cbor, Uint8Array: Map, the same bytes, verifies
cbor, Buffer: Map, the same bytes, verifies
borc, Uint8Array: Map, the same bytes, verifies
borc, Buffer: Map, the same bytes, verifies
cborg, Uint8Array: Error: CBOR decode error: non-string keys not supported (got number)
cborg, Buffer: Error: CBOR decode error: non-string keys not supported (got number)
cborg, useMaps, Uint8Array: Map, the same bytes, verifies
cborg, useMaps, Buffer: Map, the same bytes, verifies
cbor2, Uint8Array: Map, the same bytes, verifies
cbor2, Buffer: Map, other bytes, TypeError: 'str' object cannot be interpreted as an integer
tiny-cbor, Uint8Array: Map, the same bytes, verifies
tiny-cbor, Buffer: Error: Unsupported data type
cbor-x, Uint8Array: Object, other bytes, KeyError: 6
cbor-x, Buffer: Object, other bytes, ValueError: COSE alg identifier must be provided.
cbor-js, Uint8Array: Object, other bytes, ValueError: COSE alg identifier must be provided.
cbor-js, Buffer: Object, other bytes, ValueError: COSE alg identifier must be provided.
cbor-sync, Uint8Array: Error: Unsupported input format: undefined
cbor-sync, Buffer: Object, other bytes, ValueError: COSE alg identifier must be provided.
stablelib, Uint8Array: Object, other bytes, ValueError: COSE alg identifier must be provided.
stablelib, Buffer: Object, other bytes, ValueError: COSE alg identifier must be provided.
cbor-redux, Uint8Array: Object, other bytes, KeyError: 6
cbor-redux, Buffer: Object, other bytes, KeyError: 6
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
