import { expect, test } from "vitest";

import { getAuthState, renewAuthState } from "../src/server.js";
import type { Answer } from "./service.js";
import { problem, serve, user } from "./service.js";

const state = (body: object): Answer => ({ status: 200, body });
const somebody = state({ user, refreshable: false });
const nobody = state({ user: null, refreshable: false });
const refreshable = state({ user: null, refreshable: true });

async function ask(headers: Record<string, string>, answer: Answer = somebody) {
  const cookies: (string | undefined)[] = [];
  const service = await serve((_, request) => {
    cookies.push(request.headers.cookie);
    return answer;
  });
  const state = await getAuthState({ baseUrl: service.url, headers: new Headers(headers), timeout: 500 });
  return { state, asked: service.asked, cookies };
}

const both = "theme=dark; __Host-access_token=a; __Host-refresh_token=r";
const safari = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15";
const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";

test("the cookies are passed on, and Doorward knows", async () => {
  const { state, asked, cookies } = await ask({ Cookie: both });
  expect(state).toEqual({ state: "authenticated", user });
  expect([asked, cookies]).toEqual([["GET /state"], [both]]);
  expect((await ask({ Cookie: "refresh_token=r" }, refreshable)).state).toEqual({ state: "refreshable" });
  expect((await ask({ Cookie: both }, nobody)).state).toEqual({ state: "anonymous" });
  expect((await ask({ Cookie: "__Host-access_token_shop-2=a" })).state).toEqual({ state: "authenticated", user });
});

test("no cookies are nobody, but for a link on another site, and that page loaded again", async () => {
  for (const [headers, state] of [
    [{}, "anonymous"],
    [{ Cookie: "xaccess_token=a", "Sec-Fetch-Site": "same-origin" }, "anonymous"],
    [{ "Sec-Fetch-Site": "cross-site" }, "unknown"],
    [{ "Sec-Fetch-Site": "none", "User-Agent": chrome }, "anonymous"],
    [{ "Sec-Fetch-Site": "none", "User-Agent": safari }, "unknown"],
    [{ "Sec-Fetch-Site": "same-origin", "User-Agent": safari }, "anonymous"],
  ] as [Record<string, string>, string][]) {
    const asked = await ask(headers);
    expect([asked.state, asked.asked]).toEqual([{ state }, []]);
  }
});

test("a hint without a session leaves it open, and is never somebody", async () => {
  for (const hint of ["__Host-session_hint=1", "theme=dark; session_hint=1", "session_hint_shop-2=1"]) {
    for (const headers of [{}, { "Sec-Fetch-Site": "none", "User-Agent": safari }, { "Sec-Fetch-Site": "same-origin", "User-Agent": chrome }]) {
      const asked = await ask({ Cookie: hint, ...headers });
      expect([asked.state, asked.asked]).toEqual([{ state: "unknown" }, []]);
    }
  }
  expect((await ask({ Cookie: `session_hint=1; ${both}` }, nobody)).state).toEqual({ state: "anonymous" });
  expect((await ask({ Cookie: "xsession_hint=1; session_hints=1" })).state).toEqual({ state: "anonymous" });
});

test("a service that is away leaves it open", async () => {
  for (const answer of ["cut", "hang", { status: 502, text: "<html>" }] as Answer[]) {
    expect((await ask({ Cookie: both }, answer)).state).toEqual({ state: "unknown" });
  }
});

test("a server that can pass cookies on renews the session", async () => {
  const cookies: (string | undefined)[] = [];
  let refresh: Answer = {
    status: 200,
    body: { message: "done" },
    // Two headers, as the service sends them.
    headers: { "Set-Cookie": ["__Host-access_token=b; Path=/; HttpOnly", "__Host-refresh_token=s; Path=/; HttpOnly"] as never },
  };
  const service = await serve((path, request) => {
    cookies.push(request.headers.cookie);
    if (path === "/refresh") return refresh;
    return request.headers.cookie?.includes("access_token=b") ? somebody : refreshable;
  });
  const renew = async (Cookie: string) => {
    const state = await renewAuthState({ baseUrl: service.url, headers: new Headers({ Cookie, "User-Agent": chrome }) });
    // What frameworks write into the page is what can be listed.
    return [JSON.parse(JSON.stringify(state)), state.setCookies];
  };
  const cookiesOfBoth = ["__Host-access_token=b; Path=/; HttpOnly", "__Host-refresh_token=s; Path=/; HttpOnly"];
  expect(await renew(both)).toEqual([{ state: "authenticated", user }, cookiesOfBoth]);
  expect(service.asked).toEqual(["GET /state", "POST /refresh", "GET /state"]);
  expect(cookies[2]).toBe("theme=dark; __Host-access_token=b; __Host-refresh_token=s");
  expect(await renew("access_token=b")).toEqual([{ state: "authenticated", user }, []]);
  refresh = problem(401, "session_ended");
  expect(await renew(both)).toEqual([{ state: "anonymous" }, []]);
  refresh = problem(503, "overloaded");
  expect(await renew(both)).toEqual([{ state: "unknown" }, []]);
});
