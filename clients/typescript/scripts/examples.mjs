// Builds each of examples/ as a stranger would: the packed client, the newest of the rest, a fresh folder; then starts it and logs in by Chromium.
//   npm run examples             all, and writes the table of examples/README.md
//   npm run examples next        some
//   npm run examples -- --locked those of examples/package-lock.json, with its versions, offline

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { COMPILERS, packClient, tryExample } from "./example.mjs";

const REACT = ["react", "react-dom", "@types/react", "@types/react-dom"];
const VITE = {
  build: ["vite", "build"],
  develop: (port) => ["vite", "--port", port, "--strictPort"],
  serve: (port) => ["vite", "preview", "--port", port, "--strictPort"],
};
/**
 * `packages` at their newest, `show` of them in the table; `build`, and `types` for files that tsc does not read; `develop` with the framework's own
 * proxy, and `serve` what was built; what the server `renders`: "renewed" sessions, or what it finds, and leaves the rest to the browser. `hasSecondStep`:
 * it asks for the code of an app.
 */
const EXAMPLES = {
  "vite-react": { ...VITE, packages: ["vite", ...REACT], show: ["vite", "react"] },
  "vite-vue": { ...VITE, packages: ["vite", "vue", "@vitejs/plugin-vue", "vue-tsc"], show: ["vite", "vue"], types: ["vue-tsc", "--noEmit"], isReadByTsc: false, hasSecondStep: true },
  "vite-svelte": { ...VITE, packages: ["vite", "svelte", "@sveltejs/vite-plugin-svelte", "svelte-check"], show: ["vite", "svelte"], types: ["svelte-check"], hasSecondStep: true },
  next: {
    packages: ["next", ...REACT],
    show: ["next", "react"],
    build: ["next", "build"],
    develop: (port) => ["next", "dev", "--port", port],
    serve: (port) => ["next", "start", "--port", port],
    renders: "found",
    isInstalledFromFolder: true,
  },
  nuxt: {
    packages: ["nuxt", "vue", "vue-router", "vue-tsc"],
    show: ["nuxt", "vue"],
    build: ["nuxt", "build"],
    types: ["nuxt", "typecheck"],
    isReadByTsc: false,
    develop: (port) => ["nuxt", "dev", "--port", port],
    serve: () => ["node", ".output/server/index.mjs"],
    renders: "renewed",
  },
  sveltekit: {
    packages: ["svelte", "@sveltejs/kit", "@sveltejs/adapter-node", "@sveltejs/vite-plugin-svelte", "vite", "svelte-check"],
    show: ["@sveltejs/kit", "svelte", "vite"],
    build: ["vite", "build"],
    types: ["svelte-check"],
    develop: VITE.develop,
    serve: () => ["node", "build/index.js"],
    renders: "renewed",
  },
  astro: {
    packages: ["astro", "@astrojs/node", "@astrojs/check"],
    show: ["astro", "@astrojs/node"],
    build: ["astro", "build"],
    types: ["astro", "check"],
    develop: (port) => ["astro", "dev", "--port", port],
    serve: () => ["node", "dist/server/entry.mjs"],
    renders: "renewed",
  },
  "react-router": {
    // Its packages want each other's very version, and are not released in one moment.
    packages: ["react-router@8.4.0", "@react-router/dev@8.4.0", "@react-router/node@8.4.0", "@react-router/serve@8.4.0", "isbot", "vite", ...REACT],
    show: ["react-router", "react", "vite"],
    build: ["react-router", "build"],
    types: ["react-router", "typegen"],
    develop: (port) => ["react-router", "dev", "--port", port, "--strictPort"],
    serve: () => ["react-router-serve", "build/server/index.js"],
    renders: "renewed",
  },
  "tanstack-start": {
    packages: ["@tanstack/react-router", "@tanstack/react-start", "@vitejs/plugin-react", "srvx", "vite", ...REACT],
    show: ["@tanstack/react-start", "react", "vite"],
    build: ["vite", "build"],
    develop: VITE.develop,
    serve: (port) => ["srvx", "serve", "--prod", "--port", port, "--static", "../client", "--entry", "dist/server/server.js"],
    renders: "renewed",
  },
};
const LOCKED = ["vite-react", "vite-vue", "vite-svelte", "next"];

const words = process.argv.slice(2).filter((word) => word !== "--locked");
const isLocked = process.argv.includes("--locked");
const names = words.length ? words : isLocked ? LOCKED : Object.keys(EXAMPLES);

// What is begun ends in the opposite order, as in tests.
async function within(work) {
  const after = [];
  try {
    return await work({ after: (end) => after.push(end) });
  } finally {
    for (const end of after.reverse()) await end();
  }
}

const lines = [];
try {
  await within(async (t) => {
    const client = packClient(t);
    for (const name of names) {
      lines.push(await within((t) => tryExample(t, name, EXAMPLES[name], client, isLocked)));
      console.log(lines.at(-1));
    }
  });
} catch (error) {
  console.error(error.stdout ?? "", error.stderr ?? "", error);
  process.exit(1);
}
if (!isLocked && names.length === Object.keys(EXAMPLES).length) {
  const file = fileURLToPath(new URL("../examples/README.md", import.meta.url));
  const [text] = readFileSync(file, "utf8").split("| example |");
  const date = new Date().toISOString().slice(0, 10);
  const head = `| example | with | TypeScript ${COMPILERS.join(", ")} | ${date}, Node.js ${process.versions.node} |\n|---|---|---|---|\n`;
  writeFileSync(file, `${text}${head}${lines.join("\n")}\n`);
}
