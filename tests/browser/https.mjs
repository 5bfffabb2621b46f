// Debian's nginx with TLS in front of the real binary, and a Chromium that trusts its certificate: what bound sessions need.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { chromium } from "playwright-core";

import { atEnd, temporaryFolder } from "./ends.mjs";
import { findChromium, freePort } from "./support.mjs";

const configuration = readFileSync(new URL("../../deploy/nginx.conf", import.meta.url), "utf8");

/** The name of the service, and of the application's page: two hosts of one site. */
export const auth = "auth.example.com";
export const app = "app.example.com";

/** Both names on this port of https: the service at that port behind the real `deploy/nginx.conf`, and one empty page. Returns the certificate of
 * the authority that has signed. `seen` tells what has passed the proxy. `more` is put into the service's server there, in place of what `change` has
 * put there before. */
export async function startHttps(t, https, port, more = "") {
  const folder = temporaryFolder(t, "https");
  const inside = (file) => join(folder, file);
  const openssl = (...words) => execFileSync("openssl", words, { cwd: folder, stdio: "ignore" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", "-x509", ...key, "-days", "2", "-subj", "/CN=An authority of a test", "-keyout", "ca.key", "-out", "ca.pem");
  openssl("req", ...key, "-subj", `/CN=${auth}`, "-keyout", "privkey.pem", "-out", "request.pem");
  writeFileSync(inside("names"), `subjectAltName=DNS:${auth},DNS:${app}`);
  const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "fullchain.pem"];
  openssl("x509", "-req", "-in", "request.pem", ...signed);
  const http = await freePort();
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
  const certificate = `ssl_certificate ${folder}/fullchain.pem; ssl_certificate_key ${folder}/privkey.pem;`;
  const page = `location / { default_type text/html; return 200 "<!doctype html><title>The application</title>"; }`;
  site += `server { listen 127.0.0.1:${https} ssl; server_name ${app}; ${certificate} ${page} }`;
  const write = (more) => writeFileSync(inside("doorward.conf"), site.replace("location / {", `${more} location / {`));
  write(more);
  mkdirSync(inside("temporary"));
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder}/temporary/${kind};`).join(" ");
  // What browsers ask by themselves is told to no page: the proxy sees it.
  const format = `log_format seen escape=json '{"at":$msec,"took":$request_time,"method":"$request_method","path":"$uri","status":$status,"host":"$host","proof":"$http_secure_session_response","cookie":"$http_cookie","challenge":"$sent_http_secure_session_challenge","skipped":"$http_secure_session_skipped","agent":"$http_user_agent"}';`;
  // Started by root its workers would be another user, who may not enter the temporary folder.
  const user = process.getuid() === 0 ? "user root;" : "";
  const logs = `pid ${folder}/pid; error_log ${folder}/error.log;`;
  writeFileSync(inside("nginx.conf"), `${user} worker_processes 1; ${logs} events {} http { ${format} access_log ${folder}/access.log seen; ${paths} include ${folder}/doorward.conf; }`);
  // Up to the last line's end: nginx may be writing the next one.
  const whole = (text) => text.slice(0, text.lastIndexOf("\n") + 1);
  const seen = () => whole(readFileSync(inside("access.log"), "utf8")).split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const nginx = (...more) => {
    const options = ["-p", folder, "-e", inside("error.log"), "-c", inside("nginx.conf"), ...more];
    // Debian puts it where only root's PATH leads.
    execFileSync("nginx", options, { env: { PATH: `${process.env.PATH}:/usr/sbin` }, stdio: "ignore" });
  };
  // It returns when it listens, and goes on in the background.
  nginx();
  // It ends a little later, and removes files of its own.
  atEnd(t, () => nginx("-s", "stop"));
  const change = (more) => {
    write(more);
    nginx("-s", "reload");
  };
  const stop = () => nginx("-s", "stop");
  return { authority: inside("ca.pem"), seen, change, stop, again: () => nginx() };
}

/** A home of its own, whose key store trusts the authority, so that browsers with any profile in it do. */
export function trust(t, authority) {
  const home = temporaryFolder(t, "home");
  const store = `sql:${join(home, ".pki/nssdb")}`;
  mkdirSync(join(home, ".pki/nssdb"), { recursive: true });
  execFileSync("certutil", ["-d", store, "-N", "--empty-password"], { stdio: "ignore" });
  execFileSync("certutil", ["-d", store, "-A", "-t", "C,,", "-n", "test", "-i", authority], { stdio: "ignore" });
  return home;
}

const features = "DeviceBoundSessions:RefreshQuota/false,EnableBoundSessionCredentialsSoftwareKeysForManualTesting";

/** Chromium with a profile of this folder, that binds sessions with software keys or can't. Returns its one context, with `kill`. */
export async function startProfile(t, home, name, { binds = true } = {}) {
  const profile = join(home, name);
  mkdirSync(profile, { recursive: true });
  // Started by hand, so that it can be killed as a machine that loses power kills it.
  const child = spawn(
    findChromium(),
    [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--password-store=basic",
      "--remote-debugging-port=0",
      `--user-data-dir=${profile}`,
      `--host-resolver-rules=MAP *.example.com 127.0.0.1`,
      binds ? `--enable-features=${features}` : "--disable-features=DeviceBoundSessions",
      "about:blank",
    ],
    { env: { ...process.env, HOME: home }, stdio: ["ignore", "ignore", "pipe"], detached: true },
  );
  const ended = new Promise((done) => child.once("close", done));
  const kill = async () => {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
    await ended;
  };
  atEnd(t, kill);
  const endpoint = await new Promise((found, failed) => {
    let log = "";
    child.once("close", () => failed(new Error(`Chromium ended: ${log}`)));
    child.stderr.on("data", (data) => {
      log += data;
      const listening = /DevTools listening on (ws:\S+)/.exec(log);
      if (listening) found(listening[1]);
    });
  });
  const browser = await chromium.connectOverCDP(endpoint);
  const [context] = browser.contexts();
  context.setDefaultTimeout(20_000);
  return { context, kill };
}
