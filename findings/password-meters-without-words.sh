#!/bin/sh
# Three meters of one descent, asked for the strength (0 to 4) of the same passwords: zxcvbn 4.4.2 and @zxcvbn-ts/core 4.2.0 (npm), zxcvbn 4.5.0 (PyPI).
#
# One would expect `password` to be 0 everywhere, and the ports to agree with what they are ports of.
# Seen: @zxcvbn-ts/core has no words unless it is handed them by a second package: `password` and `iloveyou` are 2, `Password1` and `Qwerty123`
# are 3, which most forms call strong. There is no warning. With its common words it says 0 to these, as the others do. Python's
# port raises an error above 72 characters: the passphrases that need no meter.
#
# For who runs a login service: the form says "strong", and the service refuses the password, or takes it. A meter is no rule; where the service has a
# list of common passwords its answer counts, and the form must be able to show it.
# Doorward refuses common passwords by a list of its own (422, code `common`), whatever a meter says.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts zxcvbn@4.4.2 @zxcvbn-ts/core@4.2.0 @zxcvbn-ts/language-common@4.1.3
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'zxcvbn==4.5.0'
cat > passwords <<'TEXT'
password
Password1
Qwerty123
iloveyou
Summer2026!
Ann1987Lee
correcthorsebatterystaple
TEXT
cat > probe.mjs <<'JAVASCRIPT'
import { readFileSync } from "node:fs";
import { ZxcvbnFactory } from "@zxcvbn-ts/core";
import { adjacencyGraphs as graphs, dictionary } from "@zxcvbn-ts/language-common";
import zxcvbn from "zxcvbn";

const bare = new ZxcvbnFactory(), common = new ZxcvbnFactory({ dictionary, graphs });
for (const password of readFileSync("passwords", "utf8").trim().split("\n")) {
  console.log(`${password}: zxcvbn ${zxcvbn(password).score}, @zxcvbn-ts ${bare.check(password).score}, with its common words ${common.check(password).score}`);
}
JAVASCRIPT
cat > probe.py <<'PYTHON'
from zxcvbn import zxcvbn

for password in open("passwords").read().split() + ["correct horse " * 6]:
    try:
        answer = zxcvbn(password)["score"]
    except ValueError as error:
        answer = f"ValueError: {error}"
    print(f"{password.strip() if len(password) < 73 else f'{len(password)} characters'}: Python {answer}")
PYTHON
{
    node probe.mjs
    env/bin/python probe.py
} > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
password: zxcvbn 0, @zxcvbn-ts 2, with its common words 0
Password1: zxcvbn 0, @zxcvbn-ts 3, with its common words 0
Qwerty123: zxcvbn 0, @zxcvbn-ts 3, with its common words 0
iloveyou: zxcvbn 0, @zxcvbn-ts 2, with its common words 0
Summer2026!: zxcvbn 2, @zxcvbn-ts 3, with its common words 2
Ann1987Lee: zxcvbn 3, @zxcvbn-ts 3, with its common words 3
correcthorsebatterystaple: zxcvbn 4, @zxcvbn-ts 4, with its common words 4
password: Python 0
Password1: Python 0
Qwerty123: Python 0
iloveyou: Python 0
Summer2026!: Python 2
Ann1987Lee: Python 3
correcthorsebatterystaple: Python 4
84 characters: Python ValueError: Password exceeds max length of 72 characters.
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
