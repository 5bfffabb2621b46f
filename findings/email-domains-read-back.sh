#!/bin/sh
# Addresses as a login service stores and answers them (lower case, internationalized domains as A-labels), read by pydantic 2.14.4 `EmailStr`
# on email-validator 2.4.0 (PyPI), zod 4.6.7 `z.email()` and validator 13.15.35 `isEmail` (npm).
#
# One would expect that an address which all three call valid is the same address afterwards.
# Seen: `EmailStr` is no check but a rewriting: `ann@xn--bcher-kva.de` comes out with the domain in Unicode, so that it no longer equals what the
# service has stored, as key, in a query, or as the `email` of a token. It refuses what tests and intranets use: `.test`,
# `.local`, `.localhost`, `.invalid`, `home.arpa`, while `.lan`, `.internal` and `.example` pass. zod refuses every domain whose *top level*
# is internationalized (`xn--p1ai`), and `&`, `/`, `!`, `#` in the local part, which RFC 5322 allows and people have. validator refuses
# none of these.
#
# For who runs a login service: a backend that reads the service's `/me` through a model with `EmailStr` or `z.email()` fails on
# persons who have registered and logged in. Read the address as text; the service has checked it.
# Doorward's contract says `string`, without `format: email`, for that reason; it answers A-labels.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'pydantic==2.14.4' 'email-validator==2.4.0'
npm install --silent --no-audit --no-fund --ignore-scripts zod@4.6.7 validator@13.15.35
cat > addresses <<'TEXT'
ann@example.com
ann@xn--bcher-kva.de
ann@shop.xn--p1ai
ann@shop.test
ann@shop.local
ann@shop.localhost
ann@shop.invalid
ann@home.arpa
ann@shop.lan
ann@shop.internal
ann@shop.example
ann&bob@example.com
sales/ann@example.com
ann!bob@example.com
o'ann@example.com
TEXT
cat > probe.py <<'PYTHON'
from pydantic import BaseModel, EmailStr, ValidationError

class User(BaseModel):
    email: EmailStr

for address in open("addresses").read().split():
    try:
        read = User(email=address).email
        print(address, "EmailStr:", "same" if read == address else f"becomes {ascii(read)[1:-1]}")
    except ValidationError:
        print(address, "EmailStr: refused")
PYTHON
cat > probe.mjs <<'JAVASCRIPT'
import { readFileSync } from "node:fs";
import validator from "validator";
import { z } from "zod";

for (const address of readFileSync("addresses", "utf8").trim().split("\n")) {
  console.log(address, "zod:", z.email().safeParse(address).success ? "same" : "refused");
  console.log(address, "validator:", validator.isEmail(address) ? "same" : "refused");
}
JAVASCRIPT
{
    env/bin/python probe.py
    node probe.mjs
} | grep -v ': same$' > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
ann@xn--bcher-kva.de EmailStr: becomes ann@b\xfccher.de
ann@shop.xn--p1ai EmailStr: becomes ann@shop.\u0440\u0444
ann@shop.test EmailStr: refused
ann@shop.local EmailStr: refused
ann@shop.localhost EmailStr: refused
ann@shop.invalid EmailStr: refused
ann@home.arpa EmailStr: refused
ann@shop.xn--p1ai zod: refused
ann&bob@example.com zod: refused
sales/ann@example.com zod: refused
ann!bob@example.com zod: refused
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated: the other addresses are taken as they are by all three"
