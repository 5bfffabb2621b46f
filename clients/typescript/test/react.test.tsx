// @vitest-environment jsdom
import { StrictMode, act } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { expect, onTestFinished, test, vi } from "vitest";

import { createAuthClient } from "../src/index.js";
import { meQuery, sessionsQuery } from "../src/query.js";
import { AuthProvider, useAuth } from "../src/react.js";
import type { Auth } from "../src/react.js";
import { bob, doorward, memory, problem, user } from "./service.js";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

async function application(loggedIn: boolean) {
  const service = await doorward(loggedIn ? user : undefined);
  service.instead = (path) => (path === "/register" ? problem(409, "email_unavailable") : undefined);
  // Node's fetch: jsdom has none.
  const client = createAuthClient({ baseUrl: service.url, storage: memory(), locks: null, channel: null });
  onTestFinished(() => client.dispose());
  const seen: Auth[] = [];
  const Page = () => {
    const auth = useAuth();
    seen.push(auth);
    return <p>{auth.loading ? "…" : (auth.user?.email ?? "nobody")}</p>;
  };
  const tree = (
    <StrictMode>
      <AuthProvider client={client}>
        <Page />
      </AuthProvider>
    </StrictMode>
  );
  return { service, client, tree, last: () => seen.at(-1)! };
}

test("StrictMode: one start, then login and logout", async () => {
  const { service, client, tree, last } = await application(false);
  const element = document.createElement("div");
  const root = createRoot(element);
  onTestFinished(() => act(() => root.unmount()));
  await act(async () => root.render(tree));
  await act(() => vi.waitFor(() => expect(client.getSnapshot().status).toBe("anonymous")));
  expect(last().status).toBe("anonymous");
  expect(service.asked).toEqual(["GET /state"]);
  await act(() => last().login({ email: user.email, password: "SecurePass123" }));
  expect(element.textContent).toBe(user.email);
  await act(() => last().register({ email: user.email, password: "SecurePass123" }));
  expect(last().error).toBe("It is email_unavailable.");
  await act(() => last().logout());
  expect([element.textContent, last().error]).toEqual(["nobody", null]);
});

test("what a server renders is what the browser first shows", async () => {
  const { tree, client } = await application(true);
  await client.start();
  const element = document.createElement("div");
  element.innerHTML = renderToString(tree);
  expect(element.textContent).toBe("…");
  const complaints = vi.fn();
  let root: ReturnType<typeof hydrateRoot>;
  await act(async () => (root = hydrateRoot(element, tree, { onRecoverableError: complaints })));
  onTestFinished(() => act(() => root.unmount()));
  expect(element.textContent).toBe(user.email);
  expect(complaints).not.toHaveBeenCalled();
});

test("TanStack Query: somebody, nobody, and an error that says what happened", async () => {
  const { client } = await application(true);
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  expect(await queries.fetchQuery(meQuery(client))).toEqual(user);
  expect(await queries.fetchQuery(sessionsQuery(client))).toEqual([]);
  const nobody = await application(false);
  expect(await new QueryClient().fetchQuery(meQuery(nobody.client))).toBe(null);
  const away = createAuthClient({ baseUrl: "http://127.0.0.1:1", storage: memory(), locks: null, channel: null });
  await expect(new QueryClient({ defaultOptions: { queries: { retry: false } } }).fetchQuery(meQuery(away))).rejects.toThrow("reached");
});

test("where a mail says how it goes on, nobody is logged in", async () => {
  const { service, client, tree, last } = await application(false);
  service.instead = (path) => (path === "/register" ? { status: 202, body: { message: "A mail says how it goes on." } } : undefined);
  const root = createRoot(document.createElement("div"));
  onTestFinished(() => act(() => root.unmount()));
  await act(async () => root.render(tree));
  await act(() => vi.waitFor(() => expect(client.getSnapshot().status).toBe("anonymous")));
  const result = await act(() => last().register({ email: user.email, password: "SecurePass123" }));
  expect(result).toMatchObject({ ok: true, status: 202, data: { message: "A mail says how it goes on." } });
  expect(last()).toMatchObject({ status: "anonymous", error: null });
  expect(service.asked).toEqual(["GET /state", "POST /register"]);
});

test("a service that is away, and cookies that the browser drops, are said to people", async () => {
  const { service, client, tree, last } = await application(false);
  const said = vi.spyOn(console, "error").mockImplementation(() => {});
  onTestFinished(() => said.mockRestore());
  service.instead = () => "cut";
  const element = document.createElement("div");
  const root = createRoot(element);
  onTestFinished(() => act(() => root.unmount()));
  await act(async () => root.render(tree));
  await act(() => vi.waitFor(() => expect(client.getSnapshot().status).toBe("unavailable")));
  expect([last().loading, last().error]).toEqual([false, "The service can't be reached. Are you online?"]);
  service.instead = (path) => (path === "/register" ? { status: 201, body: user } : undefined);
  await act(() => last().retry());
  expect([last().status, last().error]).toEqual(["anonymous", null]);
  service.keepsCookies = false;
  const result = await act(() => last().register({ email: user.email, password: "SecurePass123" }));
  expect(result).toEqual({ ok: false, kind: "cookies" });
  expect(last().error).toContain("cookies");
});

test("TanStack Query: what was asked for one person is not shown to the next", async () => {
  const { service, client } = await application(true);
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  await client.start();
  const seen: unknown[] = [];
  const { queryKey, queryFn } = meQuery(client);
  const observer = new QueryObserver(queries, { queryKey, queryFn, staleTime: Infinity });
  onTestFinished(observer.subscribe(({ data }) => seen.push(data && data.email)));
  await vi.waitFor(() => expect(seen.at(-1)).toBe(user.email));
  service.enter(bob);
  await client.me();
  await vi.waitFor(() => expect(seen.at(-1)).toBe(bob.email));
  await client.logout();
  await vi.waitFor(() => expect(seen.at(-1)).toBe(null));
});
