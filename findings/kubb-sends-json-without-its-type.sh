#!/bin/sh
# kubb 4.39.3 (npm: @kubb/cli with plugin-ts and plugin-client, `client: "fetch"`): a client generated from a contract whose login takes
# `application/json`, and refuses with problems.
#
# One would expect `Content-Type: application/json` with the body, and a refusal that is told from a success, by a rejection or by its type: as other
# generators do.
# Seen: the body is JSON, and its type is not said, so that `fetch` writes `text/plain;charset=UTF-8`. The service's 415 is then *returned*, typed as
# the success, and so is every other refusal: the status is looked at by nobody. What the contract says of refusals is generated, handed to the client
# as a type parameter, and used for nothing. With `dataReturnType: "data"`, the default, the caller does not even see the status.
#
# For who runs a login service: frontends that go on as if somebody had logged in, whatever the password. A service that reads JSON of any type would hide the
# first half; it would also take logins from forms of other sites. Give the client its header, `setConfig({ headers: { "Content-Type": "application/json" } })`, and
# the full answer, `dataReturnType: "full"`, and look at `status`.
# Doorward answers 415 to bodies that are not declared as JSON; docs/clients.md has what other generators do.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module" }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @kubb/cli@4.39.3 @kubb/core@4.39.3 @kubb/plugin-oas@4.39.3 @kubb/plugin-ts@4.39.3 @kubb/plugin-client@4.39.3 esbuild@0.28.2
cat > contract.json <<'JSON'
{ "openapi": "3.0.3", "info": { "title": "probe", "version": "1" }, "paths": { "/login": { "post": { "operationId": "login",
  "requestBody": { "required": true, "content": { "application/json": { "schema": { "type": "object", "properties": { "password": { "type": "string" } } } } } },
  "responses": {
    "200": { "description": "in", "content": { "application/json": { "schema": { "type": "object", "required": ["message"], "properties": { "message": { "type": "string" } } } } } },
    "415": { "description": "no JSON", "content": { "application/problem+json": { "schema": { "type": "object", "required": ["code"], "properties": { "code": { "type": "string" } } } } } } } } } } }
JSON
cat > kubb.config.mjs <<'JAVASCRIPT'
import { defineConfig } from "@kubb/core";
import { pluginClient } from "@kubb/plugin-client";
import { pluginOas } from "@kubb/plugin-oas";
import { pluginTs } from "@kubb/plugin-ts";
export default defineConfig({
  input: { path: "./contract.json" }, output: { path: "./client", format: false, lint: false },
  plugins: [pluginOas({ generators: [] }), pluginTs(), pluginClient({ client: "fetch", bundle: true })],
});
JAVASCRIPT
npx kubb generate --config kubb.config.mjs > make.log 2>&1 || { cat make.log >&2; exit 1; }
cat > probe.ts <<'TYPESCRIPT'
import http from "node:http";
import { login } from "./client/clients/login";
import { setConfig } from "./client/.kubb/fetch";

let sent: string | undefined;
const server = http.createServer((request, answer) => {
  sent = request.headers["content-type"];
  const isJson = sent === "application/json";
  request.resume().on("end", () => answer.writeHead(isJson ? 401 : 415, { "content-type": "application/problem+json" })
    .end(JSON.stringify({ code: isJson ? "incorrect_credentials" : "unsupported_media_type" })));
});
await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
const baseURL = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
for (const headers of [undefined, { "Content-Type": "application/json" }]) {
  setConfig({ baseURL, ...(headers ? { headers } : {}) });
  const outcome = await login({ password: "wrong" }).then((data) => `returned as the success: ${JSON.stringify(data)}`, (error) => `rejected: ${error}`);
  console.log(`${headers ? "with its header" : "as generated"}: sent ${sent}; ${outcome}`);
}
process.exit();
TYPESCRIPT
npx esbuild probe.ts --bundle --platform=node --format=esm --outfile=probe.mjs --log-level=error
node probe.mjs > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
as generated: sent text/plain;charset=UTF-8; returned as the success: {"code":"unsupported_media_type"}
with its header: sent application/json; returned as the success: {"code":"incorrect_credentials"}
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
