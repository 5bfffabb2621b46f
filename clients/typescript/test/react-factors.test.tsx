// @vitest-environment jsdom
import { StrictMode, act } from "react";
import { createRoot } from "react-dom/client";
import { onTestFinished } from "vitest";

import { createAuthClient } from "../src/index.js";
import { AuthProvider, useAuth } from "../src/react.js";
import { useFactors, useLogin, usePasskeys, useRecentProof } from "../src/react-factors.js";
import { factorStories } from "./factor-stories.js";
import type { Seen } from "./factor-stories.js";
import { doorward, memory, user } from "./service.js";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

factorStories(async (loggedIn) => {
  const service = await doorward(loggedIn ? user : undefined);
  const client = createAuthClient({ baseUrl: service.url, storage: memory(), locks: null, channel: null });
  onTestFinished(() => client.dispose());
  let seen!: Seen;
  const Page = () => {
    seen = { auth: useAuth(), login: useLogin(), proof: useRecentProof(), factors: useFactors(), passkeys: usePasskeys() };
    return null;
  };
  const root = createRoot(document.createElement("div"));
  const leave = () => act(() => root.unmount());
  onTestFinished(leave);
  await act(async () =>
    root.render(
      <StrictMode>
        <AuthProvider client={client}>
          <Page />
        </AuthProvider>
      </StrictMode>,
    ),
  );
  return { service, client, seen: () => seen, act, leave };
});
