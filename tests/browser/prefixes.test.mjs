// Production, where TLS ends at a proxy: Debian's nginx with the real deploy/nginx.conf, and the cookies with prefixes.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { call, freePort, person, startBrowser, startDoorward } from "./support.mjs";

const name = "auth.example.com";
const configuration = readFileSync(new URL("../../deploy/nginx.conf", import.meta.url), "utf8");

/** nginx with a self-signed certificate in front of the server at this port; returns the port of https. */
async function startNginx(t, port) {
  const folder = mkdtempSync(join(tmpdir(), "doorward-nginx-"));
  const inside = (file) => join(folder, file);
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
  const names = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
  const files = ["-keyout", inside("privkey.pem"), "-out", inside("fullchain.pem")];
  execFileSync("openssl", ["req", "-x509", "-nodes", "-days", "1", ...curve, ...names, ...files], { stdio: "ignore" });
  const [http, https] = [await freePort(), await freePort()];
  let site = configuration;
  for (const [from, to] of [
    ["listen [::]:80;", ""],
    ["listen [::]:443 ssl http2;", ""],
    ["listen 80;", `listen 127.0.0.1:${http};`],
    ["listen 443 ssl http2;", `listen 127.0.0.1:${https} ssl;`],
    ["server 127.0.0.1:8000;", `server 127.0.0.1:${port};`],
    ["/etc/ssl/doorward/", `${folder}/`],
  ]) {
    assert.ok(site.includes(from), `deploy/nginx.conf has no ${from}`);
    site = site.replaceAll(from, to);
  }
  writeFileSync(inside("doorward.conf"), site);
  mkdirSync(inside("temporary"));
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const paths = temporary.map((kind) => `${kind}_temp_path ${folder}/temporary/${kind};`).join(" ");
  // Started by root its workers would be another user, who may not enter the temporary folder.
  const user = process.getuid() === 0 ? "user root;" : "";
  const logs = `pid ${folder}/pid; error_log ${folder}/error.log;`;
  writeFileSync(
    inside("nginx.conf"),
    `${user} worker_processes 1; ${logs} events {} http { access_log off; ${paths} include ${folder}/doorward.conf; }`,
  );
  const nginx = (...more) => {
    const options = ["-p", folder, "-e", inside("error.log"), "-c", inside("nginx.conf"), ...more];
    // Debian puts it where only root's PATH leads.
    execFileSync("nginx", options, { env: { PATH: `${process.env.PATH}:/usr/sbin` }, stdio: "ignore" });
  };
  // It returns when it listens, and goes on in the background.
  nginx();
  t.after(() => {
    nginx("-s", "stop");
    // It ends a little later, and removes files of its own.
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return https;
}

test("through nginx the browser keeps cookies with the __Host- prefix", async (t) => {
  const port = await startDoorward(t, {
    ENVIRONMENT: "production",
    HOST: "127.0.0.1",
    BCRYPT_COST: "12",
    JWT_SECRET_KEY: "0123456789abcdef-made-for-this-test-alone",
    TRUSTED_PROXIES: "127.0.0.1/32,::1/128",
    SHUTDOWN_DELAY: "0s",
    // A page on the service's own origin, to call from.
    API_DOCS: "on",
  });
  const api = `https://${name}:${await startNginx(t, port)}`;
  const context = await startBrowser(t, { ignoreHTTPSErrors: true }, [`--host-resolver-rules=MAP ${name} 127.0.0.1`]);
  const page = await context.newPage();
  await page.goto(`${api}/docs`);
  assert.equal((await call(page, api, "POST", "/register", person)).status, 201);
  assert.equal((await call(page, api, "POST", "/login", person)).status, 200);
  const cookies = await context.cookies();
  assert.deepEqual(cookies.map((cookie) => cookie.name).sort(), ["__Host-access_token", "__Host-device", "__Host-refresh_token"]);
  assert.ok(cookies.every((cookie) => cookie.secure && cookie.httpOnly && cookie.path === "/"), JSON.stringify(cookies));
  assert.equal((await call(page, api, "GET", "/me")).body.email, person.email);
  assert.equal((await call(page, api, "POST", "/refresh")).status, 200);
  const sessions = (await call(page, api, "GET", "/sessions")).body.sessions;
  assert.deepEqual(sessions.map((session) => [session.ip, session.current]), [["127.0.0.1", true]]);
  assert.match(sessions[0].device, /Chrom/);
  assert.equal((await call(page, api, "POST", "/logout")).status, 200);
  assert.deepEqual((await context.cookies()).map((cookie) => cookie.name), ["__Host-device"]);
});
