// The gate against breaking changes must tell breaking from compatible. Each case makes one change to the contract and asks
// `redocly diff`, as `npm run diff` does.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const contract = readFileSync(join(here, "doorward.json"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "doorward-gate-"));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "released.json"), contract);

/** Whether the gate lets the contract pass after this change. */
function passes(change) {
  const document = JSON.parse(contract);
  const before = JSON.stringify(document);
  change(document);
  assert.notEqual(JSON.stringify(document), before, "the case changes nothing");
  const changed = join(folder, "changed.json");
  writeFileSync(changed, JSON.stringify(document));
  const redocly = join(here, "node_modules/.bin/redocly");
  const run = spawnSync(redocly, ["diff", join(folder, "released.json"), changed, "--fail-on", "major"], { cwd: here });
  assert.ok(run.status === 0 || run.status === 1, `${run.stdout}${run.stderr}`);
  return run.status === 0;
}

const operation = (d, path, method) => d.paths[path][method];
const resolve = (d, node) => (node.$ref ? node.$ref.slice(2).split("/").reduce((at, key) => at[key], d) : node);
const schemaOf = (d, body) => resolve(d, Object.values(body.content)[0].schema);
const registerBody = (d) => schemaOf(d, operation(d, "/api/auth/register", "post").requestBody);
const refusals = (d) => schemaOf(d, operation(d, "/api/auth/me", "get").responses["401"]);
const userBody = (d) => schemaOf(d, operation(d, "/api/auth/me", "get").responses["200"]);

const breaking = {
  "a path is gone": (d) => delete d.paths["/api/auth/me"],
  "an operation is gone": (d) => delete d.paths["/api/auth/me"].get,
  "an operation has another id": (d) => (operation(d, "/api/auth/me", "get").operationId = "who"),
  "a success status is gone": (d) => {
    const { responses } = operation(d, "/api/auth/register", "post");
    responses["200"] = responses["201"];
    delete responses["201"];
  },
  "a field of an answer is gone": (d) => {
    const user = userBody(d);
    delete user.properties.created_at;
    user.required = user.required.filter((name) => name !== "created_at");
  },
  "a field of an answer has another type": (d) => (userBody(d).properties.id = { type: "string" }),
  "a field of an answer may be missing": (d) => {
    const user = userBody(d);
    user.required = user.required.filter((name) => name !== "email");
  },
  "a field of an answer may be null": (d) => (userBody(d).properties.email.nullable = true),
  "a request needs a new field": (d) => {
    registerBody(d).properties.invitation = { type: "string" };
    registerBody(d).required.push("invitation");
  },
  "a request needs a field that was optional": (d) => registerBody(d).required.push("full_name"),
  "a field of a request is gone": (d) => delete registerBody(d).properties.full_name,
  "a field of a request has another type": (d) => (registerBody(d).properties.email = { type: "integer" }),
  "a parameter is needed": (d) =>
    (operation(d, "/api/auth/me", "get").parameters = [{ name: "tenant", in: "query", required: true, schema: { type: "string" } }]),
  "a field of a request has a stricter rule": (d) => (registerBody(d).properties.email.maxLength = 10),
  "an operation has one more error code": (d) => {
    refusals(d).oneOf.push({ $ref: "#/components/schemas/CrossSiteRequestProblem" });
    refusals(d).discriminator.mapping.cross_site_request = "#/components/schemas/CrossSiteRequestProblem";
  },
  "a cookie has another name": (d) =>
    (Object.values(d.components.securitySchemes).find((scheme) => scheme.in === "cookie").name = "biscuit"),
  "an open operation needs a login": (d) =>
    (operation(d, "/api/auth/register", "post").security = operation(d, "/api/auth/me", "get").security),
};

const compatible = {
  "a new path": (d) => (d.paths["/api/auth/new"] = { get: { ...operation(d, "/health", "get"), operationId: "new_operation" } }),
  "a new optional field of a request": (d) => (registerBody(d).properties.nickname = { type: "string" }),
  "a new field of an answer": (d) => {
    userBody(d).properties.nickname = { type: "string" };
    userBody(d).required.push("nickname");
  },
  "a request needs a field no more": (d) => (registerBody(d).required = registerBody(d).required.filter((name) => name !== "password")),
  "an operation has one error code less": (d) => {
    refusals(d).oneOf.pop();
    delete refusals(d).discriminator.mapping.session_reuse_detected;
  },
  "other words": (d) => (operation(d, "/api/auth/me", "get").summary = "Other words"),
  "an optional parameter": (d) =>
    (operation(d, "/api/auth/me", "get").parameters = [{ name: "tenant", in: "query", schema: { type: "string" } }]),
};

for (const [name, change] of Object.entries(breaking)) test(`breaking: ${name}`, () => assert.equal(passes(change), false));
for (const [name, change] of Object.entries(compatible)) test(`compatible: ${name}`, () => assert.equal(passes(change), true));
