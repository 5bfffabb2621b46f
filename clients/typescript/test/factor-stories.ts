// What the pieces for second factors do, whatever the framework: a page of each goes through these.

import { expect, test, vi } from "vitest";

import { factors } from "../src/factors.js";
import type { AuthClient } from "../src/index.js";
import { passkeys } from "../src/passkeys.js";
import type { Factors, Login, Passkeys, RecentProof } from "../src/react-factors.js";
import type { Auth } from "../src/store.js";
import { asking, message, problem, user } from "./service.js";
import type { Doorward } from "./service.js";

/** What a page has shown last. */
export interface Seen {
  auth: Auth;
  login: Login;
  proof: RecentProof;
  factors: Factors;
  passkeys: Passkeys;
}

export interface Page {
  readonly service: Doorward;
  readonly client: AuthClient;
  readonly seen: () => Seen;
  /** Does something, and lets the page show what came of it. */
  readonly act: <T>(what: () => Promise<T>) => Promise<T>;
  /** The page is gone. */
  readonly leave: () => void;
}

const who = { email: user.email, password: "SecurePass123" };

/** `open` renders a page for who is logged in, or for nobody. */
export function factorStories(open: (loggedIn: boolean) => Promise<Page>) {
  async function page(loggedIn: boolean) {
    const here = await open(loggedIn);
    const until = (what: () => void) =>
      vi.waitFor(
        async () => {
          await here.act(async () => {});
          what();
        },
        { timeout: 20_000 },
      );
    await until(() => expect(here.client.getSnapshot().status).not.toBe("unknown"));
    return { ...here, until };
  }

  test("a login by two steps, one that came too late, and one where an app is set up on the way in", async () => {
    const { service, client, seen, act } = await page(false);
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
    const first = () => act(() => seen().login.login(who));
    await first();
    expect(seen().login).toMatchObject({ step: "second-factor", methods: ["totp", "recovery_code"] });
    expect(seen().auth.error, "it is the page's login").toBe("It is second_factor_required.");
    await act(() => seen().login.secondFactor({ code: "287082" }));
    expect(seen().login).toMatchObject({ step: "password", lapsed: true });

    wants = asking(401, "second_factor_enrolment_required", ["totp", "passkey"]);
    await first();
    expect(seen().login).toMatchObject({ step: "enrolment", methods: ["totp", "passkey"], lapsed: false });
    expect(await act(() => seen().login.enrolTotp())).toMatchObject({ ok: true, data: { secret: "x" } });
    code = "incorrect_second_factor";
    await act(() => seen().login.confirmTotp("000000"));
    expect(seen().login.step, "another try").toBe("enrolment");
    const late = await act(() => seen().login.addPasskey("Laptop"));
    expect(late).toMatchObject({ kind: "problem", problem: { code: "login_ticket_expired" } });
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
    expect(seen().login.step, "the next login begins anew").toBe("password");
  });

  test("what wants a recent proof waits for it, and is done then; or not, as the person says", async () => {
    const { service, client, seen, act, until } = await page(true);
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

  test("what waits for a proof is given up with its page", async () => {
    const { service, seen, act, until, leave } = await page(true);
    service.instead = (path) => (path === "/me/totp" ? asking(403, "reauthentication_required", ["password"]) : undefined);
    let ended!: Promise<unknown>;
    await act(async () => {
      ended = seen().proof.run(() => seen().factors.removeTotp());
    });
    await until(() => expect(seen().proof.wanted).toEqual(["password"]));
    leave();
    expect(await ended).toMatchObject({ ok: false, problem: { code: "reauthentication_required" } });
  });

  test("what is loaded on demand is all that there is", async () => {
    const { client, seen } = await page(false);
    expect(Object.keys(seen().factors).sort()).toEqual(Object.keys(factors(client)).sort());
    expect(Object.keys(seen().passkeys).sort()).toEqual(Object.keys(passkeys(client)).sort());
  });
}
