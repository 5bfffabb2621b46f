#!/bin/sh
# axios-auth-refresh 5.0.2 with axios 1.21.1 (npm), set up as its README shows: what does a person see who mistypes the password?
#
# One would expect the answer of the login: 401 with the code `incorrect_credentials`, since only an *expired* session is to be refreshed.
# Seen: the library takes the login's 401 for an expired session, calls the refresh, and hands the caller *its* failure: the path
# `/refresh` and the code `not_authenticated`. The login's own answer is not to be found in the error. Where the person still has a
# session (of another account, say), the refresh succeeds, and the login with the wrong password is *sent a second time* without
# being asked. With `skipAuthRefresh: true` in the login's own settings the caller sees the login's answer, and it is sent once.
#
# For who runs a login service: frontends with this library show "not authenticated" for a wrong password, and use up the limit on attempts
# twice as fast. Set `skipAuthRefresh: true` on login, registration, refresh, and whatever asks for the current password.
# Doorward answers 401 to a wrong password with `incorrect_credentials`, and to a missing session with `not_authenticated`: clients should go by the code.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts axios@1.21.1 axios-auth-refresh@5.0.2
cat > probe.mjs <<'JAVASCRIPT'
import http from "node:http";
import axios from "axios";
import { createAuthRefresh } from "axios-auth-refresh";

let hasSession = false, seen = [];
const server = http.createServer((request, answer) => {
  seen.push(request.url);
  const [status, code] = request.url === "/refresh" && hasSession ? [200, "refreshed"]
    : request.url === "/refresh" ? [401, "not_authenticated"] : [401, "incorrect_credentials"];
  request.resume().on("end", () =>
    answer.writeHead(status, { "content-type": "application/problem+json", connection: "close" }).end(JSON.stringify({ code })));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const baseURL = `http://127.0.0.1:${server.address().port}`;

async function login(what, config) {
  seen = [];
  const instance = axios.create({ baseURL, proxy: false });
  createAuthRefresh(instance, () => axios.post(`${baseURL}/refresh`, undefined, { proxy: false }));
  const error = await instance.post("/login", { password: "wrong" }, config).catch((reason) => reason);
  console.log(`${what}: the caller sees ${error.config.url.replace(baseURL, "")} ${error.response.status} ${error.response.data.code}; sent: ${seen.join(" ")}`);
}
await login("no session");
hasSession = true;
await login("a session");
hasSession = false;
await login("no session, skipAuthRefresh", { skipAuthRefresh: true });
process.exit();
JAVASCRIPT
node probe.mjs > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
no session: the caller sees /refresh 401 not_authenticated; sent: /login /refresh
a session: the caller sees /login 401 incorrect_credentials; sent: /login /refresh /login
no session, skipAuthRefresh: the caller sees /login 401 incorrect_credentials; sent: /login
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
