// @vitest-environment jsdom
import { StrictMode, act } from "react";
import { createRoot } from "react-dom/client";
import { expect, onTestFinished, test, vi } from "vitest";

import { factors } from "../src/factors.js";
import { createAuthClient } from "../src/index.js";
import { passkeys } from "../src/passkeys.js";
import { AuthProvider } from "../src/react.js";
import { useFactors, useLogin, usePasskeys, useRecentProof } from "../src/react-factors.js";
import type { Factors, Login, Passkeys, RecentProof } from "../src/react-factors.js";
import { asking, doorward, memory, message, problem, user } from "./service.js";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

interface Seen {
  login: Login;
  proof: RecentProof;
  factors: Factors;
  passkeys: Passkeys;
}

/** React shows what has happened when `act` ends. */
const until = (what: () => void) =>
  vi.waitFor(
    async () => {
      await act(async () => {});
      what();
    },
    { timeout: 20_000 },
  );

async function page(loggedIn: boolean) {
  const service = await doorward(loggedIn ? user : undefined);
  const client = createAuthClient({ baseUrl: service.url, storage: memory(), locks: null, channel: null });
  onTestFinished(() => client.dispose());
  let seen!: Seen;
  const Page = () => {
    seen = { login: useLogin(), proof: useRecentProof(), factors: useFactors(), passkeys: usePasskeys() };
    return null;
  };
  const root = createRoot(document.createElement("div"));
  onTestFinished(() => act(() => root.unmount()));
  await act(async () =>
    root.render(
      <StrictMode>
        <AuthProvider client={client}>
          <Page />
        </AuthProvider>
      </StrictMode>,
    ),
  );
  await until(() => expect(client.getSnapshot().status).not.toBe("unknown"));
  return { service, client, seen: () => seen };
}

const who = { email: user.email, password: "SecurePass123" };

test("a login by two steps, one that came too late, and one where an app is set up on the way in", async () => {
  const { service, client, seen } = await page(false);
  let wants = asking(401, "second_factor_required", ["totp", "recovery_code"]);
  let code = "login_ticket_expired";
  service.instead = (path) => {
    if (path === "/login") return wants;
    if (path === "/login/totp") return { status: 200, body: { secret: "x" } };
    if (path === "/login/totp/confirm") return problem(401, code);
    if (path === "/login/passkeys/options") return problem(401, "login_ticket_expired");
    if (path !== "/login/second-factor") return undefined;
    if (code) return problem(401, code);
    service.enter(user);
    return message("Login successful");
  };
  expect(seen().login).toMatchObject({ step: "password", methods: [], lapsed: false });
  const first = async () => void (await act(() => seen().login.login(who)));
  await first();
  expect(seen().login).toMatchObject({ step: "second-factor", methods: ["totp", "recovery_code"] });
  await act(() => seen().login.secondFactor({ code: "287082" }));
  expect(seen().login).toMatchObject({ step: "password", lapsed: true });

  wants = asking(401, "second_factor_enrolment_required", ["totp", "passkey"]);
  await first();
  expect(seen().login).toMatchObject({ step: "enrolment", methods: ["totp", "passkey"], lapsed: false });
  await act(async () => expect(await seen().login.enrolTotp()).toMatchObject({ ok: true, data: { secret: "x" } }));
  code = "incorrect_second_factor";
  await act(() => seen().login.confirmTotp("000000"));
  expect(seen().login.step, "another try").toBe("enrolment");
  await act(async () => expect(await seen().login.addPasskey("Laptop")).toMatchObject({ kind: "problem", problem: { code: "login_ticket_expired" } }));
  expect(seen().login).toMatchObject({ step: "password", lapsed: true });
  await first();
  await act(async () => seen().login.again());
  expect(seen().login.step).toBe("password");

  wants = asking(401, "second_factor_required", ["totp"]);
  await first();
  await act(() => seen().login.secondFactor({ code: "000000" }));
  expect(seen().login.step, "another try").toBe("second-factor");
  code = "";
  await act(() => seen().login.secondFactor({ code: "287082" }));
  expect(client.getSnapshot().user?.id).toBe(user.id);
});

test("what wants a recent proof waits for it, and is done then; or not, as the person says", async () => {
  const { service, client, seen } = await page(true);
  let proved = false;
  let methods: ("password" | "totp")[] = ["password"];
  service.instead = (path) => {
    if (path === "/reauthenticate") {
      if (methods.length === 1) {
        methods = ["password", "totp"];
        return asking(403, "reauthentication_required", methods);
      }
      proved = true;
      return message("done");
    }
    if (path !== "/me/totp") return undefined;
    return proved ? { status: 204 } : asking(403, "reauthentication_required", methods);
  };
  const waits = async () => {
    let result: unknown = "waits";
    let ended!: Promise<unknown>;
    await act(async () => {
      ended = seen().proof.run(() => seen().factors.removeTotp()).then((what) => (result = what));
    });
    await until(() => expect(seen().proof.wanted).not.toBe(null));
    return { ended, result: () => result };
  };
  const cancelled = await waits();
  expect(cancelled.result()).toBe("waits");
  await act(async () => seen().proof.cancel());
  await act(() => cancelled.ended);
  expect(cancelled.result()).toMatchObject({ ok: false, problem: { code: "reauthentication_required" } });
  expect(seen().proof.wanted).toBe(null);

  const done = await waits();
  expect(seen().proof.wanted).toEqual(["password"]);
  await act(() => seen().proof.prove({ password: who.password }));
  expect(seen().proof.wanted, "an app was set up elsewhere meanwhile").toEqual(["password", "totp"]);
  expect(done.result()).toBe("waits");
  await act(() => seen().proof.prove({ password: who.password, code: "287082" }));
  await act(() => done.ended);
  expect(done.result()).toMatchObject({ ok: true, status: 204 });
  expect(seen().proof.wanted).toBe(null);

  // What one person has begun is not done for the next.
  proved = false;
  const other = await waits();
  await act(() => client.logout());
  await act(() => other.ended);
  expect(other.result()).toMatchObject({ ok: false });
}, 60_000);

test("what is loaded on demand is all that there is", async () => {
  const { client, seen } = await page(false);
  expect(Object.keys(seen().factors).sort()).toEqual(Object.keys(factors(client)).sort());
  expect(Object.keys(seen().passkeys).sort()).toEqual(Object.keys(passkeys(client)).sort());
});
