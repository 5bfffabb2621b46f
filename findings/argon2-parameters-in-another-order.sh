#!/bin/sh
# A hash of npm's argon2 0.45.1 read by argon2-cffi 25.1.0, pwdlib 0.3.1, libpass 1.9.4 (PyPI), PHP 8.2 (Debian 12), and by npm's
# @node-rs/argon2 2.2.1 and hash-wasm 4.13.0.
#
# One would expect `$argon2id$..` to be the same string everywhere: that is what the encoded form is for.
# Seen: npm's argon2 writes its parameters in the order of the alphabet, `m=65536,p=4,t=3`; the reference implementation writes `m,t,p`
# and reads nothing else. What is built on it refuses the *right* password, and most of it as if it were wrong: PHP's
# `password_verify` and pwdlib say false, and PHP's `password_get_info` calls the string argon2id and shows its defaults for the
# parameters, which the string does not have. argon2-cffi raises an error at verification while its `extract_parameters` reads the
# string rightly; libpass raises. The two other npm packages take any order, so that nobody sees it on the way in from Node.
# With the parameters put into order (nothing else changed) all of them accept it.
#
# For who runs a login service: people who come from a Node application with argon2 0.45 can't log in to one in Python or PHP, and look
# like people who have forgotten their password. Put the parameters into order when moving.
# Doorward stores bcrypt; whoever feeds it foreign hashes must read the parameters in any order.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'argon2-cffi==25.1.0' 'pwdlib==0.3.1' 'libpass==1.9.4'
npm install --silent --no-audit --no-fund --ignore-scripts argon2@0.45.1 @node-rs/argon2@2.2.1 hash-wasm@4.13.0
npm rebuild --silent argon2
apt-get download -qq php8.2-cli=8.2.36-1~deb12u1 libargon2-1 libsodium23 libsystemd0 libxml2 libedit2 libpcre2-8-0 libonig5 libicu72 libbsd0 2> /dev/null
for package in ./*.deb; do dpkg -x "$package" root; done

cat > make.mjs <<'JAVASCRIPT'
import argon2 from "argon2";
import nodeRs from "@node-rs/argon2";
import { argon2Verify } from "hash-wasm";
import { writeFileSync } from "node:fs";

const password = "Correct horse 1";
const made = await argon2.hash(password);
const ordered = made.replace(/m=(\d+),p=(\d+),t=(\d+)/, "m=$1,t=$3,p=$2");
writeFileSync("hashes.json", JSON.stringify({ "as made": made, "in order": ordered }));
console.log("argon2 writes:", made.split("$").slice(0, 4).join("$"));
for (const [name, hash] of [["as made", made], ["in order", ordered]]) {
  console.log(`${name}: argon2 ${await argon2.verify(hash, password)}`);
  console.log(`${name}: @node-rs/argon2 ${await nodeRs.verify(hash, password)}`);
  console.log(`${name}: hash-wasm ${await argon2Verify({ password, hash })}`);
}
JAVASCRIPT
cat > read.py <<'PYTHON'
import json
import warnings

warnings.simplefilter("ignore")
import argon2
from passlib.hash import argon2 as libpass
from pwdlib.hashers.argon2 import Argon2Hasher

password = "Correct horse 1"
for name, hash in json.load(open("hashes.json")).items():
    readers = {
        "argon2-cffi": lambda: argon2.PasswordHasher().verify(hash, password),
        "argon2-cffi's extract_parameters": lambda: "time {0.time_cost}, lanes {0.parallelism}".format(argon2.extract_parameters(hash)),
        "pwdlib": lambda: Argon2Hasher().verify(password, hash),
        "libpass": lambda: libpass.verify(password, hash),
    }
    for reader, read in readers.items():
        try:
            print(f"{name}: {reader} {read()}")
        except Exception as error:
            print(f"{name}: {reader} raises {type(error).__name__}: {error}")
PYTHON
cat > read.php <<'PHP'
<?php
foreach (json_decode(file_get_contents("hashes.json"), true) as $name => $hash) {
    $info = password_get_info($hash);
    echo "$name: PHP ", var_export(password_verify("Correct horse 1", $hash), true),
        ", reads {$info['algoName']}, time {$info['options']['time_cost']}, lanes {$info['options']['threads']}\n";
}
PHP
{
    node make.mjs
    env/bin/python read.py
    LD_LIBRARY_PATH=root/usr/lib/x86_64-linux-gnu:root/lib/x86_64-linux-gnu root/usr/bin/php8.2 -n read.php
} > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
argon2 writes: $argon2id$v=19$m=65536,p=4,t=3
as made: argon2 true
as made: @node-rs/argon2 true
as made: hash-wasm true
in order: argon2 true
in order: @node-rs/argon2 true
in order: hash-wasm true
as made: argon2-cffi raises VerificationError: Decoding failed
as made: argon2-cffi's extract_parameters time 3, lanes 4
as made: pwdlib False
as made: libpass raises ValueError: malformed argon2 hash
in order: argon2-cffi True
in order: argon2-cffi's extract_parameters time 3, lanes 4
in order: pwdlib True
in order: libpass True
as made: PHP false, reads argon2id, time 4, lanes 1
in order: PHP true, reads argon2id, time 3, lanes 4
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
