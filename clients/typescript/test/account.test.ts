import { expect, onTestFinished, test } from "vitest";

import { account } from "../src/account.js";
import { more } from "../src/generated/more.js";
import { createAuthClient } from "../src/index.js";
import { doorward, memory, user } from "./service.js";

test("operations that few pages need are the client's as the others are", async () => {
  Object.assign(more, { example: "POST /example/{id} 200 401 409 415 * !" });
  const service = await doorward(user);
  service.instead = (path, request) => {
    if (path.startsWith("/example")) return service.cookies.fresh ? { status: 200, body: request.headers["content-type"] } : { status: 401, body: { code: "token_expired" } };
  };
  const client = createAuthClient({ baseUrl: service.url, storage: memory(), locks: null, channel: null });
  onTestFinished(() => client.dispose());
  await client.start();
  service.cookies = { session: 0, fresh: false };
  const { example } = account(client) as unknown as { example: (id: string, body: object) => Promise<unknown> };
  expect(await example("a/b", {})).toEqual({ ok: true, status: 200, data: "application/json" });
  expect(service.shown).toEqual(["1", "1"]);
  expect(service.asked.slice(1, 5)).toEqual(["POST /example/a%2Fb", "GET /state", "POST /refresh", "POST /example/a%2Fb"]);
});
