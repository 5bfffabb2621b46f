//! What must hold, by the names under which the model reports it, and what an observer must remember to judge it.

use doorward::domain::session::{EndReason, Policy, Refusal, Session, Verdict};
use doorward::domain::timestamp::Timestamp;
use stateright::{Model, Property};

use crate::bounds::DAY;
use crate::service::Party;
use crate::world::{Token, World};

/// The invariants of `docs/design/sessions.md` that concern the decision, with their numbers there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Invariant {
    OneSuccessor = 1 << 1,
    OneRotationPerWindow = 1 << 2,
    HonestClientStays = 1 << 3,
    SharingEnds = 1 << 4,
    EndIsForEver = 1 << 5,
    NothingPastExpiry = 1 << 6,
    ExpiredChangesNothing = 1 << 8,
    ClockStepEndsNothing = 1 << 9,
    OneRecordPerReuse = 1 << 10,
}

impl Invariant {
    pub(crate) const ALL: [Self; 9] = [
        Self::OneSuccessor,
        Self::OneRotationPerWindow,
        Self::HonestClientStays,
        Self::SharingEnds,
        Self::EndIsForEver,
        Self::NothingPastExpiry,
        Self::ExpiredChangesNothing,
        Self::ClockStepEndsNothing,
        Self::OneRecordPerReuse,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OneSuccessor => "1 a generation has one successor",
            Self::OneRotationPerWindow => "2 at most one rotation in a window",
            Self::HonestClientStays => "3 an honest client is not logged out",
            Self::SharingEnds => "4 two holders of one lineage are ended",
            Self::EndIsForEver => "5 an end is for ever",
            Self::NothingPastExpiry => "6 nothing succeeds past an expiry",
            Self::ExpiredChangesNothing => "8 an expired token changes no row",
            Self::ClockStepEndsNothing => "9 a clock step ends no session",
            Self::OneRecordPerReuse => "10 a reuse leaves one audit record",
        }
    }
}

/// All invariants, as properties of the world.
pub(crate) fn properties<M: Model<State = World>>() -> Vec<Property<M>> {
    macro_rules! property {
        ($invariant:ident) => {
            Property::always(Invariant::$invariant.name(), |_: &M, world: &World| {
                world.watch.broken & Invariant::$invariant as u16 == 0
            })
        };
    }
    vec![
        property!(OneSuccessor),
        property!(OneRotationPerWindow),
        property!(HonestClientStays),
        property!(SharingEnds),
        property!(EndIsForEver),
        property!(NothingPastExpiry),
        property!(ExpiredChangesNothing),
        property!(ClockStepEndsNothing),
        property!(OneRecordPerReuse),
    ]
}

/// One refresh: what was presented, and what became of it.
pub(crate) struct Decided<'a> {
    pub(crate) party: Party,
    pub(crate) token: Token,
    pub(crate) before: &'a Session,
    pub(crate) verdict: Verdict,
    pub(crate) after: &'a Session,
    pub(crate) answer: Option<Token>,
    pub(crate) now: Timestamp,
    pub(crate) reuse_records: u8,
    pub(crate) clock_has_stepped: bool,
}

/// What an observer of the world remembers: who was given what. The service knows none of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Watch {
    /// The newest token that was made.
    pub(crate) newest: Token,
    /// When that was, or when it was last issued again.
    pub(crate) newest_at: Timestamp,
    /// Whether it was given to the owner, to the thief.
    pub(crate) given: [bool; 2],
    /// Answered replays outside the window, until a day passes without one.
    pub(crate) replays: u8,
    pub(crate) last_replay: Option<Timestamp>,
    pub(crate) thief_acted: bool,
    /// Bits of [`Invariant`].
    pub(crate) broken: u16,
    judged: u16,
}

impl Watch {
    pub(crate) fn new(session: &Session, judged: &[Invariant]) -> Self {
        Self {
            newest: Token::of(session, 0),
            newest_at: session.rotated_at,
            given: [true, false],
            replays: 0,
            last_replay: None,
            thief_acted: false,
            broken: 0,
            judged: judged.iter().fold(0, |bits, invariant| bits | *invariant as u16),
        }
    }

    /// The database has lost writes: what it has forgotten can't be held against the rule.
    pub(crate) fn forget(&mut self, session: &Session) {
        *self = Self {
            given: [true, true],
            replays: u8::try_from(session.lost_replies).unwrap_or(u8::MAX),
            last_replay: session.lost_reply_at,
            thief_acted: self.thief_acted,
            judged: self.judged,
            ..Self::new(session, &[])
        };
    }

    pub(crate) fn observe(&mut self, decided: &Decided<'_>, policy: &Policy) {
        let Decided { party, token, before, ref verdict, after, answer, now, .. } = *decided;
        self.thief_acted |= party == Party::Thief;
        let ahead = *verdict == Verdict::Rotate { ahead: true };
        let rotates = matches!(verdict, Verdict::Rotate { .. });
        let inside = now < self.newest_at + policy.grace;

        let next = |generation| token.generation == generation || token.generation + 1 == generation;
        self.demand(Invariant::OneSuccessor, answer.is_none_or(|answer| next(answer.generation)));
        self.demand(Invariant::OneSuccessor, ahead || after.generation - before.generation <= 1);
        self.demand(Invariant::OneSuccessor, rotates || answer.is_none_or(|answer| answer == self.newest));
        self.demand(Invariant::OneRotationPerWindow, !rotates || ahead || !inside || before.generation == 1);

        let by_reuse = matches!(verdict, Verdict::Reuse | Verdict::Refuse(Refusal::Ended(EndReason::Reuse)));
        let too_early = *verdict == Verdict::Refuse(Refusal::Expired) && now < token.expires;
        let logged_out = (by_reuse || too_early) && !self.thief_acted;
        self.demand(Invariant::HonestClientStays, !logged_out || decided.clock_has_stepped);
        self.demand(Invariant::ClockStepEndsNothing, !logged_out || !decided.clock_has_stepped);

        let newer_elsewhere = token.generation < self.newest.generation || !self.given[party as usize];
        if answer.is_some() && newer_elsewhere && !inside {
            let lately = self.last_replay.is_some_and(|last| now < last + DAY);
            self.replays = if lately { self.replays + 1 } else { 1 };
            self.last_replay = Some(now);
        }
        self.demand(Invariant::SharingEnds, u32::from(self.replays) <= policy.lost_replies_per_day);

        self.demand(Invariant::EndIsForEver, before.ended.is_none() || answer.is_none() && after.ended == before.ended);
        let access_expires = now + after.access_lifetime(policy, now);
        let in_time = now < before.idle_expires_at.min(before.expires_at)
            && access_expires <= after.idle_expires_at.min(after.expires_at);
        self.demand(Invariant::NothingPastExpiry, answer.is_none() || in_time);
        self.demand(Invariant::NothingPastExpiry, after.expires_at == before.expires_at);
        self.demand(Invariant::ExpiredChangesNothing, now < token.expires || after == before);
        let ended_by_reuse = after.ended.as_ref().is_some_and(|ended| ended.reason == EndReason::Reuse);
        self.demand(Invariant::OneRecordPerReuse, decided.reuse_records == u8::from(ended_by_reuse));

        if let Some(answer) = answer {
            if rotates {
                self.newest = answer;
                self.given = [false; 2];
            }
            self.given[party as usize] = true;
        }
        if rotates || *verdict == Verdict::Reissue {
            self.newest_at = now;
        }
    }

    fn demand(&mut self, invariant: Invariant, holds: bool) {
        if !holds {
            self.broken |= invariant as u16 & self.judged;
        }
    }
}
