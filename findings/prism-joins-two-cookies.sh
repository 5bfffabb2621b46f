#!/bin/sh
# Prism 5.14.2 (npm `@stoplight/prism-cli`) as a checking proxy in front of a service that sets two cookies in one answer, as a login does.
#
# One would expect two `Set-Cookie` headers on the other side: RFC 6265 forbids joining them, since a comma may stand in a cookie.
# Seen: one header with both, a comma between. A client stores *one* cookie: the first name, with the attributes of the second, as
# later ones win (its `Path` and `Max-Age`); the second cookie is lost. And each answer says `Access-Control-Allow-Origin: *` and
# `Access-Control-Allow-Credentials: true`, a pair that the Fetch standard refuses for requests with cookies.
#
# For who runs a login service: behind Prism a login seems to work, and the first refresh answers that there is no refresh token. Check the contract beside
# the requests, not in front of the service.
# Doorward's tests hold every answer to the contract within the test client.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'kill "${server:-0}" "${prism:-0}" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @stoplight/prism-cli@5.14.2 tough-cookie@6.1.0
cat > contract.json <<'JSON'
{"openapi": "3.0.3", "info": {"title": "probe", "version": "1"}, "paths": {"/login": {"post": {"responses": {"200": {"description": "logged in", "content": {"application/json": {"schema": {"type": "object"}}}}}}}}}
JSON
cat > server.cjs <<'JAVASCRIPT'
const server = require("node:http").createServer((request, answer) => {
  answer.setHeader("set-cookie", ["access_token=A; HttpOnly; Path=/; Max-Age=3600", "refresh_token=R; HttpOnly; Path=/api/auth; Max-Age=604800"]);
  answer.setHeader("content-type", "application/json").end("{}");
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
JAVASCRIPT
node server.cjs > port & server=$!
while [ ! -s port ]; do sleep 0.1; done
free=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
node node_modules/@stoplight/prism-cli/dist/index.js proxy contract.json "http://127.0.0.1:$(cat port)" --port "$free" > prism.log 2>&1 & prism=$!
tries=0
until grep -q 'listening on' prism.log; do
    tries=$((tries + 1)); [ $tries -lt 300 ] || { cat prism.log >&2; exit 1; }
    sleep 0.2
done
cat > probe.mjs <<'JAVASCRIPT'
import http from "node:http";
import { CookieJar } from "tough-cookie";

for (const [name, port] of [["service", process.argv[2]], ["Prism", process.argv[3]]]) {
  const url = `http://127.0.0.1:${port}/login`;
  const answer = await new Promise((done, failed) => http.request(url, { method: "POST", agent: false }, done).on("error", failed).end());
  const cookies = answer.headers["set-cookie"];
  const jar = new CookieJar();
  for (const cookie of cookies) await jar.setCookie(cookie, url, { ignoreError: true });
  const { cookies: stored } = await jar.serialize();
  console.log(`${name}: ${cookies.length} Set-Cookie`);
  for (const { key, value, path, maxAge } of stored) console.log(`${name}: stored ${key} = ${value}, Path ${path}, Max-Age ${maxAge}`);
  const { "access-control-allow-origin": origin, "access-control-allow-credentials": credentials } = answer.headers;
  console.log(`${name}: Allow-Origin ${origin}, Allow-Credentials ${credentials}`);
}
JAVASCRIPT
node probe.mjs "$(cat port)" "$free" > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
service: 2 Set-Cookie
service: stored access_token = A, Path /, Max-Age 3600
service: stored refresh_token = R, Path /api/auth, Max-Age 604800
service: Allow-Origin undefined, Allow-Credentials undefined
Prism: 1 Set-Cookie
Prism: stored access_token = A, Path /api/auth, Max-Age 604800
Prism: Allow-Origin *, Allow-Credentials true
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
