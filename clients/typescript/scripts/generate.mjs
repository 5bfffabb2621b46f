// Makes src/generated from the committed contract: the types by openapi-ts, and beside them what a client must know of each operation.

import { readFileSync, writeFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { createClient } from "@hey-api/openapi-ts";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const input = at("../../../openapi/doorward.json");
const output = at("../src/generated");

const document = forPages(JSON.parse(readFileSync(input, "utf8")));
rmSync(output, { recursive: true, force: true });
await createClient({ input: structuredClone(document), output, plugins: ["@hey-api/typescript"], logs: { level: "silent" } });
rmSync(`${output}/index.ts`, { force: true });

/** What every page pays for. The rest is `src/account.ts`'s: whoever needs it imports it. */
const BASE = [
  ...["register", "login", "refresh", "logout", "state", "me", "updateMe"],
  ...["changePassword", "listSessions", "endSession", "logoutAll"],
];
/** What is no page's to call: probes, proxies, services that verify; and the browser itself calls two. */
const OTHER_TAGS = ["Health", "Backend"], OTHERS = ["registerDevice", "refreshDevice"];
const rows = [];
for (const [path, methods] of Object.entries(document.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    if (!path.startsWith("/api/auth/") || OTHER_TAGS.includes(operation.tags[0]) || OTHERS.includes(operation.operationId)) continue;
    if (/\{(?!id\})/.test(path)) throw new Error(`${path}: the client knows ids alone`);
    const statuses = Object.keys(operation.responses).map(Number);
    const successes = statuses.filter((status) => status < 300);
    const declares = (name) => (operation.parameters ?? []).some((parameter) => parameter.name === name);
    const marks = [
      successes.some((status) => "Set-Cookie" in (operation.responses[status].headers ?? {})) && "*",
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
      row: [method.toUpperCase(), path.slice("/api/auth".length), successes, ...refusals, ...marks].join(" "),
      words: [...(path.includes("{id}") ? ["id: string"] : []), ...(requestBody ? [body] : [])],
      hasBody: Boolean(requestBody),
    });
  }
}
const lines = (each, some = rows) => some.map(each).join("\n");
const row = ({ id, row }) => `  ${id}: "${row}",`;
const [base, more] = [true, false].map((is) => rows.filter(({ id }) => BASE.includes(id) === is));
const imports = rows.flatMap(({ type, hasBody }) => [...(hasBody ? [`${type}Data`] : []), `${type}Errors`, `${type}Responses`]);
const text = `// Generated from openapi/doorward.json by \`npm run generate\`. Do not edit.

import type {
${imports.map((name) => `  ${name},`).join("\n")}
} from "./types.gen.js";

export type { Session, User } from "./types.gen.js";

/**
 * Method, path, the statuses of successes, those of refusals; \`*\`: it changes the cookies; \`!\`: it takes \`X-Doorward-User\`, the person
 * whose page it is.
 */
export const operations = {
${lines(row, base)}
} as const;

/** Those that \`@doorward/client/account\` adds. */
export type More = ${more.map(({ id }) => `"${id}"`).join(" | ") || "never"};

/** The operations, by their ids in the contract. */
export type Operation = keyof typeof operations | More;

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
writeFileSync(
  `${output}/more.ts`,
  `// Generated from openapi/doorward.json by \`npm run generate\`. Do not edit.

/** As \`operations\`: what not every page pays for. */
export const more = {${more.length ? `\n${lines(row, more)}\n` : ""}} as const;
`,
);

/** The contract without what is for clients without cookies: pages never ask for tokens in bodies, and are refused them. */
function forPages(document) {
  const fields = ["token_delivery", "access_token", "refresh_token", "expires_in", "recent_proof", "ticket"];
  const { schemas } = document.components;
  for (const name of ["TokenDelivery", "TokenDeliveryRefusedProblem", "Refresh", "LoginTicket"]) {
    if (!schemas[name]) throw new Error(`${name} is gone: what is left out here for it?`);
    delete schemas[name];
  }
  for (const schema of Object.values(schemas)) {
    for (const field of fields) delete schema.properties?.[field];
    if (schema.required) schema.required = schema.required.filter((field) => !fields.includes(field));
    if (schema.oneOf) schema.oneOf = schema.oneOf.filter(({ $ref }) => !$ref?.endsWith("/TokenDeliveryRefusedProblem"));
    delete schema.discriminator?.mapping.token_delivery_refused;
  }
  for (const operation of Object.values(document.paths).flatMap((methods) => Object.values(methods))) {
    if (!/\/(?:Refresh|LoginTicket)$/.test(operation.requestBody?.content["application/json"].schema.$ref)) continue;
    delete operation.requestBody;
    // What is wrong with a body that is not sent.
    for (const status of ["400", "413", "422"]) delete operation.responses[status];
  }
  return document;
}
