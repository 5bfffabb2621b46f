/**
 * What the bindings to frameworks have in common about second factors: the steps of a login, and the proofs that are wanted, as one object for
 * each change; and what is loaded when it is first used.
 */
import type { AuthClient } from "./client.js";
import type { Factors } from "./factors.js";
import { wantedProof } from "./methods.js";
import type { Method } from "./methods.js";
import type { Passkeys } from "./passkeys.js";
import type { Result } from "./result.js";
import type { Auth, Store } from "./store.js";

export type { Factors, Method, Passkeys };

/** All of them: each is loaded when the first of them is called. */
const FACTORS = ["secondFactor", "askRecovery", "list", "enrolTotp", "confirmTotp", "removeTotp", "makeRecoveryCodes", "reauthenticate"] as const;
const PASSKEYS = ["support", "login", "secondFactor", "reauthenticate", "add", "rename", "remove"] as const;

function onDemand<T extends object, N extends keyof T>(names: readonly N[], load: () => Promise<T>): Pick<T, N> {
  const method = (name: N) => async (...words: unknown[]) => {
    try {
      const loaded = await load();
      return await (loaded[name] as (...words: unknown[]) => unknown)(...words);
    } catch (cause) {
      // The script did not arrive.
      return { ok: false, kind: "network", cause };
    }
  };
  return Object.fromEntries(names.map((name) => [name, method(name)])) as Pick<T, N>;
}

/** `factors` of `@doorward/client/factors`. */
export const factorsOf = (client: AuthClient): Factors => onDemand(FACTORS, async () => (await import("./factors.js")).factors(client));

/** `passkeys` of `@doorward/client/passkeys`. */
export const passkeysOf = (client: AuthClient): Passkeys => onDemand(PASSKEYS, async () => (await import("./passkeys.js")).passkeys(client));

function changing<T>(first: T): Store<T> & { set(next: T): void } {
  let now = first;
  const listeners = new Set<() => void>();
  return {
    get: () => now,
    set(next) {
      now = next;
      listeners.forEach((listener) => listener());
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** A login, by one step or two. */
export interface Login {
  /** What is wanted next: `enrolment`: everybody needs a second factor here, and this person sets one up now, by `enrolTotp` or `addPasskey`. */
  readonly step: "password" | "second-factor" | "enrolment";
  /** By what the second step can be done, or what can be set up. */
  readonly methods: readonly Method[];
  /** The second step came too late, and it begins again. */
  readonly lapsed: boolean;
  readonly login: Auth["login"];
  readonly secondFactor: Factors["secondFactor"];
  /** The second step by a passkey, where `methods` has it. */
  readonly secondFactorByPasskey: Passkeys["secondFactor"];
  /** Who has lost all that the second step could be done by. */
  readonly askRecovery: Factors["askRecovery"];
  readonly enrolTotp: Factors["enrolTotp"];
  readonly confirmTotp: Factors["confirmTotp"];
  /** A passkey as the first factor, where `methods` has it: then the person is logged in. */
  readonly addPasskey: Passkeys["add"];
  /** Back to the password. */
  readonly again: () => void;
}

type Step = Pick<Login, "step" | "methods" | "lapsed">;
const FIRST: Step = { step: "password", methods: [], lapsed: false };

export function createLogin(login: Auth["login"], factors: Factors, passkeys: Passkeys): Store<Login> {
  let shown = FIRST;
  const show = (step: Step) => {
    if (step !== shown) store.set({ ...(shown = step), ...actions });
  };
  // The ticket is good for five minutes, and for these credentials. After the last step the next login begins anew.
  const whileGood = <W extends unknown[], R extends { readonly ok: boolean }>(what: (...words: W) => Promise<R>, isLast = false) => {
    return async (...words: W): Promise<R> => {
      const result = await what(...words);
      if ((result as { problem?: { code: string } }).problem?.code === "login_ticket_expired") show({ ...FIRST, lapsed: true });
      else if (result.ok && isLast) show(FIRST);
      return result;
    };
  };
  const actions: Omit<Login, keyof Step> = {
    async login(body) {
      const result = await login(body);
      show(after(result));
      return result;
    },
    secondFactor: whileGood(factors.secondFactor, true),
    secondFactorByPasskey: whileGood(passkeys.secondFactor, true),
    askRecovery: whileGood(factors.askRecovery),
    enrolTotp: whileGood(factors.enrolTotp),
    confirmTotp: whileGood(factors.confirmTotp, true),
    addPasskey: whileGood(passkeys.add, true),
    again: () => show(FIRST),
  };
  const store = changing<Login>({ ...FIRST, ...actions });
  return store;
}

function after(result: Result<"login">): Step {
  if (result.ok || result.kind !== "problem") return FIRST;
  const { problem } = result;
  if (problem.code === "second_factor_required") return { step: "second-factor", methods: problem.methods, lapsed: false };
  return problem.code === "second_factor_enrolment_required" ? { step: "enrolment", methods: problem.methods, lapsed: false } : FIRST;
}

/** Operations that want a recent proof, and how it is given. */
export interface RecentProof {
  /** By what it must be proved who asks; null: nothing waits for it. */
  readonly wanted: readonly Method[] | null;
  /** Does something. Where it wants a recent proof first it waits for it, and is done once more; after `cancel` the refusal is what comes of it. */
  readonly run: <R extends { readonly ok: boolean }>(what: () => Promise<R>) => Promise<R>;
  readonly prove: Factors["reauthenticate"];
  /** By a passkey alone, where `wanted` has it. */
  readonly proveByPasskey: Passkeys["reauthenticate"];
  readonly cancel: () => void;
}

export function createRecentProof(client: AuthClient, { reauthenticate }: Factors, passkeys: Passkeys): Store<RecentProof> {
  const waiting: ((proved: boolean) => void)[] = [];
  const want = (wanted: RecentProof["wanted"]) => {
    if (wanted !== store.get().wanted) store.set({ ...actions, wanted });
  };
  const end = (proved: boolean) => {
    want(null);
    waiting.splice(0).forEach((done) => done(proved));
  };
  const actions: Omit<RecentProof, "wanted"> = {
    async run(what) {
      const result = await what();
      const methods = wantedProof(result);
      if (!methods) return result;
      const proved = new Promise<boolean>((done) => waiting.push(done));
      want(methods);
      return (await proved) ? what() : result;
    },
    async prove(proof) {
      const result = await reauthenticate(proof);
      // A factor that was set up elsewhere meanwhile is wanted now.
      const methods = wantedProof(result);
      if (result.ok) end(true);
      else if (methods) want(methods);
      return result;
    },
    async proveByPasskey() {
      const result = await passkeys.reauthenticate();
      if (result.ok) end(true);
      return result;
    },
    cancel: () => end(false),
  };
  const store = changing<RecentProof>({ ...actions, wanted: null });
  let listening = 0;
  return {
    get: store.get,
    subscribe(listener) {
      // What one person has begun is not done for the next, and not when its page is gone.
      const who = () => client.getSnapshot().user?.id;
      let before = who();
      const stopFollowing = client.subscribe(() => {
        if (who() !== before) end(false);
        before = who();
      });
      const stop = store.subscribe(listener);
      listening += 1;
      return () => {
        stopFollowing();
        stop();
        listening -= 1;
        if (!listening) end(false);
      };
    },
  };
}
