// The package as it is published: entries that are built apart, and one client.

import assert from "node:assert/strict";
import { test } from "node:test";

import { startDoorward } from "../../../../tests/browser/support.mjs";
import { account } from "../../dist/account.js";
import { createAuthClient } from "../../dist/index.js";

test("an entry of its own adds its operations to the client of the first one", async (t) => {
  const client = createAuthClient({ baseUrl: `http://localhost:${await startDoorward(t)}` });
  const asked = await account(client).listFactors();
  assert.equal(asked.problem?.code, "not_authenticated", JSON.stringify(asked));
});
