// @vitest-environment jsdom
import { expect, onTestFinished, test, vi } from "vitest";

import { createAuthClient } from "../src/index.js";
import { memory, message, serve, user } from "./service.js";

/** A tab whose tokens live for an hour, at a quarter of the random span; `visibility` is what the browser says of it. */
async function tab(visibility: DocumentVisibilityState) {
  const service = await serve((path) => (path === "/me" ? { status: 200, body: user } : message("done")));
  vi.spyOn(document, "visibilityState", "get").mockReturnValue(visibility);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  onTestFinished(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
  const storage = memory();
  // Time leaps: no request is given up in between.
  const options = { storage, locks: null, channel: null, random: () => 0.25, timeout: 3_600_000 };
  const client = createAuthClient({ baseUrl: service.url, ...options });
  onTestFinished(() => client.dispose());
  await client.login({ email: user.email, password: "SecurePass123" });
  const refreshes = () => service.asked.filter((path) => path === "POST /refresh").length;
  const renewedAt = () => storage.getItem(`doorward:${service.url}`);
  return { refreshes, renewedAt };
}

/** Lets what is under way arrive: the network knows nothing of the clock above. */
const settle = () => new Promise((done) => setImmediate(() => setImmediate(done)));

test("tokens are renewed at 75 to 95 % of their life, again and again", async () => {
  const { refreshes, renewedAt } = await tab("visible");
  for (let round = 1; round <= 3; round++) {
    const before = renewedAt();
    vi.advanceTimersByTime(3_600_000 * 0.8 - 60_000);
    await settle();
    expect(refreshes()).toBe(round - 1);
    vi.advanceTimersByTime(120_000);
    await vi.waitFor(() => expect(renewedAt()).not.toBe(before));
    expect(refreshes()).toBe(round);
  }
});

test("a tab that nobody sees renews nothing until it is seen", async () => {
  const { refreshes } = await tab("hidden");
  vi.advanceTimersByTime(3_600_000);
  await settle();
  expect(refreshes()).toBe(0);
  vi.spyOn(document, "visibilityState", "get").mockReturnValue("visible");
  document.dispatchEvent(new Event("visibilitychange"));
  vi.advanceTimersByTime(1);
  await vi.waitFor(() => expect(refreshes()).toBe(1));
});
