"use client";

/** React: `AuthProvider` once, `useAuth` wherever somebody wants to know. */
import { createContext, useContext, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { ReactNode } from "react";

import type { AuthClient } from "./client.js";
import type { LostCode, Snapshot } from "./state.js";
import type { User } from "./generated/operations.js";
import { sentence } from "./result.js";
import type { Failure, Result } from "./result.js";

/** What `useAuth` gives. */
export interface Auth {
  readonly user: User | null;
  readonly status: Snapshot["status"];
  /** Why the session ended, where nobody asked for it. */
  readonly lost: LostCode | null;
  /** Until it is known who is logged in, and while one of the functions below works. */
  readonly loading: boolean;
  /** A sentence for people: of the last of the functions below that failed, or why it is not known who is logged in. */
  readonly error: string | null;
  /** Asks again who is logged in, where the service was away. It is done now and then anyway. */
  readonly retry: AuthClient["start"];
  readonly login: AuthClient["login"];
  /** Registers and logs in. Where the login fails its failure is the result. */
  readonly register: (...words: Parameters<AuthClient["register"]>) => Promise<Result<"register"> | Exclude<Result<"login">, { ok: true }>>;
  readonly logout: AuthClient["logout"];
  readonly client: AuthClient;
}

const Context = createContext<Auth | null>(null);

/** Finds out who is logged in, and tells everything inside. */
export function AuthProvider({ client, children }: { client: AuthClient; children: ReactNode }): ReactNode {
  const snapshot = useSyncExternalStore(client.subscribe, client.getSnapshot, client.getServerSnapshot);
  const [working, setWorking] = useState(0);
  const [error, setError] = useState<string | null>(null);

  useEffect(() => void client.start(), [client]);

  const actions = useMemo(() => {
    const told = <B extends unknown[], R extends { readonly ok: boolean }>(action: (...body: B) => Promise<R>) => {
      return async (...body: B): Promise<R> => {
        setWorking((count) => count + 1);
        setError(null);
        const result = await action(...body);
        if (!result.ok) setError(sentence(result as unknown as Failure));
        setWorking((count) => count - 1);
        return result;
      };
    };
    return {
      retry: client.start,
      login: told(client.login),
      logout: told(client.logout),
      register: told(async (body: Parameters<AuthClient["register"]>[0]) => {
        const registered = await client.register(body);
        if (!registered.ok) return registered;
        const result = await client.login({ email: body.email, password: body.password });
        return result.ok ? registered : result;
      }),
    };
  }, [client]);

  const auth = useMemo<Auth>(() => {
    const { status, user, lost } = snapshot;
    const loading = status === "unknown" || working > 0;
    return { status, user, lost, loading, error: error ?? ("failure" in snapshot ? sentence(snapshot.failure) : null), client, ...actions };
  }, [snapshot, working, error, client, actions]);
  return <Context.Provider value={auth}>{children}</Context.Provider>;
}

/** Who is logged in, and how to change it. Inside an `AuthProvider`. */
export function useAuth(): Auth {
  const auth = useContext(Context);
  if (!auth) throw new Error("useAuth: there is no AuthProvider around this component");
  return auth;
}
