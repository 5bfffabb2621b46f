// The client in browsers that are not Chromium, against the real service: what differs between engines is cookies, locks, messages, and pages
// that come back. An engine that is not installed is left out, unless DOORWARD_TEST_ENGINES=required.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { getAuthState } from "../../dist/server.js";
import { atEnd } from "../../../../tests/browser/ends.mjs";
import { startDoorward } from "../../../../tests/browser/support.mjs";
import { person, startOrigin, startProxy } from "../browser/support.mjs";
import { engines } from "./drivers.mjs";

const bob = { email: "bob@example.com", password: person.password };

/** A service, a page with a client of it, and a browser. */
async function start(t, engine, { settings = {}, host = "localhost", through = (port) => port } = {}) {
  const port = await startDoorward(t, { LOGIN_RATE_LIMIT: "off", PASSWORD_CHANGE_RATE_LIMIT: "1000/1h", ...settings });
  const api = `http://localhost:${await through(port)}`;
  const { open, expireAccess } = await engine.launch(t, engine.file);
  const page = (await startOrigin(t, api)).replace("localhost", host);
  const tab = async (url = page) => {
    const tab = await open(url);
    await until(tab, () => "auth" in window);
    return tab;
  };
  return { api, page, tab, expireAccess };
}

async function until(tab, work, word) {
  for (let attempt = 0; attempt < 200; attempt++) {
    // A page may be on its way.
    if (await tab.evaluate(work, word).catch(() => false)) return;
    await wait(50);
  }
  assert.fail(`never: ${work} ${word ?? ""}`);
}

const isStatus = (status) => auth.getSnapshot().status === status;
const isUser = (email) => auth.getSnapshot().user?.email === email;
const logIn = (tab, who = person) =>
  tab.evaluate(async (person) => {
    await auth.register(person);
    return auth.login(person);
  }, who);

for (const [name, engine] of Object.entries(engines)) {
  const skip = !engine.file && process.env.DOORWARD_TEST_ENGINES !== "required" && `${name} is not installed`;
  const scenario = (what, work) => test(`${name}: ${what}`, { skip, timeout: 240_000 }, (t) => work(t));

  scenario("a first visit asks once, login and logout show in the other tab", async (t) => {
    const { tab } = await start(t, engine);
    const [one, other] = [await tab(), await tab()];
    assert.equal((await one.evaluate(() => auth.start())).status, "anonymous");
    const asked = await one.evaluate(() => performance.getEntriesByType("resource").filter((entry) => entry.name.includes("/api/auth/")).length);
    assert.equal(asked, 1);
    assert.equal((await logIn(one)).ok, true);
    await until(other, isUser, person.email);
    assert.ok((await other.evaluate(() => auth.logout())).ok);
    await until(one, isStatus, "anonymous");
    assert.deepEqual(await one.evaluate(() => lost), []);
  });

  scenario("two tabs, fifty requests each without a valid token: all succeed", async (t) => {
    const { tab, expireAccess } = await start(t, engine);
    const tabs = [await tab(), await tab()];
    assert.equal((await logIn(tabs[0])).ok, true);
    await until(tabs[1], isStatus, "authenticated");
    for (let round = 0; round < 3; round++) {
      await expireAccess();
      const counts = await Promise.all(
        tabs.map((tab) => tab.evaluate(async () => (await Promise.all(Array.from({ length: 50 }, () => auth.me()))).filter(({ ok }) => ok).length)),
      );
      assert.deepEqual(counts, [50, 50]);
    }
    for (const tab of tabs) assert.deepEqual(await tab.evaluate(() => [auth.getSnapshot().status, lost.length]), ["authenticated", 0]);
  });

  scenario("the password is changed in one tab while another asks: both stay in", async (t) => {
    let proxy;
    const { tab } = await start(t, engine, { through: async (port) => (proxy = await startProxy(t, port)).port });
    const [changing, asking] = [await tab(), await tab()];
    assert.equal((await logIn(changing)).ok, true);
    await until(asking, isStatus, "authenticated");
    proxy.slow = { path: "POST /api/auth/password", milliseconds: 150 };
    let [current, next] = [person.password, "EvenMoreSecure456"];
    for (let round = 0; round < 6; round++) {
      const change = changing.evaluate(([current_password, new_password]) => auth.changePassword({ current_password, new_password }), [current, next]);
      await wait(25 * round);
      const asked = await asking.evaluate(() => auth.sessions());
      const changed = await change;
      assert.ok(changed.ok && asked.ok, JSON.stringify([changed, asked]));
      [current, next] = [next, current];
    }
    for (const tab of [changing, asking]) assert.deepEqual(await tab.evaluate(() => [auth.getSnapshot().status, lost.length]), ["authenticated", 0]);
  });

  scenario("cookies that are not kept, and an origin that is not allowed, are said", async (t) => {
    const dropped = await start(t, engine, { host: "127.0.0.1" });
    assert.deepEqual(await logIn(await dropped.tab()), { ok: false, kind: "cookies" });
    const refused = await start(t, engine, { settings: { ALLOWED_ORIGINS: "http://localhost:1" } });
    const shown = await (await refused.tab()).evaluate(() => auth.start());
    assert.deepEqual([shown.status, shown.failure.kind], ["unavailable", "origin"]);
  });

  scenario("somebody else logs in on another origin: nothing is done to them, and a page that comes back shows them", async (t) => {
    const { api, page, tab } = await start(t, engine);
    const first = await tab();
    assert.equal((await logIn(first)).ok, true);
    const elsewhere = await startOrigin(t, api);
    const second = await tab(elsewhere);
    assert.equal((await logIn(second, bob)).ok, true);
    const result = await first.evaluate(() => auth.updateMe({ full_name: "Ann" }));
    assert.deepEqual([result.ok, result.problem?.code], [false, "other_user"]);
    assert.ok(await first.evaluate(isUser, bob.email));
    await first.evaluate(() => {
      window.shown = [];
      auth.subscribe(() => shown.push(auth.getSnapshot().user?.email ?? auth.getSnapshot().status));
    });
    await first.goto(elsewhere);
    await until(first, () => "auth" in window);
    assert.equal((await logIn(first, person)).ok, true);
    await first.back();
    await until(first, (page) => location.href === page && "auth" in window, page);
    // Kept as it was, or loaded anew, as the browser likes.
    const kept = await first.evaluate(() => window.shown ?? null);
    if (!kept) await first.evaluate(() => auth.start());
    await until(first, isUser, person.email);
    if (kept) assert.deepEqual(await first.evaluate(() => shown), ["unknown", person.email]);
    t.diagnostic(kept ? "the page was kept" : "the page was loaded anew");
  });

  scenario("a server tells who has followed a link of another site, or leaves it open: nobody is taken for logged out", async (t) => {
    const { api, tab } = await start(t, engine);
    const first = await tab();
    assert.equal((await logIn(first)).ok, true);
    const seen = [];
    const rendered = await serve(t, async (request, response) => {
      const cookies = request.headers.cookie ?? "";
      const headers = new Headers(Object.entries(request.headers).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])));
      const asked = await getAuthState({ baseUrl: api, headers });
      if (request.url === "/page") seen.push({ state: asked.state, hint: cookies.includes("session_hint=1"), tokens: cookies.includes("_token="), site: headers.get("Sec-Fetch-Site") });
      response.setHeader("Content-Type", "text/html").end(`<!doctype html><title>${seen.length}</title>`);
    });
    // An address and a name are two sites.
    const other = await serve(t, (_, response) => {
      response.setHeader("Content-Type", "text/html").end(`<!doctype html><title>other</title><a id="there" href="http://localhost:${rendered}/page">there</a>`);
    });
    await first.goto(`http://127.0.0.1:${other}/`);
    // The page may be gone before it has answered.
    await first.evaluate(() => void setTimeout(() => document.querySelector("#there").click())).catch(() => {});
    await until(first, (title) => document.title === title, "1");
    await first.evaluate(() => void setTimeout(() => location.reload())).catch(() => {});
    await until(first, (title) => document.title === title, "2");
    t.diagnostic(JSON.stringify(seen));
    for (const { state, hint, tokens } of seen) {
      assert.ok(hint, "the hint comes along");
      assert.equal(state, tokens ? "authenticated" : "unknown");
    }
    assert.ok(!seen[0].tokens, "the tokens came along: nothing is shown");
  });
}

/** A server of one's own, on every address of this machine. Its port. */
async function serve(t, answer) {
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0);
  await once(server, "listening");
  atEnd(t, () => {
    server.closeAllConnections();
    server.close();
  });
  return server.address().port;
}
