//! The modelled service: each request is decided alone, with the row locked, by the rule of the world.

use std::sync::atomic::{AtomicU64, Ordering};

use doorward::domain::session::{EndReason, Ended, Refusal, Verdict};

use crate::bounds::Bounds;
use crate::invariants::Decided;
use crate::world::{Token, World};

/// Who presents a token. All tabs of the browser are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    Owner,
    Thief,
}

/// How often each verdict was reached: of one that never was, a model says nothing.
#[derive(Debug, Default)]
pub(crate) struct Tally([AtomicU64; Outcome::NAMES.len()]);

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    Rotated,
    Ahead,
    Same,
    Successor,
    Reissued,
    Reuse,
    Expired,
    Ended,
    Confirmed,
    /// A thief's refresh that left no trace in the row.
    ThiefUnseen,
}

impl Outcome {
    pub(crate) const NAMES: [&str; 10] =
        ["rotated", "ahead", "same", "successor", "reissued", "reuse", "expired", "ended", "confirmed", "thief unseen"];

    fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Rotate { ahead: false } => Self::Rotated,
            Verdict::Rotate { ahead: true } => Self::Ahead,
            Verdict::Same => Self::Same,
            Verdict::Successor => Self::Successor,
            Verdict::Reissue => Self::Reissued,
            Verdict::Reuse => Self::Reuse,
            Verdict::Refuse(Refusal::Expired) => Self::Expired,
            // Sessions of this world are not bound, and need not be.
            Verdict::Refuse(Refusal::Ended(_) | Refusal::DeviceProof | Refusal::Unbound) => Self::Ended,
        }
    }
}

impl Tally {
    pub(crate) fn of(&self, outcome: Outcome) -> u64 {
        self.0[outcome as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn summary(&self) -> String {
        let counts = Outcome::NAMES.iter().zip(&self.0);
        counts.map(|(name, count)| format!("{name} {}", count.load(Ordering::Relaxed))).collect::<Vec<_>>().join(", ")
    }

    fn count(&self, outcome: Outcome) {
        self.0[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// A refresh. The answer's cookie; none: 401, which leaves the cookies as they are.
pub(crate) fn refresh(world: &mut World, bounds: &Bounds, tally: &Tally, party: Party, token: Token) -> Option<Token> {
    let (now, presented) = (world.now, token.presented());
    let before = world.database.row(token.branch).clone();
    let verdict = bounds.rule.judge(&before, presented, &bounds.policy, now);
    tally.count(Outcome::of(&verdict));
    if party == Party::Thief && matches!(verdict, Verdict::Same | Verdict::Successor) {
        tally.count(Outcome::ThiefUnseen);
    }
    let answer = match &verdict {
        Verdict::Refuse(_) => None,
        Verdict::Reuse => {
            let ended = Ended { at: now, reason: EndReason::Reuse };
            for session in world.database.rows_mut() {
                session.ended.get_or_insert_with(|| ended.clone());
            }
            world.database.reuse_records += 1;
            None
        }
        _ if bounds.rule.forks(&verdict) && world.database.fork.is_none() => {
            world.database.fork = Some(Box::new(before.clone()));
            Some(Token::of(&before, 1))
        }
        _ => {
            let session = world.database.row_mut(token.branch);
            bounds.rule.apply(session, &verdict, presented, &bounds.policy, now);
            Some(Token::of(session, token.branch))
        }
    };
    let decided = Decided {
        party,
        token,
        before: &before,
        verdict,
        after: world.database.row(token.branch),
        answer,
        now,
        reuse_records: world.database.reuse_records,
        clock_has_stepped: world.spent.clock_steps > 0,
    };
    world.watch.observe(&decided, &bounds.policy);
    answer
}

/// Any other request that carries the refresh cookie along.
pub(crate) fn confirm(world: &mut World, bounds: &Bounds, tally: &Tally, token: Token) {
    let session = world.database.row_mut(token.branch);
    if bounds.rule.is_confirmed_by(session, token.generation, &bounds.policy, world.now) {
        session.confirmed_generation = token.generation;
        tally.count(Outcome::Confirmed);
    }
}
