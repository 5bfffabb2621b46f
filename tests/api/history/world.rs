//! The real service and what is known of it from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use doorward::config::secret::Secret;
use doorward::domain::session::{KeyId, RefreshToken};
use doorward::domain::timestamp::Timestamp;
use doorward::service::maintenance;
use doorward::service::operator::Changed;
use serde_json::json;
use tokio::runtime::Runtime;

use super::holder::Holder;
use super::{IDLE, Step};
use crate::harness::app::{Database, TestApp};
use crate::harness::operations::Operation;

pub(super) const EMAIL: &str = "ann@example.com";
const GRACE: Duration = Duration::from_secs(30);
/// From a rotation until the next one.
const SETTLED: Duration = Duration::from_secs(90);
const ABSOLUTE: Duration = Duration::from_hours(30 * 24);
/// How long rows are kept after a session's end.
const KEPT: Duration = Duration::from_hours(7 * 24);
/// The audit is asked at the end of a history.
const AUDIT_KEPT: Duration = Duration::from_hours(3650 * 24);

/// What is known of a session from outside.
struct Known {
    holder: Holder,
    /// Every refresh token, by its generation and key. There is never a second one.
    tokens: BTreeMap<(u32, KeyId), String>,
    began: Timestamp,
    /// When the newest generation was made: the idle time counts from then.
    made: Timestamp,
    /// The same, or when it was last issued again for a lost reply: the window counts from then.
    rotated: Timestamp,
    /// Why it ended, and when, if it did.
    ended: Option<(&'static str, Timestamp)>,
    /// Whether its row may have been deleted.
    purged: bool,
}

impl Known {
    fn newest(&self) -> u32 {
        self.tokens.last_key_value().unwrap().0.0
    }

    fn newest_token(&self) -> &str {
        self.tokens.last_key_value().unwrap().1
    }

    fn expires(&self) -> Timestamp {
        (self.made + IDLE).min(self.began + ABSOLUTE)
    }
}

/// The service, its people and its operator.
pub(super) struct World {
    runtime: Runtime,
    /// None while it restarts.
    app: Option<TestApp>,
    sessions: Vec<Known>,
    password: String,
    passwords: u32,
    disabled: bool,
    keys: Keys,
    /// The ids of keys whose tokens are not known any more.
    retired: BTreeSet<KeyId>,
}

/// The keys, by number: the one that signs, and another that is accepted.
#[derive(Clone, Copy)]
struct Keys {
    signs: u32,
    accepted: Option<u32>,
}

impl Keys {
    fn text(number: u32) -> String {
        format!("canary-key-number-{number:04}-of-the-histories")
    }
}

impl World {
    pub(super) fn begin(database: Database) -> Self {
        let runtime = Runtime::new().unwrap();
        let keys = Keys { signs: 0, accepted: None };
        let app = runtime.block_on(async {
            let app = TestApp::with(database, &pairs(&settings(keys))).await;
            app.register(EMAIL).await;
            app
        });
        let mut world = Self {
            runtime,
            app: Some(app),
            sessions: Vec::new(),
            password: "SecurePass123".to_owned(),
            passwords: 0,
            disabled: false,
            keys,
            retired: BTreeSet::new(),
        };
        world.take(&Step::Login { in_body: false });
        world
    }

    /// What is left when all is done.
    pub(super) fn end(self) {
        let reused = self.sessions.iter().filter(|known| matches!(known.ended, Some(("session_reuse_detected", _))));
        let reused = i64::try_from(reused.count()).unwrap();
        let count = self.app().number("SELECT count(*) FROM audit WHERE event = 'refresh_reused'");
        assert_eq!(self.runtime.block_on(count), reused, "each reuse leaves exactly one audit record");
    }

    pub(super) fn take(&mut self, step: &Step) {
        let handle = self.runtime.handle().clone();
        handle.block_on(self.make(step));
    }

    fn app(&self) -> &TestApp {
        self.app.as_ref().unwrap()
    }

    fn now(&self) -> Timestamp {
        self.app().clock.now()
    }

    fn session(&mut self, index: usize) -> &mut Known {
        let count = self.sessions.len();
        &mut self.sessions[index % count]
    }

    fn holder(&mut self, index: usize) -> Holder {
        self.session(index).holder.clone()
    }

    async fn make(&mut self, step: &Step) {
        self.old_rows_may_be_gone();
        match *step {
            Step::Wait(span) => self.app().clock.advance(span),
            Step::ClockBack(span) => self.app().clock.set(self.now() - span),
            Step::Login { in_body } => self.login(in_body).await,
            Step::Refresh { session, token } => {
                let tokens = &self.session(session).tokens;
                let (_, text) = tokens.iter().nth(token % tokens.len()).unwrap();
                let text = text.clone();
                self.refresh(session, &text).await;
            }
            Step::RefreshNewest { session } => {
                let text = self.session(session).newest_token().to_owned();
                self.refresh(session, &text).await;
            }
            Step::Convert { session } => {
                let Holder { in_body, refresh, .. } = self.holder(session);
                let before = self.app().dump().await;
                let got = Holder::present(self.app(), &refresh, !in_body).await;
                got.err().unwrap().refused("not_authenticated");
                assert_eq!(self.app().dump().await, before, "in the other way a token is none");
            }
            Step::Forge { session, position } => {
                let mut text = self.session(session).newest_token().to_owned().into_bytes();
                text[position] = if text[position] == b'A' { b'B' } else { b'A' };
                let before = self.app().dump().await;
                let (text, in_body) = (String::from_utf8(text).unwrap(), self.session(session).holder.in_body);
                let got = Holder::present(self.app(), &text, in_body).await;
                got.err().unwrap().refused("not_authenticated");
                assert_eq!(self.app().dump().await, before, "a forged token changes no row");
            }
            Step::Me { session } => {
                let status = self.holder(session).me(self.app()).await;
                let may = self.session(session).ended.is_none() && !self.disabled;
                assert!(status == 401 || may, "no success after the end");
            }
            Step::Logout { session } => self.logout(session).await,
            Step::ChangePassword { session } => self.change_password(session).await,
            Step::LogoutAll { session } => {
                if self.holder(session).logout_all(self.app()).await {
                    self.all_ended();
                }
            }
            Step::Disable => {
                self.operate(Operation::Disable).await;
                self.disabled = true;
                self.all_ended();
            }
            Step::Enable => {
                self.operate(Operation::Enable).await;
                self.disabled = false;
            }
            Step::ChangeKey => self.change_key().await,
            Step::Purge => self.purge().await,
        }
    }

    async fn login(&mut self, in_body: bool) {
        match Holder::login(self.app(), &self.password, in_body).await {
            Ok(holder) if !self.disabled => self.began(holder),
            Ok(_) => panic!("nobody lets them in"),
            Err(answer) => {
                answer.refused("incorrect_credentials");
                assert!(self.disabled);
            }
        }
    }

    fn began(&mut self, holder: Holder) {
        let token = RefreshToken::parse(&holder.refresh).unwrap();
        assert_eq!(token.generation, 1);
        let now = self.now();
        let tokens = BTreeMap::from([((1, token.key_id), holder.refresh.clone())]);
        let known = Known { holder, tokens, began: now, made: now, rotated: now, ended: None, purged: false };
        self.sessions.push(known);
    }

    async fn refresh(&mut self, index: usize, presented: &str) {
        let now = self.now();
        let disabled = self.disabled;
        let in_body = self.session(index).holder.in_body;
        let got = Holder::present(self.app(), presented, in_body).await;
        let RefreshToken { key_id, generation, expires, .. } = RefreshToken::parse(presented).unwrap();
        let key_is_gone = self.retired.contains(&key_id);
        let known = self.session(index);
        let newest = known.newest();

        let holder = match got {
            Ok(holder) => holder,
            Err(answer) => {
                assert_eq!(answer.status(), 401);
                let code = answer.code();
                if code == "not_authenticated" {
                    assert!(known.purged || key_is_gone, "an authentic token of a known session");
                } else if now >= expires {
                    assert_eq!(code, "session_expired", "an old leak can't be used to log people out");
                } else if disabled {
                    assert_eq!(code, "session_revoked");
                } else if let Some((reason, _)) = known.ended {
                    assert_eq!(code, reason, "ended is for ever, and says why");
                } else if code == "session_reuse_detected" {
                    assert!(generation < newest, "the newest token is never a reuse");
                    let inside = now < known.rotated + GRACE;
                    assert!(generation + 1 < newest || !inside, "inside the window nothing is a reuse");
                    known.ended = Some(("session_reuse_detected", now));
                } else {
                    assert_eq!(code, "session_expired");
                    assert!(now >= known.expires(), "expired before its time");
                }
                return;
            }
        };

        assert!(known.ended.is_none() && !disabled, "no success after the end");
        assert!(now < expires && now < known.began + ABSOLUTE, "no success past an expiry");
        let text = holder.refresh.clone();
        let token = RefreshToken::parse(&text).unwrap();
        let grew = token.generation - newest;
        assert!(grew <= 1 && token.generation >= generation, "generations go up by one");
        if grew == 1 {
            assert_eq!(generation, newest, "only the newest token is rotated");
            assert!(newest == 1 || now >= known.rotated + SETTLED, "a rotation before the last one has settled");
            (known.made, known.rotated) = (now, now);
        } else if generation < newest && now >= known.rotated + GRACE {
            // A lost reply was forgiven, which opens the window once more.
            known.rotated = now;
        }
        let first = known.tokens.entry((token.generation, token.key_id)).or_insert_with(|| text.clone());
        assert_eq!(*first, text, "a generation has exactly one successor, ever");
        known.holder = holder;
    }

    async fn logout(&mut self, index: usize) {
        if self.holder(index).logout(self.app()).await {
            let now = self.now();
            let known = self.session(index);
            known.ended = known.ended.or(Some(("session_ended", now)));
        }
    }

    async fn change_password(&mut self, index: usize) {
        self.passwords += 1;
        let new = format!("SecurePass{}", 200 + self.passwords);
        let change = json!({ "current_password": self.password, "new_password": new });
        if let Some(holder) = self.holder(index).change_password(self.app(), &change).await {
            assert!(!self.disabled);
            self.password = new;
            self.all_ended();
            self.began(holder);
        }
    }

    async fn operate(&self, operation: Operation) {
        let id = self.app().id_of(EMAIL).await;
        assert_eq!(self.app().operate(id, operation, false).await, Changed::Done);
    }

    fn all_ended(&mut self) {
        let now = self.now();
        for known in self.sessions.iter_mut().filter(|known| known.ended.is_none() && now < known.expires()) {
            known.ended = Some(("session_revoked", now));
        }
    }

    async fn change_key(&mut self) {
        let Keys { signs, accepted } = self.keys;
        self.keys = match accepted {
            None => Keys { signs, accepted: Some(signs + 1) },
            Some(next) if next > signs => Keys { signs: next, accepted: Some(signs) },
            Some(_) => Keys { signs, accepted: None },
        };
        let app = self.app.take().unwrap();
        self.app = Some(app.restart(&pairs(&settings(self.keys))).await);
        if accepted.is_some_and(|accepted| accepted < signs) {
            self.retired.extend(self.sessions.iter().flat_map(|known| known.tokens.keys()).map(|(_, key)| *key));
            self.retired.remove(&key_id(signs));
        }
    }

    async fn purge(&mut self) {
        let now = self.now();
        maintenance::purge(&self.app().service(), AUDIT_KEPT, now).await.unwrap();
    }

    /// A service deletes them when it starts, too, and now and then.
    fn old_rows_may_be_gone(&mut self) {
        let before = self.now() - KEPT;
        for known in &mut self.sessions {
            known.purged |= known.expires() < before || known.ended.is_some_and(|(_, at)| at < before);
        }
    }
}

/// By which tokens name the key of this number.
fn key_id(number: u32) -> KeyId {
    doorward::platform::keys::Ring::new(Secret::new(Keys::text(number).into_bytes()), None).current.id()
}

fn settings(keys: Keys) -> Vec<(&'static str, String)> {
    let mut settings = vec![
        ("LOGIN_RATE_LIMIT", "off".to_owned()),
        ("ACCOUNT_RATE_LIMIT", "off".to_owned()),
        ("REFRESH_RATE_LIMIT", "off".to_owned()),
        ("MAX_SESSIONS_PER_USER", "1000".to_owned()),
        ("AUDIT_RETENTION", "3650d".to_owned()),
        ("JWT_SECRET_KEY", Keys::text(keys.signs)),
    ];
    settings.extend(keys.accepted.map(|number| ("JWT_SECRET_KEY_PREVIOUS", Keys::text(number))));
    settings
}

fn pairs<'a>(settings: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

impl Drop for World {
    fn drop(&mut self) {
        // Connections go back to their pool by a task.
        let _context = self.runtime.enter();
        self.app = None;
    }
}
