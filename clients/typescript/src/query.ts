/** Options for TanStack Query: `useQuery(meQuery(client))`. */
import type { AuthClient } from "./client.js";
import type { Session, User } from "./generated/operations.js";
import { sentence } from "./result.js";
import type { Failure, Result } from "./result.js";

/** TanStack's `QueryClient`, as far as it is needed here. */
interface Queries {
  resetQueries(filters: { queryKey: readonly unknown[] }): unknown;
}

const KEY = "doorward";
const followed = new WeakMap<Queries, WeakSet<AuthClient>>();

/** Nothing that was asked for one person is shown to the next: the queries are asked anew whenever somebody else is logged in. */
function follow(client: AuthClient, context: { readonly client?: Queries } | undefined) {
  // Since 5.60 of TanStack Query.
  const queries = context?.client;
  if (!queries) return;
  const clients = followed.get(queries) ?? new WeakSet();
  if (clients.has(client)) return;
  followed.set(queries, clients.add(client));
  let shown: number | null | undefined;
  const changed = () => {
    const { status, user } = client.getSnapshot();
    // Until it is known nobody's answers are there; while it is not, whoever is there may be the same.
    if (status === "unknown" || status === "unavailable") return;
    const before = shown;
    shown = user?.id ?? null;
    // Not within a query that finds it out itself: it would be given up.
    if (before !== undefined && before !== shown) setTimeout(() => void queries.resetQueries({ queryKey: [KEY] }));
  };
  changed();
  client.subscribe(changed);
}

/** What a query throws: the operation's result, and a sentence for people. */
export class QueryError extends Error {
  constructor(readonly result: Failure) {
    super(sentence(result));
    this.name = "QueryError";
  }
}

function isNobody(result: Result<"me" | "listSessions">): boolean {
  return !result.ok && result.kind === "problem" && result.status === 401;
}

/** Who is logged in; null: nobody. It follows the client: at logins, logouts and what other tabs do. */
export function meQuery(client: AuthClient) {
  return {
    queryKey: [KEY, "me"] as const,
    queryFn: async (context?: { readonly client?: Queries }): Promise<User | null> => {
      follow(client, context);
      const result = await client.me();
      if (result.ok) return result.data;
      if (isNobody(result)) return null;
      throw new QueryError(result as Failure);
    },
  };
}

/** Where the person is logged in; null: nobody is. It follows the client. */
export function sessionsQuery(client: AuthClient) {
  return {
    queryKey: [KEY, "sessions"] as const,
    queryFn: async (context?: { readonly client?: Queries }): Promise<readonly Session[] | null> => {
      follow(client, context);
      const result = await client.sessions();
      if (result.ok) return result.data.sessions;
      if (isNobody(result)) return null;
      throw new QueryError(result as Failure);
    },
  };
}
