// Production, where TLS ends at a proxy: the cookies with prefixes.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as forward } from "node:http";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { call, person, startBrowser, startDoorward } from "./support.mjs";

/** A proxy with a self-signed certificate, as nginx is in production, with the frontend at `/`; returns its port. */
async function startProxy(t, port) {
  const folder = mkdtempSync(join(tmpdir(), "doorward-certificate-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const files = ["-keyout", keyFile, "-out", certFile];
  execFileSync("openssl", ["req", "-x509", "-nodes", "-days", "1", ...curve, ...names, ...files], { stdio: "ignore" });
  const tls = { key: readFileSync(keyFile), cert: readFileSync(certFile) };
  const server = createServer(tls, (incoming, outgoing) => {
    if (incoming.url === "/") return outgoing.end("<!doctype html><title>A frontend</title>");
    const headers = { ...incoming.headers, "x-forwarded-for": incoming.socket.remoteAddress, "x-forwarded-proto": "https" };
    const { url: path, method } = incoming;
    const inner = forward({ host: "127.0.0.1", port, path, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    inner.on("error", () => outgoing.destroy());
    incoming.pipe(inner);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  });
  return server.address().port;
}

test("over https the browser keeps cookies with the __Host- prefix", async (t) => {
  const port = await startDoorward(t, {
    ENVIRONMENT: "production",
    HOST: "127.0.0.1",
    BCRYPT_COST: "12",
    JWT_SECRET_KEY: "0123456789abcdef-made-for-this-test-alone",
    TRUSTED_PROXIES: "127.0.0.1/32,::1/128",
    SHUTDOWN_DELAY: "0s",
  });
  const api = `https://localhost:${await startProxy(t, port)}`;
  const context = await startBrowser(t, { ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(`${api}/`);
  assert.equal((await call(page, api, "POST", "/register", person)).status, 201);
  assert.equal((await call(page, api, "POST", "/login", person)).status, 200);
  const cookies = await context.cookies();
  assert.deepEqual(cookies.map((cookie) => cookie.name).sort(), ["__Host-access_token", "__Host-refresh_token"]);
  assert.ok(cookies.every((cookie) => cookie.secure && cookie.httpOnly && cookie.path === "/"), JSON.stringify(cookies));
  assert.equal((await call(page, api, "GET", "/me")).body.email, person.email);
  assert.equal((await call(page, api, "POST", "/refresh")).status, 200);
  assert.equal((await call(page, api, "POST", "/logout")).status, 200);
  assert.deepEqual(await context.cookies(), []);
});
