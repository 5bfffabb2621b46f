#!/bin/sh
# jsdom 29.1.1 and happy-dom 21.0.4 (npm), the browsers of most frontend tests: a page on http://localhost:5173 and a login service on
# http://127.0.0.1, with a cookie `SameSite=Strict; HttpOnly`.
#
# One would expect what browsers do: `localhost` and `127.0.0.1` are two sites; the cookie is neither stored nor sent, and `/me` says
# "not authenticated". (Chromium does exactly that.)
# Seen: both store the cookie and send it with the next request from page to service, so the test is green, and the application does not
# work in any browser. Neither writes `Sec-Fetch-Site`, by which a service could tell, and to `Secure` over plain http the two
# have different minds.
#
# For who runs a login service: sites, `SameSite` and CSRF checks can be tested in real browsers alone.
# Doorward's tests of cookies run in Chromium; its README says to use one host name for page and service.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts jsdom@29.1.1 happy-dom@21.0.4
cat > probe.mjs <<'JAVASCRIPT'
import http from "node:http";
import { Window } from "happy-dom";
import { JSDOM } from "jsdom";

const page = "http://localhost:5173/";
let cookies, seen = [];
const server = http.createServer((request, answer) => {
  const { origin } = request.headers;
  answer.setHeader("access-control-allow-origin", origin ?? "*");
  answer.setHeader("access-control-allow-credentials", "true");
  answer.setHeader("access-control-allow-headers", "content-type");
  if (request.method === "POST") {
    answer.setHeader("set-cookie", cookies);
    seen.push(`Sec-Fetch-Site ${request.headers["sec-fetch-site"] ?? "absent"}, Origin ${origin}`);
  }
  answer.setHeader("connection", "close");
  answer.end(request.headers.cookie ?? "no cookie");
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const service = `http://127.0.0.1:${server.address().port}/`;

function xhr(window, method) {
  return new Promise((done) => {
    const request = new window.XMLHttpRequest();
    request.open(method, service);
    request.withCredentials = true;
    request.onloadend = () => done(request.responseText);
    request.send(method === "POST" ? "{}" : null);
  });
}
const browsers = {
  jsdom: () => { const { window } = new JSDOM("", { url: page }); return (method) => xhr(window, method); },
  "happy-dom": () => {
    const window = new Window({ url: page });
    return async (method) => (await window.fetch(service, { method, credentials: "include", ...(method === "POST" ? { body: "{}" } : {}) })).text();
  },
};
for (const [name, open] of Object.entries(browsers)) {
  for (cookies of ["token=T; Path=/; HttpOnly; SameSite=Strict", "token=T; Path=/; HttpOnly; SameSite=Strict; Secure"]) {
    seen = [];
    const send = open();
    await send("POST");
    console.log(`${name}: after ${cookies}: ${await send("GET")} (${seen.join("; ")})`);
  }
}
process.exit();
JAVASCRIPT
node probe.mjs > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
jsdom: after token=T; Path=/; HttpOnly; SameSite=Strict: token=T (Sec-Fetch-Site absent, Origin http://localhost:5173)
jsdom: after token=T; Path=/; HttpOnly; SameSite=Strict; Secure: token=T (Sec-Fetch-Site absent, Origin http://localhost:5173)
happy-dom: after token=T; Path=/; HttpOnly; SameSite=Strict: token=T (Sec-Fetch-Site absent, Origin http://localhost:5173)
happy-dom: after token=T; Path=/; HttpOnly; SameSite=Strict; Secure: no cookie (Sec-Fetch-Site absent, Origin http://localhost:5173)
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
