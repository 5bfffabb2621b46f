import { operations } from "./generated/operations.js";
import type { Operation, Result } from "./result.js";

/** What one request needs. */
export interface Call {
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  /** Milliseconds until an answer is given up. */
  readonly timeout: number;
}

/** Sends an operation and sorts its answer by what the contract declares. */
export async function request<Op extends Operation>(call: Call, op: Op, body?: unknown, id = ""): Promise<Result<Op>> {
  const [method, path, success, refusals] = operations[op];
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), call.timeout);
  try {
    const response = await call.fetch(call.baseUrl + path.replace("{id}", encodeURIComponent(id)), {
      method,
      credentials: "include",
      signal: abort.signal,
      ...(body ? { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {}),
    });
    const { status } = response;
    const text = await response.text();
    const seconds = Number(response.headers.get("Retry-After")) || undefined;
    const retryAfter = seconds ? { retryAfter: seconds } : {};
    if (status >= 500 || (status === 429 && op === "refresh")) return { ok: false, kind: "unavailable", ...retryAfter };
    const answer = parse(text);
    if (status === success && (answer || status === 204)) return { ok: true, status, data: answer } as Result<Op>;
    if ((refusals as readonly number[]).includes(status) && answer?.code) {
      return { ok: false, kind: "problem", status, problem: answer, ...retryAfter } as unknown as Result<Op>;
    }
    return { ok: false, kind: "unexpected", status };
  } catch (cause) {
    return abort.signal.aborted ? { ok: false, kind: "unavailable" } : { ok: false, kind: "network", cause };
  } finally {
    clearTimeout(timer);
  }
}

/** An empty answer is none, and neither is a proxy's page. */
function parse(text: string): { code?: string } | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
