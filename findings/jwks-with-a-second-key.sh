#!/bin/sh
# A set of two keys (JWKS), of which the second kind is of no use for the token at hand, read by python-jose 3.5.0, Authlib 1.9.10's `authlib.jose`, joserfc
# 1.8.0, PyJWT 2.15.1, jwcrypto 1.6.1 (PyPI), jose 6.2.18 and jwks-rsa 4.1.0 (npm). The token is ES256 and names its key by `kid`.
#
# One would expect the `kid` to decide, and RFC 7517 says that keys of unknown types are to be left out.
# Seen: python-jose does not look at `kid`: it tries the keys in their order, and the first of another type ends it with `JWKError`,
# so that the order in the set decides whether people are logged in. An Ed25519 key published ahead of its use, before
# the one that signs, is enough. `authlib.jose` raises `KeyError: 'AKP'` for the whole set as soon as it holds a post-quantum key (ML-DSA),
# wherever it stands. The others verify each time.
#
# For who runs a login service: publish the key that signs first, one kind of key in a set, and change the kind by a set of its own. The first
# ML-DSA key in a set stops the backends that use `authlib.jose`.
# Doorward's set holds keys of one kind, and the one that signs stands first.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'python-jose[cryptography]==3.5.0' 'Authlib==1.9.10' 'joserfc==1.8.0' 'PyJWT[crypto]==2.15.1' 'jwcrypto==1.6.1'
npm install --silent --no-audit --no-fund --ignore-scripts jose@6.2.18 jwks-rsa@4.1.0 jsonwebtoken@9.0.3
cat > probe.py <<'PYTHON'
import base64
import json
import os
import time
import warnings

warnings.simplefilter("ignore")
import jwt
from authlib.jose import JsonWebKey
from authlib.jose import jwt as authlib_jwt
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jose import jwt as python_jose
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet
from jwcrypto import jwk
from jwcrypto import jwt as jwcrypto_jwt

def text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

pair = ec.generate_private_key(ec.SECP256R1())
point = pair.public_key().public_numbers()
edwards = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(form.Encoding.Raw, form.PublicFormat.Raw)
es256 = {"kty": "EC", "crv": "P-256", "kid": "now", "use": "sig", "alg": "ES256", "x": text(point.x.to_bytes(32, "big")), "y": text(point.y.to_bytes(32, "big"))}
eddsa = {"kty": "OKP", "crv": "Ed25519", "kid": "next", "use": "sig", "alg": "EdDSA", "x": text(edwards)}
ml_dsa = {"kty": "AKP", "kid": "next", "use": "sig", "alg": "ML-DSA-44", "pub": text(os.urandom(1312))}
claims = {"iss": "https://auth.example.com", "aud": "app", "sub": "ann", "iat": int(time.time()) - 10, "exp": int(time.time()) + 600}
token = jwt.encode(claims, pair, algorithm="ES256", headers={"kid": "now"})
sets = {"ES256 alone": [es256], "ES256, EdDSA": [es256, eddsa], "EdDSA, ES256": [eddsa, es256], "ES256, ML-DSA": [es256, ml_dsa], "ML-DSA, ES256": [ml_dsa, es256]}
sets = {name: {"keys": keys} for name, keys in sets.items()}
json.dump({"token": token, "sets": sets}, open("sets.json", "w"))

verifiers = {
    "python-jose": lambda keys: python_jose.decode(token, keys, algorithms=["ES256"], audience="app"),
    "authlib.jose": lambda keys: authlib_jwt.decode(token, JsonWebKey.import_key_set(keys)),
    "joserfc": lambda keys: joserfc_jwt.decode(token, KeySet.import_key_set(keys), algorithms=["ES256"]).claims,
    "PyJWT": lambda keys: jwt.decode(token, jwt.PyJWKSet.from_dict(keys)["now"], algorithms=["ES256"], audience="app"),
    "jwcrypto": lambda keys: json.loads(jwcrypto_jwt.JWT(jwt=token, key=jwk.JWKSet.from_json(json.dumps(keys)), algs=["ES256"]).claims),
}
for name, verify in verifiers.items():
    for what, keys in sets.items():
        try:
            answer = "verified" if verify(keys)["sub"] == "ann" else "wrong claims"
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        print(f"{name}: {what}: {answer}")
PYTHON
cat > probe.mjs <<'JAVASCRIPT'
import { readFileSync } from "node:fs";
import http from "node:http";
import { createRemoteJWKSet, jwtVerify } from "jose";
import jsonwebtoken from "jsonwebtoken";
import jwksRsa from "jwks-rsa";

const { token, sets } = JSON.parse(readFileSync("sets.json", "utf8"));
let keys;
const server = http.createServer((_, answer) => answer.setHeader("content-type", "application/json").end(JSON.stringify(keys)));
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const url = `http://127.0.0.1:${server.address().port}/jwks.json`;
const verifiers = {
  jose: async () => (await jwtVerify(token, createRemoteJWKSet(new URL(url)))).payload,
  "jwks-rsa": async () => jsonwebtoken.verify(token, (await jwksRsa({ jwksUri: url }).getSigningKey("now")).getPublicKey()),
};
for (const [name, verify] of Object.entries(verifiers)) {
  for (const what of Object.keys(sets)) {
    keys = sets[what];
    console.log(`${name}: ${what}: ${await verify().then((claims) => (claims.sub === "ann" ? "verified" : "wrong claims"), (error) => `${error.name}: ${error.message}`)}`);
  }
}
process.exit();
JAVASCRIPT
{
    env/bin/python probe.py
    node probe.mjs
} > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
python-jose: ES256 alone: verified
python-jose: ES256, EdDSA: verified
python-jose: EdDSA, ES256: JWKError: Incorrect key type. Expected: 'EC', Received: OKP
python-jose: ES256, ML-DSA: verified
python-jose: ML-DSA, ES256: JWKError: Incorrect key type. Expected: 'EC', Received: AKP
authlib.jose: ES256 alone: verified
authlib.jose: ES256, EdDSA: verified
authlib.jose: EdDSA, ES256: verified
authlib.jose: ES256, ML-DSA: KeyError: 'AKP'
authlib.jose: ML-DSA, ES256: KeyError: 'AKP'
joserfc: ES256 alone: verified
joserfc: ES256, EdDSA: verified
joserfc: EdDSA, ES256: verified
joserfc: ES256, ML-DSA: verified
joserfc: ML-DSA, ES256: verified
PyJWT: ES256 alone: verified
PyJWT: ES256, EdDSA: verified
PyJWT: EdDSA, ES256: verified
PyJWT: ES256, ML-DSA: verified
PyJWT: ML-DSA, ES256: verified
jwcrypto: ES256 alone: verified
jwcrypto: ES256, EdDSA: verified
jwcrypto: EdDSA, ES256: verified
jwcrypto: ES256, ML-DSA: verified
jwcrypto: ML-DSA, ES256: verified
jose: ES256 alone: verified
jose: ES256, EdDSA: verified
jose: EdDSA, ES256: verified
jose: ES256, ML-DSA: verified
jose: ML-DSA, ES256: verified
jwks-rsa: ES256 alone: verified
jwks-rsa: ES256, EdDSA: verified
jwks-rsa: EdDSA, ES256: verified
jwks-rsa: ES256, ML-DSA: verified
jwks-rsa: ML-DSA, ES256: verified
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
