#!/bin/sh
# libjwt 1.10.2 (Debian 12) given tokens with the header `typ` of RFC 9068, `at+jwt`.
#
# One would expect that `typ` is for applications to look at, or that a verifier which minds it says so.
# Seen: `jwt_decode` takes no `typ`, `JWT` and `jwt`, and refuses every other value before it looks at the signature, with
# `EINVAL`, the same as for a wrong signature, whatever the algorithm. There is no option. The claims don't matter: an `exp` that has passed is
# accepted here, and is for the caller to look at.
#
# For who runs a login service: backends with this library report "bad signature" for perfect tokens, and people look for the fault in the key.
# Doorward's access tokens are `at+jwt`, so that no token of another kind passes for one. `JWT_TYP=JWT` makes them for libjwt; or such a
# backend asks `/api/auth/check`.
#
# Unpacks Debian's packages and installs PyJWT 2.15.1 in a temporary folder, runs them, and fails when that changes. Needs a C compiler.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq libjwt0=1.10.2-1+deb12u1 libjwt-dev=1.10.2-1+deb12u1 libjansson4 libjansson-dev libb64-0d 2> /dev/null
for package in ./*.deb; do dpkg -x "$package" root; done
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'PyJWT[crypto]==2.15.1'
cat > decode.c <<'C'
#include <errno.h>
#include <jwt.h>
#include <stdio.h>
#include <string.h>

int main(int count, char **words) {
    char key[4096];
    FILE *file = fopen(words[2], "r");
    int length = (int)fread(key, 1, sizeof key, file);
    jwt_t *token = NULL;
    int result = jwt_decode(&token, words[1], (unsigned char *)key, length);
    printf("%s\n", result == 0 ? jwt_get_grant(token, "sub") : result == EINVAL ? "EINVAL" : strerror(result));
    return count == 3 ? 0 : 2;
}
C
libraries=root/usr/lib/x86_64-linux-gnu
cc -Iroot/usr/include decode.c -o decode -L"$libraries" -l:libjwt.so.0 -Wl,--allow-shlib-undefined
cat > probe.py <<'PYTHON'
import subprocess
import sys
import time

import jwt
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec

pair = ec.generate_private_key(ec.SECP256R1())
open("public.pem", "wb").write(pair.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo))
open("secret", "w").write("k" * 32)
open("other", "w").write("o" * 32)

def decoded(algorithm, claims, typ, file=None):
    token = jwt.encode(claims, "k" * 32 if algorithm == "HS256" else pair, algorithm=algorithm, headers={"typ": typ})
    file = file or {"HS256": "secret", "ES256": "public.pem"}[algorithm]
    return subprocess.run(["./decode", token, file], stdout=subprocess.PIPE, text=True, check=True, env={"LD_LIBRARY_PATH": sys.argv[1]}).stdout.strip()

for algorithm in ["HS256", "ES256"]:
    for typ in [None, "JWT", "jwt", "at+jwt", "application/at+jwt", "logout+jwt"]:
        print(f"{algorithm}, typ {typ}: {decoded(algorithm, {'sub': 'ann'}, typ)}")
print("HS256, typ JWT, another key:", decoded("HS256", {"sub": "ann"}, "JWT", "other"))
print("HS256, typ JWT, expired:", decoded("HS256", {"sub": "ann", "exp": int(time.time()) - 60}, "JWT"))
PYTHON
env/bin/python probe.py "$libraries:root/lib/x86_64-linux-gnu" > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
HS256, typ None: ann
HS256, typ JWT: ann
HS256, typ jwt: ann
HS256, typ at+jwt: EINVAL
HS256, typ application/at+jwt: EINVAL
HS256, typ logout+jwt: EINVAL
ES256, typ None: ann
ES256, typ JWT: ann
ES256, typ jwt: ann
ES256, typ at+jwt: EINVAL
ES256, typ application/at+jwt: EINVAL
ES256, typ logout+jwt: EINVAL
HS256, typ JWT, another key: EINVAL
HS256, typ JWT, expired: ann
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
