//! What may happen in a modelled world, and how much of it. Within these bounds the model is exhaustive: whatever they allow
//! happens at every moment and in every order.

use std::time::Duration;

use doorward::domain::factor::Requirement;
use doorward::domain::session::{Means, Policy, Presented, Session};

use crate::invariants::Invariant;
use crate::rules::Rule;
use crate::world::World;

pub(crate) const DAY: Duration = Duration::from_hours(24);

/// Bounds of one world.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub(crate) name: &'static str,
    pub(crate) rule: Rule,
    pub(crate) policy: Policy,
    /// What is looked for. A world in which it is broken goes no further.
    pub(crate) judged: Vec<Invariant>,
    /// The smallest step of time.
    pub(crate) tick: Duration,
    /// Messages between browser and service at a time: one for each tab, one for a duplicate.
    pub(crate) in_flight: usize,
    /// Ticks that a request is under way at most.
    pub(crate) request_delay: u8,
    /// Ticks that a reply is under way at most.
    pub(crate) reply_delay: u8,
    /// Ticks after which the browser has written a changed cookie to its disk.
    pub(crate) disk_lag: u8,
    /// Lost replies, overtaken replies and killed browsers in a day.
    pub(crate) mishaps: u8,
    /// Requests that the network delivers twice, in all.
    pub(crate) duplicates: u8,
    /// Cookies that a thief copies from the browser, in all.
    pub(crate) thefts: u8,
    /// How often the database may fall back to an earlier state of the session.
    pub(crate) fail_overs: u8,
    /// How often the service's clock may step by an hour: back, then forward.
    pub(crate) clock_steps: u8,
    /// Jumps of a day, in all.
    pub(crate) days: u8,
    /// Whether the session may be ended from outside, by a logout or an operator.
    pub(crate) logout: bool,
    /// Whether the clock may step forward while messages are under way: what is not promised.
    pub(crate) clock_skips_messages: bool,
}

impl Bounds {
    /// One tab and a perfect world; a scenario adds what may go wrong in it. Times are such that all that matters differs: a
    /// window of three ticks, an idle expiry of two days, an absolute one of three.
    pub(crate) fn quiet(name: &'static str) -> Self {
        let tick = Duration::from_secs(10);
        Self {
            name,
            rule: Rule::Real,
            policy: Policy {
                access_ttl: Duration::from_hours(1),
                idle_ttl: 2 * DAY,
                absolute_ttl: 3 * DAY,
                grace: 3 * tick,
                lost_replies_per_day: 2,
                not_before: None,
                max_per_user: 50,
                bound_ttl: Duration::from_mins(10),
                second_factor: Requirement::Optional,
                unbound_for: None,
            },
            judged: Invariant::ALL.to_vec(),
            tick,
            in_flight: 1,
            request_delay: 0,
            reply_delay: 0,
            disk_lag: 3,
            mishaps: 0,
            duplicates: 0,
            thefts: 0,
            fail_overs: 0,
            clock_steps: 0,
            days: 0,
            logout: false,
            clock_skips_messages: false,
        }
    }

    /// Ticks after which nothing depends on the age of a rotation any more: asked of the rule, not assumed.
    pub(crate) fn oldest_age(&self) -> u32 {
        const LONG: u32 = 1_000;
        let fresh = World::session(self);
        let unconfirmed = Session { generation: 3, confirmed_generation: 2, ..fresh };
        let confirmed = Session { confirmed_generation: 3, ..unconfirmed.clone() };
        let decisions = |ticks: u32| {
            let now = unconfirmed.rotated_at + self.tick * ticks;
            let presented =
                |generation| Presented { generation, expires: unconfirmed.idle_expires_at, by: Means::Token };
            let judge = |session, generation| self.rule.judge(session, presented(generation), &self.policy, now);
            let verdicts = [&unconfirmed, &confirmed].map(|session| [1, 2, 3, 4].map(|g| judge(session, g)));
            (verdicts, self.rule.is_confirmed_by(&unconfirmed, 3, &self.policy, now))
        };
        let settled = decisions(LONG);
        (0..LONG).rev().find(|ticks| decisions(*ticks) != settled).map_or(0, |ticks| ticks + 1)
    }
}
