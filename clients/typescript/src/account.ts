/** Operations that few pages need: they are the client's as the others are, and only who imports them pays for them. */
import type { AuthClient, Methods } from "./client.js";
import { more } from "./generated/more.js";
import { operations } from "./generated/operations.js";
import type { More } from "./generated/operations.js";

/** The rest of the contract's operations, on the client of the page: `account(client).forgotPassword({ email })`. */
export function account(client: AuthClient): Methods<More> {
  Object.assign(operations, more);
  const method = (op: string) => [op, (...words: unknown[]) => client.operate(op as More, ...words)];
  return Object.fromEntries(Object.keys(more).map(method)) as Methods<More>;
}
