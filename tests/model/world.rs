//! The modelled world: one session, one browser, a network, a thief.

use std::time::Duration;

use doorward::domain::account::UserId;
use doorward::domain::session::{
    Delivery, Generation, Means, NewSession, Presented, Session, SessionId, SessionSecret,
};
use doorward::domain::timestamp::Timestamp;

use crate::bounds::Bounds;
use crate::invariants::Watch;

pub(crate) const LOGIN: Timestamp = Timestamp::from_seconds(1_000_000);

/// A refresh token. The service makes it from the row: the same row always gives the same token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Token {
    pub(crate) generation: Generation,
    pub(crate) expires: Timestamp,
    /// Which of the rows it belongs to: only a forking rule has more than one.
    pub(crate) branch: u8,
}

impl Token {
    pub(crate) fn of(session: &Session, branch: u8) -> Self {
        let expires = Timestamp::from_seconds(session.idle_expires_at.seconds());
        Self { generation: session.generation, expires, branch }
    }

    pub(crate) fn presented(self) -> Presented {
        Presented { generation: self.generation, expires: self.expires, by: Means::Token }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// `POST /refresh` with the cookie.
    Refresh,
    /// The same, from a browser that was killed since: nobody waits for the answer.
    Orphan,
    /// Any other request that carries the cookie along.
    Use,
    /// The answer to a refresh, with a cookie.
    Reply,
}

/// A message under way between the browser and any node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Message {
    pub(crate) kind: Kind,
    pub(crate) token: Token,
    /// Ticks since it was sent.
    pub(crate) age: u8,
}

/// What the nodes share. They hold nothing else: any node, a restarted one too, answers from this alone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Database {
    pub(crate) session: Session,
    /// The row of a second branch; only a forking rule makes one.
    pub(crate) fork: Option<Box<Session>>,
    /// Audit records of reuse.
    pub(crate) reuse_records: u8,
}

impl Database {
    pub(crate) fn row(&self, branch: u8) -> &Session {
        if branch > 0 { self.fork.as_deref().unwrap_or(&self.session) } else { &self.session }
    }

    pub(crate) fn row_mut(&mut self, branch: u8) -> &mut Session {
        if branch > 0 { self.fork.as_deref_mut().unwrap_or(&mut self.session) } else { &mut self.session }
    }

    pub(crate) fn rows_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        std::iter::once(&mut self.session).chain(self.fork.as_deref_mut())
    }
}

/// The cookie jar, which all tabs share, and its copy on the disk.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Browser {
    pub(crate) jar: Token,
    /// What a killed browser comes back with.
    pub(crate) disk: Token,
    /// Ticks for which the disk has been behind.
    pub(crate) behind: u8,
}

impl Browser {
    pub(crate) fn is_written(&self) -> bool {
        self.disk == self.jar
    }
}

/// How much of what the bounds allow has happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Spent {
    pub(crate) mishaps: u8,
    pub(crate) duplicates: u8,
    pub(crate) thefts: u8,
    pub(crate) fail_overs: u8,
    pub(crate) clock_steps: u8,
    pub(crate) clock_is_back: bool,
    pub(crate) days: u8,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct World {
    /// What the service's clock shows.
    pub(crate) now: Timestamp,
    pub(crate) tick: Duration,
    /// See [`Bounds::oldest_age`].
    pub(crate) oldest_age: u32,
    pub(crate) database: Database,
    /// The state to which a fail-over falls back.
    pub(crate) replica: Option<Box<Database>>,
    pub(crate) browser: Browser,
    /// Sorted, so that the order in which they were sent makes no difference.
    pub(crate) messages: Vec<Message>,
    pub(crate) thief: Option<Token>,
    pub(crate) spent: Spent,
    pub(crate) watch: Watch,
}

impl World {
    pub(crate) fn session(bounds: &Bounds) -> Session {
        let new = NewSession {
            id: SessionId([1; 16]),
            user_id: UserId(1),
            secret: SessionSecret([2; 32]),
            amr: Vec::new(),
            delivery: Delivery::Cookies,
            client_ip: None,
            user_agent: None,
        };
        Session::begin(new, &bounds.policy, LOGIN)
    }

    /// Just after a login whose answer has arrived and is on the disk.
    pub(crate) fn after_login(bounds: &Bounds) -> Self {
        let session = Self::session(bounds);
        let token = Token::of(&session, 0);
        Self {
            now: LOGIN,
            tick: bounds.tick,
            oldest_age: bounds.oldest_age(),
            watch: Watch::new(&session, &bounds.judged),
            database: Database { session, fork: None, reuse_records: 0 },
            replica: None,
            browser: Browser { jar: token, disk: token, behind: 0 },
            messages: Vec::new(),
            thief: None,
            spent: Spent::default(),
        }
    }

    pub(crate) fn send(&mut self, kind: Kind, token: Token) {
        self.messages.push(Message { kind, token, age: 0 });
        self.messages.sort_unstable();
    }

    /// A reply arrived: all tabs see the cookie, the disk later.
    pub(crate) fn receive(&mut self, cookie: Token) {
        self.browser.jar = cookie;
        if self.browser.is_written() {
            self.browser.behind = 0;
        }
    }

    /// Whether the disk holds the newest cookie or the one before, also when all that is under way has arrived.
    pub(crate) fn disk_is_one_behind(&self) -> bool {
        let next = self.browser.disk.generation + 1;
        let rotates_further = |message: &Message| {
            matches!(message.kind, Kind::Refresh | Kind::Orphan) && message.token.generation >= next
        };
        self.database.session.generation <= next && !self.messages.iter().any(rotates_further)
    }
}
