"use client";

/** React: logging in by two steps, one's factors, and proving once more who asks. Inside an `AuthProvider`. */
import { useEffect, useMemo, useRef, useState } from "react";

import type { Factors } from "./factors.js";
import { wantedProof } from "./methods.js";
import type { Method } from "./methods.js";
import type { Passkeys } from "./passkeys.js";
import { useAuth } from "./react.js";
import type { Auth } from "./react.js";
import type { Result } from "./result.js";

export type { Factors, Method, Passkeys };

/** All of them: each is loaded when the first of them is called. */
const FACTORS = ["secondFactor", "list", "enrolTotp", "confirmTotp", "removeTotp", "makeRecoveryCodes", "reauthenticate"] as const;
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

/** What a person does with second factors: `factors` of `@doorward/client/factors`, loaded when it is first used. */
export function useFactors(): Factors {
  const { client } = useAuth();
  return useMemo(() => onDemand(FACTORS, async () => (await import("./factors.js")).factors(client)), [client]);
}

/** What a person does with passkeys: `passkeys` of `@doorward/client/passkeys`, loaded when it is first used. */
export function usePasskeys(): Passkeys {
  const { client } = useAuth();
  return useMemo(() => onDemand(PASSKEYS, async () => (await import("./passkeys.js")).passkeys(client)), [client]);
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
  readonly enrolTotp: Factors["enrolTotp"];
  readonly confirmTotp: Factors["confirmTotp"];
  /** A passkey as the first factor, where `methods` has it: then the person is logged in. */
  readonly addPasskey: Passkeys["add"];
  /** Back to the password. */
  readonly again: () => void;
}

type Step = Pick<Login, "step" | "methods" | "lapsed">;
const FIRST: Step = { step: "password", methods: [], lapsed: false };

/** What a page of a login needs: which step is next, and how it is done. */
export function useLogin(): Login {
  const { login } = useAuth();
  const factors = useFactors();
  const passkeys = usePasskeys();
  const [step, setStep] = useState(FIRST);
  return useMemo(() => {
    // The ticket is good for five minutes, and for these credentials.
    const whileGood = <W extends unknown[], R extends { readonly ok: boolean }>(what: (...words: W) => Promise<R>) => {
      return async (...words: W): Promise<R> => {
        const result = await what(...words);
        if ((result as { problem?: { code: string } }).problem?.code === "login_ticket_expired") setStep({ ...FIRST, lapsed: true });
        return result;
      };
    };
    return {
      ...step,
      async login(body) {
        const result = await login(body);
        setStep(after(result));
        return result;
      },
      secondFactor: whileGood(factors.secondFactor),
      secondFactorByPasskey: whileGood(passkeys.secondFactor),
      enrolTotp: whileGood(factors.enrolTotp),
      confirmTotp: whileGood(factors.confirmTotp),
      addPasskey: whileGood(passkeys.add),
      again: () => setStep(FIRST),
    };
  }, [step, login, factors, passkeys]);
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

/** For a page that asks for a proof where one is wanted, and goes on with what it was wanted for. */
export function useRecentProof(): RecentProof {
  const { user } = useAuth();
  const { reauthenticate } = useFactors();
  const passkeys = usePasskeys();
  const [wanted, setWanted] = useState<readonly Method[] | null>(null);
  const waiting = useRef<((proved: boolean) => void)[]>([]);
  const actions = useMemo(() => {
    const end = (proved: boolean) => {
      setWanted(null);
      waiting.current.splice(0).forEach((done) => done(proved));
    };
    return {
      async run<R extends { readonly ok: boolean }>(what: () => Promise<R>): Promise<R> {
        const result = await what();
        const methods = wantedProof(result);
        if (!methods) return result;
        const proved = new Promise<boolean>((done) => waiting.current.push(done));
        setWanted(methods);
        return (await proved) ? what() : result;
      },
      async prove(proof: Parameters<Factors["reauthenticate"]>[0]) {
        const result = await reauthenticate(proof);
        // A factor that was set up elsewhere meanwhile is wanted now.
        const methods = wantedProof(result);
        if (result.ok) end(true);
        else if (methods) setWanted(methods);
        return result;
      },
      async proveByPasskey() {
        const result = await passkeys.reauthenticate();
        if (result.ok) end(true);
        return result;
      },
      cancel: () => end(false),
    };
  }, [reauthenticate, passkeys]);
  // What one person has begun is not done for the next.
  const id = user?.id;
  useEffect(() => actions.cancel, [actions, id]);
  return useMemo(() => ({ ...actions, wanted }), [actions, wanted]);
}
