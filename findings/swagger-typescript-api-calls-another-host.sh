#!/bin/sh
# swagger-typescript-api 13.13.0 (npm): a client generated from a contract whose `servers` is `[{"url": "/"}]`, what OpenAPI takes for the default.
#
# One would expect calls to `/api/auth/login` of the page's own origin, as Swagger UI and other generators make them.
# Seen: the server's URL and the path are joined as they are: `//api/auth/login`. That is an address without a scheme, of a host named
# `api`: on a page it goes to `https://api/auth/login`, with the body, and it ends in "Failed to fetch". Without `servers` the path is
# right; so it is with a server whose URL has no slash at the end.
#
# For who runs a login service: no call arrives, in any environment, and the password goes to a host that is not yours. Say where the service is
# when making the client, `new Api({ baseUrl: "" })` for the page's own origin.
# Doorward's contract names no server, unless `PUBLIC_URL` says one, for this reason; see docs/compatibility.md.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts swagger-typescript-api@13.13.0 typescript@5.9.3
cat > make.mjs <<'JAVASCRIPT'
import { readFileSync, writeFileSync } from "node:fs";
import { generateApi } from "swagger-typescript-api";
import ts from "typescript";

const operation = { operationId: "login", requestBody: { content: { "application/json": { schema: { type: "object", properties: { password: { type: "string" } } } } } }, responses: { 200: { description: "logged in" } } };
for (const [name, servers] of Object.entries({ slash: [{ url: "/" }], none: undefined, origin: [{ url: "https://auth.example.com" }] })) {
  const spec = { openapi: "3.0.3", info: { title: "probe", version: "1" }, ...(servers ? { servers } : {}), paths: { "/api/auth/login": { post: operation } } };
  await generateApi({ spec, output: process.cwd(), fileName: `${name}.ts`, silent: true });
  writeFileSync(`${name}.mjs`, ts.transpileModule(readFileSync(`${name}.ts`, "utf8"), { compilerOptions: { target: "es2022", module: "es2022" } }).outputText);
}
JAVASCRIPT
node make.mjs > make.log 2>&1 || { cat make.log >&2; exit 1; }
cat > probe.mjs <<'JAVASCRIPT'
let asked;
globalThis.fetch = async (url) => { asked = url; return new Response("{}", { status: 200 }); };
for (const [name, config] of [["slash", {}], ["slash", { baseUrl: "" }], ["slash", { baseUrl: "https://app.example.com" }], ["none", {}], ["origin", {}]]) {
  const { Api } = await import(`./${name}.mjs`);
  await new Api(config).api.login({ password: "secret" });
  console.log(`servers ${name}, ${JSON.stringify(config)}: ${asked}, from https://app.example.com/: ${new URL(asked, "https://app.example.com/")}`);
}
JAVASCRIPT
node probe.mjs > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
servers slash, {}: //api/auth/login, from https://app.example.com/: https://api/auth/login
servers slash, {"baseUrl":""}: /api/auth/login, from https://app.example.com/: https://app.example.com/api/auth/login
servers slash, {"baseUrl":"https://app.example.com"}: https://app.example.com/api/auth/login, from https://app.example.com/: https://app.example.com/api/auth/login
servers none, {}: /api/auth/login, from https://app.example.com/: https://app.example.com/api/auth/login
servers origin, {}: https://auth.example.com/api/auth/login, from https://app.example.com/: https://auth.example.com/api/auth/login
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
