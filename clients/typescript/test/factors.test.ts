import { build } from "esbuild";
import { expect, expectTypeOf, onTestFinished, test } from "vitest";

import { factors, wantedProof } from "../src/factors.js";
import type { Method } from "../src/factors.js";
import { createAuthClient } from "../src/index.js";
import type { Doorward } from "./service.js";
import { asking, doorward, memory, message, problem, user } from "./service.js";

async function connected(service: Doorward) {
  const client = createAuthClient({ baseUrl: service.url, storage: memory(), locks: null, channel: null });
  onTestFinished(() => client.dispose());
  await client.start();
  return { client, by: factors(client) };
}

test("the second step of a login: what is wanted is typed, and the code logs in", async () => {
  const service = await doorward();
  let isWrong = true;
  service.instead = (path, request) => {
    if (path === "/login") return asking(401, "second_factor_required", ["totp", "recovery_code"]);
    if (path !== "/login/second-factor") return undefined;
    expect(request.headers["x-doorward-bind"]).toBe("device");
    if (isWrong) return problem(401, "incorrect_second_factor");
    service.enter(user);
    return message("Login successful. You have 2 recovery codes left: make new ones.");
  };
  const { client, by } = await connected(service);
  const first = await client.login({ email: user.email, password: "SecurePass123" });
  if (first.ok || first.kind !== "problem" || first.problem.code !== "second_factor_required") throw new Error("a second factor is wanted");
  expectTypeOf(first.problem.methods).toEqualTypeOf<Method[]>();
  expect(first.problem.methods).toEqual(["totp", "recovery_code"]);
  expect(wantedProof(first), "that is another question").toBe(null);
  expect(await by.secondFactor({ code: "000000" })).toMatchObject({ kind: "problem", problem: { code: "incorrect_second_factor" } });
  expect(client.getSnapshot().status).toBe("anonymous");
  isWrong = false;
  const result = await by.secondFactor({ recovery_code: "0rgv-7n3k-p2xd-8c5q" });
  expect(result.ok && result.data.message).toMatch("2 recovery codes left");
  expect(client.getSnapshot()).toMatchObject({ status: "authenticated", user: { id: user.id } });
});

test("an app is set up by who is logged in, and on the way in where everybody needs one", async () => {
  const enrolment = { otpauth_url: "otpauth://totp/x", secret: "x", qr_code: "data:image/svg+xml;base64,PHN2Zy8+" };
  const service = await doorward();
  service.instead = (path) => {
    if (path.endsWith("/totp")) return { status: 200, body: enrolment };
    if (!path.endsWith("/totp/confirm")) return undefined;
    if (path.startsWith("/login")) service.enter(user);
    return { status: 200, body: { recovery_codes: ["0rgv-7n3k-p2xd-8c5q"] } };
  };
  const { client, by } = await connected(service);
  for (const at of ["/login", "/me"]) {
    service.asked.length = 0;
    expect(await by.enrolTotp()).toEqual({ ok: true, status: 200, data: enrolment });
    expect(await by.confirmTotp("287082")).toMatchObject({ ok: true, data: { recovery_codes: ["0rgv-7n3k-p2xd-8c5q"] } });
    expect(service.asked.slice(0, 2)).toEqual([`POST ${at}/totp`, `POST ${at}/totp/confirm`]);
    expect(client.getSnapshot().user?.id).toBe(user.id);
  }
});

test("looked over, removed, and proved once more: in the name of the person who is shown", async () => {
  const service = await doorward(user);
  let isProved = false;
  service.instead = (path, request) => {
    if (path === "/me/factors") return { status: 200, body: { totp: null, recovery_codes: null } };
    if (path === "/reauthenticate") {
      isProved = true;
      return message("done");
    }
    if (!isProved && request.headers["x-doorward-user"] === "1") return asking(403, "reauthentication_required", ["password", "totp"]);
    if (path === "/me/totp") return { status: 204 };
    return path === "/me/recovery-codes" ? { status: 200, body: { recovery_codes: [] } } : undefined;
  };
  const { by } = await connected(service);
  expect(await by.list()).toMatchObject({ ok: true, data: { totp: null } });
  const refused = await by.removeTotp();
  expect(wantedProof(refused)).toEqual(["password", "totp"]);
  expect(await by.reauthenticate({ password: "SecurePass123", code: "287082" })).toMatchObject({ ok: true });
  const removed = await by.removeTotp();
  expect(removed).toMatchObject({ ok: true, status: 204 });
  expect(wantedProof(removed)).toBe(null);
  expect(await by.makeRecoveryCodes()).toMatchObject({ ok: true, data: { recovery_codes: [] } });
  expect(service.shown).toEqual(["1", "1", "1", "1"]);
});

test("who does not use it pays nothing for it", async () => {
  const bundle = async (contents: string) => {
    const options = { bundle: true, minify: true, format: "esm", write: false, metafile: true, splitting: true, outdir: "out" } as const;
    const resolveDir = new URL("../src", import.meta.url).pathname;
    const external = ["react", "react/jsx-runtime", "vue"];
    const { metafile } = await build({ ...options, external, stdin: { contents, resolveDir } });
    const [first] = Object.values(metafile.outputs).filter((output) => output.entryPoint === "<stdin>");
    return Object.keys(first!.inputs).map((path) => path.split("/").at(-1));
  };
  const names = ["account.ts", "factors.ts", "more.ts", "passkeys.ts"];
  expect(await bundle('export { createAuthClient } from "./index.js"')).not.toEqual(expect.arrayContaining([names[0]]));
  for (const binding of ["react-factors.tsx", "vue-factors.ts", "svelte-factors.ts"]) {
    const bound = await bundle(`export { useLogin } from "./${binding}"`);
    expect(bound).toContain(binding);
    for (const name of names) expect(bound, "it is loaded when it is first used").not.toContain(name);
  }
  expect(await bundle('export { factors } from "./factors.js"; export { passkeys } from "./passkeys.js"')).toEqual(expect.arrayContaining(names));
});
