import { expect, test } from "vitest";

import { getAuthState } from "../src/server.js";
import type { Answer } from "./service.js";
import { problem, serve, user } from "./service.js";

async function ask(headers: Record<string, string>, answer: Answer = { status: 200, body: user }) {
  const cookies: (string | undefined)[] = [];
  const service = await serve((_, request) => {
    cookies.push(request.headers.cookie);
    return answer;
  });
  const state = await getAuthState({ baseUrl: service.url, headers: new Headers(headers), timeout: 500 });
  return { state, asked: service.asked, cookies };
}

const both = "theme=dark; __Host-access_token=a; __Host-refresh_token=r";

test("a valid access token is somebody; the cookies are passed on", async () => {
  const { state, asked, cookies } = await ask({ Cookie: both });
  expect(state).toEqual({ state: "authenticated", user });
  expect([asked, cookies]).toEqual([["GET /me"], [both]]);
});

test("without a valid access token the browser is left to refresh, and the server never does", async () => {
  const expired = await ask({ Cookie: both }, problem(401, "token_expired"));
  expect([expired.state, expired.asked]).toEqual([{ state: "refreshable" }, ["GET /me"]]);
  const gone = await ask({ Cookie: "refresh_token=r" });
  expect([gone.state, gone.asked]).toEqual([{ state: "refreshable" }, []]);
});

test("no cookies are nobody, but for a link on another site", async () => {
  expect((await ask({})).state).toEqual({ state: "anonymous" });
  expect((await ask({ Cookie: "xaccess_token=a", "Sec-Fetch-Site": "same-origin" })).state).toEqual({ state: "anonymous" });
  expect((await ask({ "Sec-Fetch-Site": "cross-site" })).state).toEqual({ state: "unknown" });
  expect((await ask({ Cookie: both }, problem(401, "session_ended"))).state).toEqual({ state: "anonymous" });
  expect((await ask({ Cookie: "access_token=a" }, problem(401, "token_expired"))).state).toEqual({ state: "anonymous" });
});

test("a service that is away leaves it open", async () => {
  for (const answer of ["cut", "hang", { status: 502, text: "<html>" }] as Answer[]) {
    expect((await ask({ Cookie: both }, answer)).state).toEqual({ state: "unknown" });
  }
});
