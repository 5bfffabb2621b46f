// Every order of what can happen to a few tabs, tried on the client's machine: see `world.ts`.

import { readFileSync } from "node:fs";

import { transformSync } from "esbuild";
import { expect, test } from "vitest";

import { START, step } from "../src/state.js";
import { explore } from "./world.js";
import type { Action, Machine, Setting } from "./world.js";

/** Tabs of Ann's, who is logged in, and what is done in them in any order. */
const ann = (tabs: number, actions: readonly Action[], more: Partial<Setting> = {}): Setting => ({ tabs, actions, cookies: "ann", started: true, ...more });
const settings: Record<string, Setting> = {
  "two tabs start": { tabs: 2, cookies: "ann", actions: [{ tab: 0, do: "start" }, { tab: 1, do: "start" }], expired: 1, lost: 1 },
  "nobody starts, and logs in": { tabs: 2, actions: [{ tab: 0, do: "start" }, { tab: 1, do: "start" }, { tab: 0, do: "login", who: "bob" }] },
  "the password is changed while another tab asks": ann(2, [{ tab: 0, do: "password" }, { tab: 1, do: "sessions" }, { tab: 1, do: "me" }]),
  "the password is changed while another tab comes into view": ann(2, [{ tab: 0, do: "password" }, { tab: 1, do: "seen" }]),
  "a session is ended elsewhere, and a refresh finds it": ann(2, [{ tab: 0, do: "refresh" }, { tab: 1, do: "me" }], { killed: 1 }),
  "tokens run out, and everybody asks": ann(2, [{ tab: 0, do: "me" }, { tab: 0, do: "fetch" }, { tab: 1, do: "sessions" }, { tab: 1, do: "refresh" }], { expired: 1 }),
  "somebody else logs in": ann(2, [{ tab: 0, do: "login", who: "bob" }, { tab: 1, do: "me" }, { tab: 1, do: "sessions" }]),
  "somebody else logs in while the tab asks": ann(1, [{ tab: 0, do: "login", who: "bob" }, { tab: 0, do: "me" }, { tab: 0, do: "sessions" }]),
  "logout, and login as somebody else": ann(2, [{ tab: 0, do: "logout" }, { tab: 0, do: "login", who: "bob" }, { tab: 1, do: "me" }]),
  "two tabs log in as two people": ann(2, [{ tab: 0, do: "login", who: "bob" }, { tab: 1, do: "login", who: "ann" }]),
  "two tabs log in as two people, without locks": ann(2, [{ tab: 0, do: "login", who: "bob" }, { tab: 1, do: "login", who: "ann" }], { locks: false }),
  "logout beside a refresh, without locks": ann(2, [{ tab: 0, do: "logout" }, { tab: 1, do: "refresh" }, { tab: 1, do: "me" }], { locks: false }),
  "a password change without locks": ann(2, [{ tab: 0, do: "password" }, { tab: 1, do: "sessions" }], { locks: false }),
  "without a channel": ann(2, [{ tab: 0, do: "login", who: "bob" }, { tab: 1, do: "sessions" }, { tab: 1, do: "seen" }], { channel: false }),
  "with neither": ann(2, [{ tab: 0, do: "login", who: "bob" }, { tab: 1, do: "me" }], { channel: false, locks: false }),
  "the password is changed when tokens have run out": ann(2, [{ tab: 0, do: "password" }, { tab: 1, do: "sessions" }], { expired: 1 }),
  "a session is ended elsewhere": ann(2, [{ tab: 0, do: "me" }, { tab: 1, do: "sessions" }], { killed: 1 }),
  "a session is ended elsewhere while somebody logs in": ann(2, [{ tab: 0, do: "login", who: "bob" }, { tab: 1, do: "me" }], { killed: 1 }),
  "a session is ended elsewhere, and who finds it logs out": ann(2, [{ tab: 0, do: "me" }, { tab: 0, do: "logout" }, { tab: 1, do: "me" }], { killed: 1 }),
  "answers are lost": ann(2, [{ tab: 0, do: "login", who: "bob" }, { tab: 1, do: "me" }], { lost: 1 }),
  "answers to a logout are lost": ann(2, [{ tab: 0, do: "logout" }, { tab: 1, do: "me" }], { lost: 1 }),
  "requests are doubled": ann(2, [{ tab: 0, do: "login", who: "bob" }, { tab: 1, do: "me" }], { doubled: 1 }),
  "refreshes are doubled": ann(2, [{ tab: 0, do: "refresh" }, { tab: 1, do: "me" }], { doubled: 1, expired: 1 }),
  "a tab is closed in between": ann(2, [{ tab: 0, do: "password" }, { tab: 1, do: "sessions" }], { closed: 1 }),
  "a tab hangs with the lock": ann(2, [{ tab: 0, do: "login", who: "bob" }, { tab: 1, do: "refresh" }], { impatient: 1 }),
  "two origins of one service": ann(2, [{ tab: 1, do: "login", who: "bob" }, { tab: 0, do: "sessions" }, { tab: 0, do: "seen" }], { elsewhere: [1] }),
  "a page is put away and comes back": ann(2, [{ tab: 0, do: "away" }, { tab: 1, do: "login", who: "bob" }, { tab: 0, do: "seen" }]),
  "cookies are blocked": { tabs: 2, actions: [{ tab: 0, do: "start" }, { tab: 1, do: "start" }, { tab: 0, do: "login", who: "bob" }], blocksCookies: true },
  "three tabs": ann(3, [{ tab: 0, do: "login", who: "bob" }, { tab: 1, do: "me" }, { tab: 2, do: "refresh" }]),
};

test.each(Object.entries(settings))("%s", { timeout: 120_000 }, (_, setting) => {
  const { wrong, worlds } = explore(setting, { step, START });
  expect(wrong).toBe(null);
  expect(worlds).toBeGreaterThan(50);
});

/** Rules that are wrong, and where that shows: what would be tried if nobody knew better. */
const wrongs: readonly (readonly [string, setting: string, ...change: readonly [right: string, wrong: string]])[] = [
  ["late answers are believed", "somebody else logs in", "const late = sent!", "const late = false && sent!"],
  ["late answers are believed, without locks", "two tabs log in as two people, without locks", "const late = sent!", "const late = false && sent!"],
  ["the cookies of a login make nothing late", "somebody else logs in while the tab asks", "s.floor = s.next;\n        s.unproved = false;", "s.unproved = false;"],
  ["another tab's word is enough", "a password change without locks", "else if (event.session !== s.session) glance", "else if (!event.session) { s.shown = { status: \"anonymous\", user: null, lost: null }; s.session = null; } else glance"],
  ["another tab is not heard", "somebody else logs in", "else if (event.session !== s.session) glance(event.lost, event.session === null)", ""],
  ["a refusal is enough", "the password is changed while another tab asks", "return look(id, outcome, code);", "{ nobody(code); return end(id, outcome); }"],
  ["it looks while others change the cookies", "the password is changed while another tab asks", "alone: true, code", "alone: false, code"],
  ["nobody at a glance is nobody", "the password is changed while another tab comes into view", "else if (id && (refreshable", "else if (id && !refreshable) nobody(code!); else if (id && (refreshable"],
  ["an answer about somebody else is taken for one's own", "two origins of one service", "if (!late && session && session !== s.session && s.shown !== UNKNOWN)", "if (false)"],
  ["what failed was not done", "answers to a logout are lost", "if (alone && !outcome.problem &&", "if (false &&"],
  ["a refresh is not needed", "tokens run out, and everybody asks", "s.calls[id] = { code: GONE, ...event };", "if (event.op === \"refresh\") return [s, [[\"done\", id, OK]]]; s.calls[id] = { code: GONE, ...event };"],
  ["doubled answers count twice", "tokens run out, and everybody asks", "if (sent === s.calls[id]?.sent)", "if (s.calls[id])"],
  ["a call waits for the look with the lock in its hand", "a session is ended elsewhere, and a refresh finds it", "put(id, { outcome, sent: 0 });\n    leave(id);", "put(id, { outcome, sent: 0 });"],
  ["a login is believed before anybody is seen", "cookies are blocked", "        return send(id, \"state\");", "        somebody(id, session, { id: 2 } as never);"],
  ["a look ends for one", "tokens run out, and everybody asks", "begin(+key);\n", "begin(+key);\n        break;\n"],
  ["why a session ended is forgotten", "a session is ended elsewhere, and who finds it logs out", "lost: was ? code", "lost: was || !code ? code"],
  ["the password is another tab's affair", "a password change without locks", "&& session === s.session)) glance", ")) glance"],
];

const source = readFileSync(new URL("../src/state.ts", import.meta.url), "utf8");

test.each(wrongs)("it shows when %s", { timeout: 120_000 }, async (_, name, right, wrong) => {
  expect(source.split(right).length, "the rule is there, once").toBe(2);
  const { code } = transformSync(source.replace(right, wrong), { loader: "ts" });
  const machine = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`)) as Machine;
  expect(explore(settings[name]!, machine).wrong).not.toBe(null);
});
