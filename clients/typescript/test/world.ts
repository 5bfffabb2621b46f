// A small world around the client's machine: a service, a browser's cookies, tabs of one or two origins, and everything that can go wrong
// between them. `moves` are what may happen next; each gives another world.

import type { Effect, Event, Outcome, State } from "../src/state.js";

type Step = (state: State, event: Event) => readonly [State, readonly Effect[]];
export interface Machine {
  readonly step: Step;
  readonly START: State;
}

/** What an application does, in any order that its tab allows. */
export interface Action {
  readonly tab: number;
  readonly do: "start" | "me" | "sessions" | "login" | "logout" | "password" | "refresh" | "fetch" | "seen" | "away";
  readonly who?: string;
  /** Only after so many of the actions before it are begun; those of one tab keep their order. */
  readonly after?: number;
}

export interface Setting {
  readonly tabs: number;
  readonly actions: readonly Action[];
  /** Every tab has been told to find out who is logged in, and has. */
  readonly started?: boolean;
  /** Who is logged in at the beginning, in the cookies alone. */
  readonly cookies?: string;
  /** These tabs have an origin of their own: no channel, no storage and no lock reaches them. */
  readonly elsewhere?: readonly number[];
  readonly locks?: boolean;
  readonly channel?: boolean;
  readonly blocksCookies?: boolean;
  /** How often each may happen. */
  readonly lost?: number;
  readonly doubled?: number;
  readonly expired?: number;
  readonly killed?: number;
  readonly closed?: number;
  readonly impatient?: number;
}

interface Cookies {
  readonly session: number | null;
  /** The access token is still good. */
  readonly fresh: boolean;
}

interface Sent {
  readonly id: number;
  readonly op: string;
  readonly sent: number;
  readonly who: string | undefined;
  readonly cookies: Cookies;
  readonly answer?: { readonly outcome: Outcome; readonly session: string | null; readonly sets?: Cookies } | undefined;
}

interface Tab {
  readonly state: State;
  readonly wire: readonly Sent[];
  readonly inbox: readonly { readonly session: string | null; readonly lost: never }[];
  readonly isOpen: boolean;
  /** What its calls are, by id. */
  readonly doing: { readonly [id: number]: { readonly op: string; readonly who?: string | undefined } };
  readonly calls: number;
  /** What the newest answer said of who is in the cookies; undefined: nothing since they changed. */
  readonly told: { readonly sent: number; readonly user: number | null } | undefined;
  /** It changed the cookies, or did not: the answer was lost, and it has not asked since. */
  readonly isUnsure: boolean;
}

interface Origin {
  readonly holder: number | null;
  readonly waiting: readonly number[];
}

export interface World {
  readonly sessions: readonly { readonly who: string; readonly over: string | null }[];
  readonly cookies: Cookies;
  readonly tabs: readonly Tab[];
  readonly origins: readonly Origin[];
  /** Which actions were begun. */
  readonly begun: number;
  readonly left: { readonly [trouble: string]: number };
  /** What was broken. */
  readonly broken: string | null;
}

const TROUBLES = ["lost", "doubled", "expired", "killed", "closed", "impatient"] as const;
const people: Record<string, number> = { ann: 1, bob: 2 };
const user = (who: string) => ({ id: people[who]!, email: who }) as never;
const CHANGES = ["login", "logout", "password", "refresh"];
const NAMES: Record<string, string> = { start: "state", sessions: "listSessions", password: "changePassword" };

function begin(setting: Setting, machine: Machine): World {
  const tab: Tab = { state: machine.START, wire: [], inbox: [], isOpen: true, doing: {}, calls: 0, told: undefined, isUnsure: false };
  const origin: Origin = { holder: null, waiting: [] };
  return {
    sessions: setting.cookies ? [{ who: setting.cookies, over: null }] : [],
    cookies: { session: setting.cookies ? 0 : null, fresh: true },
    tabs: Array.from({ length: setting.tabs }, () => tab),
    origins: [origin, origin],
    begun: 0,
    left: Object.fromEntries(TROUBLES.map((trouble) => [trouble, setting[trouble] ?? 0])),
    broken: null,
  };
}

/** Who is in the cookies, as far as the service is concerned. */
export function present(world: World): number | null {
  const session = world.cookies.session === null ? undefined : world.sessions[world.cookies.session];
  return session && !session.over ? people[session.who]! : null;
}

function explorer(setting: Setting, machine: Machine) {
  const originOf = (tab: number) => (setting.elsewhere?.includes(tab) ? 1 : 0);
  const tabsOf = (origin: number) => Array.from({ length: setting.tabs }, (_, tab) => tab).filter((tab) => originOf(tab) === origin);
  const hasLocks = setting.locks !== false;
  const hasChannel = setting.channel !== false;

  const withTab = (world: World, tab: number, change: Partial<Tab>): World => ({
    ...world,
    tabs: world.tabs.map((one, index) => (index === tab ? { ...one, ...change } : one)),
  });
  const withOrigin = (world: World, origin: number, change: Partial<Origin>): World => ({
    ...world,
    origins: world.origins.map((one, index) => (index === origin ? { ...one, ...change } : one)),
  });
  const broken = (world: World, what: string): World => ({ ...world, broken: world.broken ?? what });

  /** Tells a tab's machine, and does what it says. */
  function feed(world: World, tab: number, event: { type: string; [word: string]: unknown }): World {
    const before = world.tabs[tab]!.state;
    const [state, effects] = machine.step(before, event as never);
    let next = withTab(world, tab, { state });
    for (const effect of effects) next = carry(next, tab, effect);
    const { shown } = state;
    // Whoever is well logged in is not told otherwise, where tabs can hear and wait for each other.
    const exact = hasLocks && hasChannel && !setting.elsewhere && !setting.impatient && !setting.lost && !setting.closed;
    const wasLost = before.shown.status === "authenticated" && shown.status === "anonymous" && shown.lost;
    if (exact && wasLost && present(next) !== null) return broken(next, `tab ${tab} loses a good session: ${shown.lost}`);
    // Why a session ended is said for as long as nobody is there, whatever else is asked meanwhile.
    const nobody = before.shown.status === "anonymous" && shown.status === "anonymous";
    if (nobody && before.shown.lost !== shown.lost) return broken(next, `tab ${tab} forgets ${before.shown.lost}`);
    return next;
  }

  function carry(world: World, tab: number, effect: Effect): World {
    const origin = originOf(tab);
    const { doing, wire } = world.tabs[tab]!;
    switch (effect[0]) {
      case "send": {
        const [, id, op, sent] = effect;
        const call = doing[id];
        const request: Sent = { id, op, sent, who: call?.op === op ? call.who : undefined, cookies: world.cookies };
        return withTab(world, tab, { wire: [...wire, request] });
      }
      case "lock": {
        const { waiting } = world.origins[origin]!;
        return withOrigin(world, origin, { waiting: [...waiting, tab] });
      }
      case "free":
        return withOrigin(world, origin, { holder: world.origins[origin]!.holder === tab ? null : world.origins[origin]!.holder });
      case "done": {
        const [, id, outcome] = effect;
        if (id <= 0) return world;
        if (!doing[id]) return broken(world, `tab ${tab} answers a call twice`);
        const { [id]: call, ...rest } = doing;
        const next = withTab(world, tab, { doing: rest });
        const wasDone = (call as { done?: boolean }).done;
        if (outcome.ok && CHANGES.includes(call!.op) && !wasDone) return broken(next, `tab ${tab} says ok of ${call!.op}, which was not done`);
        if (outcome.kind === "cookies" && !setting.blocksCookies && exactCookies()) return broken(next, `tab ${tab} blames the cookies`);
        return next;
      }
      case "tell": {
        if (!hasChannel) return world;
        const [, session, lost] = effect;
        let next = world;
        for (const other of tabsOf(origin)) {
          const one = next.tabs[other]!;
          if (other !== tab && one.isOpen) next = withTab(next, other, { inbox: [...one.inbox, { session, lost: lost as never }] });
        }
        return next;
      }
      case "renewed":
        // It says when to renew, and nothing is believed by it.
        return world;
    }
  }
  // Somebody may log out, or be logged out, between a login and the question who it was.
  const exactCookies = () => hasLocks && !setting.elsewhere && !setting.killed && !setting.impatient && !setting.closed && !setting.lost && !setting.doubled;

  /** The service's part. */
  function serve(world: World, tab: number, index: number): World {
    const request = world.tabs[tab]!.wire[index]!;
    const { op, cookies, who, id } = request;
    const sessions = [...world.sessions];
    const session = cookies.session === null ? undefined : sessions[cookies.session];
    const name = cookies.session === null ? null : `S${cookies.session}`;
    let next = world;
    const done = () => {
      const call = next.tabs[tab]!.doing[id];
      if (call) next = withTab(next, tab, { doing: { ...next.tabs[tab]!.doing, [id]: { ...call, done: true } as never } });
    };
    const answer = (outcome: Outcome, of: string | null = null, sets?: Cookies): World => {
      const wire = next.tabs[tab]!.wire.map((one, at) => (at === index ? { ...one, answer: { outcome, session: of, ...(sets && { sets }) } } : one));
      return { ...withTab(next, tab, { wire }), sessions };
    };
    const refuse = (code: string, of: string | null) => answer({ ok: false, kind: "problem", problem: { code } }, of);
    const end = (at: number, code: string) => (sessions[at] = { ...sessions[at]!, over: sessions[at]!.over ?? code });
    const login = (who: string) => {
      sessions.push({ who, over: null });
      done();
      return answer({ ok: true, data: {} }, `S${sessions.length - 1}`, { session: sessions.length - 1, fresh: true });
    };
    switch (op) {
      case "state": {
        const isGood = session && !session.over;
        if (isGood && cookies.fresh) return answer({ ok: true, data: { user: user(session.who), refreshable: false } }, name);
        return answer({ ok: true, data: { user: null, refreshable: Boolean(isGood) } });
      }
      case "refresh":
        if (!session || session.over) return refuse(session?.over ?? "not_authenticated", null);
        done();
        return answer({ ok: true, data: {} }, name, { session: cookies.session, fresh: true });
      case "login":
        if (cookies.session !== null) end(cookies.session, "session_ended");
        return login(who!);
      case "logout":
        if (cookies.session !== null) end(cookies.session, "session_ended");
        done();
        return answer({ ok: true, data: {} }, null, { session: null, fresh: true });
      case "fetch":
        return session && !session.over && cookies.fresh ? answer({ ok: true }) : refuse("token_expired", null);
    }
    // The rest wants a login.
    if (!session) return refuse("not_authenticated", null);
    if (session.over) return refuse(session.over, name);
    if (!cookies.fresh) return refuse("token_expired", name);
    if (op === "changePassword") {
      sessions.forEach((one, at) => one.who === session.who && end(at, "session_revoked"));
      return login(session.who);
    }
    return answer({ ok: true, data: op === "me" ? user(session.who) : {} }, name);
  }

  function arrive(world: World, tab: number, index: number, isLost = false, setsAll = !isLost): World {
    const { wire, told } = world.tabs[tab]!;
    const { id, sent, op, answer } = wire[index]!;
    let next = withTab(world, tab, { wire: wire.filter((_, at) => at !== index) });
    if (setsAll && answer?.sets && !setting.blocksCookies) next = { ...next, cookies: answer.sets };
    if (!next.tabs[tab]!.isOpen) return next;
    if (isLost) {
      const isUnsure = next.tabs[tab]!.isUnsure || id > 0;
      return feed(withTab(next, tab, { told: undefined, isUnsure }), tab, { type: "answer", id, sent, outcome: { ok: false, kind: "network" }, session: null });
    }
    const { outcome, session, sets } = answer!;
    if (sets) next = withTab(next, tab, { told: undefined });
    else if (outcome.ok && (op === "state" || session) && sent > (told?.sent ?? 0)) {
      const { refreshable } = outcome.data as { refreshable?: boolean };
      const user = session ? people[world.sessions[Number(session.slice(1))]!.who]! : null;
      next = withTab(next, tab, { told: refreshable ? undefined : { sent, user }, isUnsure: false });
    }
    next = feed(next, tab, { type: "answer", id, sent, outcome, session });
    // The same answer once more means nothing.
    const again = machine.step(next.tabs[tab]!.state, { type: "answer", id, sent, outcome, session } as never);
    return again[1].length ? broken(next, `tab ${tab} takes an answer twice`) : next;
  }

  function act(world: World, { tab, do: what, who }: Action): World {
    const next = world;
    if (what === "seen") return feed(next, tab, { type: "told", lost: "not_authenticated" });
    if (what === "away") return feed(next, tab, { type: "hidden" });
    const { calls, doing } = next.tabs[tab]!;
    const id = calls + 1;
    const op = NAMES[what] ?? what;
    const kind = { op, alone: CHANGES.includes(what), reads: ["state", "me", "listSessions"].includes(op), leaves: what === "logout" };
    return feed(withTab(next, tab, { calls: id, doing: { ...doing, [id]: { op: what === "login" ? "login" : op, who } } }), tab, { type: "call", id, ...kind });
  }

  /** What may happen next: what must happen some time, and what need not. */
  function moves(world: World): { due: World[]; may: World[] } {
    const due: World[] = [];
    const may: World[] = [];
    const spend = (trouble: (typeof TROUBLES)[number], to: () => World) => {
      if (world.left[trouble]) may.push({ ...to(), left: { ...world.left, [trouble]: world.left[trouble]! - 1 } });
    };
    world.tabs.forEach(({ wire, inbox, isOpen }, tab) => {
      wire.forEach(({ answer }, index) => {
        due.push(answer ? arrive(world, tab, index) : serve(world, tab, index));
        spend("lost", () => arrive(world, tab, index, true));
        // Its head was read, and the rest is lost.
        if (answer?.sets) spend("lost", () => arrive(world, tab, index, true, true));
        // The browser sends it once more, because the connection was closed.
        if (answer) spend("doubled", () => serve(world, tab, index));
      });
      if (!isOpen) return;
      const [message, ...others] = inbox;
      if (message) due.push(feed(withTab(world, tab, { inbox: others }), tab, { type: "told", ...message }));
      spend("closed", () => {
        const origin = originOf(tab);
        const { holder, waiting } = world.origins[origin]!;
        const without = { holder: holder === tab ? null : holder, waiting: waiting.filter((one) => one !== tab) };
        return withOrigin(withTab(world, tab, { isOpen: false, inbox: [], doing: {} }), origin, without);
      });
    });
    world.origins.forEach(({ holder, waiting }, origin) => {
      const [first] = waiting;
      if (first === undefined) return;
      const grant = (tab: number) => {
        const next = withOrigin(world, origin, { holder: holder ?? tab, waiting: waiting.filter((one) => one !== tab) });
        return feed(next, tab, { type: "locked" });
      };
      if (!hasLocks) waiting.forEach((tab) => due.push(grant(tab)));
      else if (holder === null) due.push(grant(first));
      else spend("impatient", () => grant(first));
    });
    setting.actions.forEach(({ tab, after = 0 }, index) => {
      const isBegun = (at: number) => world.begun & (1 << at);
      const earlier = setting.actions.slice(0, index).every((one, at) => one.tab !== tab || isBegun(at));
      const needed = setting.actions.slice(0, after).every((_, at) => isBegun(at));
      if (!isBegun(index) && earlier && needed && world.tabs[tab]!.isOpen) {
        may.push(act({ ...world, begun: world.begun | (1 << index) }, setting.actions[index]!));
      }
    });
    if (world.cookies.session !== null) {
      if (world.cookies.fresh) spend("expired", () => ({ ...world, cookies: { ...world.cookies, fresh: false } }));
      const at = world.cookies.session;
      if (!world.sessions[at]!.over) {
        spend("killed", () => ({ ...world, sessions: world.sessions.map((one, index) => (index === at ? { ...one, over: "session_revoked" } : one)) }));
      }
    }
    return { due, may };
  }

  /** What is wrong where nothing is under way. */
  function judge(world: World): string | null {
    for (const [tab, { state, doing, isOpen, told, isUnsure }] of world.tabs.entries()) {
      if (!isOpen) continue;
      const { shown } = state;
      if (Object.keys(doing).length || Object.keys(state.calls).length) return `tab ${tab} waits for ever`;
      if (isUnsure && /^a/.test(shown.status) && CHANGES.includes(setting.actions.find((action) => action.tab === tab)!.do)) return `tab ${tab} does not look what it has done`;
      if (told && /^a/.test(shown.status) && (shown.user?.id ?? null) !== told.user) return `tab ${tab} shows ${shown.user?.id}, and was told ${told.user}`;
    }
    const untroubled = hasChannel && !setting.elsewhere && TROUBLES.every((trouble) => trouble === "expired" || world.left[trouble] === (setting[trouble] ?? 0));
    if (untroubled) {
      const wrong = disagrees(world);
      if (wrong) return wrong;
    }
    // Every tab comes into view.
    let next = world;
    for (const [tab, { isOpen, state }] of world.tabs.entries()) {
      if (isOpen && state.shown.status !== "unknown") next = settle(act(next, { tab, do: "seen" }));
    }
    return next.broken ?? disagrees(next);
  }

  /** Everything that is under way arrives. */
  function settle(world: World): World {
    let next = world;
    for (let count = 0; count < 200; count++) {
      const [first] = moves(next).due;
      if (!first || next.broken) return next;
      next = first;
    }
    return broken(next, "it never comes to an end");
  }

  function first(): World {
    let world = begin(setting, machine);
    for (let tab = 0; setting.started && tab < setting.tabs; tab++) world = settle(act(world, { tab, do: "start" }));
    return world;
  }

  function disagrees(world: World): string | null {
    for (const [tab, { state, isOpen }] of world.tabs.entries()) {
      const { shown } = state;
      if (isOpen && shown.status !== "unknown" && shown.status !== "unavailable" && (shown.user?.id ?? null) !== present(world)) {
        return `tab ${tab} shows ${shown.user?.id ?? "nobody"}, and ${present(world) ?? "nobody"} is there`;
      }
    }
    return null;
  }

  return { first, moves, judge };
}

/** Tries everything that can happen. Gives what is wrong first, with the number of worlds that were seen. */
export function explore(setting: Setting, machine: Machine, most = 400_000): { wrong: string | null; worlds: number } {
  const { first, moves, judge } = explorer(setting, machine);
  let worlds = [first()];
  const seen = new Set(worlds.map(key));
  while (worlds.length) {
    const following: World[] = [];
    for (const world of worlds) {
      const { due, may } = moves(world);
      if (!due.length) {
        const wrong = judge(world);
        if (wrong) return { wrong, worlds: seen.size };
      }
      for (const next of [...due, ...may]) {
        if (next.broken) return { wrong: next.broken, worlds: seen.size };
        const text = key(next);
        if (seen.has(text)) continue;
        seen.add(text);
        following.push(next);
      }
    }
    if (seen.size > most) return { wrong: `more than ${most} worlds`, worlds: seen.size };
    worlds = following;
  }
  return { wrong: null, worlds: seen.size };
}

/** Two worlds are the same where only the numbers of requests differ, and not their order. */
function key(world: World): string {
  const tabs = world.tabs.map(({ state, wire, told, calls: _, ...tab }) => {
    const { next: __, floor, calls, ...rest } = state;
    const numbers = new Set<number>([floor]);
    for (const { sent } of Object.values(calls)) numbers.add(sent ?? -1);
    for (const { sent } of wire) numbers.add(sent);
    if (told) numbers.add(told.sent);
    const ranks = [...numbers].sort((a, b) => a - b);
    const rank = (number = -1) => (number === 0 ? 0 : ranks.indexOf(number) + 1);
    return [
      tab,
      rest,
      rank(floor),
      Object.entries(calls).map(([id, call]) => [id, { ...call, sent: rank(call.sent) }]),
      wire.map((one) => ({ ...one, sent: rank(one.sent) })),
      told && { ...told, sent: rank(told.sent) },
    ];
  });
  return JSON.stringify([world.sessions, world.cookies, tabs, world.origins, world.begun, world.left]);
}
