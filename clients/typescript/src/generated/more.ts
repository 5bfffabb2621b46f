// Generated from openapi/doorward.json by `npm run generate`. Do not edit.

/** As `operations`: what not every page pays for. */
export const more = {
  deleteMe: "DELETE /me 204 400 401 403 409 413 415 422 429 * !",
  resetPassword: "POST /password/reset 200 400 403 413 415 422 429",
  forgotPassword: "POST /password/forgot 202 400 403 413 415 422 429",
  reportNotMe: "POST /not-me 202 400 403 413 415 422 429",
  sendVerification: "POST /email/verification 202 401 403 429",
  verifyEmail: "POST /email/verify 200 400 403 413 415 422 429",
  changeEmail: "POST /email/change 202 400 401 403 409 413 415 422 429 !",
  correctEmail: "POST /email/correct 202 400 401 403 413 415 422 429",
  confirmEmailChange: "POST /email/change/confirm 200 400 401 403 409 413 415 422 429",
  restoreEmail: "POST /email/restore 200 400 403 413 415 422 429",
  exportMe: "GET /me/export 200 401 403 429",
  listFactors: "GET /me/factors 200 401",
  enrolTotp: "POST /me/totp 200 401 403 409 429 !",
  removeTotp: "DELETE /me/totp 204 401 403 409 429 !",
  confirmTotp: "POST /me/totp/confirm 200 400 401 403 409 413 415 422 429 * !",
  makeRecoveryCodes: "POST /me/recovery-codes 200 401 403 409 429 !",
  loginSecondFactor: "POST /login/second-factor 200 400 401 403 413 415 422 429 *",
  loginEnrolTotp: "POST /login/totp 200 401 403 429",
  loginConfirmTotp: "POST /login/totp/confirm 200 400 401 403 413 415 422 429 *",
  reauthenticate: "POST /reauthenticate 200 400 401 403 409 413 415 422 429 * !",
} as const;
