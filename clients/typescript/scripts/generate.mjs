// Makes src/generated from the committed contract: the types by openapi-ts, and beside them what a client must know of each operation.

import { readFileSync, writeFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { createClient } from "@hey-api/openapi-ts";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const input = at("../../../openapi/doorward.json");
const output = at("../src/generated");

rmSync(output, { recursive: true, force: true });
await createClient({ input, output, plugins: ["@hey-api/typescript"], logs: { level: "silent" } });
rmSync(`${output}/index.ts`, { force: true });

const document = JSON.parse(readFileSync(input, "utf8"));
const rows = [];
for (const [path, methods] of Object.entries(document.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    // Pages have no use for what supervisors and proxies ask.
    if (!path.startsWith("/api/auth/") || ["Health", "Backend"].includes(operation.tags[0])) continue;
    const statuses = Object.keys(operation.responses).map(Number);
    // Declared refusals that an application reacts to. What means "not now" is told apart before.
    const refusals = statuses.filter((status) => status >= 400 && status < 500);
    rows.push({
      id: operation.operationId,
      method: method.toUpperCase(),
      path: path.slice("/api/auth".length),
      success: statuses.find((status) => status < 300),
      refusals,
      hasBody: "requestBody" in operation,
    });
  }
}
const type = (id) => id[0].toUpperCase() + id.slice(1);
const text = `// Generated from openapi/doorward.json by \`npm run generate\`. Do not edit.

import type {
${rows.flatMap(({ id, hasBody }) => [...(hasBody ? [`${type(id)}Data`] : []), `${type(id)}Errors`, `${type(id)}Responses`]).map((name) => `  ${name},`).join("\n")}
} from "./types.gen.js";

export type { Session, User } from "./types.gen.js";

/** Method, path, the status of a success, those of refusals. */
export const operations = {
${rows.map(({ id, method, path, success, refusals }) => `  ${id}: ["${method}", "${path}", ${success}, [${refusals.join(", ")}]],`).join("\n")}
} as const;

/** The operations, by their ids in the contract. */
export type Operation = keyof typeof operations;

/** The body of each answer, by operation and status. */
export interface Responses {
${rows.map(({ id }) => `  ${id}: ${type(id)}Responses;`).join("\n")}
}

/** The problem of each refusal, by operation and status. */
export interface Errors {
${rows.map(({ id }) => `  ${id}: ${type(id)}Errors;`).join("\n")}
}

/** The body of each request that has one. */
export interface Bodies {
${rows.filter(({ hasBody }) => hasBody).map(({ id }) => `  ${id}: NonNullable<${type(id)}Data["body"]>;`).join("\n")}
}
`;
writeFileSync(`${output}/operations.ts`, text);
