import * as client from "./client/client";
import type { MakeCalls } from "./walk";
import { ok } from "./walk";

export type Refusal = Exclude<Awaited<ReturnType<typeof client.login>>, { status: 200 }>["data"];

/** Of a page of HTML there is no data, whatever its type says. */
const told = ({ status, data }: { status: number; data: object & { code?: string } }) => (status >= 400 ? { said: String(data?.code ?? "") } : ok(data));

export const makeCalls: MakeCalls = (baseUrl, settings) => {
  Object.assign(client.defaults, { baseUrl }, settings);
  return {
    register: async (person) => told(await client.register(person)),
    login: async (person) => {
      const answer = await client.login(person);
      return answer.status === 200 ? ok(answer.data) : { said: answer.data.code };
    },
    me: async () => told(await client.me()),
  };
};
