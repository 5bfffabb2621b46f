/**
 * Second factors. Who does not need them pays nothing for them: it is an entry of its own, and can be loaded on demand,
 * `const { factors } = await import("@doorward/client/factors")`.
 */
import { account } from "./account.js";
import type { AuthClient } from "./client.js";
import type { Arguments } from "./generated/operations.js";
import type { Result } from "./result.js";

export { wantedProof } from "./methods.js";
export type { Method } from "./methods.js";
export type { FactorList, TotpEnrolment } from "./generated/types.gen.js";

/** What a person does with second factors. Nothing is ever thrown. */
export interface Factors {
  /**
   * The second step of a login that was answered by `second_factor_required`: `{ code }` of the app, or `{ recovery_code }`. After
   * `login_ticket_expired` the login begins again.
   */
  secondFactor(held: Arguments["loginSecondFactor"][0]): Promise<Result<"loginSecondFactor">>;
  /**
   * In place of the second step, where everything that it could be done by is lost: mails a link that begins the removal, which takes days, or
   * refuses with `recovery_by_operator`. `account(client).followFactorRecovery({ token })` is for the pages of its links.
   */
  askRecovery(): Promise<Result<"askFactorRecovery">>;
  list(): Promise<Result<"listFactors">>;
  /**
   * A new secret for an authenticator app, which counts for nothing until it is confirmed: for the person who is logged in; or on the way in,
   * where the login was answered by `second_factor_enrolment_required`.
   */
  enrolTotp(): Promise<Result<"enrolTotp"> | Result<"loginEnrolTotp">>;
  /**
   * Takes a code of that secret; on the way in it logs in. With a first factor come `recovery_codes`, this once. Where the secret came with
   * `wants_enrolment_code` it takes the code, too, that was mailed to the person or given by an operator.
   */
  confirmTotp(code: string, enrolmentCode?: string): Promise<Result<"confirmTotp"> | Result<"loginConfirmTotp">>;
  removeTotp(): Promise<Result<"removeTotp">>;
  /** Ten new ones. The old ones are good no more. */
  makeRecoveryCodes(): Promise<Result<"makeRecoveryCodes">>;
  /** Proves once more who asks. See `wantedProof`. */
  reauthenticate(proof: Arguments["reauthenticate"][0]): Promise<Result<"reauthenticate">>;
}

/** The second factors of whoever uses this client. */
export function factors(client: AuthClient): Factors {
  const by = account(client);
  const isLoggedIn = () => Boolean(client.getSnapshot().user);
  return {
    secondFactor: by.loginSecondFactor,
    askRecovery: by.askFactorRecovery,
    list: by.listFactors,
    enrolTotp: () => (isLoggedIn() ? by.enrolTotp() : by.loginEnrolTotp()),
    confirmTotp: (code, enrolmentCode) => {
      const body = { code, ...(enrolmentCode && { enrolment_code: enrolmentCode }) };
      return isLoggedIn() ? by.confirmTotp(body) : by.loginConfirmTotp(body);
    },
    removeTotp: by.removeTotp,
    makeRecoveryCodes: by.makeRecoveryCodes,
    reauthenticate: by.reauthenticate,
  };
}
