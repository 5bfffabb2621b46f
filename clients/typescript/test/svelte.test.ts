// @vitest-environment jsdom
import { get } from "svelte/store";
import { expect, onTestFinished, test, vi } from "vitest";

import { createAuthClient } from "../src/index.js";
import { useAuth } from "../src/svelte.js";
import { doorward, memory, user } from "./service.js";

test("Svelte: a store that begins with what a server renders, and follows the client", async () => {
  const service = await doorward(user);
  const client = createAuthClient({ baseUrl: service.url, storage: memory(), locks: null, channel: null });
  onTestFinished(() => client.dispose());
  const auth = useAuth(client);
  const seen: (string | null)[] = [];
  const stop = auth.subscribe(({ loading, user }) => seen.push(loading ? "…" : (user?.email ?? null)));
  await vi.waitFor(() => expect(seen.at(-1)).toBe(user.email));
  expect(seen[0]).toBe("…");
  expect(get(auth).client).toBe(client);
  await get(auth).logout();
  expect(seen.at(-1)).toBe(null);
  stop();
  const { length } = seen;
  await get(auth).login({ email: user.email, password: "SecurePass123" });
  expect(seen.length).toBe(length);
  // One for all components.
  expect(service.asked.filter((path) => path === "GET /state").length).toBe(2);
});
