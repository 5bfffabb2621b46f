// One self-contained script for pages without a build step, as the service serves it. Not in dist/: the package's client has the table of operations in
// common with its other entries.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const { version } = JSON.parse(readFileSync(at("../package.json"), "utf8"));

await build({
  entryPoints: [at("../src/index.ts")],
  outfile: at("../../../src/api/client/client.js"),
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  banner: { js: `/*! @doorward/client ${version}, MIT. Made from clients/typescript by \`npm run build\`. */` },
});
