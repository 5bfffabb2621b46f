// What a page pays for login, me and refresh across tabs: minified, gzip. Fails when it is more than the budget.

import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const BUDGET = 3_500;

const { outputFiles } = await build({
  stdin: {
    contents: 'export { createAuthClient } from "./src/index.ts";',
    resolveDir: fileURLToPath(new URL("..", import.meta.url)),
  },
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  write: false,
});
const bytes = gzipSync(outputFiles[0].contents, { level: 9 }).length;
console.log(`${bytes} of ${BUDGET} bytes`);
process.exit(bytes <= BUDGET ? 0 : 1);
