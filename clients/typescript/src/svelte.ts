/** Svelte: a store, so that `$auth.user` is who is logged in. */
import type { AuthClient } from "./client.js";
import { storeOf } from "./store.js";
import type { Auth } from "./store.js";

export type { Auth };

/** Who is logged in, and how to change it: `const auth = useAuth(client)`, and `$auth` in the component. */
export function useAuth(client: AuthClient): { subscribe(run: (auth: Auth) => void): () => void } {
  const store = storeOf(client);
  return {
    subscribe(run) {
      // A server asks for nobody; a browser shows first what a server has rendered.
      run(store.getServer());
      if (!globalThis.document) return () => {};
      const follow = () => run(store.get());
      const stop = store.subscribe(follow);
      if (store.get().status !== "unknown") queueMicrotask(follow);
      store.begin();
      return stop;
    },
  };
}
