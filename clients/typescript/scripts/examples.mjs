// Builds each of examples/ as a stranger would: the packed client, the newest of the rest, a fresh folder; then starts it and logs in by Chromium.
//   npm run examples             all, and writes the table of examples/README.md
//   npm run examples next        some

import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { freePort, person, startBrowser, startDoorward } from "../../../tests/browser/support.mjs";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const COMPILERS = ["5.9.3", "7.0.2"];
const VITE = { build: ["vite", "build"], start: (port) => ["vite", "--port", port, "--strictPort"] };
const EXAMPLES = {
  "vite-react": { ...VITE, packages: ["react", "react-dom", "vite", "@types/react", "@types/react-dom"], show: ["vite", "react"] },
  // No compiler of TypeScript 7 reads .vue and .svelte files: only what stands beside them is compiled by it.
  "vite-vue": { ...VITE, packages: ["vue", "vite", "@vitejs/plugin-vue", "vue-tsc"], show: ["vite", "vue"], types: ["vue-tsc", "--noEmit"] },
  "vite-svelte": { ...VITE, packages: ["svelte", "vite", "@sveltejs/vite-plugin-svelte", "svelte-check"], show: ["vite", "svelte"], types: ["svelte-check"] },
  next: {
    build: ["next", "build"],
    start: (port) => ["next", "start", "--port", port],
    packages: ["next", "react", "react-dom", "@types/react", "@types/react-dom"],
    show: ["next", "react"],
    isRendered: true,
  },
};

// What tests leave behind them, at the end here.
const after = [];
const t = { after: (work) => after.push(work) };
const packed = mkdtempSync(join(tmpdir(), "doorward-pack-"));
t.after(() => rmSync(packed, { recursive: true }));
const run = (folder, environment, command, ...words) =>
  execFileSync(command, words, { cwd: folder, env: { ...process.env, ...environment, NEXT_TELEMETRY_DISABLED: "1" }, stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });

async function tryOne(name, archive) {
  const { packages, build, start, show, types, isRendered } = EXAMPLES[name];
  const folder = mkdtempSync(join(tmpdir(), `doorward-${name}-`));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(at(`../examples/${name}`), folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
  run(folder, {}, "npm", "install", "--silent", "@types/node@20", `typescript@${COMPILERS[0]}`, archive, ...packages.map((one) => `${one}@latest`));
  const service = `http://localhost:${await startDoorward(t, { LOGIN_RATE_LIMIT: "off" })}`;
  const environment = { DOORWARD_URL: service, PATH: `${join(folder, "node_modules/.bin")}:${process.env.PATH}` };
  run(folder, environment, ...build);
  if (types) run(folder, environment, ...types);
  const compiled = [];
  for (const version of COMPILERS) {
    if (types && version.startsWith("7")) continue;
    run(folder, environment, "npm", "install", "--silent", "--no-save", `typescript@${version}`);
    if (!types) run(folder, environment, "tsc", "--noEmit");
    compiled.push(version);
  }
  const port = String(await freePort());
  const [command, ...words] = start(port);
  const application = spawn(command, words, { cwd: folder, env: { ...process.env, ...environment }, stdio: "ignore" });
  t.after(() => application.kill());
  const url = `http://localhost:${port}/`;
  for (let attempt = 0; !(await fetch(url).catch(() => null))?.ok; attempt++) {
    if (attempt > 300) throw new Error(`${name} does not start`);
    await new Promise((done) => setTimeout(done, 200));
  }
  await fetch(`${service}/api/auth/register`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(person) });
  const page = await (await startBrowser(t)).newPage();
  await page.goto(url);
  await page.locator('input[name="email"]').fill(person.email);
  await page.locator('input[name="password"]').fill(person.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("button", { name: `Log out ${person.email}` }).waitFor();
  await page.reload();
  await page.getByRole("button", { name: `Log out ${person.email}` }).waitFor();
  if (isRendered) await page.locator("#server", { hasText: person.email }).waitFor();
  const versions = show.map((one) => `${one} ${JSON.parse(readFileSync(join(folder, "node_modules", one, "package.json"), "utf8")).version}`);
  return `| ${name} | ${versions.join(", ")} | ${compiled.join(", ")} | built, logged in, loaded again${isRendered ? ", rendered by the server" : ""} |`;
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(EXAMPLES);
const lines = [];
let hasFailed = false;
try {
  const [{ filename }] = JSON.parse(execFileSync("npm", ["pack", "--json", "--pack-destination", packed], { cwd: at(".."), encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
  for (const name of names) {
    lines.push(await tryOne(name, join(packed, filename)));
    console.log(lines.at(-1));
  }
} catch (error) {
  hasFailed = true;
  console.error(error.stdout ?? "", error.stderr ?? "", error);
} finally {
  for (const work of after.reverse()) await Promise.resolve(work()).catch(() => {});
}
if (!hasFailed && names.length === Object.keys(EXAMPLES).length && existsSync(at("../examples/README.md"))) {
  const file = at("../examples/README.md");
  const [text] = readFileSync(file, "utf8").split("| example |");
  const date = new Date().toISOString().slice(0, 10);
  const head = `| example | with | TypeScript | ${date}, Node.js ${process.versions.node} |\n|---|---|---|---|\n`;
  writeFileSync(file, `${text}${head}${lines.join("\n")}\n`);
}
process.exit(hasFailed ? 1 : 0);
