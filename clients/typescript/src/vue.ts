/** Vue: `useAuth(client)` in the setup of whatever wants to know who is logged in. */
import { getCurrentInstance, onMounted, onScopeDispose, shallowRef } from "vue";
import type { ShallowRef } from "vue";

import type { AuthClient } from "./client.js";
import { createStore } from "./store.js";
import type { Auth, AuthStore } from "./store.js";

export type { Auth };

const stores = new WeakMap<AuthClient, AuthStore>();

/** Who is logged in, and how to change it: `const auth = useAuth(client)`, and `auth.user` in the template. */
export function useAuth(client: AuthClient): Readonly<ShallowRef<Auth>> {
  const store = stores.get(client) ?? createStore(client);
  stores.set(client, store);
  // What a server has rendered is what a browser shows first.
  const auth = shallowRef(store.getServer());
  const begin = () => {
    const follow = () => (auth.value = store.get());
    stop = store.subscribe(follow);
    follow();
    store.begin();
  };
  let stop = () => {};
  onScopeDispose(() => stop());
  if (getCurrentInstance()) onMounted(begin);
  else begin();
  return auth;
}
