/** What an operation may answer, by what the contract declares: see `Result`. */
import type { Errors, Operation, Responses } from "./generated/operations.js";

export type { Operation };

/** The statuses that mean "not now" rather than an answer: they never reach a `switch` over codes. */
type NotNow<Op extends Operation> = 503 | (Op extends "refresh" ? 429 : never);

type Declared<Op extends Operation> = Exclude<keyof Errors[Op], NotNow<Op>>;

/** The problems (RFC 9457) with which an operation may refuse. `problem.code` is a closed set: a `switch` over it is exhaustive. */
export type Problem<Op extends Operation> = Errors[Op][Declared<Op>];

/** A success. */
export type Success<Op extends Operation> = {
  readonly ok: true;
  readonly status: keyof Responses[Op];
  readonly data: Responses[Op][keyof Responses[Op]];
};

/**
 * Not now: the service is busy or away, or took too long. Nobody is logged out by it. `retryAfter` is in seconds. Where the service said why,
 * that is `code`; with `mail_unavailable` trying again is of no use: it has no mail server.
 */
export type Unavailable = { readonly ok: false; readonly kind: "unavailable"; readonly code?: string; readonly retryAfter?: number };

/**
 * The login was right, and the browser kept no cookies: they are blocked, or the page and the service are not on one site
 * (`http://127.0.0.1:3000` and `http://localhost:8000`).
 */
export type NoCookies = { readonly ok: false; readonly kind: "cookies" };

/** The service is there, but does not answer pages of this origin: it is not in `ALLOWED_ORIGINS`. */
export type OriginRefused = { readonly ok: false; readonly kind: "origin" };

/** What came of an operation. Nothing is ever thrown. */
export type Result<Op extends Operation> =
  | Success<Op>
  | {
      readonly ok: false;
      readonly kind: "problem";
      readonly status: Declared<Op>;
      readonly problem: Problem<Op>;
      /** Seconds, where the answer names them. */
      readonly retryAfter?: number;
    }
  | Unavailable
  | (Op extends "login" | "loginSecondFactor" | "loginPasskey" | "loginConfirmTotp" | "loginAddPasskey" ? NoCookies : never)
  | (Op extends "state" ? OriginRefused : never)
  /** The request did not reach the service, or CORS keeps its answer from this page. */
  | { readonly ok: false; readonly kind: "network"; readonly cause: unknown }
  /** An answer that the contract does not declare: something else than Doorward answers at this address. */
  | { readonly ok: false; readonly kind: "unexpected"; readonly status: number };

/** A failure of any operation. */
export type Failure =
  | {
      readonly ok: false;
      readonly kind: "problem";
      readonly status: number;
      readonly problem: {
        readonly code: string;
        readonly detail: string;
        readonly errors?: readonly { readonly field: string; readonly code: string; readonly message: string }[];
      };
      readonly retryAfter?: number;
    }
  | Unavailable
  | NoCookies
  | OriginRefused
  | { readonly ok: false; readonly kind: "network"; readonly cause: unknown }
  | { readonly ok: false; readonly kind: "unexpected"; readonly status: number };

/** What to tell people of a failure. */
export function sentence(failure: Failure): string {
  switch (failure.kind) {
    case "problem": {
      const fields = failure.problem.errors?.map((field) => field.message) ?? [];
      return fields.length > 0 ? fields.join(" ") : failure.problem.detail;
    }
    case "network":
      return "The service can't be reached. Are you online?";
    case "origin":
      return "The service does not answer pages at this address.";
    case "cookies":
      return "You could not be kept logged in: your browser does not accept this site's cookies.";
    case "unavailable":
      if (failure.code === "mail_unavailable") return "The service can't send mail.";
      return "The service is busy. Try again in a moment.";
    case "unexpected":
      return "The service gave an answer that this page does not understand.";
  }
}
