// @vitest-environment jsdom
import { createSSRApp, h } from "vue";
import { renderToString } from "vue/server-renderer";
import { expect, onTestFinished, test, vi } from "vitest";

import { createAuthClient } from "../src/index.js";
import { useAuth } from "../src/vue.js";
import { doorward, memory, user } from "./service.js";

test("Vue: what a server renders is what the browser first shows; then login, failure and logout", async () => {
  const service = await doorward();
  const options = { baseUrl: service.url, storage: memory(), locks: null, channel: null };
  const client = createAuthClient(options);
  onTestFinished(() => client.dispose());
  let auth!: ReturnType<typeof useAuth>;
  const page = (of: typeof client) => ({
    setup() {
      auth = useAuth(of);
      const other = useAuth(of);
      return () => h("p", auth.value.loading ? "…" : (other.value.user?.email ?? auth.value.error ?? "nobody"));
    },
  });
  const element = document.createElement("div");
  element.innerHTML = await renderToString(createSSRApp(page(createAuthClient(options))));
  expect(element.textContent).toBe("…");
  const complaints = vi.spyOn(console, "warn");
  const app = createSSRApp(page(client));
  app.mount(element);
  onTestFinished(() => app.unmount());
  await vi.waitFor(() => expect(element.textContent).toBe("nobody"));
  expect(complaints).not.toHaveBeenCalled();
  expect(service.asked).toEqual(["GET /state"]);
  await auth.value.login({ email: user.email, password: "SecurePass123" });
  await vi.waitFor(() => expect(element.textContent).toBe(user.email));
  await auth.value.logout();
  service.instead = () => "cut";
  await auth.value.login({ email: user.email, password: "SecurePass123" });
  await vi.waitFor(() => expect(element.textContent).toContain("reached"));
});
