//! Random histories of the real service: whatever people, thieves, operators and clocks do, in whatever order, the invariants of
//! sessions hold. Each step's answer is judged by what is known from outside: the tokens that were handed out, and when.

use std::collections::BTreeMap;
use std::time::Duration;

use doorward::domain::refresh_token::RefreshToken;
use doorward::domain::timestamp::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::browser::Browser;
use crate::harness::time::{days, hours, minutes, seconds};

const EMAIL: &str = "ann@example.com";
const GRACE: Duration = Duration::from_secs(30);
const IDLE: Duration = Duration::from_hours(7 * 24);
const ABSOLUTE: Duration = Duration::from_hours(30 * 24);

/// One step. Indexes wrap around what there is.
#[derive(Clone, Debug)]
enum Step {
    Login,
    /// Somebody presents any token that was ever handed out.
    Refresh {
        session: usize,
        token: usize,
    },
    /// The newest one: what an honest client does.
    RefreshNewest {
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
    Wait(Duration),
    ClockBack(Duration),
}

fn step() -> impl Strategy<Value = Step> {
    let session = 0..4_usize;
    prop_oneof![
        2 => Just(Step::Login),
        6 => (session.clone(), 0..12_usize).prop_map(|(session, token)| Step::Refresh { session, token }),
        8 => session.clone().prop_map(|session| Step::RefreshNewest { session }),
        1 => (session.clone(), 0..84_usize).prop_map(|(session, position)| Step::Forge { session, position }),
        3 => session.clone().prop_map(|session| Step::Me { session }),
        1 => session.clone().prop_map(|session| Step::Logout { session }),
        1 => session.clone().prop_map(|session| Step::ChangePassword { session }),
        1 => session.prop_map(|session| Step::LogoutAll { session }),
        8 => prop_oneof![
            Just(seconds(1)), Just(seconds(29)), Just(seconds(31)), Just(seconds(61)), Just(minutes(45)), Just(hours(5)),
            Just(days(1)), Just(days(4)), Just(days(8)),
        ].prop_map(Step::Wait),
        1 => prop_oneof![Just(seconds(5)), Just(hours(1))].prop_map(Step::ClockBack),
    ]
}

/// What is known of a session from outside.
struct Known {
    browser: Browser,
    /// Every refresh token, by its generation. There is never a second one of a generation.
    tokens: BTreeMap<u32, String>,
    began: Timestamp,
    /// When the newest generation was made: the idle time counts from then.
    made: Timestamp,
    /// The same, or when it was last issued again for a lost reply: the window counts from then.
    rotated: Timestamp,
    /// Why it ended, if it did.
    ended: Option<&'static str>,
}

struct World {
    app: TestApp,
    sessions: Vec<Known>,
    password: String,
    passwords: u32,
}

impl World {
    async fn login(&mut self) {
        let browser = self.app.browser();
        browser.login_with(EMAIL, &self.password).await.ok();
        self.began(browser);
    }

    fn began(&mut self, browser: Browser) {
        let text = browser.refresh_cookie();
        let token = RefreshToken::parse(&text).unwrap();
        assert_eq!(token.generation, 1);
        let now = self.app.clock.now();
        let tokens = BTreeMap::from([(1, text)]);
        self.sessions.push(Known { browser, tokens, began: now, made: now, rotated: now, ended: None });
    }

    async fn refresh(&mut self, index: usize, generation: u32) {
        let now = self.app.clock.now();
        let known = &mut self.sessions[index];
        let presented = known.tokens[&generation].clone();
        let newest = *known.tokens.last_key_value().unwrap().0;
        let tab = self.app.browser();
        tab.put_refresh_cookie(&presented);
        let answer = tab.refresh().await;
        let (status, code) = (answer.status(), answer.code());
        let expires = RefreshToken::parse(&presented).unwrap().expires;

        if status != 200 {
            assert_eq!(status, 401);
            assert_eq!(tab.refresh_cookie(), presented, "a 401 clears nothing");
            if now >= expires {
                assert_eq!(code, "session_expired", "an old leak can't be used to log people out");
            } else if let Some(reason) = known.ended {
                assert_eq!(code, reason, "ended is for ever, and says why");
            } else if code == "session_reuse_detected" {
                assert!(generation < newest, "the newest token is never a reuse");
                assert!(
                    generation + 1 < newest || now >= known.rotated + GRACE,
                    "inside the window nothing is a reuse"
                );
                known.ended = Some("session_reuse_detected");
            } else {
                assert_eq!(code, "session_expired");
                assert!(now >= known.began + ABSOLUTE || now >= known.made + IDLE, "expired before its time");
            }
            return;
        }

        assert!(known.ended.is_none(), "no success after the end");
        assert!(now < expires && now < known.began + ABSOLUTE, "no success past an expiry");
        let text = tab.refresh_cookie();
        let token = RefreshToken::parse(&text).unwrap();
        let grew = token.generation - newest;
        assert!(grew <= 1 && token.generation >= generation, "generations go up by one");
        if grew == 1 {
            assert_eq!(generation, newest, "only the newest token is rotated");
            assert!(newest == 1 || now >= known.rotated + GRACE, "one rotation a window");
            (known.made, known.rotated) = (now, now);
        } else if generation < newest && now >= known.rotated + GRACE {
            // A lost reply was forgiven, which opens the window once more.
            known.rotated = now;
        }
        let first = known.tokens.entry(token.generation).or_insert_with(|| text.clone());
        assert_eq!(*first, text, "a generation has exactly one successor, ever");
        known.browser.put_refresh_cookie(&text);
        known.browser.put_access_cookie(&tab.access_cookie());
    }

    fn end(&mut self, only: Option<usize>, reason: &'static str) {
        let now = self.app.clock.now();
        for (index, known) in self.sessions.iter_mut().enumerate() {
            let expired = now >= known.made + IDLE || now >= known.began + ABSOLUTE;
            if only.is_none_or(|only| only == index) && known.ended.is_none() && !expired {
                known.ended = Some(reason);
            }
        }
    }

    async fn take(&mut self, step: &Step) {
        match *step {
            Step::Wait(span) => return self.app.clock.advance(span),
            Step::ClockBack(span) => return self.app.clock.set(self.app.clock.now() - span),
            Step::Login => return self.login().await,
            _ => {}
        }
        let count = self.sessions.len();
        match *step {
            Step::Refresh { session, token } => {
                let generations: Vec<u32> = self.sessions[session % count].tokens.keys().copied().collect();
                self.refresh(session % count, generations[token % generations.len()]).await;
            }
            Step::RefreshNewest { session } => {
                let newest = *self.sessions[session % count].tokens.last_key_value().unwrap().0;
                self.refresh(session % count, newest).await;
            }
            Step::Forge { session, position } => {
                let mut text = self.sessions[session % count].browser.refresh_cookie().into_bytes();
                text[position] = if text[position] == b'A' { b'B' } else { b'A' };
                let before = self.app.dump().await;
                let thief = self.app.browser();
                thief.put_refresh_cookie(std::str::from_utf8(&text).unwrap());
                thief.refresh().await.refused("not_authenticated");
                assert_eq!(self.app.dump().await, before, "a forged token changes no row");
            }
            Step::Me { session } => {
                let known = &self.sessions[session % count];
                let answer = known.browser.me().await;
                assert!(answer.status() == 401 || known.ended.is_none(), "no success after the end");
            }
            Step::Logout { session } => {
                let browser = self.sessions[session % count].browser.clone();
                let (refresh, access) = (browser.refresh_cookie(), browser.access_cookie());
                browser.logout().await.ok();
                browser.put_refresh_cookie(&refresh);
                browser.put_access_cookie(&access);
                // Logout takes expired tokens too: it ends whatever has not ended.
                let known = &mut self.sessions[session % count];
                known.ended = known.ended.or(Some("session_ended"));
            }
            Step::ChangePassword { session } => {
                self.passwords += 1;
                let new = format!("SecurePass{}", 200 + self.passwords);
                let browser = self.app.browser();
                browser.put_access_cookie(&self.sessions[session % count].browser.access_cookie());
                let change = json!({ "current_password": self.password, "new_password": new });
                if browser.post("/api/auth/password").json(&change).await.status() == 200 {
                    self.password = new;
                    self.end(None, "session_revoked");
                    self.began(browser);
                }
            }
            Step::LogoutAll { session } => {
                let browser = self.app.browser();
                browser.put_access_cookie(&self.sessions[session % count].browser.access_cookie());
                if browser.post("/api/auth/logout-all").await.status() == 200 {
                    self.end(None, "session_revoked");
                }
            }
            Step::Login | Step::Wait(_) | Step::ClockBack(_) => unreachable!(),
        }
    }
}

async fn live(database: Database, steps: Vec<Step>) {
    let settings = [
        ("LOGIN_RATE_LIMIT", "off"),
        ("ACCOUNT_RATE_LIMIT", "off"),
        ("REFRESH_RATE_LIMIT", "off"),
        ("MAX_SESSIONS_PER_USER", "1000"),
    ];
    let app = TestApp::with(database, &settings).await;
    app.register(EMAIL).await;
    let mut world = World { app, sessions: Vec::new(), password: "SecurePass123".to_owned(), passwords: 0 };
    world.login().await;
    for step in &steps {
        world.take(step).await;
    }
    let reused = world.sessions.iter().filter(|known| known.ended == Some("session_reuse_detected")).count();
    let records = world.app.number("SELECT count(*) FROM audit WHERE event = 'refresh_reused'").await;
    assert_eq!(usize::try_from(records).unwrap(), reused, "each reuse leaves exactly one audit record");
}

fn check(database: Database, cases: u32) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    TestRunner::new(config)
        .run(&vec(step(), 1..60), |steps| {
            runtime.block_on(live(database, steps));
            Ok(())
        })
        .unwrap();
}

#[test]
fn sqlite() {
    check(Database::Sqlite, 40);
}

#[test]
fn postgres() {
    if crate::support::postgres::shared().is_some() {
        check(Database::Postgres, 16);
    }
}
