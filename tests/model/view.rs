//! Which worlds are the same. Two that differ in nothing but how long a session has lived and how often it was rotated have the
//! same future: generations count from the newest one, and ages stop where nothing depends on them any more. So the model
//! bounds neither the number of rotations nor the time. A test of its own looks for worlds that this confuses.

use std::hash::{Hash, Hasher};

use doorward::domain::session::{EndReason, Generation, Session};
use doorward::domain::timestamp::Timestamp;

use crate::bounds::DAY;
use crate::moves::CLOCK_STEP;
use crate::world::{Database, Kind, Spent, Token, World};

#[derive(Hash)]
struct View<'a> {
    database: DatabaseView,
    replica: Option<(u32, DatabaseView)>,
    jar: TokenView,
    disk: TokenView,
    behind: u8,
    messages: Vec<(Kind, TokenView, u8)>,
    thief: Option<TokenView>,
    spent: &'a Spent,
    newest: (TokenView, i64, [bool; 2]),
    replays: u8,
    thief_acted: bool,
    broken: u16,
}

#[derive(Hash)]
struct DatabaseView {
    session: SessionView,
    /// With the distance of its generation.
    fork: Option<(i64, SessionView)>,
    reuse_records: u8,
}

#[derive(Hash)]
struct SessionView {
    is_first: bool,
    is_confirmed: bool,
    age: i64,
    lost_replies_lately: u32,
    days_idle: i64,
    days: i64,
    ended: Option<EndReason>,
}

/// How far behind the newest generation; days left; branch.
type TokenView = (i64, i64, u8);

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.view().hash(state);
    }
}

impl World {
    fn view(&self) -> View<'_> {
        let newest = self.database.session.generation;
        let lag = self.replica.as_ref().map_or(0, |replica| newest - replica.session.generation);
        // Anything older than the one before the newest is equally old, also after a fail-over.
        let oldest = 2 + i64::from(lag);
        let token = |token: Token| {
            (distance(newest, token.generation).min(oldest), self.days_left(token.expires), token.branch)
        };
        let mut messages: Vec<_> =
            self.messages.iter().map(|message| (message.kind, token(message.token), message.age)).collect();
        messages.sort_unstable();
        let watch = &self.watch;
        View {
            database: self.database_view(&self.database),
            replica: self.replica.as_ref().map(|replica| (lag, self.database_view(replica))),
            jar: token(self.browser.jar),
            disk: token(self.browser.disk),
            behind: self.browser.behind,
            messages,
            thief: self.thief.map(token),
            spent: &self.spent,
            newest: (token(watch.newest), self.age(watch.newest_at), watch.given),
            replays: if self.is_lately(watch.last_replay) { watch.replays } else { 0 },
            thief_acted: watch.thief_acted,
            broken: watch.broken,
        }
    }

    fn database_view(&self, database: &Database) -> DatabaseView {
        let newest = database.session.generation;
        DatabaseView {
            session: self.session_view(&database.session),
            fork: database.fork.as_ref().map(|fork| (distance(newest, fork.generation), self.session_view(fork))),
            reuse_records: database.reuse_records,
        }
    }

    fn session_view(&self, session: &Session) -> SessionView {
        SessionView {
            is_first: session.generation == 1,
            is_confirmed: session.confirmed_generation == session.generation,
            age: self.age(session.rotated_at),
            lost_replies_lately: if self.is_lately(session.lost_reply_at) { session.lost_replies } else { 0 },
            days_idle: self.days_left(session.idle_expires_at),
            days: self.days_left(session.expires_at),
            ended: session.ended.as_ref().map(|ended| ended.reason.clone()),
        }
    }

    /// In ticks. Negative in the future, where a clock that stepped back sees it: by the age at which it will be seen again.
    fn age(&self, then: Timestamp) -> i64 {
        let age = |now: Timestamp| div_floor(now.micros() - then.micros(), self.tick).clamp(-1, self.oldest_age.into());
        if self.now < then { -2 - age(self.now + CLOCK_STEP) } else { age(self.now) }
    }

    fn is_lately(&self, then: Option<Timestamp>) -> bool {
        then.is_some_and(|then| self.now < then + DAY)
    }

    /// How many jumps of a day until then.
    fn days_left(&self, then: Timestamp) -> i64 {
        -div_floor(self.now.micros() - then.micros(), DAY).min(0)
    }
}

fn distance(newest: Generation, generation: Generation) -> i64 {
    i64::from(newest) - i64::from(generation)
}

fn div_floor(micros: i64, unit: std::time::Duration) -> i64 {
    micros.div_euclid(i64::try_from(unit.as_micros()).unwrap_or(i64::MAX))
}
