// One self-contained script for pages without a build step: dist/script.js, and the copy that the service serves.

import { copyFileSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const { version } = JSON.parse(readFileSync(at("../package.json"), "utf8"));

await build({
  entryPoints: [at("../src/index.ts")],
  outfile: at("../dist/script.js"),
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  banner: { js: `/*! @doorward/client ${version}, MIT. Made from clients/typescript by \`npm run build\`. */` },
});
copyFileSync(at("../dist/script.js"), at("../../../src/api/client/client.js"));
