/**
 * Passkeys: signing in by a touch and nothing else, beside a password, and once more in a session. An entry of its own, as `factors`:
 * `const { passkeys } = await import("@doorward/client/passkeys")`.
 */
import { account } from "./account.js";
import type { AuthClient } from "./client.js";
import type { Arguments } from "./generated/operations.js";
import type { Operation, Result } from "./result.js";

/** What a browser can do. */
export interface PasskeySupport {
  /** Passkeys at all. */
  readonly passkeys: boolean;
  /** Offering them in the autofill of a login's field. */
  readonly autofill: boolean;
}

/** The person has closed the browser's dialog, or it ran out of time: browsers do not say which. Or `signal` ended it. */
export type Cancelled = { readonly ok: false; readonly kind: "cancelled" };

/** This device has one of the account's passkeys already. */
export type AlreadyThere = { readonly ok: false; readonly kind: "exists" };

/** The browser could not: it has no passkeys, not on this page, or its authenticator failed. `cause` is what it said. */
export type NotPossible = { readonly ok: false; readonly kind: "browser"; readonly cause: unknown };

/** What came of an operation for which the browser asks the person. */
export type Touch<Op extends Operation> = Result<Op> | Cancelled | NotPossible;

/** What a person does with passkeys. Nothing is ever thrown. */
export interface Passkeys {
  support(): Promise<PasskeySupport>;
  /**
   * Signs in, by a button: the browser asks which passkey. With `autofill` it asks nothing, and offers them in a field with
   * `autocomplete="username webauthn"` for as long as the page is there, or until `signal` ends it. One that the service does not know
   * (`unknown_passkey`) the browser is told of, where it can be, so that it offers it no more.
   */
  login(how?: { readonly autofill?: boolean; readonly signal?: AbortSignal }): Promise<Touch<"loginPasskeyOptions"> | Touch<"loginPasskey">>;
  /** The second step of a login that was answered by `second_factor_required`. */
  secondFactor(): Promise<Touch<"secondFactorPasskeyOptions"> | Touch<"loginSecondFactor">>;
  /** Proves once more who asks; no password is wanted beside it. */
  reauthenticate(): Promise<Touch<"reauthenticatePasskeyOptions"> | Touch<"reauthenticate">>;
  /**
   * Makes one for the person who is logged in; or on the way in, where the login was answered by `second_factor_enrolment_required`, and logs
   * in with it. With a first factor come `recovery_codes`, this once; and where mail is set up it takes a code
   * that was mailed to the person: `code` is asked for it, and again where it was wrong; null gives up.
   */
  add(name: string, code?: () => Promise<string | null>): Promise<Added>;
  rename(id: string, name: string): Promise<Result<"renamePasskey">>;
  remove(id: string): Promise<Result<"removePasskey">>;
}

/** What came of a new one. */
export type Added = Touch<"passkeyCreationOptions"> | Touch<"addPasskey"> | Touch<"loginPasskeyCreationOptions"> | Touch<"loginAddPasskey"> | AlreadyThere;

type Assertion = Arguments["loginPasskey"][0]["passkey"];
type Attestation = Arguments["addPasskey"][0]["credential"];

/** Methods that TypeScript's own library does not have yet, or that not every browser has. */
interface Browser {
  parseCreationOptionsFromJSON(options: object): PublicKeyCredentialCreationOptions;
  parseRequestOptionsFromJSON(options: object): PublicKeyCredentialRequestOptions;
  isConditionalMediationAvailable?(): Promise<boolean>;
  signalUnknownCredential?(about: { rpId: string; credentialId: string }): Promise<void>;
}

const browser = (): Browser | undefined => {
  const found = (globalThis as { PublicKeyCredential?: Partial<Browser> }).PublicKeyCredential;
  return found?.parseRequestOptionsFromJSON ? (found as Browser) : undefined;
};

const CANCELLED: Cancelled = { ok: false, kind: "cancelled" };

/** One dialog, or offer of autofill, at a time: the next call ends that which waits, for the person or still for the service. */
let waiting: AbortController | undefined;

/** Options are asked for one after the other: with each comes a cookie that has its challenge beside those of before. */
let asking: Promise<unknown> = Promise.resolve();

type Asked<R, C> =
  | { readonly ok: true; readonly credential: C; readonly data: object }
  | Extract<R, { readonly ok: false }>
  | Cancelled
  | AlreadyThere
  | NotPossible;

/** Asks the service what to ask for, and then the person. */
async function ask<R extends { readonly ok: boolean }, C>(
  options: () => Promise<R>,
  what: (here: Browser, data: object, signal: AbortSignal) => Promise<Credential | null>,
  signal?: AbortSignal,
): Promise<Asked<R, C>> {
  waiting?.abort();
  const own = (waiting = new AbortController());
  const end = () => own.abort();
  signal?.addEventListener("abort", end);
  if (signal?.aborted) end();
  try {
    const turn = asking.then<R | Cancelled>(() => (own.signal.aborted ? CANCELLED : options()));
    asking = turn.catch(() => {});
    const asked = await turn;
    if (!asked.ok) return asked as Extract<R, { readonly ok: false }> | Cancelled;
    const here = browser();
    if (!here) return { ok: false, kind: "browser", cause: "this browser, or this page, has no passkeys" };
    const { data } = asked as unknown as { readonly data: object };
    const credential = (await what(here, data, own.signal)) as PublicKeyCredential | null;
    return credential ? { ok: true, credential: credential.toJSON() as C, data } : CANCELLED;
  } catch (cause) {
    const { name } = cause as { name?: string };
    if (name === "NotAllowedError" || name === "AbortError") return CANCELLED;
    return name === "InvalidStateError" ? { ok: false, kind: "exists" } : { ok: false, kind: "browser", cause };
  } finally {
    signal?.removeEventListener("abort", end);
    if (waiting === own) waiting = undefined;
  }
}

/** The passkeys of whoever uses this client. */
export function passkeys(client: AuthClient): Passkeys {
  const by = account(client);

  /** Asks the service, the person, and the service again. */
  async function touch<O extends "loginPasskeyOptions" | "secondFactorPasskeyOptions" | "reauthenticatePasskeyOptions", R>(
    options: O,
    use: (passkey: Assertion, rpId: string) => Promise<R>,
    { autofill = false, signal }: { readonly autofill?: boolean; readonly signal?: AbortSignal } = {},
  ): Promise<Touch<O> | R> {
    const answer = await ask<Result<O>, Assertion>(
      () => client.operate(options) as Promise<Result<O>>,
      (here, data, signal) =>
        navigator.credentials.get({
          publicKey: here.parseRequestOptionsFromJSON(data),
          signal,
          ...(autofill && { mediation: "conditional" as const }),
        }),
      signal,
    );
    if (answer.ok) return use(answer.credential, (answer.data as { readonly rpId: string }).rpId);
    return answer.kind === "exists" ? { ok: false, kind: "browser", cause: answer } : answer;
  }

  return {
    async support() {
      const here = browser();
      return { passkeys: Boolean(here), autofill: Boolean(await here?.isConditionalMediationAvailable?.()) };
    },
    login: (how) =>
      touch(
        "loginPasskeyOptions",
        async (passkey, rpId) => {
          const result = await by.loginPasskey({ passkey });
          if (!result.ok && result.kind === "problem" && result.problem.code === "unknown_passkey") {
            // A courtesy: an old browser goes on offering it.
            await browser()?.signalUnknownCredential?.({ rpId, credentialId: passkey.id }).catch(() => {});
          }
          return result;
        },
        how,
      ),
    secondFactor: () => touch("secondFactorPasskeyOptions", (passkey) => by.loginSecondFactor({ passkey })),
    reauthenticate: () => touch("reauthenticatePasskeyOptions", (passkey) => by.reauthenticate({ passkey })),
    async add(name, code) {
      const isLoggedIn = Boolean(client.getSnapshot().user);
      const answer = await ask<Result<"passkeyCreationOptions"> | Result<"loginPasskeyCreationOptions">, Attestation>(
        () => (isLoggedIn ? by.passkeyCreationOptions() : by.loginPasskeyCreationOptions()),
        (here, data, signal) => navigator.credentials.create({ publicKey: here.parseCreationOptionsFromJSON(data), signal }),
      );
      if (!answer.ok) return answer;
      const { credential } = answer;
      for (let enrolment_code: string | null | undefined; ; ) {
        const made = { credential, name, ...(enrolment_code && { enrolment_code }) };
        const result = await (isLoggedIn ? by.addPasskey(made) : by.loginAddPasskey(made));
        const isAsked = !result.ok && result.kind === "problem" && result.problem.code === "incorrect_enrolment_code";
        enrolment_code = isAsked ? await code?.() : null;
        if (!enrolment_code) return result;
      }
    },
    rename: (id, name) => by.renamePasskey(id, { name }),
    remove: (id) => by.removePasskey(id),
  };
}
