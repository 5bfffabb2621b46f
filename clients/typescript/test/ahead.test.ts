// @vitest-environment jsdom
import { expect, onTestFinished, test, vi } from "vitest";

import { createAuthClient } from "../src/index.js";
import { bob, doorward, memory, user } from "./service.js";

/** A tab whose tokens live for an hour, at a quarter of the random span. */
async function tab(isHidden = false) {
  const service = await doorward();
  vi.spyOn(document, "hidden", "get").mockReturnValue(isHidden);
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
  return { service, client, storage, refreshes, renewedAt };
}

/** Lets what is under way arrive: the network knows nothing of the clock above. */
const settle = () => new Promise((done) => setImmediate(() => setImmediate(done)));

test("tokens are renewed at 75 to 95 % of their life, again and again", async () => {
  const { refreshes, renewedAt } = await tab();
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
  const { refreshes } = await tab(true);
  vi.advanceTimersByTime(3_600_000);
  await settle();
  expect(refreshes()).toBe(0);
  vi.spyOn(document, "hidden", "get").mockReturnValue(false);
  document.dispatchEvent(new Event("visibilitychange"));
  vi.advanceTimersByTime(1);
  await vi.waitFor(() => expect(refreshes()).toBe(1));
});

test("storage that can't be written makes nothing of an old note", async () => {
  const { client, storage, service, refreshes } = await tab();
  storage.setItem(`doorward:${service.url}`, String(Date.now() - 86_400_000));
  storage.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  await client.refresh();
  vi.advanceTimersByTime(60_000);
  await settle();
  expect(refreshes()).toBe(1);
});

test("a clock that was put back renews no later than a token lives", async () => {
  const { refreshes } = await tab();
  vi.setSystemTime(Date.now() - 10 * 3_600_000);
  document.dispatchEvent(new Event("visibilitychange"));
  await settle();
  vi.advanceTimersByTime(3_600_000);
  await vi.waitFor(() => expect(refreshes()).toBe(1));
});

test("a tab that comes into view asks who is there", async () => {
  const { client, service } = await tab();
  service.enter(bob);
  document.dispatchEvent(new Event("visibilitychange"));
  await vi.waitFor(() => expect(client.getSnapshot().user?.email).toBe(bob.email));
});

test("a page that is put away shows nobody, and asks when it comes back", async () => {
  const { client, service } = await tab();
  const event = (type: string) => window.dispatchEvent(Object.assign(new Event(type), { persisted: true }));
  event("pagehide");
  expect(client.getSnapshot()).toEqual({ status: "unknown", user: null, lost: null });
  service.enter(bob);
  event("pageshow");
  expect(client.getSnapshot().user).toBe(null);
  await vi.waitFor(() => expect(client.getSnapshot().user?.email).toBe(bob.email));
});

test("a service that is away is named once, with the page's origin and the setting, and asked again", async () => {
  const { client, service } = await tab();
  const said = vi.spyOn(console, "error").mockImplementation(() => {});
  await client.logout();
  const other = createAuthClient({ baseUrl: service.url, storage: null, locks: null, channel: null });
  onTestFinished(() => other.dispose());
  service.instead = () => "cut";
  expect((await other.start()).status).toBe("unavailable");
  await other.start();
  expect(said.mock.calls).toEqual([[`doorward:${service.url}: no answer to ${location.origin} (ALLOWED_ORIGINS?)`]]);
  service.instead = () => undefined;
  vi.advanceTimersByTime(5_000);
  await vi.waitFor(() => expect(other.getSnapshot().status).toBe("anonymous"));
});
