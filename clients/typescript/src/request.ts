import { operations } from "./generated/operations.js";
import type { Operation, Result } from "./result.js";

/** How requests are made. */
export interface Http {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  /** Milliseconds until an answer is given up. */
  readonly timeout: number;
}

/** What one request says. */
export interface Words {
  readonly id?: string | undefined;
  readonly body?: unknown;
  /** The person whose page it is: another one is refused. */
  readonly user?: number | undefined;
}

/** Sends an operation and sorts its answer by what the contract declares. With it comes the name of the session that it is about. */
export async function request<Op extends Operation>(
  http: Http,
  op: Op,
  { id = "", body, user }: Words = {},
): Promise<readonly [Result<Op>, string | null]> {
  const row: string = operations[op as "me"];
  const [method, path, success] = row.split(" ");
  const url = `${http.baseUrl}/api/auth${path!.replace("{id}", encodeURIComponent(id))}`;
  const signal = AbortSignal.timeout(http.timeout);
  // Whoever takes a body may find it of the wrong kind.
  const hasBody = Boolean(body) && row.includes("415");
  let result: unknown;
  let session: string | null = null;
  try {
    const response = await http.fetch(url, {
      method,
      credentials: "include",
      signal,
      headers: {
        // A session that begins may be bound to this device.
        ...(hasBody && { "Content-Type": "application/json", "X-Doorward-Bind": "device" }),
        ...(user && row.includes("!") && { "X-Doorward-User": user }),
      },
      ...(hasBody && { body: JSON.stringify(body) }),
    } as RequestInit);
    const text = await response.text();
    // An empty answer is none, and neither is a proxy's page.
    const answer = attempt(() => JSON.parse(text) as { code?: string });
    const { status, headers } = response;
    const retryAfter = +headers.get("Retry-After")! || undefined;
    session = headers.get("X-Doorward-Session");
    // `includes` takes a number for its digits.
    if (status > 499 || (status === 429 && op === "refresh")) result = { ok: false, kind: "unavailable", code: answer?.code, retryAfter };
    else if (success!.includes(status as never) && (answer || status === 204)) result = { ok: true, status, data: answer };
    else if (answer?.code && row.includes(status as never)) result = { ok: false, kind: "problem", status, problem: answer, retryAfter };
    else result = { ok: false, kind: "unexpected", status };
  } catch (cause) {
    // An answer that may not be read is one all the same.
    const isThere = op === "state" && (await http.fetch(url, { mode: "no-cors", signal }).catch(() => 0));
    result = { ok: false, ...(signal.aborted ? { kind: "unavailable" } : isThere ? { kind: "origin" } : { kind: "network", cause }) };
  }
  return [result as Result<Op>, session];
}

/** What may be forbidden, full, missing or broken. */
export function attempt<T>(what: () => T): T | undefined {
  try {
    return what();
  } catch {
    return;
  }
}
