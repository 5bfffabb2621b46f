#!/bin/sh
# validator 13.15.35 (npm) `normalizeEmail` with its defaults, as `express-validator` offers it for sign-up forms.
#
# One would expect lower case, and for Gmail the dots and tags taken away, since Gmail itself delivers so.
# Seen: at Yahoo everything from the last hyphen on is cut, and at Outlook and iCloud from the plus; `ya.ru`, `yandex.com` and other countries' Yandex become
# `yandex.ru`; an address that begins with the plus comes out as `false`, the boolean, though `isEmail` calls it valid. Addresses of other
# hosts keep their tags, so that the same person is two accounts or one, by host.
#
# For who runs a login service: a frontend or a gateway that normalizes, in front of a service that does not, registers one address and logs in by
# another as soon as one of the two ways leaves it out; mail goes to an address that nobody has typed; and what moves in from such
# an application has addresses that their owners do not type. Normalize in one place: where the accounts are.
# Doorward folds case and the domain's spelling, and nothing else: what is typed at login is found whatever its case, and mail goes where it
# was asked to.
#
# Installs the package in a temporary folder, runs it, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts validator@13.15.35
cat > probe.cjs <<'JAVASCRIPT'
const validator = require("validator");
for (const address of ["Ann.Lee+shop@googlemail.com", "ann-lee@yahoo.com", "ann-lee-fox@yahoo.com", "ann-lee@ymail.com", "ann+shop@outlook.com", "ann+shop@icloud.com", "ann@ya.ru", "ann@yandex.com", "ann@yandex.kz",
  "+ann@gmail.com", "-ann@yahoo.com", "Ann+Shop@example.com", "ann-lee@example.com"]) {
  console.log(`${address}: valid ${validator.isEmail(address)}, becomes ${JSON.stringify(validator.normalizeEmail(address))}`);
}
JAVASCRIPT
node probe.cjs > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
Ann.Lee+shop@googlemail.com: valid true, becomes "annlee@gmail.com"
ann-lee@yahoo.com: valid true, becomes "ann@yahoo.com"
ann-lee-fox@yahoo.com: valid true, becomes "ann-lee@yahoo.com"
ann-lee@ymail.com: valid true, becomes "ann@ymail.com"
ann+shop@outlook.com: valid true, becomes "ann@outlook.com"
ann+shop@icloud.com: valid true, becomes "ann@icloud.com"
ann@ya.ru: valid true, becomes "ann@yandex.ru"
ann@yandex.com: valid true, becomes "ann@yandex.ru"
ann@yandex.kz: valid true, becomes "ann@yandex.ru"
+ann@gmail.com: valid true, becomes false
-ann@yahoo.com: valid true, becomes false
Ann+Shop@example.com: valid true, becomes "ann+shop@example.com"
ann-lee@example.com: valid true, becomes "ann-lee@example.com"
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
