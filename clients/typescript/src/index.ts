/** A client of Doorward for browsers. */
export { createAuthClient } from "./client.js";
export type { AuthClient, AuthClientOptions } from "./client.js";
export type { LostCode, Snapshot } from "./state.js";
export { sentence } from "./result.js";
export type { Failure, NoCookies, Operation, OriginRefused, Problem, Result, Success, Unavailable } from "./result.js";
export type { Session, User } from "./generated/operations.js";
export { passwordBytesLeft } from "./password.js";
