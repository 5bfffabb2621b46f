// @vitest-environment jsdom
import { createApp, createSSRApp, h, nextTick } from "vue";
import { renderToString } from "vue/server-renderer";
import { expect, onTestFinished, test, vi } from "vitest";

import { createAuthClient } from "../src/index.js";
import { useAuth } from "../src/vue.js";
import { useFactors, useLogin, usePasskeys, useRecentProof } from "../src/vue-factors.js";
import { factorStories } from "./factor-stories.js";
import type { Seen } from "./factor-stories.js";
import { doorward, memory, user } from "./service.js";

factorStories(async (loggedIn) => {
  const service = await doorward(loggedIn ? user : undefined);
  const client = createAuthClient({ baseUrl: service.url, storage: memory(), locks: null, channel: null });
  onTestFinished(() => client.dispose());
  let seen!: Seen;
  const app = createApp({
    setup() {
      const [auth, login, proof] = [useAuth(client), useLogin(client), useRecentProof(client)];
      const [factors, passkeys] = [useFactors(client), usePasskeys(client)];
      return () => {
        seen = { auth: auth.value, login: login.value, proof: proof.value, factors, passkeys };
        return null;
      };
    },
  });
  app.mount(document.createElement("div"));
  let isThere = true;
  const leave = () => {
    if (isThere) app.unmount();
    isThere = false;
  };
  onTestFinished(leave);
  const act = async <T>(what: () => Promise<T>) => {
    const result = await what();
    await nextTick();
    return result;
  };
  return { service, client, seen: () => seen, act, leave };
});

test("Vue: a server renders the first step, and follows nobody", async () => {
  const client = createAuthClient({ storage: null, locks: null, channel: null });
  onTestFinished(() => client.dispose());
  const subscribed = vi.spyOn(client, "subscribe");
  const page = {
    setup() {
      const [login, proof] = [useLogin(client), useRecentProof(client)];
      return () => h("p", `${login.value.step}, ${proof.value.wanted}`);
    },
  };
  expect(await renderToString(createSSRApp(page))).toBe("<p>password, null</p>");
  expect(subscribed).not.toHaveBeenCalled();
});
