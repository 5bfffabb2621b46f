// Generated from openapi/doorward.json by `npm run generate`. Do not edit.

import type {
  RegisterData,
  RegisterErrors,
  RegisterResponses,
  MeErrors,
  MeResponses,
  UpdateMeData,
  UpdateMeErrors,
  UpdateMeResponses,
  DeleteMeData,
  DeleteMeErrors,
  DeleteMeResponses,
  ChangePasswordData,
  ChangePasswordErrors,
  ChangePasswordResponses,
  ResetPasswordData,
  ResetPasswordErrors,
  ResetPasswordResponses,
  ForgotPasswordData,
  ForgotPasswordErrors,
  ForgotPasswordResponses,
  ReportNotMeData,
  ReportNotMeErrors,
  ReportNotMeResponses,
  SendVerificationErrors,
  SendVerificationResponses,
  VerifyEmailData,
  VerifyEmailErrors,
  VerifyEmailResponses,
  ChangeEmailData,
  ChangeEmailErrors,
  ChangeEmailResponses,
  ConfirmEmailChangeData,
  ConfirmEmailChangeErrors,
  ConfirmEmailChangeResponses,
  RestoreEmailData,
  RestoreEmailErrors,
  RestoreEmailResponses,
  ExportMeErrors,
  ExportMeResponses,
  LoginData,
  LoginErrors,
  LoginResponses,
  RefreshErrors,
  RefreshResponses,
  LogoutErrors,
  LogoutResponses,
  ListSessionsErrors,
  ListSessionsResponses,
  EndSessionErrors,
  EndSessionResponses,
  LogoutAllData,
  LogoutAllErrors,
  LogoutAllResponses,
  StateErrors,
  StateResponses,
} from "./types.gen.js";

export type { Session, User } from "./types.gen.js";

/** Method, path, the status of a success, those of refusals. */
export const operations = {
  register: ["POST", "/register", 201, [400, 403, 409, 413, 415, 422, 429]],
  me: ["GET", "/me", 200, [401]],
  updateMe: ["PATCH", "/me", 200, [400, 401, 403, 409, 413, 415, 422, 429]],
  deleteMe: ["DELETE", "/me", 204, [400, 401, 403, 409, 413, 415, 422, 429]],
  changePassword: ["POST", "/password", 200, [400, 401, 403, 409, 413, 415, 422, 429]],
  resetPassword: ["POST", "/password/reset", 200, [400, 403, 413, 415, 422, 429]],
  forgotPassword: ["POST", "/password/forgot", 202, [400, 403, 413, 415, 422, 429]],
  reportNotMe: ["POST", "/not-me", 202, [400, 403, 413, 415, 422, 429]],
  sendVerification: ["POST", "/email/verification", 202, [401, 403, 429]],
  verifyEmail: ["POST", "/email/verify", 200, [400, 403, 413, 415, 422, 429]],
  changeEmail: ["POST", "/email/change", 202, [400, 401, 403, 409, 413, 415, 422, 429]],
  confirmEmailChange: ["POST", "/email/change/confirm", 200, [400, 401, 403, 409, 413, 415, 422, 429]],
  restoreEmail: ["POST", "/email/restore", 200, [400, 403, 413, 415, 422, 429]],
  exportMe: ["GET", "/me/export", 200, [401, 429]],
  login: ["POST", "/login", 200, [400, 401, 403, 413, 415, 422, 429]],
  refresh: ["POST", "/refresh", 200, [401, 403, 429]],
  logout: ["POST", "/logout", 200, [403]],
  listSessions: ["GET", "/sessions", 200, [401]],
  endSession: ["DELETE", "/sessions/{id}", 204, [401, 403, 404, 409]],
  logoutAll: ["POST", "/logout-all", 200, [400, 401, 403, 409, 413, 415, 422]],
  state: ["GET", "/state", 200, []],
} as const;

/** The operations, by their ids in the contract. */
export type Operation = keyof typeof operations;

/** The body of each answer, by operation and status. */
export interface Responses {
  register: RegisterResponses;
  me: MeResponses;
  updateMe: UpdateMeResponses;
  deleteMe: DeleteMeResponses;
  changePassword: ChangePasswordResponses;
  resetPassword: ResetPasswordResponses;
  forgotPassword: ForgotPasswordResponses;
  reportNotMe: ReportNotMeResponses;
  sendVerification: SendVerificationResponses;
  verifyEmail: VerifyEmailResponses;
  changeEmail: ChangeEmailResponses;
  confirmEmailChange: ConfirmEmailChangeResponses;
  restoreEmail: RestoreEmailResponses;
  exportMe: ExportMeResponses;
  login: LoginResponses;
  refresh: RefreshResponses;
  logout: LogoutResponses;
  listSessions: ListSessionsResponses;
  endSession: EndSessionResponses;
  logoutAll: LogoutAllResponses;
  state: StateResponses;
}

/** The problem of each refusal, by operation and status. */
export interface Errors {
  register: RegisterErrors;
  me: MeErrors;
  updateMe: UpdateMeErrors;
  deleteMe: DeleteMeErrors;
  changePassword: ChangePasswordErrors;
  resetPassword: ResetPasswordErrors;
  forgotPassword: ForgotPasswordErrors;
  reportNotMe: ReportNotMeErrors;
  sendVerification: SendVerificationErrors;
  verifyEmail: VerifyEmailErrors;
  changeEmail: ChangeEmailErrors;
  confirmEmailChange: ConfirmEmailChangeErrors;
  restoreEmail: RestoreEmailErrors;
  exportMe: ExportMeErrors;
  login: LoginErrors;
  refresh: RefreshErrors;
  logout: LogoutErrors;
  listSessions: ListSessionsErrors;
  endSession: EndSessionErrors;
  logoutAll: LogoutAllErrors;
  state: StateErrors;
}

/** The body of each request that has one. */
export interface Bodies {
  register: NonNullable<RegisterData["body"]>;
  updateMe: NonNullable<UpdateMeData["body"]>;
  deleteMe: NonNullable<DeleteMeData["body"]>;
  changePassword: NonNullable<ChangePasswordData["body"]>;
  resetPassword: NonNullable<ResetPasswordData["body"]>;
  forgotPassword: NonNullable<ForgotPasswordData["body"]>;
  reportNotMe: NonNullable<ReportNotMeData["body"]>;
  verifyEmail: NonNullable<VerifyEmailData["body"]>;
  changeEmail: NonNullable<ChangeEmailData["body"]>;
  confirmEmailChange: NonNullable<ConfirmEmailChangeData["body"]>;
  restoreEmail: NonNullable<RestoreEmailData["body"]>;
  login: NonNullable<LoginData["body"]>;
  logoutAll: NonNullable<LogoutAllData["body"]>;
}
