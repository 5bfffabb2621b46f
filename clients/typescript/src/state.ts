/**
 * Who is logged in, as far as one tab can know: a pure machine. Whatever happens is an event, whatever is to be done is an effect; the rest
 * of the client only carries them, so that every order of late, lost and doubled answers can be tried (`test/explore.test.ts`).
 *
 * What it believes rests on three rules:
 * - Requests are numbered as they are sent. An answer to one that was sent before this tab knew of the present login is of an earlier epoch,
 *   whether good or bad, and is asked for once more; unless it names the present session.
 * - A refusal is no reason to be logged out, and neither is another tab's word: both make the tab look for itself. It looks while no other
 *   tab changes the cookies: a change of the password ends a session before the browser has the cookies of the next.
 * - No clock decides, nor anything that is stored: only what the service answers.
 */
import type { User } from "./generated/operations.js";
import type { Failure, Operation } from "./result.js";

/** Why a session ended that was there. */
export type LostCode =
  | "session_expired"
  | "session_ended"
  | "session_revoked"
  | "session_reuse_detected"
  | "device_binding_required"
  | "device_proof_required"
  | "not_authenticated";

/** Who is logged in, as far as this tab knows. The same object while nothing changes. */
export type Snapshot =
  /** Not asked yet, or just being asked. */
  | { readonly status: "unknown"; readonly user: null; readonly lost: null }
  | { readonly status: "authenticated"; readonly user: User; readonly lost: null }
  | { readonly status: "anonymous"; readonly user: null; readonly lost: LostCode | null }
  /** Asked, and not answered: `failure` says why, `sentence(failure)` for people. It is tried again; `start` does so at once. */
  | { readonly status: "unavailable"; readonly user: null; readonly lost: null; readonly failure: Failure };

/** The application's own requests are operations too. */
type Op = Operation | "fetch";

/** What came of a request, as far as it matters here. */
export interface Outcome {
  readonly ok: boolean;
  readonly kind?: string;
  readonly data?: unknown;
  readonly problem?: { readonly code: string } | false;
}

/** What an operation does. */
interface Kind {
  readonly op: Op;
  /** It changes the cookies: one tab at a time. */
  readonly alone?: boolean;
  /** It changes nothing, and can be asked twice. */
  readonly reads?: boolean;
  /** Nobody is logged in after it. */
  readonly leaves?: boolean;
}

/** What happens. */
export type Event =
  | ({ readonly type: "call"; readonly id: number } & Kind)
  /** `session` is the name of the session that the answer is about. */
  | { readonly type: "answer"; readonly id: number; readonly sent: number; readonly outcome: Outcome; readonly session: string | null }
  /** No other tab changes the cookies now. */
  | { readonly type: "locked" }
  /** Somebody else may be logged in (where the session is not known: whoever), or nobody, and why. */
  | { readonly type: "told"; readonly session?: string | null; readonly lost: LostCode | null }
  /** The page is put away, and may come back as it was. */
  | { readonly type: "hidden" };

/** What is to be done. */
export type Effect =
  | readonly ["send", id: number, op: Op, sent: number]
  /** Ends in `locked`, whatever becomes of the lock. */
  | readonly ["lock"]
  | readonly ["free"]
  | readonly ["done", id: number, outcome: Outcome]
  | readonly ["tell", session: string | null, lost: LostCode | null]
  /** The tokens are new. */
  | readonly ["renewed"];

interface Call extends Kind {
  /** What was sent last for it: a look takes several steps, and so does a login. */
  readonly as?: Op;
  /** The number of that request. */
  readonly sent?: number;
  /** It was answered so, and waits for a look. */
  readonly outcome?: Outcome | undefined;
  /** It was refused before. */
  readonly again?: boolean;
  /** Why it is over, if it is over. */
  readonly code?: LostCode | null;
  /** Nobody is somebody else's word already. */
  readonly sure?: boolean;
}

/** A tab's state. */
export interface State {
  readonly shown: Snapshot;
  /** The name of the session that is shown. */
  readonly session: string | null;
  /** The number of the next request. */
  readonly next: number;
  /** The session is bound to a device, and a refresh was refused for want of a proof of it: it may have been too early. */
  unproved?: boolean;
  /** Requests below this number were sent under an earlier login. */
  readonly floor: number;
  readonly calls: { readonly [id: number]: Call };
  /** What waits for the lock; the first has it, or is next. */
  readonly queue: readonly number[];
}

export const UNKNOWN: Snapshot = { status: "unknown", user: null, lost: null };
export const START: State = { shown: UNKNOWN, session: null, next: 1, floor: 0, calls: {}, queue: [] };

/** Why, where it is not known: also of who was never here. */
export const GONE = "not_authenticated";

const OK: Outcome = { ok: true };
const AWAY: Outcome = { ok: false, kind: "unavailable" };

/** The machine's own calls: who is logged in, asked with the lock and without. */
const LOOK = 0;
const GLANCE = -1;

/** What an event leads to. */
export function step(before: State, event: Event): readonly [State, readonly Effect[]] {
  const s = { ...before, calls: { ...before.calls } as { [id: number]: Call }, queue: [...before.queue] };
  const effects: Effect[] = [];
  const run = (...effect: Effect) => effects.push(effect);

  function become(shown: Snapshot) {
    if (JSON.stringify(shown) !== JSON.stringify(s.shown)) s.shown = shown;
  }

  function put(id: number, change: Partial<Call>) {
    s.calls[id] = { ...s.calls[id]!, ...change };
  }

  function send(id: number, as = s.calls[id]!.op) {
    put(id, { as, sent: s.next });
    run("send", id, as, s.next++);
  }

  function begin(id: number) {
    if (!s.calls[id]!.alone) send(id);
    else if (s.queue.push(id) < 2) run("lock");
  }

  function leave(id: number) {
    if (s.queue[0] !== id) return;
    run("free");
    s.queue.shift();
    if (s.queue.length) run("lock");
  }

  function end(id: number, result: Outcome) {
    leave(id);
    if (!result.ok && s.calls[id]!.op === "state" && /^un/.test(s.shown.status)) {
      become({ ...UNKNOWN, status: "unavailable", failure: { ...result, cause: null } as Failure } as Snapshot);
    }
    delete s.calls[id];
    if (id) {
      run("done", id, result);
      return;
    }
    // The look has come to an end: who has waited for it asks again, or is told.
    for (const [key, { op, outcome, sent, again }] of Object.entries(s.calls)) {
      if (sent || !outcome) continue;
      if (result.ok && s.shown.user && !again && op !== "state") {
        put(+key, { again: true, outcome: undefined });
        begin(+key);
      } else end(+key, outcome.ok || result.ok ? outcome : result);
    }
  }

  /** Asks who is logged in, beside everything else. Whoever asked so before is answered by this. */
  function glance(code: LostCode | null, sure = false) {
    s.floor = s.next;
    s.calls[GLANCE] = { op: "state", code, sure };
    send(GLANCE);
  }

  /** Lets a call wait until it is sure who is logged in. `code` is why nobody is, if that is found. */
  function look(id: number, outcome: Outcome, code: LostCode | null) {
    put(id, { outcome, sent: 0 });
    leave(id);
    if (s.calls[LOOK]) blame(code);
    else {
      s.calls[LOOK] = { op: "state", alone: true, code };
      begin(LOOK);
    }
  }

  /** Better known reasons count. */
  function blame(code: LostCode | null) {
    if (code && code !== GONE) put(LOOK, { code });
  }

  /** Somebody is logged in, by an answer to this request. */
  function somebody(id: number, session: string | null, user: User) {
    if (session !== s.session) {
      s.floor = s.next;
      if (id !== GLANCE) run("tell", session, null);
    }
    s.session = session;
    become({ status: "authenticated", user, lost: null });
  }

  /** Nobody is. `code` says why, where nobody asked for it; only who was logged in can lose it, and only once. */
  function nobody(code: LostCode | null) {
    const was = s.session || s.shown.user;
    if (was) run("tell", null, code);
    s.session = null;
    s.floor = s.next;
    become({ status: "anonymous", user: null, lost: was ? code : s.shown.lost });
  }

  /** Who is logged in: the answer to a look, to a glance, or after a login. */
  function known(id: number, result: Outcome, session: string | null) {
    // That of a login, which alone has one by now.
    const { outcome, code, sure, again } = s.calls[id]!;
    if (!result.ok) {
      if (!outcome) return end(id, result);
      // Whoever was shown is there no more.
      s.shown = UNKNOWN;
      end(id, outcome);
      return glance(GONE);
    }
    const { user, refreshable } = result.data as { user: User | null; refreshable: boolean };
    if (user) somebody(id, session, user);
    else if (outcome) {
      nobody(null);
      return end(id, { ok: false, kind: "cookies" });
    } else if (id && (refreshable || (!sure && s.session))) return look(id, OK, code!);
    // A refusal of the refresh says why.
    else if ((!refreshable || code?.[0] === "d") && (again || code !== GONE || !s.session)) nobody(code!);
    else if (again) return end(id, AWAY);
    else {
      put(id, { again: true });
      return send(id, "refresh");
    }
    return end(id, outcome ?? OK);
  }

  function answered(id: number, outcome: Outcome, session: string | null): void {
    const { op, as, sent, alone, reads, leaves, again } = s.calls[id]!;
    const said = (outcome.problem as { code: string } | undefined)?.code as string;
    // `device_proof_required`: the first time the browser may not have been answered; the second, this is not the device.
    if (/_pr/.test(said) && (s.unproved = !s.unproved)) return answered(id, AWAY, session);
    const over = /^(not_a|tok|ses|dev)/.test(said);
    const code = (/^[sd]/.test(said) ? said : GONE) as LostCode;
    // A password, the code behind it, or a passkey; not what is only asked for on the way.
    const isLogin = /in[^EO]*$/.test(op);
    const enters = isLogin || op === "changePassword";
    const renews = enters || as === "refresh";
    const late = sent! < s.floor && !(session && session === s.session);
    if (late && (over || (outcome.ok && (reads || as === "state")))) return send(id, as);
    if (as === "state") return known(id, outcome, session);
    if (outcome.ok) {
      if (renews) {
        s.floor = s.next;
        s.unproved = false;
        run("renewed");
      }
      if (enters && session !== s.session) {
        run("tell", session, null);
        // Who it is after a change of the password is known where it was known before.
        if (isLogin || s.shown.user) s.session = session;
      }
      if (isLogin) {
        put(id, { outcome });
        return send(id, "state");
      }
      if (!late && (op === "me" || op === "updateMe")) somebody(id, session, outcome.data as User);
      if (leaves) {
        nobody(null);
        return end(id, outcome);
      }
    }
    if (!id) {
      if (over) blame(code);
      else if (!outcome.ok || (session === s.session && s.shown.user)) return end(id, outcome);
      return send(id, "state");
    }
    if (over && !(again && op === "fetch")) return look(id, outcome, code);
    // It is about another login than the page's: what was only read is read again for the page, when it shows whose it is.
    if (!late && session && session !== s.session && s.shown !== UNKNOWN) {
      put(id, { again: !reads });
      return look(id, outcome, GONE);
    }
    end(id, outcome);
    // It may have been this login that ended, and what failed may have been done.
    if (alone && !outcome.problem && !(outcome.ok && renews && session === s.session)) glance(null);
  }

  if (event.type === "call") {
    const { id } = event;
    s.calls[id] = { code: GONE, ...event };
    begin(id);
  } else if (event.type === "answer") {
    const { id, sent, outcome, session } = event;
    // Not a doubled one.
    if (sent === s.calls[id]?.sent) answered(id, outcome, session);
  } else if (event.type === "locked") send(s.queue[0]!);
  else if (event.type === "hidden") s.shown = UNKNOWN;
  else if (event.session !== s.session) glance(event.lost, event.session === null);
  return [s, effects];
}
