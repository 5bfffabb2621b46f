#!/bin/sh
# scrypt hashes that cross between Node and Python: better-auth 1.7.25 (npm) verified by CPython's `hashlib.scrypt`, Werkzeug 3.1.9's default
# (PyPI; Flask) verified by Node's `crypto.scryptSync`.
#
# One would expect that the same three numbers N, r, p give the same bytes in both, as RFC 7914 says; and of better-auth's
# `salt:key`, two hexadecimal numbers, that the salt is 16 bytes.
# Seen: both defaults, N=16384 r=16 and N=32768 r=8, need exactly 32 MiB and a little more, and 32 MiB is what OpenSSL grants when nothing is
# said. Each library raises its own limit, and so never notices; the other side answers "memory limit exceeded" to every
# password, right or wrong. Told to grant 64 MiB, both agree. better-auth's salt is the *text* of the number, 32 bytes; decoded it gives
# another key, without an error. And it hashes the NFKC form of the password: typed with the ligature U+FB01 it is opened by `fi`.
#
# For who runs a login service: hashes of either kind that move in look broken until the limit is raised, and then wrong until the salt is taken as
# text. Bound the parameters yourself before granting memory: they come out of the row.
# Doorward stores bcrypt alone.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts better-auth@1.7.25
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'Werkzeug==3.1.9'
cat > make.mjs <<'JAVASCRIPT'
import { writeFileSync } from "node:fs";
import { hashPassword, verifyPassword } from "better-auth/crypto";

writeFileSync("better-auth", await hashPassword("Correct horse 1"));
const opened = await verifyPassword({ hash: await hashPassword("\ufb01sh Horse 1"), password: "fish Horse 1" });
console.log("better-auth: the ligature is opened by two letters:", opened);
JAVASCRIPT
cat > python.py <<'PYTHON'
import hashlib

from werkzeug.security import generate_password_hash

salt, key = open("better-auth").read().split(":")
print(f"better-auth writes {len(salt)} and {len(key)} characters")
for what, as_bytes in {"text": salt.encode(), "number": bytes.fromhex(salt)}.items():
    for limit in [0, 32 * 2**20, 64 * 2**20]:
        try:
            made = hashlib.scrypt(b"Correct horse 1", salt=as_bytes, n=16384, r=16, p=1, dklen=64, maxmem=limit)
            answer = "the same key" if made.hex() == key else "another key"
        except ValueError as error:
            answer = str(error).split("] ")[-1]
        print(f"better-auth in Python, salt as {what}, {limit >> 20 or 'default'} MiB: {answer}")
made = generate_password_hash("Correct horse 1")
print("Werkzeug writes", made.split("$")[0])
open("werkzeug", "w").write(made)
PYTHON
cat > node.mjs <<'JAVASCRIPT'
import { scryptSync } from "node:crypto";
import { readFileSync } from "node:fs";

const [method, salt, key] = readFileSync("werkzeug", "utf8").split("$");
const [, N, r, p] = method.split(":").map(Number);
for (const limit of [undefined, 32, 64]) {
  let answer;
  try {
    const made = scryptSync("Correct horse 1", salt, 64, { N, r, p, ...(limit ? { maxmem: limit * 2 ** 20 } : {}) });
    answer = made.toString("hex") === key ? "the same key" : "another key";
  } catch (error) {
    answer = error.message.split(":").at(-1).trim();
  }
  console.log(`Werkzeug in Node, ${limit ?? "default"} MiB: ${answer}`);
}
JAVASCRIPT
{
    node make.mjs
    env/bin/python python.py
    node node.mjs
} > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
better-auth: the ligature is opened by two letters: true
better-auth writes 32 and 128 characters
better-auth in Python, salt as text, default MiB: memory limit exceeded
better-auth in Python, salt as text, 32 MiB: memory limit exceeded
better-auth in Python, salt as text, 64 MiB: the same key
better-auth in Python, salt as number, default MiB: memory limit exceeded
better-auth in Python, salt as number, 32 MiB: memory limit exceeded
better-auth in Python, salt as number, 64 MiB: another key
Werkzeug writes scrypt:32768:8:1
Werkzeug in Node, default MiB: memory limit exceeded
Werkzeug in Node, 32 MiB: memory limit exceeded
Werkzeug in Node, 64 MiB: the same key
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
