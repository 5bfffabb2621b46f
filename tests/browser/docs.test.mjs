// The documentation pages, as a person uses them.

import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { startClock } from "./authenticator.mjs";
import { person, startBrowser, startDoorward, watch } from "./support.mjs";

/** Opens an operation in Swagger UI, tries it out, and returns the status that it shows. */
const tryOut = async (page, operation, body) => (await answerOf(page, operation, body)).status;

/** The same, with the JSON of the answer, which the page shows too. */
async function answerOf(page, operation, body) {
  const block = page.locator(`[id^=operations-][id$="-${operation}"]`);
  if (!(await block.getAttribute("class")).includes("is-open")) await block.locator(".opblock-summary-control").click();
  if (body) await block.locator("textarea.body-param__text").fill(JSON.stringify(body));
  const answered = page.waitForResponse((response) => response.url().includes("/api/auth/"));
  await block.getByRole("button", { name: "Execute" }).click();
  const response = await answered;
  const status = response.status();
  const shown = block.locator(".live-responses-table tbody");
  await shown.locator(".response-col_status").filter({ hasText: String(status) }).first().waitFor();
  const json = status === 204 ? null : await response.json();
  const word = json && Object.values(json).find((value) => typeof value === "string");
  if (word) await shown.locator(".response-col_description").filter({ hasText: word }).first().waitFor();
  return { status, json };
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

test("in Swagger UI people set up a second factor, log in with a code, and remove it with a recovery code", async (t) => {
  const clock = startClock(t);
  const origin = `http://localhost:${await startDoorward(t, clock.settings)}`;
  const context = await startBrowser(t);
  const seen = watch(context, origin);
  const page = await context.newPage();
  await openDocs(page, origin);
  assert.equal(await tryOut(page, "register", person), 201);
  assert.equal(await tryOut(page, "login", person), 200);
  const { status, json: app } = await answerOf(page, "enrolTotp");
  assert.equal(status, 200);
  assert.equal(await tryOut(page, "confirmTotp", { code: "000000" }), 422);
  const { json: confirmed } = await answerOf(page, "confirmTotp", { code: clock.code(app.secret) });
  assert.equal(confirmed.recovery_codes.length, 10);
  assert.equal(await tryOut(page, "logout"), 200);

  const { status: refused, json: problem } = await answerOf(page, "login", person);
  assert.deepEqual([refused, problem.code, problem.methods], [401, "second_factor_required", ["totp", "recovery_code"]]);
  assert.equal(await tryOut(page, "me"), 401);
  assert.equal(await tryOut(page, "loginSecondFactor", { code: clock.code(app.secret) }), 200);
  assert.equal(await tryOut(page, "me"), 200);
  assert.equal((await answerOf(page, "listFactors")).json.recovery_codes.left, 10);

  clock.pass(11 * 60);
  assert.equal((await answerOf(page, "removeTotp")).json.code, "reauthentication_required");
  const proof = { password: person.password, recovery_code: confirmed.recovery_codes[0] };
  assert.equal(await tryOut(page, "reauthenticate", proof), 200);
  assert.equal(await tryOut(page, "removeTotp"), 204);
  assert.equal(await tryOut(page, "logout"), 200);
  assert.equal(await tryOut(page, "login", person), 200);
  assert.equal(await page.evaluate(() => document.cookie), "", "scripts see the cookies");
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
