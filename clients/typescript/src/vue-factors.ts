/** Vue: logging in by two steps, one's factors, and proving once more who asks, in the setup of the pages that do. */
import type { ShallowRef } from "vue";

import type { AuthClient } from "./client.js";
import { createLogin, createRecentProof, factorsOf, passkeysOf } from "./factor-stores.js";
import type { Factors, Login, Method, Passkeys, RecentProof } from "./factor-stores.js";
import { storeOf } from "./store.js";
import type { Store } from "./store.js";
import { follow } from "./vue-follow.js";

export type { Factors, Login, Method, Passkeys, RecentProof };

/** What a person does with second factors: `factors` of `@doorward/client/factors`, loaded when it is first used. */
export const useFactors: (client: AuthClient) => Factors = factorsOf;

/** What a person does with passkeys: `passkeys` of `@doorward/client/passkeys`, loaded when it is first used. */
export const usePasskeys: (client: AuthClient) => Passkeys = passkeysOf;

/** What a page of a login needs: which step is next, and how it is done: `login.step` in the template. */
export function useLogin(client: AuthClient): Readonly<ShallowRef<Login>> {
  return shown(createLogin(storeOf(client).get().login, factorsOf(client), passkeysOf(client)));
}

/** For a page that asks for a proof where one is wanted, and goes on with what it was wanted for. */
export function useRecentProof(client: AuthClient): Readonly<ShallowRef<RecentProof>> {
  return shown(createRecentProof(client, factorsOf(client), passkeysOf(client)));
}

const shown = <T>(store: Store<T>) => follow(store, store.get());
