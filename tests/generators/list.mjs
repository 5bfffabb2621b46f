/** Pinned, so that who runs it again sees what docs/clients.md says. */
export const TYPESCRIPT = ["typescript@5.9.3", "typescript-7@npm:typescript@7.0.2"];
export const PYTHON = ["openapi-python-client==0.29.1", "openapi-generator-cli==7.26.0", "mypy==2.4.1"];

/** How each is installed and called in a folder with doorward.json; and for the table, its title and what somebody must set. */
export const GENERATORS = {
  "hey-api": {
    title: "[Hey API](https://heyapi.dev) (`@hey-api/openapi-ts` 0.99.0, its fetch client)",
    packages: ["@hey-api/openapi-ts@0.99.0"],
    generate: [["openapi-ts", "-i", "doorward.json", "-o", "client", "-p", "@hey-api/client-fetch"]],
    set: '`createConfig({ baseUrl, credentials: "include" })`',
  },
  "openapi-fetch": {
    title: "openapi-typescript 7.13.0 with openapi-fetch 0.17.0",
    packages: ["openapi-typescript@7.13.0", "openapi-fetch@0.17.0"],
    generate: [["openapi-typescript", "doorward.json", "-o", "client/schema.ts"]],
    set: '`createClient<paths>({ baseUrl, credentials: "include" })`',
  },
  orval: {
    title: "orval 8.38.0 (`client: \"fetch\"`)",
    packages: ["orval@8.38.0"],
    generate: [["orval", "--config", "orval.config.mjs"]],
    atProxy: "what the `mutator` makes of it",
    set: "a `mutator` of one's own, which calls `fetch` with the service's address and `credentials: \"include\"`",
  },
  oazapfts: {
    title: "oazapfts 7.5.0",
    packages: ["oazapfts@7.5.0", "@oazapfts/runtime@1.2.0"],
    generate: [["mkdir", "client"], ["oazapfts", "doorward.json", "client/client.ts"]],
    set: '`Object.assign(defaults, { baseUrl, credentials: "include" })`',
  },
  "swagger-typescript-api": {
    title: "swagger-typescript-api 13.13.0",
    packages: ["swagger-typescript-api@13.13.0"],
    generate: [["swagger-typescript-api", "generate", "-p", "doorward.json", "-o", "client", "-n", "client.ts"]],
    set: '`new Api({ baseUrl, baseApiParams: { credentials: "include" } })`. A refusal is thrown, and `catch` has no type for it: the type of the codes is that of the call\'s `error`',
  },
  "rtk-query": {
    title: "`@rtk-query/codegen-openapi` 2.2.0 with Redux Toolkit 2.15.0",
    packages: ["@rtk-query/codegen-openapi@2.2.0", "@reduxjs/toolkit@2.15.0"],
    generate: [["mkdir", "client"], ["rtk-query-codegen-openapi", "config.cjs"]],
    set: '`fetchBaseQuery({ baseUrl, credentials: "include" })`. `error.data` is `unknown`',
  },
  kubb: {
    title: "kubb 4.39.3 (`client: \"fetch\"`)",
    packages: ["cli", "core", "plugin-oas", "plugin-ts", "plugin-client"].map((one) => `@kubb/${one}@4.39.3`),
    generate: [["kubb", "generate", "--config", "kubb.config.mjs"]],
    set: '`setConfig({ baseURL, credentials: "include", headers: { "Content-Type": "application/json" } })`. A refusal is returned with the type of the success: look at `status`',
  },
  "typescript-fetch": {
    title: "OpenAPI Generator 7.26.0 (`typescript-fetch`; Java)",
    packages: [],
    needsPython: true,
    generate: [["openapi-generator-cli", "generate", "-i", "doorward.json", "-g", "typescript-fetch", "-o", "client"]],
    set: '`new Configuration({ basePath, credentials: "include" })`. A refusal is thrown as a `ResponseError`, whose body is `any`',
  },
  "openapi-python-client": {
    title: "openapi-python-client 0.29.1 (Python; mypy 2.4.1)",
    isPython: true,
    generate: [["openapi-python-client", "generate", "--path", "doorward.json", "--meta", "none", "--output-path", "client", "--config", "config.yaml"]],
    set: "`literal_enums: true`, else each code is an enum of its own; one `Client`, which keeps the cookies. The types of operations that need a login want an `AuthenticatedClient`, which sends a token: `cast`",
  },
};
