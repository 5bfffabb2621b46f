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
  exportMe: "GET /me/export 200 401 429",
} as const;
