/** Vue: `useAuth(client)` in the setup of whatever wants to know who is logged in. */
import type { ShallowRef } from "vue";

import type { AuthClient } from "./client.js";
import { storeOf } from "./store.js";
import type { Auth } from "./store.js";
import { follow } from "./vue-follow.js";

export type { Auth };

/** Who is logged in, and how to change it: `const auth = useAuth(client)`, and `auth.user` in the template. */
export function useAuth(client: AuthClient): Readonly<ShallowRef<Auth>> {
  const store = storeOf(client);
  return follow(store, store.getServer(), store.begin);
}
