import type { loginResponseError } from "./client/client";
import { login, me, register } from "./client/client";
import { service } from "./fetcher";
import type { MakeCalls } from "./walk";
import { ok } from "./walk";

export type Refusal = loginResponseError["data"];

const told = ({ status, data }: { status: number; data: object & { code?: string } }) => (status >= 400 ? { said: String(data.code) } : ok(data));

export const makeCalls: MakeCalls = (baseUrl, settings) => {
  service.baseUrl = baseUrl;
  service.settings = settings;
  return {
    register: async (person) => told(await register(person)),
    login: async (person) => {
      const answer = await login(person);
      return answer.status === 200 ? ok(answer.data) : { said: answer.data.code };
    },
    me: async () => told(await me()),
  };
};
