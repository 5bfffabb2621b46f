import { configureStore } from "@reduxjs/toolkit";

import { base, service } from "./base";
import { client } from "./client/client";
import type { MakeCalls } from "./walk";
import { ok } from "./walk";

const { login, me, register } = client.endpoints;
const store = configureStore({ reducer: { [base.reducerPath]: base.reducer }, middleware: (usual) => usual().concat(base.middleware) });

type ErrorOf<T> = T extends { error: infer E } ? E : never;
const ask = (body: { email: string; password: string }) => store.dispatch(login.initiate({ login: body }));
export type Refusal = Extract<ErrorOf<Awaited<ReturnType<typeof ask>>>, { status: number }>["data"];

/** What the service says is of unknown type. */
function told({ data, error }: { data?: object | undefined; error?: unknown }) {
  return error ? { said: (error as { data: { code: string } }).data.code } : ok(data);
}

export const makeCalls: MakeCalls = (baseUrl, settings) => {
  service.baseUrl = baseUrl;
  service.settings = settings;
  return {
    register: async (person) => told(await store.dispatch(register.initiate({ registration: person }))),
    login: async (person) => told(await ask(person)),
    me: async () => told(await store.dispatch(me.initiate(undefined, { forceRefetch: true, subscribe: false }))),
  };
};
