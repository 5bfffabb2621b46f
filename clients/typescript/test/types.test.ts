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

test("results are typed by their operation", () => {
  expectTypeOf<Extract<Result<"me">, { ok: true }>["data"]>().toEqualTypeOf<User>();
  expectTypeOf<Extract<Result<"endSession">, { ok: true }>["status"]>().toEqualTypeOf<204>();
  expectTypeOf<Problem<"refresh">["code"]>().not.toEqualTypeOf<string>();
  // Busy is not a problem to switch over.
  expectTypeOf<Extract<Problem<"login">, { code: "overloaded" }>>().toEqualTypeOf<never>();
  expectTypeOf<Extract<Problem<"refresh">, { code: "too_many_attempts" }>>().toEqualTypeOf<never>();
  expectTypeOf<Parameters<AuthClient["login"]>[0]>().toEqualTypeOf<{ email: string; password: string }>();
  expectTypeOf(say).returns.toEqualTypeOf<string>();
  expectTypeOf(forgets).returns.toEqualTypeOf<string>();
});
