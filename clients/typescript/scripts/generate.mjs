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
    // What browsers ask by themselves is nothing for pages.
    if (!path.startsWith("/api/auth/") || path.startsWith("/api/auth/device/") || operation.operationId === "health") continue;
    const statuses = Object.keys(operation.responses).map(Number);
    const success = statuses.find((status) => status < 300);
    const declares = (name) => (operation.parameters ?? []).some((parameter) => parameter.name === name);
    const marks = [
      "Set-Cookie" in (operation.responses[success].headers ?? {}) && "*",
      declares("X-Doorward-User") && "!",
    ].filter(Boolean);
    // Declared refusals that an application reacts to. What means "not now" is told apart before.
    const refusals = statuses.filter((status) => status >= 400 && status < 500);
    const { operationId: id, requestBody } = operation;
    const type = id[0].toUpperCase() + id.slice(1);
    const body = `body${requestBody?.required ? "" : "?"}: NonNullable<${type}Data["body"]>`;
    rows.push({
      id,
      type,
      row: [method.toUpperCase(), path.slice("/api/auth".length), success, ...refusals, ...marks].join(" "),
      words: [...(path.includes("{id}") ? ["id: string"] : []), ...(requestBody ? [body] : [])],
      hasBody: Boolean(requestBody),
    });
  }
}
const lines = (each) => rows.map(each).join("\n");
const imports = rows.flatMap(({ type, hasBody }) => [...(hasBody ? [`${type}Data`] : []), `${type}Errors`, `${type}Responses`]);
const text = `// Generated from openapi/doorward.json by \`npm run generate\`. Do not edit.

import type {
${imports.map((name) => `  ${name},`).join("\n")}
} from "./types.gen.js";

export type { Session, User } from "./types.gen.js";

/**
 * Method, path, the status of a success, those of refusals; \`*\`: it changes the cookies; \`!\`: it takes \`X-Doorward-User\`, the person
 * whose page it is.
 */
export const operations = {
${lines(({ id, row }) => `  ${id}: "${row}",`)}
} as const;

/** The operations, by their ids in the contract. */
export type Operation = keyof typeof operations;

/** What each operation is given. */
export interface Arguments {
${lines(({ id, words }) => `  ${id}: [${words.join(", ")}];`)}
}

/** The body of each answer, by operation and status. */
export interface Responses {
${lines(({ id, type }) => `  ${id}: ${type}Responses;`)}
}

/** The problem of each refusal, by operation and status. */
export interface Errors {
${lines(({ id, type }) => `  ${id}: ${type}Errors;`)}
}
`;
writeFileSync(`${output}/operations.ts`, text);
