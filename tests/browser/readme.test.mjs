// The README's functions and hook, as people copy them: from a page on another port of localhost, with React.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { person, startBrowser, startDoorward, startPage } from "./support.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

/** The README's code block that begins with this comment. */
function snippet(name) {
  const block = readme.split("```ts\n").find((text) => text.startsWith(`// ${name}\n`));
  assert.ok(block, `the README has no ${name}`);
  return block.split("\n```")[0];
}

/** One script for the page: the README's files, and a component that shows the hook. Only the port is changed. */
async function bundle(port) {
  const usual = "http://localhost:8000";
  const auth = snippet("auth.ts");
  assert.ok(auth.includes(usual));
  const files = {
    "./auth": auth.replace(usual, `http://localhost:${port}`),
    "./useAuth": snippet("useAuth.ts"),
    "./page": `
      import { createElement } from "react";
      import { createRoot } from "react-dom/client";
      import * as auth from "./auth";
      import { useAuth } from "./useAuth";
      function Page() {
        const hook = useAuth();
        Object.assign(window, { auth, hook });
        return createElement("p", null, hook.loading ? "loading" : hook.error ?? hook.user?.email ?? "nobody");
      }
      createRoot(document.getElementById("root")!).render(createElement(Page));`,
  };
  const plugin = {
    name: "readme",
    setup(builder) {
      builder.onResolve({ filter: /^\.\/(auth|useAuth|page)$/ }, ({ path }) => ({ path, namespace: "readme" }));
      builder.onLoad({ filter: /.*/, namespace: "readme" }, ({ path }) => ({
        contents: files[path],
        loader: "ts",
        resolveDir: here,
      }));
    },
  };
  const result = await build({ entryPoints: ["./page"], bundle: true, write: false, plugins: [plugin], logLevel: "error" });
  return result.outputFiles[0].text;
}

test("the README's functions and hook work as they are", async (t) => {
  const script = await bundle(await startDoorward(t));
  const html = '<!doctype html><title>A frontend</title><div id="root"></div><script src="/auth.js"></script>';
  const page = await (await startBrowser(t)).newPage();
  const shows = (text) => page.locator("p", { hasText: text }).waitFor();
  await page.goto(`http://localhost:${await startPage(t, html, script)}/`);
  await shows("nobody");

  const refused = await page.evaluate(async () => {
    try {
      await auth.login("nobody@example.com", "SecurePass123");
      return "nothing";
    } catch (error) {
      return `${error.constructor.name}: ${error.message}`;
    }
  });
  assert.equal(refused, "Error: Incorrect email or password");

  await page.evaluate(({ email, password }) => hook.register(email, password, "John Doe"), person);
  await shows(person.email);
  assert.equal((await page.evaluate(() => auth.me())).full_name, "John Doe");
  await page.reload();
  await shows(person.email);
  await page.evaluate(() => hook.logout());
  await shows("nobody");
  await page.evaluate(() => hook.login("nobody@example.com", "SecurePass123"));
  await shows("Incorrect email or password");
  await page.evaluate(({ email, password }) => hook.login(email, password), person);
  await shows(person.email);
});
