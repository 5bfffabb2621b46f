/** What the bindings to frameworks have in common: who is logged in, what is being done, and what failed, as one object for each change. */
import type { AuthClient } from "./client.js";
import type { User } from "./generated/operations.js";
import { sentence } from "./result.js";
import type { Failure, Result } from "./result.js";
import type { LostCode, Snapshot } from "./state.js";

/** What a component sees of the client. */
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
  /**
   * Registers and logs in. Where the login fails its failure is the result. With status 202 a mail says how it goes on, and nobody is logged in.
   */
  readonly register: (...words: Parameters<AuthClient["register"]>) => Promise<Result<"register"> | Exclude<Result<"login">, { ok: true }>>;
  readonly logout: AuthClient["logout"];
  readonly client: AuthClient;
}

/** The same object while nothing changes. */
export interface Store<T> {
  get(): T;
  subscribe(listener: () => void): () => void;
}

export interface AuthStore extends Store<Auth> {
  /** What a server renders, and a browser first. */
  getServer(): Auth;
  /** Finds out who is logged in, once for all components. */
  begin(): void;
}

const stores = new WeakMap<AuthClient, AuthStore>();

/** One for all components. */
export function storeOf(client: AuthClient): AuthStore {
  const store = stores.get(client) ?? createStore(client);
  stores.set(client, store);
  return store;
}

export function createStore(client: AuthClient): AuthStore {
  let working = 0;
  let failure: string | null = null;
  let hasBegun = false;
  const listeners = new Set<() => void>();

  const told = <B extends unknown[], R extends { readonly ok: boolean }>(action: (...body: B) => Promise<R>) => {
    return async (...body: B): Promise<R> => {
      working += 1;
      failure = null;
      changed();
      const result = await action(...body);
      working -= 1;
      if (!result.ok) failure = sentence(result as unknown as Failure);
      changed();
      return result;
    };
  };
  const actions = {
    retry: () => client.start(),
    login: told(client.login),
    logout: told(client.logout),
    register: told(async (body: Parameters<AuthClient["register"]>[0]) => {
      const registered = await client.register(body);
      if (!registered.ok || registered.status === 202) return registered;
      const result = await client.login({ email: body.email, password: body.password });
      return result.ok ? registered : result;
    }),
    client,
  };

  function view(snapshot: Snapshot): Auth {
    const { status, user, lost } = snapshot;
    const error = failure ?? ("failure" in snapshot ? sentence(snapshot.failure) : null);
    return { ...actions, status, user, lost, loading: status === "unknown" || working > 0, error };
  }

  const server = view(client.getServerSnapshot());
  let seen = client.getSnapshot();
  let now = view(seen);
  function changed() {
    seen = client.getSnapshot();
    now = view(seen);
    listeners.forEach((listener) => listener());
  }

  return {
    begin() {
      if (!hasBegun) void client.start();
      hasBegun = true;
    },
    get: () => (client.getSnapshot() === seen ? now : ((seen = client.getSnapshot()), (now = view(seen)))),
    getServer: () => server,
    subscribe(listener) {
      // The client's listener is there as long as anybody listens here.
      const stop = client.subscribe(listener);
      listeners.add(listener);
      return () => {
        stop();
        listeners.delete(listener);
      };
    },
  };
}
