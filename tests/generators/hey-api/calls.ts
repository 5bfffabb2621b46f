import type { LoginError } from "./client/index";
import { login, me, register } from "./client/index";
import { createClient, createConfig } from "./client/client/index";
import type { MakeCalls } from "./walk";
import { ok } from "./walk";

export type Refusal = LoginError;

function told({ data, error }: { data?: object | undefined; error?: { code: string } | undefined }) {
  return error ? { said: error.code } : ok(data);
}

export const makeCalls: MakeCalls = (baseUrl, settings) => {
  const client = createClient(createConfig({ baseUrl, ...settings }));
  return {
    register: async (body) => told(await register({ client, body })),
    login: async (body) => told(await login({ client, body })),
    me: async () => told(await me({ client })),
  };
};
