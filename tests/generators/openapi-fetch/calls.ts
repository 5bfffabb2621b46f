import createClient from "openapi-fetch";

import type { paths } from "./client/schema";
import type { Credentials, MakeCalls } from "./walk";
import { ok } from "./walk";

type Client = ReturnType<typeof createClient<paths>>;
const login = (client: Client, body: Credentials) => client.POST("/api/auth/login", { body });
export type Refusal = NonNullable<Awaited<ReturnType<typeof login>>["error"]>;

function told({ data, error }: { data?: object | undefined; error?: { code: string } | undefined }) {
  return error ? { said: error.code } : ok(data);
}

export const makeCalls: MakeCalls = (baseUrl, settings) => {
  const client = createClient<paths>({ baseUrl, ...settings });
  return {
    register: async (body) => told(await client.POST("/api/auth/register", { body })),
    login: async (body) => told(await login(client, body)),
    me: async () => told(await client.GET("/api/auth/me")),
  };
};
