import { AccountApi, Configuration, ResponseError, SessionApi } from "./client/index";
import type { MakeCalls } from "./walk";
import { ok } from "./walk";

// What is thrown is a Response: its body has no type.
export type Refusal = Awaited<ReturnType<ResponseError["response"]["json"]>>;

async function told(asked: Promise<object>) {
  try {
    return ok(await asked);
  } catch (refused) {
    if (!(refused instanceof ResponseError)) throw refused;
    return { said: (await refused.response.json().catch(() => ({}))).code };
  }
}

export const makeCalls: MakeCalls = (basePath, settings) => {
  const configuration = new Configuration({ basePath, ...settings });
  const account = new AccountApi(configuration);
  const session = new SessionApi(configuration);
  return {
    register: (registration) => told(account.register({ registration })),
    login: (login) => told(session.login({ login })),
    me: () => told(account.me()),
  };
};
