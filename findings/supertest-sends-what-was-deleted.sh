#!/bin/sh
# The agents of supertest 7.3.2 and superagent 10.4.2 (npm; both on cookiejar 2.1.4) beside tough-cookie 6.1.0: a session of a login service
# in a test.
#
# One would expect of an agent, which is there to keep a login between requests, that `Max-Age` counts.
# Seen: `Max-Age` means nothing to it. A cookie deleted by `Max-Age=0` is still sent, empty; one that has lived out its `Max-Age` is
# still sent with its value. Only `Expires` works. tough-cookie deletes and expires; and it sends a `Secure` cookie to http://localhost, which
# the agents don't.
#
# For who runs a login service: a test "after logout I am nobody" is green or red for a reason of its own, an empty token where
# a browser sends none; and a test of expiry never sees it. Services that answer an empty token otherwise than a missing one
# show it only there.
# Doorward clears cookies by `Max-Age=0` and an empty value, and answers the empty value like none: 401 `not_authenticated`.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts supertest@7.3.2 superagent@10.4.2 cookiejar@2.1.4 tough-cookie@6.1.0 fetch-cookie@3.2.0
cat > probe.mjs <<'JAVASCRIPT'
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import makeFetchCookie from "fetch-cookie";
import superagent from "superagent";
import supertest from "supertest";
import { CookieJar } from "tough-cookie";

const sets = {
  "/plain": "token=T; Path=/; HttpOnly; Max-Age=600",
  "/secure": "token=T; Path=/; HttpOnly; Secure; Max-Age=600",
  "/short": "token=T; Path=/; HttpOnly; Max-Age=1",
  "/max-age": "token=; Path=/; HttpOnly; Max-Age=0",
  "/expires": "token=; Path=/; HttpOnly; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
};
const server = http.createServer((request, answer) => {
  const set = sets[request.url];
  answer.writeHead(200, { "content-type": "text/plain", connection: "close", ...(set ? { "set-cookie": set } : {}) });
  answer.end(request.headers.cookie === undefined ? "no header" : `\`${request.headers.cookie}\``);
});
await new Promise((listening) => server.listen(0, "localhost", listening));
const base = `http://localhost:${server.address().port}`;
const agents = {
  "supertest.agent": () => { const agent = supertest.agent(base); return async (path) => (await agent.get(path)).text; },
  "superagent.agent": () => { const agent = superagent.agent(); return async (path) => (await agent.get(base + path)).text; },
  "fetch-cookie (tough-cookie)": () => { const get = makeFetchCookie(fetch, new CookieJar()); return async (path) => (await get(base + path)).text(); },
};
const stories = { "deleted by Max-Age=0": ["/plain", "/max-age"], "deleted by Expires": ["/plain", "/expires"], "a second past Max-Age=1": ["/short", 2100], "Secure, to http://localhost": ["/secure"] };
for (const [name, make] of Object.entries(agents)) {
  for (const [story, steps] of Object.entries(stories)) {
    const get = make();
    for (const step of steps) await (typeof step === "number" ? sleep(step) : get(step));
    console.log(`${name}: ${story}: ${await get("/")}`);
  }
}
process.exit();
JAVASCRIPT
node probe.mjs > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
supertest.agent: deleted by Max-Age=0: `token=`
supertest.agent: deleted by Expires: no header
supertest.agent: a second past Max-Age=1: `token=T`
supertest.agent: Secure, to http://localhost: no header
superagent.agent: deleted by Max-Age=0: `token=`
superagent.agent: deleted by Expires: no header
superagent.agent: a second past Max-Age=1: `token=T`
superagent.agent: Secure, to http://localhost: no header
fetch-cookie (tough-cookie): deleted by Max-Age=0: no header
fetch-cookie (tough-cookie): deleted by Expires: no header
fetch-cookie (tough-cookie): a second past Max-Age=1: no header
fetch-cookie (tough-cookie): Secure, to http://localhost: `token=T`
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
