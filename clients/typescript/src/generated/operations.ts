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
  FollowFactorRecoveryData,
  FollowFactorRecoveryErrors,
  FollowFactorRecoveryResponses,
  SendVerificationErrors,
  SendVerificationResponses,
  VerifyEmailData,
  VerifyEmailErrors,
  VerifyEmailResponses,
  ChangeEmailData,
  ChangeEmailErrors,
  ChangeEmailResponses,
  CorrectEmailData,
  CorrectEmailErrors,
  CorrectEmailResponses,
  ConfirmEmailChangeData,
  ConfirmEmailChangeErrors,
  ConfirmEmailChangeResponses,
  RestoreEmailData,
  RestoreEmailErrors,
  RestoreEmailResponses,
  ExportMeErrors,
  ExportMeResponses,
  ListFactorsErrors,
  ListFactorsResponses,
  EnrolTotpErrors,
  EnrolTotpResponses,
  RemoveTotpErrors,
  RemoveTotpResponses,
  ConfirmTotpData,
  ConfirmTotpErrors,
  ConfirmTotpResponses,
  MakeRecoveryCodesErrors,
  MakeRecoveryCodesResponses,
  PasskeyCreationOptionsErrors,
  PasskeyCreationOptionsResponses,
  AddPasskeyData,
  AddPasskeyErrors,
  AddPasskeyResponses,
  RenamePasskeyData,
  RenamePasskeyErrors,
  RenamePasskeyResponses,
  RemovePasskeyErrors,
  RemovePasskeyResponses,
  LoginData,
  LoginErrors,
  LoginResponses,
  RefreshErrors,
  RefreshResponses,
  LogoutErrors,
  LogoutResponses,
  LoginSecondFactorData,
  LoginSecondFactorErrors,
  LoginSecondFactorResponses,
  SecondFactorPasskeyOptionsErrors,
  SecondFactorPasskeyOptionsResponses,
  AskFactorRecoveryErrors,
  AskFactorRecoveryResponses,
  LoginEnrolTotpErrors,
  LoginEnrolTotpResponses,
  LoginConfirmTotpData,
  LoginConfirmTotpErrors,
  LoginConfirmTotpResponses,
  LoginPasskeyCreationOptionsErrors,
  LoginPasskeyCreationOptionsResponses,
  LoginAddPasskeyData,
  LoginAddPasskeyErrors,
  LoginAddPasskeyResponses,
  LoginPasskeyOptionsErrors,
  LoginPasskeyOptionsResponses,
  LoginPasskeyData,
  LoginPasskeyErrors,
  LoginPasskeyResponses,
  ReauthenticateData,
  ReauthenticateErrors,
  ReauthenticateResponses,
  ReauthenticatePasskeyOptionsErrors,
  ReauthenticatePasskeyOptionsResponses,
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

/**
 * Method, path, the statuses of successes, those of refusals; `*`: it changes the cookies; `!`: it takes `X-Doorward-User`, the person
 * whose page it is.
 */
export const operations = {
  register: "POST /register 201,202 400 403 409 413 415 422 429",
  me: "GET /me 200 401",
  updateMe: "PATCH /me 200 400 401 403 409 413 415 422 429 !",
  changePassword: "POST /password 200 400 401 403 409 413 415 422 429 * !",
  login: "POST /login 200 400 401 403 413 415 422 429 *",
  refresh: "POST /refresh 200 401 403 429 *",
  logout: "POST /logout 200 403 *",
  listSessions: "GET /sessions 200 401",
  endSession: "DELETE /sessions/{id} 204 401 403 404 409 * !",
  logoutAll: "POST /logout-all 200 400 401 403 409 413 415 422 * !",
  state: "GET /state 200",
} as const;

/** Those that `@doorward/client/account` adds. */
export type More = "deleteMe" | "resetPassword" | "forgotPassword" | "reportNotMe" | "followFactorRecovery" | "sendVerification" | "verifyEmail" | "changeEmail" | "correctEmail" | "confirmEmailChange" | "restoreEmail" | "exportMe" | "listFactors" | "enrolTotp" | "removeTotp" | "confirmTotp" | "makeRecoveryCodes" | "passkeyCreationOptions" | "addPasskey" | "renamePasskey" | "removePasskey" | "loginSecondFactor" | "secondFactorPasskeyOptions" | "askFactorRecovery" | "loginEnrolTotp" | "loginConfirmTotp" | "loginPasskeyCreationOptions" | "loginAddPasskey" | "loginPasskeyOptions" | "loginPasskey" | "reauthenticate" | "reauthenticatePasskeyOptions";

/** The operations, by their ids in the contract. */
export type Operation = keyof typeof operations | More;

/** What each operation is given. */
export interface Arguments {
  register: [body: NonNullable<RegisterData["body"]>];
  me: [];
  updateMe: [body: NonNullable<UpdateMeData["body"]>];
  deleteMe: [body: NonNullable<DeleteMeData["body"]>];
  changePassword: [body: NonNullable<ChangePasswordData["body"]>];
  resetPassword: [body: NonNullable<ResetPasswordData["body"]>];
  forgotPassword: [body: NonNullable<ForgotPasswordData["body"]>];
  reportNotMe: [body: NonNullable<ReportNotMeData["body"]>];
  followFactorRecovery: [body: NonNullable<FollowFactorRecoveryData["body"]>];
  sendVerification: [];
  verifyEmail: [body: NonNullable<VerifyEmailData["body"]>];
  changeEmail: [body: NonNullable<ChangeEmailData["body"]>];
  correctEmail: [body: NonNullable<CorrectEmailData["body"]>];
  confirmEmailChange: [body: NonNullable<ConfirmEmailChangeData["body"]>];
  restoreEmail: [body: NonNullable<RestoreEmailData["body"]>];
  exportMe: [];
  listFactors: [];
  enrolTotp: [];
  removeTotp: [];
  confirmTotp: [body: NonNullable<ConfirmTotpData["body"]>];
  makeRecoveryCodes: [];
  passkeyCreationOptions: [];
  addPasskey: [body: NonNullable<AddPasskeyData["body"]>];
  renamePasskey: [id: string, body: NonNullable<RenamePasskeyData["body"]>];
  removePasskey: [id: string];
  login: [body: NonNullable<LoginData["body"]>];
  refresh: [];
  logout: [];
  loginSecondFactor: [body: NonNullable<LoginSecondFactorData["body"]>];
  secondFactorPasskeyOptions: [];
  askFactorRecovery: [];
  loginEnrolTotp: [];
  loginConfirmTotp: [body: NonNullable<LoginConfirmTotpData["body"]>];
  loginPasskeyCreationOptions: [];
  loginAddPasskey: [body: NonNullable<LoginAddPasskeyData["body"]>];
  loginPasskeyOptions: [];
  loginPasskey: [body: NonNullable<LoginPasskeyData["body"]>];
  reauthenticate: [body: NonNullable<ReauthenticateData["body"]>];
  reauthenticatePasskeyOptions: [];
  listSessions: [];
  endSession: [id: string];
  logoutAll: [body?: NonNullable<LogoutAllData["body"]>];
  state: [];
}

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
  followFactorRecovery: FollowFactorRecoveryResponses;
  sendVerification: SendVerificationResponses;
  verifyEmail: VerifyEmailResponses;
  changeEmail: ChangeEmailResponses;
  correctEmail: CorrectEmailResponses;
  confirmEmailChange: ConfirmEmailChangeResponses;
  restoreEmail: RestoreEmailResponses;
  exportMe: ExportMeResponses;
  listFactors: ListFactorsResponses;
  enrolTotp: EnrolTotpResponses;
  removeTotp: RemoveTotpResponses;
  confirmTotp: ConfirmTotpResponses;
  makeRecoveryCodes: MakeRecoveryCodesResponses;
  passkeyCreationOptions: PasskeyCreationOptionsResponses;
  addPasskey: AddPasskeyResponses;
  renamePasskey: RenamePasskeyResponses;
  removePasskey: RemovePasskeyResponses;
  login: LoginResponses;
  refresh: RefreshResponses;
  logout: LogoutResponses;
  loginSecondFactor: LoginSecondFactorResponses;
  secondFactorPasskeyOptions: SecondFactorPasskeyOptionsResponses;
  askFactorRecovery: AskFactorRecoveryResponses;
  loginEnrolTotp: LoginEnrolTotpResponses;
  loginConfirmTotp: LoginConfirmTotpResponses;
  loginPasskeyCreationOptions: LoginPasskeyCreationOptionsResponses;
  loginAddPasskey: LoginAddPasskeyResponses;
  loginPasskeyOptions: LoginPasskeyOptionsResponses;
  loginPasskey: LoginPasskeyResponses;
  reauthenticate: ReauthenticateResponses;
  reauthenticatePasskeyOptions: ReauthenticatePasskeyOptionsResponses;
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
  followFactorRecovery: FollowFactorRecoveryErrors;
  sendVerification: SendVerificationErrors;
  verifyEmail: VerifyEmailErrors;
  changeEmail: ChangeEmailErrors;
  correctEmail: CorrectEmailErrors;
  confirmEmailChange: ConfirmEmailChangeErrors;
  restoreEmail: RestoreEmailErrors;
  exportMe: ExportMeErrors;
  listFactors: ListFactorsErrors;
  enrolTotp: EnrolTotpErrors;
  removeTotp: RemoveTotpErrors;
  confirmTotp: ConfirmTotpErrors;
  makeRecoveryCodes: MakeRecoveryCodesErrors;
  passkeyCreationOptions: PasskeyCreationOptionsErrors;
  addPasskey: AddPasskeyErrors;
  renamePasskey: RenamePasskeyErrors;
  removePasskey: RemovePasskeyErrors;
  login: LoginErrors;
  refresh: RefreshErrors;
  logout: LogoutErrors;
  loginSecondFactor: LoginSecondFactorErrors;
  secondFactorPasskeyOptions: SecondFactorPasskeyOptionsErrors;
  askFactorRecovery: AskFactorRecoveryErrors;
  loginEnrolTotp: LoginEnrolTotpErrors;
  loginConfirmTotp: LoginConfirmTotpErrors;
  loginPasskeyCreationOptions: LoginPasskeyCreationOptionsErrors;
  loginAddPasskey: LoginAddPasskeyErrors;
  loginPasskeyOptions: LoginPasskeyOptionsErrors;
  loginPasskey: LoginPasskeyErrors;
  reauthenticate: ReauthenticateErrors;
  reauthenticatePasskeyOptions: ReauthenticatePasskeyOptionsErrors;
  listSessions: ListSessionsErrors;
  endSession: EndSessionErrors;
  logoutAll: LogoutAllErrors;
  state: StateErrors;
}
