"use client";

/** React: `AuthProvider` once, `useAuth` wherever somebody wants to know. */
import { createContext, useContext, useEffect, useMemo, useSyncExternalStore } from "react";
import type { ReactNode } from "react";

import type { AuthClient } from "./client.js";
import { createStore } from "./store.js";
import type { Auth } from "./store.js";

export type { Auth };

const Context = createContext<Auth | null>(null);

/** Finds out who is logged in, and tells everything inside. */
export function AuthProvider({ client, children }: { client: AuthClient; children: ReactNode }): ReactNode {
  const store = useMemo(() => createStore(client), [client]);
  const auth = useSyncExternalStore(store.subscribe, store.get, store.getServer);
  useEffect(() => void client.start(), [client]);
  return <Context.Provider value={auth}>{children}</Context.Provider>;
}

/** Who is logged in, and how to change it. Inside an `AuthProvider`. */
export function useAuth(): Auth {
  const auth = useContext(Context);
  if (!auth) throw new Error("useAuth: there is no AuthProvider around this component");
  return auth;
}
