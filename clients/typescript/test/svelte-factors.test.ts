// @vitest-environment jsdom
import { onTestFinished } from "vitest";

import { createAuthClient } from "../src/index.js";
import { useAuth } from "../src/svelte.js";
import { useFactors, useLogin, usePasskeys, useRecentProof } from "../src/svelte-factors.js";
import { factorStories } from "./factor-stories.js";
import type { Seen } from "./factor-stories.js";
import { doorward, memory, user } from "./service.js";

factorStories(async (loggedIn) => {
  const service = await doorward(loggedIn ? user : undefined);
  const client = createAuthClient({ baseUrl: service.url, storage: memory(), locks: null, channel: null });
  onTestFinished(() => client.dispose());
  const seen = { factors: useFactors(client), passkeys: usePasskeys(client) } as Seen;
  // As the compiler does it for `$auth`, `$login` and `$proof`.
  const stops = [
    useAuth(client).subscribe((auth) => Object.assign(seen, { auth })),
    useLogin(client).subscribe((login) => Object.assign(seen, { login })),
    useRecentProof(client).subscribe((proof) => Object.assign(seen, { proof })),
  ];
  const leave = () => stops.splice(0).forEach((stop) => stop());
  onTestFinished(leave);
  return { service, client, seen: () => seen, act: (what) => what(), leave };
});
