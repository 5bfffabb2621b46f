import { expect, test } from "vitest";

import { createAuthClient, passwordBytesLeft } from "../src/index.js";
import type { Answer } from "./service.js";
import { memory, message, problem, serve } from "./service.js";

const login = { email: "ann@example.com", password: "SecurePass123" };

async function client(answer: Answer, timeout = 5_000) {
  const { url } = await serve(() => answer);
  return createAuthClient({ baseUrl: url, storage: memory(), locks: null, channel: null, timeout });
}

test("a refusal that the contract declares is a problem, with the wait where there is one", async () => {
  const refused = await (await client(problem(401, "incorrect_credentials"))).login(login);
  expect(refused).toMatchObject({ ok: false, kind: "problem", status: 401, problem: { code: "incorrect_credentials" } });
  const waits = problem(429, "too_many_attempts");
  if (typeof waits === "object") waits.headers = { ...waits.headers, "Retry-After": "47" };
  expect(await (await client(waits)).login(login)).toMatchObject({ kind: "problem", status: 429, retryAfter: 47 });
});

test.each<[string, Answer]>([
  ["a proxy's 502 page", { status: 502, text: "<html>Bad gateway</html>", headers: { "Content-Type": "text/html" } }],
  ["an empty 503", { status: 503, headers: { "Retry-After": "3" } }],
  ["a declared 503", problem(503, "overloaded")],
  ["a 500", { status: 500, text: "oops" }],
])("%s is unavailable", async (_, answer) => {
  expect(await (await client(answer)).login(login)).toMatchObject({ ok: false, kind: "unavailable" });
});

test("a throttled refresh is unavailable: nobody is logged out by it", async () => {
  expect(await (await client(problem(429, "too_many_attempts"))).refresh()).toMatchObject({ kind: "unavailable" });
});

test.each<[string, Answer]>([
  ["a page where JSON should be", { status: 200, text: "<html>Hello</html>" }],
  ["a status that the contract does not have", problem(409, "email_unavailable")],
  ["a refusal that is no problem", { status: 401, text: "Unauthorized" }],
])("%s is unexpected", async (_, answer) => {
  expect(await (await client(answer)).login(login)).toMatchObject({ ok: false, kind: "unexpected" });
});

test("a cut connection is the network's", async () => {
  expect(await (await client("cut")).login(login)).toMatchObject({ ok: false, kind: "network" });
});

test("a service that hangs is unavailable after the timeout", async () => {
  expect(await (await client("hang", 50)).login(login)).toEqual({ ok: false, kind: "unavailable" });
});

test("204 has no data, and ids are encoded", async () => {
  const service = await serve(() => ({ status: 204 }));
  const here = createAuthClient({ baseUrl: `${service.url}/`, storage: memory(), locks: null, channel: null });
  expect(await here.endSession("a/b")).toEqual({ ok: true, status: 204, data: undefined });
  expect(service.asked).toEqual(["DELETE /sessions/a%2Fb"]);
});

test("passwords are counted in bytes", async () => {
  expect(passwordBytesLeft("a".repeat(71))).toBe(0);
  expect(passwordBytesLeft("ä".repeat(36))).toBe(-1);
  expect(message("")).toBeDefined();
});
