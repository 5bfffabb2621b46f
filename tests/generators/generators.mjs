// Makes a client of openapi/doorward.json with each generator, compiles it strictly, and walks it against the live service. Writes the table of
// docs/clients.md. See scripts/generators.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { person, startBrowser, startDoorward, startPage } from "../browser/support.mjs";
import { GENERATORS, PYTHON, TYPESCRIPT } from "./list.mjs";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const contract = JSON.parse(readFileSync(at("../../openapi/doorward.json"), "utf8"));

/** All that `login` refuses with, as the contract has it. */
function codesOfLogin() {
  const resolve = (schema) => (schema.$ref ? contract.components.schemas[schema.$ref.split("/").at(-1)] : schema);
  const codes = (schema) => schema.oneOf?.flatMap((one) => codes(resolve(one))) ?? schema.properties.code.enum;
  const refusals = Object.entries(contract.paths["/api/auth/login"].post.responses).filter(([status]) => status >= "400");
  return refusals.flatMap(([, answer]) => codes(resolve(answer.content["application/problem+json"].schema)));
}

// What the walk finds: with cookies, and without them, which no generator sends unasked.
const REFUSED = { weak: { said: "validation_failed" }, nobody: { said: "not_authenticated" }, wrong: { said: "incorrect_credentials" }, throttled: { said: "too_many_attempts" } };
const COMMON = { ...REFUSED, register: { said: "ok", email: person.email }, login: { said: "ok" } };
const WITH_COOKIES = { ...COMMON, me: { said: "ok", email: person.email } };
const WITHOUT = { ...COMMON, me: { said: "not_authenticated" } };

function temporary(t, name) {
  const folder = mkdtempSync(join(tmpdir(), `doorward-${name}-`));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function runIn(folder, ...more) {
  const path = [...more, join(folder, "node_modules/.bin"), process.env.PATH].join(":");
  return (command, ...words) => execFileSync(command, words, { cwd: folder, env: { ...process.env, PATH: path }, stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
}

const succeeds = (work) => {
  try {
    work();
    return true;
  } catch (error) {
    if (error.status === undefined) throw error;
    if (process.env.VERBOSE) console.error(error.stdout.slice(0, 3000));
    return false;
  }
};

/** One for all, outside of the folders. */
let python;
function startPython(t) {
  if (python) return python;
  const folder = temporary(t, "python");
  execFileSync("python3", ["-m", "venv", folder]);
  execFileSync(join(folder, "bin/python"), ["-m", "pip", "install", "-q", ...PYTHON]);
  return (python = join(folder, "bin"));
}

function copyTo(folder, name) {
  cpSync(at(name), folder, { recursive: true });
  cpSync(at("walk.ts"), join(folder, "walk.ts"));
  cpSync(at("../../openapi/doorward.json"), join(folder, "doorward.json"));
}

async function tryTypeScript(t, all, name, { packages, generate, needsPython }) {
  const folder = temporary(t, name);
  copyTo(folder, name);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: `example-${name}`, private: true, type: "module" }));
  const run = runIn(folder, ...(needsPython ? [startPython(all)] : []));
  run("npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", ...TYPESCRIPT, ...packages);
  for (const command of generate) run(...command);
  // Some tell the compiler to look away.
  run("sh", "-c", "grep -rl '@ts-nocheck' client | xargs -r sed -i 's/@ts-nocheck//'");

  const usual = { target: "ES2022", module: "ESNext", moduleResolution: "bundler", lib: ["ES2023", "DOM", "DOM.Iterable"], types: [], noEmit: true };
  const options = { ...usual, strict: true, allowImportingTsExtensions: true, skipLibCheck: true };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["calls.ts"] }));
  const compile = (compiler, ...words) => succeeds(() => run("node", `node_modules/${compiler}/bin/tsc`, "--noEmit", ...words));
  const strict = [compile("typescript"), compile("typescript-7")];
  if (!strict.every(Boolean)) throw new Error(`${name} does not compile: VERBOSE=1 tells why`);
  const strictest = compile("typescript", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess");
  // Whether the codes of the type are those of the contract, neither fewer nor more.
  const codes = codesOfLogin().map((code) => JSON.stringify(code)).join(" | ");
  writeFileSync(
    join(folder, "closed.ts"),
    `import type { Refusal } from "./calls";
     type Of<T> = T extends { code: infer C } ? C : never;
     type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
     export const isClosed: Same<Of<Refusal>, ${codes}> = true;`,
  );
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["closed.ts"] }));
  const isClosed = compile("typescript");

  for (const [settings, expected] of [[{ credentials: "include" }, WITH_COOKIES], [{}, WITHOUT]]) {
    assert.deepEqual(await walkInChromium(t, folder, settings), expected);
  }
  return { strictest, isClosed, atProxy: await walkInChromium(t, folder, { credentials: "include" }, await startProxy(t)) };
}

/** Somewhere between page and service: answers everything as proxies do while the service is away. */
async function startProxy(t) {
  const server = createServer((request, response) => {
    const allowed = { "Access-Control-Allow-Origin": request.headers.origin ?? "*", "Access-Control-Allow-Credentials": "true" };
    if (request.method === "OPTIONS") response.writeHead(204, { ...allowed, "Access-Control-Allow-Headers": "content-type" }).end();
    else response.writeHead(502, { ...allowed, "Content-Type": "text/html" }).end("<html><title>502 Bad Gateway</title></html>");
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.closeAllConnections() ?? server.close());
  return `http://localhost:${server.address().port}`;
}

/** In a page of another origin: only there do credentials matter. */
async function walkInChromium(t, folder, settings, proxy) {
  const service = proxy ?? `http://localhost:${await startDoorward(t)}`;
  const words = [service, settings, person].map((one) => JSON.stringify(one));
  const page = `import { makeCalls } from "./calls"; import { walk } from "./walk"; 
    const calls = makeCalls(${words[0]}, ${words[1]});
    globalThis.walked = ${proxy ? "calls.me().then(tell, (error) => `throws \\`${error.name}\\``)" : `walk(calls, ${words[2]})`};
    function tell({ said }) { return said === "ok" ? "a success" : said ? said : "a refusal without a code"; }`;
  writeFileSync(join(folder, "page.ts"), page);
  const script = execFileSync(at("../browser/node_modules/.bin/esbuild"), ["page.ts", "--bundle", "--format=iife"], { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  const port = await startPage(t, '<!doctype html><title>A page</title><script src="/auth.js"></script>', script);
  const tab = await (await startBrowser(t)).newPage();
  await tab.goto(`http://localhost:${port}/`);
  return tab.evaluate(() => globalThis.walked);
}

async function tryPython(t, all, name, { generate }) {
  const folder = temporary(t, name);
  copyTo(folder, name);
  const run = runIn(folder, startPython(all));
  for (const command of generate) run(...command);
  if (!succeeds(() => run("mypy", "--strict", "walk.py"))) throw new Error(`${name} does not pass mypy: VERBOSE=1 tells why`);
  // A match over all codes is complete, and one that forgets a code is not.
  const codes = codesOfLogin();
  const isComplete = (known) => {
    const cases = `        case ${known.map((code) => JSON.stringify(code)).join(" | ")}:\n            return code\n`;
    const text = `from typing import assert_never

from client import Client
from client.api.session import login
from client.models.login import Login
from client.models.message import Message

def said(client: Client, body: Login) -> str:
    answer = login.sync(client=client, body=body)
    if answer is None or isinstance(answer, Message):
        return ""
    code = answer.code
    match code:
${cases}    assert_never(code)
`;
    writeFileSync(join(folder, "closed.py"), text);
    return succeeds(() => run("mypy", "--strict", "closed.py"));
  };
  const isClosed = isComplete(codes) && !isComplete(codes.slice(1));
  const service = `http://localhost:${await startDoorward(t)}`;
  assert.deepEqual(JSON.parse(run("python", "walk.py", service, person.email, person.password)), WITH_COOKIES);
  // Not by `run`, during which the proxy here could not answer.
  const { stdout } = await promisify(execFile)(join(startPython(all), "python"), ["walk.py", await startProxy(t)], { cwd: folder });
  return { strictest: true, isClosed, atProxy: stdout.trim() };
}

async function within(work) {
  const after = [];
  try {
    return await work({ after: (end) => after.push(end) });
  } finally {
    for (const end of after.reverse()) await end();
  }
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(GENERATORS);
const lines = [];
await within(async (all) => {
  for (const name of names) {
    const generator = GENERATORS[name];
    const found = await within((t) => (generator.isPython ? tryPython : tryTypeScript)(t, all, name, generator));
    const compiled = found.strictest ? "yes" : "`strict` alone";
    lines.push(`| ${generator.title} | ${found.isClosed ? "closed" : "lost"} | ${compiled} | ${generator.atProxy ?? found.atProxy} | ${generator.set} |`);
    console.log(lines.at(-1));
  }
});
if (names.length === Object.keys(GENERATORS).length) {
  const file = at("../../docs/clients.md");
  const text = readFileSync(file, "utf8");
  const [before] = text.split("| generator |");
  const rest = text.slice(before.length).replace(/^(\|.*\n)*/, "");
  const head = "| generator | codes of refusals | compiles | a proxy's 502 | set |\n|---|---|---|---|---|\n";
  writeFileSync(file, `${before}${head}${lines.join("\n")}\n${rest}`);
}
