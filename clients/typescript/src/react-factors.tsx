"use client";

/** React: logging in by two steps, one's factors, and proving once more who asks. Inside an `AuthProvider`. */
import { useMemo, useSyncExternalStore } from "react";

import { createLogin, createRecentProof, factorsOf, passkeysOf } from "./factor-stores.js";
import type { Factors, Login, Method, Passkeys, RecentProof } from "./factor-stores.js";
import { useAuth } from "./react.js";
import type { Store } from "./store.js";

export type { Factors, Login, Method, Passkeys, RecentProof };

/** What a person does with second factors: `factors` of `@doorward/client/factors`, loaded when it is first used. */
export function useFactors(): Factors {
  const { client } = useAuth();
  return useMemo(() => factorsOf(client), [client]);
}

/** What a person does with passkeys: `passkeys` of `@doorward/client/passkeys`, loaded when it is first used. */
export function usePasskeys(): Passkeys {
  const { client } = useAuth();
  return useMemo(() => passkeysOf(client), [client]);
}

/** What a page of a login needs: which step is next, and how it is done. */
export function useLogin(): Login {
  const { login } = useAuth();
  const factors = useFactors();
  const passkeys = usePasskeys();
  return useStore(useMemo(() => createLogin(login, factors, passkeys), [login, factors, passkeys]));
}

/** For a page that asks for a proof where one is wanted, and goes on with what it was wanted for. */
export function useRecentProof(): RecentProof {
  const { client } = useAuth();
  const factors = useFactors();
  const passkeys = usePasskeys();
  return useStore(useMemo(() => createRecentProof(client, factors, passkeys), [client, factors, passkeys]));
}

function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get, store.get);
}
