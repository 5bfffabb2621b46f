// The README's snippets compile, as they stand, against the built package's own types.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import ts from "typescript";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

test("the snippets compile", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const folder = mkdtempSync(join(root, "test/snippets-"));
  try {
    const files = [...readme.matchAll(/```(tsx?)\n(.*?)```/gs)].map(([, kind, text], number) => {
      const file = join(folder, `snippet${number}.${kind}`);
      writeFileSync(file, `${text}export {};\n`);
      return file;
    });
    expect(files.length).toBeGreaterThanOrEqual(5);
    const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
    const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
    const sources = Object.fromEntries(["", "/react", "/server", "/vue"].map((name) => [`@doorward/client${name}`, [join(root, `src/${name.slice(1) || "index"}${name === "/react" ? ".tsx" : ".ts"}`)]]));
    const program = ts.createProgram(files, { ...options, noEmit: true, noUnusedLocals: false, paths: sources });
    const problems = ts.getPreEmitDiagnostics(program).map((problem) => ts.flattenDiagnosticMessageText(problem.messageText, "\n"));
    expect(problems).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);
