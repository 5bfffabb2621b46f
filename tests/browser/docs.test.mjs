// The documentation pages, as a person uses them.

import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { person, startBrowser, startDoorward, watch } from "./support.mjs";

/** Opens an operation in Swagger UI, tries it out, and returns the status that it shows. */
async function tryOut(page, operation, body) {
  const block = page.locator(`[id^=operations-][id$="-${operation}"]`);
  if (!(await block.getAttribute("class")).includes("is-open")) await block.locator(".opblock-summary-control").click();
  if (body) await block.locator("textarea.body-param__text").fill(JSON.stringify(body));
  const answered = page.waitForResponse((response) => response.url().includes("/api/auth/"));
  await block.getByRole("button", { name: "Execute" }).click();
  const status = (await answered).status();
  const shown = block.locator(".live-responses-table tbody .response-col_status");
  await shown.filter({ hasText: String(status) }).first().waitFor();
  return status;
}

async function openDocs(page, origin) {
  await page.goto(`${origin}/docs`);
  await page.locator("[id$=-login].opblock").waitFor();
}

test("in Swagger UI people register, log in, stay logged in and log out", async (t) => {
  const origin = `http://localhost:${await startDoorward(t)}`;
  const context = await startBrowser(t);
  const seen = watch(context, origin);
  const page = await context.newPage();
  await openDocs(page, origin);
  await page.getByText("run login first").waitFor();

  assert.equal(await tryOut(page, "me"), 401);
  assert.equal(await tryOut(page, "register", person), 201);
  assert.equal(await tryOut(page, "login", person), 200);
  assert.equal(await tryOut(page, "me"), 200);
  await page.reload();
  await openDocs(page, origin);
  assert.equal(await tryOut(page, "me"), 200);
  assert.equal(await page.evaluate(() => document.cookie), "", "scripts see the cookies");
  assert.equal(await tryOut(page, "logout"), 200);
  assert.equal(await tryOut(page, "me"), 401);
  // What tells a known browser from a stranger opens nothing, and stays; what is left of a recent proof is void with its session.
  assert.deepEqual((await context.cookies()).map((cookie) => cookie.name).sort(), ["device"]);
  seen.assertQuiet();
});

test("ReDoc shows every operation", async (t) => {
  const origin = `http://localhost:${await startDoorward(t)}`;
  const context = await startBrowser(t);
  const seen = watch(context, origin);
  const page = await context.newPage();
  await page.goto(`${origin}/redoc`);
  await page.getByRole("heading", { name: /Log in$/ }).waitFor();
  const document = await (await context.request.get(`${origin}/openapi.json`)).json();
  const summaries = Object.values(document.paths).flatMap(Object.values).map((operation) => operation.summary);
  assert.ok(summaries.length > 5);
  const headings = await page.locator("h2").allInnerTexts();
  for (const summary of summaries) assert.ok(headings.some((heading) => heading.trim() === summary), summary);
  seen.assertQuiet();
});

test("both pages fit a wide screen and a telephone", async (t) => {
  const origin = `http://localhost:${await startDoorward(t)}`;
  const folder = mkdtempSync(join(tmpdir(), "doorward-screenshots-"));
  after(() => console.log(`# screenshots: ${folder}`));
  const context = await startBrowser(t);
  const page = await context.newPage();
  const pages = { docs: "[id$=-login].opblock", redoc: 'h2:has-text("Log in")' };
  for (const [name, ready] of Object.entries(pages)) {
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 900 });
      await page.goto(`${origin}/${name}`);
      const login = page.locator(ready).first();
      await login.waitFor();
      await page.screenshot({ path: join(folder, `${name}-${width}.png`) });
      if (name === "docs") {
        await login.locator(".opblock-summary-control").click();
        await login.getByRole("button", { name: "Execute" }).waitFor();
      }
      await login.evaluate((element) => element.scrollIntoView());
      await page.screenshot({ path: join(folder, `${name}-${width}-login.png`) });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${name} is ${wide} pixels wide on a screen of ${width}`);
    }
  }
});
