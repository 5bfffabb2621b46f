// The package as `npm run build` makes it.

import { expect, onTestFinished, test } from "vitest";

import { doorward, memory, message, user } from "./service.js";

const built = async <Entry>(name: string) => (await import(/* @vite-ignore */ `../dist/${name}.js`)) as Entry;

test("what an entry of its own adds is the client's", async () => {
  const { createAuthClient } = await built<typeof import("../src/index.js")>("index");
  const { account } = await built<typeof import("../src/account.js")>("account");
  const { factors } = await built<typeof import("../src/factors.js")>("factors");
  const service = await doorward(user);
  service.instead = (path) => {
    if (path === "/password/forgot") return { ...(message("A link is on its way") as object), status: 202 };
    return path === "/me/factors" ? { status: 200, body: { totp: null, recovery_codes: null } } : undefined;
  };
  const client = createAuthClient({ baseUrl: service.url, storage: memory(), locks: null, channel: null });
  onTestFinished(() => client.dispose());
  expect(await account(client).forgotPassword({ email: user.email })).toMatchObject({ ok: true, status: 202 });
  expect(await factors(client).list()).toMatchObject({ ok: true, data: { totp: null } });
});
