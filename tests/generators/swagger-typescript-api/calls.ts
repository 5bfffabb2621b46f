import { Api } from "./client/client";
import type { MakeCalls } from "./walk";
import { ok } from "./walk";

export type Refusal = Awaited<ReturnType<Api<unknown>["api"]["login"]>>["error"];

/** A refusal is thrown, and what is thrown has no type. */
async function told(asked: Promise<{ data: object }>) {
  try {
    return ok((await asked).data);
  } catch (refused) {
    return { said: (refused as { error: { code: string } }).error.code };
  }
}

export const makeCalls: MakeCalls = (baseUrl, settings) => {
  const { api } = new Api({ baseUrl, ...(settings.credentials ? { baseApiParams: settings } : {}) });
  return {
    register: (person) => told(api.register(person)),
    login: (person) => told(api.login(person)),
    me: () => told(api.me()),
  };
};
