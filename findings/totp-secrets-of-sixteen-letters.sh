#!/bin/sh
# TOTP secrets that move from one library to another: pyotp 2.12.1 beside 2.9.0 (PyPI), otplib 13.5.0 beside 12.0.1 and otpauth 9.5.2 (npm),
# oathtool 2.6.7 (Debian 12).
#
# One would expect that a secret which has worked for years, in any authenticator app, works in any library, and in its next version.
# Seen: the sixteen letters (80 bits) that most services have handed out are refused outright by pyotp 2.12 (below 112 bits) and otplib 13
# (below 128 bits); their older versions, otpauth and oathtool compute the code. 24 letters (120 bits) are enough for pyotp and not for
# otplib 13. The groups of four in which services print secrets are taken by otpauth and oathtool; pyotp and otplib 13 refuse them, and
# otplib 12 computes a *wrong* code from them. pyotp's `parse_uri` refuses `algorithm=sha256` in small letters, which otpauth takes; an issuer written `My+Shop` is `My Shop` to pyotp and
# `My+Shop` to otpauth.
#
# For who runs a login service: enrolments move in only if the library lets short secrets verify, and an upgrade of it locks out, at the
# second factor, the people who enrolled longest ago. Check before: what is the shortest secret in the table?
# Doorward has no second factor yet. Its secrets are to have 160 bits, 32 letters, which all take.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq oathtool=2.6.7-3.1+deb12u1 liboath0=2.6.7-3.1+deb12u1 libpskc0=2.6.7-3.1+deb12u1 libxmlsec1 libxmlsec1-openssl libxml2 libxslt1.1 libicu72 2> /dev/null
for package in ./*.deb; do dpkg -x "$package" root; done
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'pyotp==2.12.1'
env/bin/pip install --quiet --disable-pip-version-check --target old 'pyotp==2.9.0'
npm install --silent --no-audit --no-fund --ignore-scripts otplib@13.5.0 otplib12@npm:otplib@12.0.1 otpauth@9.5.2
cat > secrets <<'TEXT'
JBSWY3DPEHPK3PXP
JBSWY3DPEHPK3PXPJBSWY3DP
GEZDGNBVGY3TQOJQGEZDGNBVGY
JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP
jbswy3dpehpk3pxpjbswy3dpehpk3pxp
JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP
TEXT
cat > probe.py <<'PYTHON'
import sys

import pyotp

VERSION = sys.argv[1]

for secret in open("secrets").read().splitlines():
    try:
        answer = pyotp.TOTP(secret).at(59)
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    print(f"{secret}: pyotp {VERSION} {answer}")
for end in [] if VERSION == "2.9.0" else ["Example&algorithm=SHA256", "Example&algorithm=sha256", "My%20Shop", "My+Shop"]:
    label = "Example" if end.startswith("Example") else "My%20Shop"
    uri = f"otpauth://totp/{label}:ann?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer={end}"
    try:
        answer = f"{pyotp.parse_uri(uri).at(59)} of {pyotp.parse_uri(uri).issuer}"
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    print(f"issuer={end}: pyotp {answer}")
PYTHON
cat > probe.mjs <<'JAVASCRIPT'
import { readFileSync } from "node:fs";
import * as OTPAuth from "otpauth";
import { generateSync } from "otplib";
import otplib12 from "otplib12";

const answer = (make) => { try { return make(); } catch (error) { return `${error.name}: ${error.message}`; } };
for (const secret of readFileSync("secrets", "utf8").trim().split("\n")) {
  console.log(`${secret}: otplib 12.0.1 ${answer(() => otplib12.authenticator.clone({ epoch: 59000 }).generate(secret))}`);
  console.log(`${secret}: otplib 13.5.0 ${answer(() => generateSync({ secret, epoch: 59 }))}`);
  console.log(`${secret}: otpauth ${answer(() => new OTPAuth.TOTP({ secret }).generate({ timestamp: 59000 }))}`);
}
for (const end of ["Example&algorithm=sha256", "My+Shop"]) {
  const label = end.startsWith("Example") ? "Example" : "My%20Shop";
  const uri = `otpauth://totp/${label}:ann?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=${end}`;
  console.log(`issuer=${end}: otpauth ${answer(() => { const totp = OTPAuth.URI.parse(uri); return `${totp.generate({ timestamp: 59000 })} of ${totp.issuer}`; })}`);
}
JAVASCRIPT
{
    env/bin/python probe.py 2.12.1
    PYTHONPATH=old env/bin/python probe.py 2.9.0
    node probe.mjs
    while read -r secret; do
        echo "$secret: oathtool $(LD_LIBRARY_PATH=root/usr/lib/x86_64-linux-gnu root/usr/bin/oathtool --totp --base32 --now '1970-01-01 00:00:59 UTC' "$secret" 2>&1)"
    done < secrets
} > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
JBSWY3DPEHPK3PXP: pyotp 2.12.1 ValueError: Secrets must be at least 112 bits after decoding
JBSWY3DPEHPK3PXPJBSWY3DP: pyotp 2.12.1 885179
GEZDGNBVGY3TQOJQGEZDGNBVGY: pyotp 2.12.1 970934
JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP: pyotp 2.12.1 503347
jbswy3dpehpk3pxpjbswy3dpehpk3pxp: pyotp 2.12.1 503347
JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP: pyotp 2.12.1 Error: Non-base32 digit found
issuer=Example&algorithm=SHA256: pyotp 326456 of Example
issuer=Example&algorithm=sha256: pyotp ValueError: Invalid value for algorithm, must be SHA1, SHA256 or SHA512
issuer=My%20Shop: pyotp 503347 of My Shop
issuer=My+Shop: pyotp 503347 of My Shop
JBSWY3DPEHPK3PXP: pyotp 2.9.0 996554
JBSWY3DPEHPK3PXPJBSWY3DP: pyotp 2.9.0 885179
GEZDGNBVGY3TQOJQGEZDGNBVGY: pyotp 2.9.0 970934
JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP: pyotp 2.9.0 503347
jbswy3dpehpk3pxpjbswy3dpehpk3pxp: pyotp 2.9.0 503347
JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP: pyotp 2.9.0 Error: Non-base32 digit found
JBSWY3DPEHPK3PXP: otplib 12.0.1 996554
JBSWY3DPEHPK3PXP: otplib 13.5.0 SecretTooShortError: Secret must be at least 16 bytes (128 bits), got 10 bytes
JBSWY3DPEHPK3PXP: otpauth 996554
JBSWY3DPEHPK3PXPJBSWY3DP: otplib 12.0.1 885179
JBSWY3DPEHPK3PXPJBSWY3DP: otplib 13.5.0 SecretTooShortError: Secret must be at least 16 bytes (128 bits), got 15 bytes
JBSWY3DPEHPK3PXPJBSWY3DP: otpauth 885179
GEZDGNBVGY3TQOJQGEZDGNBVGY: otplib 12.0.1 970934
GEZDGNBVGY3TQOJQGEZDGNBVGY: otplib 13.5.0 970934
GEZDGNBVGY3TQOJQGEZDGNBVGY: otpauth 970934
JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP: otplib 12.0.1 503347
JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP: otplib 13.5.0 503347
JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP: otpauth 503347
jbswy3dpehpk3pxpjbswy3dpehpk3pxp: otplib 12.0.1 503347
jbswy3dpehpk3pxpjbswy3dpehpk3pxp: otplib 13.5.0 503347
jbswy3dpehpk3pxpjbswy3dpehpk3pxp: otpauth 503347
JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP: otplib 12.0.1 038895
JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP: otplib 13.5.0 Error: Invalid Base32 string: Unknown letter " ". Allowed: ABCDEFGHIJKLMNOPQRSTUVWXYZ234567
JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP: otpauth 503347
issuer=Example&algorithm=sha256: otpauth 326456 of Example
issuer=My+Shop: otpauth 503347 of My+Shop
JBSWY3DPEHPK3PXP: oathtool 996554
JBSWY3DPEHPK3PXPJBSWY3DP: oathtool 885179
GEZDGNBVGY3TQOJQGEZDGNBVGY: oathtool 970934
JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP: oathtool 503347
jbswy3dpehpk3pxpjbswy3dpehpk3pxp: oathtool 503347
JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP: oathtool 503347
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
