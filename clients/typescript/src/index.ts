/** A client of Doorward for browsers. */
export { createAuthClient } from "./client.js";
export type { AuthClient, AuthClientOptions, LostCode, Snapshot } from "./client.js";
export { sentence } from "./result.js";
export type { Failure, Operation, Problem, Result, Success, Unavailable } from "./result.js";
export type { Session, User } from "./generated/operations.js";
export { passwordBytesLeft } from "./password.js";
