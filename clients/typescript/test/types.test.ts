// Checked by the compiler: a `switch` over the codes of an operation is exhaustive, and one that forgets a code is not.

import { expectTypeOf, test } from "vitest";

import type { AuthClient, Problem, Result, User } from "../src/index.js";

function never(value: never): never {
  throw new Error(String(value));
}

function say(problem: Problem<"login">): string {
  switch (problem.code) {
    case "incorrect_credentials":
    case "malformed_json":
    case "unsupported_media_type":
    case "payload_too_large":
    case "email_not_verified":
    case "cross_site_request":
    case "too_many_attempts":
      return problem.detail;
    case "second_factor_required":
      return problem.methods.join(" or ");
    case "second_factor_enrolment_required":
      return problem.detail;
    case "validation_failed":
      return problem.errors.map((field) => field.message).join();
    default:
      return never(problem);
  }
}

function forgets(problem: Problem<"login">): string {
  switch (problem.code) {
    case "incorrect_credentials":
      return problem.detail;
    default:
      // @ts-expect-error six codes are left
      return never(problem);
  }
}

type ShapeCode = "malformed_json" | "cross_site_request" | "payload_too_large" | "unsupported_media_type";

/** What a page of a link tells apart. */
function ofLink(problem: Problem<"confirmEmailChange">): "again" | "log in" | "taken" | "wait" | "ours" {
  switch (problem.code) {
    case "invalid_or_expired_token":
      return "again";
    case "not_authenticated":
    case "token_expired":
    case "session_expired":
    case "session_ended":
    case "session_revoked":
    case "session_reuse_detected":
    case "device_binding_required":
      return "log in";
    case "email_unavailable":
      return "taken";
    case "too_many_attempts":
      return "wait";
    case "malformed_json":
    case "cross_site_request":
    case "payload_too_large":
    case "unsupported_media_type":
    case "validation_failed":
      return "ours";
    default:
      return never(problem);
  }
}

test("results are typed by their operation", () => {
  expectTypeOf<Extract<Result<"me">, { ok: true }>["data"]>().toEqualTypeOf<User>();
  expectTypeOf<Extract<Result<"endSession">, { ok: true }>["status"]>().toEqualTypeOf<204>();
  expectTypeOf<Problem<"refresh">["code"]>().not.toEqualTypeOf<string>();
  // Busy is not a problem to switch over.
  expectTypeOf<Extract<Problem<"login">, { code: "overloaded" }>>().toEqualTypeOf<never>();
  expectTypeOf<Extract<Problem<"refresh">, { code: "too_many_attempts" }>>().toEqualTypeOf<never>();
  expectTypeOf<Parameters<AuthClient["login"]>[0]>().toEqualTypeOf<{ email: string; password: string }>();
  expectTypeOf(say).returns.toEqualTypeOf<string>();
  expectTypeOf(ofLink).returns.not.toEqualTypeOf<string>();
  // An account, or a mail that says how it goes on.
  expectTypeOf<Extract<Result<"register">, { ok: true }>["status"]>().toEqualTypeOf<201 | 202>();
  expectTypeOf<Problem<"forgotPassword">["code"]>().toEqualTypeOf<
    ShapeCode | "validation_failed" | "too_many_attempts"
  >();
  expectTypeOf<Problem<"restoreEmail">["code"]>().toEqualTypeOf<Problem<"verifyEmail">["code"]>();
  expectTypeOf<Extract<Problem<"changeEmail">["code"], "incorrect_current_password" | "other_user" | "email_unavailable">>().toEqualTypeOf<
    "incorrect_current_password" | "other_user"
  >();
  expectTypeOf(forgets).returns.toEqualTypeOf<string>();
});
