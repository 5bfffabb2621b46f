/** Svelte: logging in by two steps, one's factors, and proving once more who asks. */
import type { AuthClient } from "./client.js";
import { createLogin, createRecentProof, factorsOf, passkeysOf } from "./factor-stores.js";
import type { Factors, Login, Method, Passkeys, RecentProof } from "./factor-stores.js";
import { storeOf } from "./store.js";
import type { Store } from "./store.js";

export type { Factors, Login, Method, Passkeys, RecentProof };

interface Readable<T> {
  subscribe(run: (value: T) => void): () => void;
}

/** What a person does with second factors: `factors` of `@doorward/client/factors`, loaded when it is first used. */
export const useFactors: (client: AuthClient) => Factors = factorsOf;

/** What a person does with passkeys: `passkeys` of `@doorward/client/passkeys`, loaded when it is first used. */
export const usePasskeys: (client: AuthClient) => Passkeys = passkeysOf;

/** What a page of a login needs: which step is next, and how it is done: `const login = useLogin(client)`, and `$login.step` in the component. */
export function useLogin(client: AuthClient): Readable<Login> {
  return readable(createLogin(storeOf(client).get().login, factorsOf(client), passkeysOf(client)));
}

/** For a page that asks for a proof where one is wanted, and goes on with what it was wanted for. */
export function useRecentProof(client: AuthClient): Readable<RecentProof> {
  return readable(createRecentProof(client, factorsOf(client), passkeysOf(client)));
}

const readable = <T>({ get, subscribe }: Store<T>): Readable<T> => ({
  subscribe(run) {
    run(get());
    return subscribe(() => run(get()));
  },
});
