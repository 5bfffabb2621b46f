import { login } from "./client/clients/login";
import { me } from "./client/clients/me";
import { register } from "./client/clients/register";
import { setConfig } from "./client/.kubb/fetch";
import type { MakeCalls } from "./walk";
import { ok } from "./walk";

export type Refusal = Exclude<Awaited<ReturnType<typeof login>>["data"], { message: string }>;

/** A refusal comes as the data of a success: `status` tells them apart. */
function told({ status, data }: { status: number; data: object }) {
  return status >= 400 ? { said: (data as { code: string }).code } : ok(data);
}

export const makeCalls: MakeCalls = (baseURL, settings) => {
  setConfig({ baseURL, headers: { "Content-Type": "application/json" }, ...settings });
  return {
    register: async (person) => told(await register(person)),
    login: async (person) => told(await login(person)),
    me: async () => told(await me()),
  };
};
