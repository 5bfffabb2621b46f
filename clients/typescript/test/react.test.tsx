// @vitest-environment jsdom
import { StrictMode, act } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { QueryClient } from "@tanstack/react-query";
import { expect, onTestFinished, test, vi } from "vitest";

import { createAuthClient } from "../src/index.js";
import { meQuery, sessionsQuery } from "../src/query.js";
import { AuthProvider, useAuth } from "../src/react.js";
import type { Auth } from "../src/react.js";
import { memory, message, problem, serve, user } from "./service.js";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

async function application(loggedIn: boolean) {
  const state = { loggedIn };
  const service = await serve((path) => {
    if (path === "/login") return ((state.loggedIn = true), message("Login successful"));
    if (path === "/logout") return ((state.loggedIn = false), message("Successfully logged out"));
    if (path === "/register") return problem(409, "email_unavailable");
    if (!state.loggedIn) return problem(401, "not_authenticated");
    return path === "/refresh" ? message("Token refreshed successfully") : { status: 200, body: path === "/me" ? user : { sessions: [] } };
  });
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
  expect(service.asked).toEqual(["POST /refresh"]);
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
