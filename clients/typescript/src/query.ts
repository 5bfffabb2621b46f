/** Options for TanStack Query: `useQuery(meQuery(client))`. */
import type { AuthClient } from "./client.js";
import type { Session, User } from "./generated/operations.js";
import { sentence } from "./result.js";
import type { Failure, Result } from "./result.js";

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

/** Who is logged in; null: nobody. */
export function meQuery(client: AuthClient) {
  return {
    queryKey: ["doorward", "me"] as const,
    queryFn: async (): Promise<User | null> => {
      const result = await client.me();
      if (result.ok) return result.data;
      if (isNobody(result)) return null;
      throw new QueryError(result as Failure);
    },
  };
}

/** Where the person is logged in; null: nobody is. */
export function sessionsQuery(client: AuthClient) {
  return {
    queryKey: ["doorward", "sessions"] as const,
    queryFn: async (): Promise<readonly Session[] | null> => {
      const result = await client.sessions();
      if (result.ok) return result.data.sessions;
      if (isNobody(result)) return null;
      throw new QueryError(result as Failure);
    },
  };
}
