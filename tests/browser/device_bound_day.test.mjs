// One suite that every browser walks, whether it binds its sessions or not, by Doorward's own client.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, bound, expire, on, open, openOwn, start, succeeds, until, useClient } from "./bound.mjs";
import { person } from "./support.mjs";

const shown = (page) => page.evaluate(() => globalThis.auth.getSnapshot());
const away = ["device/refresh", "refresh"].map((path) => `location = /api/auth/${path} { return 503; }`).join(" ");

for (const database of ["SQLite", "PostgreSQL"]) {
  for (const binds of [true, false]) {
    test(`a day with a browser that ${binds ? "binds its sessions" : "binds nothing"}, on ${database}`, async (t) => {
      const site = await start(t, await on(t, database));
      const { context, page } = await openOwn(t, site, "laptop", { binds });
      let logins = 0;
      // The first minute is when a session is bound.
      const begun = async () => binds && (await bound(site, ++logins));
      const renewals = () => site.asked(binds ? "device/refresh" : "refresh").filter((one) => one.status === 200).length;
      const sessions = async () => (await succeeds(page, "sessions")).sessions.map((session) => session.bound);
      await useClient(page, site);
      await succeeds(page, "register", person);
      await succeeds(page, "login", person);
      await begun();
      assert.deepEqual(await sessions(), [binds]);

      // The access token has run out.
      await expire(context);
      assert.equal((await succeeds(page, "me")).email, person.email);
      assert.equal(renewals(), 1);

      // Five tabs at once, of which one is on another host of the site.
      const tabs = [page];
      while (tabs.length < 5) tabs.push(await open(context, tabs.length < 4 ? `${site.api}/docs` : site.pages));
      for (const tab of tabs.slice(1)) await useClient(tab, site);
      await expire(context);
      for (const { email } of await Promise.all(tabs.map((tab) => succeeds(tab, "me")))) assert.equal(email, person.email);
      const before = renewals();
      assert.ok(before >= 2);

      // Nobody can renew it for a while: that is no end.
      site.change(away);
      const failed = await until("a request that fails", async () => {
        await expire(context);
        const result = await ask(page, "me");
        return result.ok ? null : result;
      });
      assert.equal(failed.kind, "unavailable", JSON.stringify(failed));
      assert.equal((await shown(page)).status, "authenticated");
      site.change("");
      await until("the session again", async () => (await ask(page, "me")).ok);
      assert.ok(renewals() > before);

      // Another password: another session.
      const password = "EvenMoreSecure456";
      await succeeds(page, "changePassword", { current_password: person.password, new_password: password });
      await begun();
      await expire(context);
      await succeeds(page, "me");
      assert.deepEqual(await sessions(), [binds]);

      // Ended from another device: it is not revived.
      const phone = await openOwn(t, site, "phone", { binds: false });
      await useClient(phone.page, site);
      await succeeds(phone.page, "login", { ...person, password });
      await succeeds(phone.page, "logoutAll", { keep_current: true });
      await expire(context);
      assert.equal((await ask(page, "me")).ok, false);
      const { status: now, lost } = await shown(page);
      assert.deepEqual([now, lost], ["anonymous", "session_revoked"]);

      // Logged out by hand: the same.
      await succeeds(page, "login", { ...person, password });
      await begun();
      await succeeds(page, "logout");
      await page.reload();
      await useClient(page, site);
      assert.equal((await page.evaluate(() => globalThis.auth.start())).status, "anonymous");
      assert.equal((await ask(page, "me")).problem?.code, "not_authenticated");
      assert.deepEqual((await succeeds(phone.page, "sessions")).sessions.length, 1);
      const own = ["register", "refresh"].flatMap((name) => site.asked(`device/${name}`));
      assert.ok(binds ? own.at(-1).challenge === "" && own.at(-1).status === 200 : own.length === 0, "what the browser asks by itself");
    });
  }
}
