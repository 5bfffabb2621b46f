//! Random histories of the real service: whatever people, thieves, operators and clocks do, in whatever order, the invariants of
//! sessions hold. The reference knows what can be done next; `world` does it, and judges each answer by what is known from
//! outside: the tokens that were handed out, and when.

mod holder;
mod world;

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use self::world::World;
use crate::harness::app::Database;
use crate::harness::time::{days, hours, minutes, seconds};

/// One step. Indexes wrap around what there is.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// In a browser, or in an app that gets its tokens in bodies.
    Login {
        in_body: bool,
    },
    /// Somebody presents any token that was ever handed out.
    Refresh {
        session: usize,
        token: usize,
    },
    /// The newest one: what an honest client does.
    RefreshNewest {
        session: usize,
    },
    /// A good one in the other way: as a cookie, or in a body.
    Convert {
        session: usize,
    },
    /// A token with one character changed.
    Forge {
        session: usize,
        position: usize,
    },
    Me {
        session: usize,
    },
    Logout {
        session: usize,
    },
    ChangePassword {
        session: usize,
    },
    LogoutAll {
        session: usize,
    },
    /// An operator lets nobody in any more.
    Disable,
    /// An operator lets the person in again.
    Enable,
    /// The next of the three steps in which a key is changed, each with a restart.
    ChangeKey,
    /// Old rows are deleted.
    Purge,
    Wait(Duration),
    ClockBack(Duration),
}

/// What decides which steps make sense.
#[derive(Clone, Debug)]
pub(super) struct Possible {
    disabled: bool,
    key: KeyChange,
}

/// How far a change of the key has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyChange {
    /// One key.
    Done,
    /// The next key is accepted.
    Accepted,
    /// The next key signs, the old one is accepted: for as long as its tokens live.
    Swapped(Duration),
}

/// `REFRESH_TOKEN_TTL`.
pub(super) const IDLE: Duration = Duration::from_hours(7 * 24);

impl ReferenceStateMachine for Possible {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self { disabled: false, key: KeyChange::Done }).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Step> {
        let session = 0..4_usize;
        prop_oneof![
            2 => any::<bool>().prop_map(|in_body| Step::Login { in_body }),
            6 => (session.clone(), 0..12_usize).prop_map(|(session, token)| Step::Refresh { session, token }),
            8 => session.clone().prop_map(|session| Step::RefreshNewest { session }),
            1 => session.clone().prop_map(|session| Step::Convert { session }),
            1 => (session.clone(), 0..84_usize).prop_map(|(session, position)| Step::Forge { session, position }),
            3 => session.clone().prop_map(|session| Step::Me { session }),
            1 => session.clone().prop_map(|session| Step::Logout { session }),
            1 => session.clone().prop_map(|session| Step::ChangePassword { session }),
            1 => session.prop_map(|session| Step::LogoutAll { session }),
            1 => Just(Step::Disable),
            2 => Just(Step::Enable),
            2 => Just(Step::ChangeKey),
            1 => Just(Step::Purge),
            8 => prop_oneof![
                Just(seconds(1)), Just(seconds(29)), Just(seconds(31)), Just(seconds(91)), Just(minutes(45)), Just(hours(5)),
                Just(days(1)), Just(days(4)), Just(days(8)),
            ].prop_map(Step::Wait),
            1 => prop_oneof![Just(seconds(5)), Just(hours(1))].prop_map(Step::ClockBack),
        ]
        .boxed()
    }

    fn preconditions(state: &Self, step: &Step) -> bool {
        match step {
            Step::Disable => !state.disabled,
            Step::Enable => state.disabled,
            Step::ChangeKey => !matches!(state.key, KeyChange::Swapped(since) if since < IDLE),
            _ => true,
        }
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        match *step {
            Step::Disable => state.disabled = true,
            Step::Enable => state.disabled = false,
            Step::ChangeKey => {
                state.key = match state.key {
                    KeyChange::Done => KeyChange::Accepted,
                    KeyChange::Accepted => KeyChange::Swapped(Duration::ZERO),
                    KeyChange::Swapped(_) => KeyChange::Done,
                }
            }
            Step::Wait(span) => {
                if let KeyChange::Swapped(since) = &mut state.key {
                    *since += span;
                }
            }
            Step::ClockBack(span) => {
                if let KeyChange::Swapped(since) = &mut state.key {
                    *since = since.saturating_sub(span);
                }
            }
            _ => {}
        }
        state
    }
}

/// The service on one of the databases.
struct OnSqlite;
struct OnPostgres;

macro_rules! lives_on {
    ($service:ident, $database:expr) => {
        impl StateMachineTest for $service {
            type SystemUnderTest = World;
            type Reference = Possible;

            fn init_test(_: &Possible) -> World {
                World::begin($database)
            }

            fn apply(mut world: World, _: &Possible, step: Step) -> World {
                world.take(&step);
                world
            }

            fn teardown(world: World, _: Possible) {
                world.end();
            }
        }
    };
}
lives_on!(OnSqlite, Database::Sqlite);
lives_on!(OnPostgres, Database::Postgres);

fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() }
}

prop_state_machine! {
    #![proptest_config(config(40))]
    #[test]
    fn sqlite(sequential 1..60 => OnSqlite);
}

/// As the macro above does it, where there is a PostgreSQL.
#[test]
fn postgres() {
    if crate::support::postgres::shared().is_none() {
        return;
    }
    let config = config(16);
    proptest!(config.clone(), |((state, steps, seen) in Possible::sequential_strategy(1..60))| {
        OnPostgres::test_sequential(config.clone(), state, steps, seen);
    });
}
