#!/bin/sh
# One `.env` file with a secret in it, read by dotenv 18.0.10, dotenv-expand 1000.0.0, @dotenvx/dotenvx 2.38.2 (npm), node 20.20.2's own `--env-file` and
# python-dotenv 1.2.4 (PyPI).
#
# One would expect that a value without blanks and quotes is the same for all.
# Seen: `abc#def` is `abc` in all of JavaScript's and `abc#def` in Python's. `ab$cd` loses what is behind the `$` in dotenv-expand and dotenvx, and
# in dotenv-expand within *single* quotes too; python-dotenv leaves that alone and replaces `${cd}`, in single quotes as well. `ab\$cd`, the
# usual way out, has five characters in two and six in three. Plain, in double or single quotes, or escaped: no way of writing a `$`
# is read alike by all five. Letters and digits are, and base64.
#
# For who runs a login service: the key that signs tokens is shared by a file with backends in other languages. They read another
# key, silently, and every signature is wrong; or the database's password is.
# Doorward takes `$` and `#` within a value literally, and refuses `${..}` outside single quotes. It recommends `openssl rand -hex 32`,
# whose 64 characters all five read alike.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts dotenv@18.0.10 dotenv-expand@1000.0.0 @dotenvx/dotenvx@2.38.2
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'python-dotenv==1.2.4'
cat > .env <<'ENV'
HEX=5e884898da28047151d0e56f8dc62927
HASH=abc#def
HASH_SINGLE='abc#def'
DOLLAR=ab$cd
DOLLAR_DOUBLE="ab$cd"
DOLLAR_SINGLE='ab$cd'
DOLLAR_ESCAPED=ab\$cd
BRACES=ab${cd}ef
BRACES_SINGLE='ab${cd}ef'
BACKTICK=`abcd`
BASE64=abcd+/efgh==
ENV
cat > read.cjs <<'JAVASCRIPT'
const { readFileSync } = require("node:fs");
const text = readFileSync(".env", "utf8");
const dotenv = require("dotenv").parse(text);
const ways = {
  dotenv,
  "dotenv-expand": require("dotenv-expand").expand({ parsed: { ...dotenv }, processEnv: {} }).parsed,
  dotenvx: require("@dotenvx/dotenvx").parse(text, { processEnv: {} }),
};
console.log(JSON.stringify(ways));
JAVASCRIPT
node read.cjs > npm.json
env -i PATH="$PATH" node --env-file=.env -e 'console.log(JSON.stringify(process.env))' > node.json
cat > compare.py <<'PYTHON'
import json

import dotenv

ways = json.load(open("npm.json"))
ways["node"] = json.load(open("node.json"))
ways["python-dotenv"] = dotenv.dotenv_values(".env")
for line in open(".env").read().splitlines():
    name, written = line.split("=", 1)
    values = {}
    for way, read in ways.items():
        values.setdefault(read[name], []).append(way)
    print(f"{written}: " + ("alike" if len(values) == 1 else "; ".join(f"{value} {', '.join(of)}" for value, of in values.items())))
PYTHON
env/bin/python compare.py > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
5e884898da28047151d0e56f8dc62927: alike
abc#def: abc dotenv, dotenv-expand, dotenvx, node; abc#def python-dotenv
'abc#def': alike
ab$cd: ab$cd dotenv, node, python-dotenv; ab dotenv-expand, dotenvx
"ab$cd": ab$cd dotenv, node, python-dotenv; ab dotenv-expand, dotenvx
'ab$cd': ab$cd dotenv, dotenvx, node, python-dotenv; ab dotenv-expand
ab\$cd: ab\$cd dotenv, node, python-dotenv; ab$cd dotenv-expand, dotenvx
ab${cd}ef: ab${cd}ef dotenv, node; abef dotenv-expand, dotenvx, python-dotenv
'ab${cd}ef': ab${cd}ef dotenv, dotenvx, node; abef dotenv-expand, python-dotenv
`abcd`: abcd dotenv, dotenv-expand, dotenvx, node; `abcd` python-dotenv
abcd+/efgh==: alike
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
