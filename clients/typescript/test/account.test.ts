import { expect, onTestFinished, test } from "vitest";

import { account } from "../src/account.js";
import { more } from "../src/generated/more.js";
import { createAuthClient, sentence } from "../src/index.js";
import type { Answer } from "./service.js";
import { bob, doorward, memory, message, problem, serve, user } from "./service.js";

test("operations that few pages need are the client's as the others are", async () => {
  Object.assign(more, { example: "POST /example/{id} 200 401 409 415 * !" });
  const service = await doorward(user);
  service.instead = (path, request) => {
    if (path.startsWith("/example")) return service.cookies.fresh ? { status: 200, body: request.headers["content-type"] } : { status: 401, body: { code: "token_expired" } };
  };
  const client = createAuthClient({ baseUrl: service.url, storage: memory(), locks: null, channel: null });
  onTestFinished(() => client.dispose());
  await client.start();
  service.cookies = { session: 0, fresh: false };
  const { example } = account(client) as unknown as { example: (id: string, body: object) => Promise<unknown> };
  expect(await example("a/b", {})).toEqual({ ok: true, status: 200, data: "application/json" });
  expect(service.shown).toEqual(["1", "1"]);
  expect(service.asked.slice(1, 5)).toEqual(["POST /example/a%2Fb", "GET /state", "POST /refresh", "POST /example/a%2Fb"]);
});

const token = "n0tT8g0Y2XkZ1m5cJm3Qp7uV9wB4aS6dF8hK2lN5rE0";
const new_password = "EvenMoreSecure456";

test("what is done by mail, and what the service says to it", async () => {
  const answers: [Answer, unknown][] = [];
  const service = await serve(async (_, request) => {
    const [answer, body] = answers.shift()!;
    let text = "";
    for await (const chunk of request) text += chunk;
    expect(text && JSON.parse(text)).toEqual(body);
    return answer;
  });
  const client = createAuthClient({ baseUrl: service.url, storage: memory(), locks: null, channel: null });
  onTestFinished(() => client.dispose());
  const next = (answer: Answer, body: unknown = "") => void answers.push([answer, body]);
  const mailed: Answer = { status: 202, body: { message: "It is on its way." } };
  const by = account(client);

  next(mailed, { email: user.email });
  expect(await by.forgotPassword({ email: user.email })).toMatchObject({ ok: true, status: 202, data: { message: "It is on its way." } });
  next(mailed);
  expect(await by.sendVerification()).toMatchObject({ ok: true, status: 202 });
  next(mailed, { email: bob.email, current_password: "SecurePass123" });
  expect(await by.changeEmail({ email: bob.email, current_password: "SecurePass123" })).toMatchObject({ ok: true, status: 202 });
  next(mailed, { token });
  expect(await by.reportNotMe({ token })).toMatchObject({ ok: true, status: 202 });
  next(message("done"), { token });
  expect(await by.verifyEmail({ token })).toMatchObject({ ok: true, status: 200 });
  next({ status: 200, body: bob }, { token });
  expect(await by.confirmEmailChange({ token })).toEqual({ ok: true, status: 200, data: bob });
  next(message("done"), { token, new_password });
  expect(await by.restoreEmail({ token, new_password })).toMatchObject({ ok: true, status: 200 });
  next(problem(400, "invalid_or_expired_token"), { token, new_password });
  expect(await by.resetPassword({ token, new_password })).toMatchObject({ kind: "problem", problem: { code: "invalid_or_expired_token" } });
  next(problem(409, "email_unavailable"), { token });
  expect(await by.confirmEmailChange({ token })).toMatchObject({ kind: "problem", status: 409, problem: { code: "email_unavailable" } });
  expect(service.asked).toEqual([
    ...["POST /password/forgot", "POST /email/verification", "POST /email/change", "POST /not-me", "POST /email/verify"],
    ...["POST /email/change/confirm", "POST /email/restore", "POST /password/reset", "POST /email/change/confirm"],
  ]);
});

test("a service without a mail server is told from one that is busy", async () => {
  let code = "mail_unavailable";
  const service = await serve(() => problem(503, code));
  const client = createAuthClient({ baseUrl: service.url, storage: memory(), locks: null, channel: null });
  onTestFinished(() => client.dispose());
  const said = async () => {
    const result = await account(client).forgotPassword({ email: user.email });
    return result.ok ? result : [result.kind, "code" in result && result.code, sentence(result)];
  };
  expect(await said()).toEqual(["unavailable", "mail_unavailable", "The service can't send mail."]);
  code = "overloaded";
  expect(await said()).toEqual(["unavailable", "overloaded", "The service is busy. Try again in a moment."]);
});

test("a login in two steps: the code says who it is, as a password alone does", async () => {
  const service = await doorward();
  service.instead = (path) => {
    if (path === "/login") return problem(401, "second_factor_required");
    if (path === "/login/totp") return { status: 200, body: { secret: "x" } };
    if (path !== "/login/second-factor") return undefined;
    service.enter(user);
    return message("Login successful");
  };
  const client = createAuthClient({ baseUrl: service.url, storage: memory(), locks: null, channel: null });
  onTestFinished(() => client.dispose());
  await client.start();
  const login = { email: user.email, password: "SecurePass123" };
  expect(await client.login(login)).toMatchObject({ kind: "problem", problem: { code: "second_factor_required" } });
  expect(client.getSnapshot().status).toBe("anonymous");
  // It begins nothing yet.
  expect(await account(client).loginEnrolTotp()).toMatchObject({ ok: true, status: 200 });
  expect(client.getSnapshot().status).toBe("anonymous");
  expect(await account(client).loginSecondFactor({ code: "123456" })).toMatchObject({ ok: true, status: 200 });
  expect(client.getSnapshot()).toMatchObject({ status: "authenticated", user: { id: user.id } });
});

test("a login by a passkey: what is asked for on the way begins nothing", async () => {
  const service = await doorward();
  service.instead = (path) => {
    if (path === "/login/passkey/options") return { status: 200, body: { challenge: "x" } };
    if (path !== "/login/passkey") return undefined;
    service.enter(user);
    return message("Login successful");
  };
  const client = createAuthClient({ baseUrl: service.url, storage: memory(), locks: null, channel: null });
  onTestFinished(() => client.dispose());
  await client.start();
  expect(await account(client).loginPasskeyOptions()).toMatchObject({ ok: true, data: { challenge: "x" } });
  expect(client.getSnapshot().status).toBe("anonymous");
  const response = { clientDataJSON: "", authenticatorData: "", signature: "" };
  const passkey = { id: "x", rawId: "x", type: "public-key", response } as const;
  expect(await account(client).loginPasskey({ passkey })).toMatchObject({ ok: true, status: 200 });
  expect(client.getSnapshot()).toMatchObject({ status: "authenticated", user: { id: user.id } });
});

test("a passkey that is made on the way in logs in, and what is asked for before begins nothing", async () => {
  const service = await doorward();
  service.instead = (path) => {
    if (path === "/login/passkeys/options") return { status: 200, body: { challenge: "x" } };
    if (path !== "/login/passkeys") return undefined;
    service.enter(user);
    return { status: 200, body: { passkey: {}, recovery_codes: ["x"] } };
  };
  const client = createAuthClient({ baseUrl: service.url, storage: memory(), locks: null, channel: null });
  onTestFinished(() => client.dispose());
  await client.start();
  expect(await account(client).loginPasskeyCreationOptions()).toMatchObject({ ok: true, data: { challenge: "x" } });
  expect(client.getSnapshot().status).toBe("anonymous");
  const response = { clientDataJSON: "", attestationObject: "", transports: [] };
  const credential = { id: "x", rawId: "x", type: "public-key", response } as const;
  expect(await account(client).loginAddPasskey({ credential, name: "Laptop" })).toMatchObject({ ok: true, data: { recovery_codes: ["x"] } });
  expect(client.getSnapshot()).toMatchObject({ status: "authenticated", user: { id: user.id } });
});
