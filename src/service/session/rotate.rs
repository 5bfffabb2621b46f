//! Rotation without a lock: nearly every refresh.
//!
//! The row is judged as it was read, or is remembered, and written if it is still that. What was written then is what would have been
//! written under the lock; and where anything is different, all is decided under the lock.

use std::sync::Arc;
use std::time::Duration;

use super::refresh::note;
use super::{IssuedTokens, issue_tokens};
use crate::cache::sessions::Live;
use crate::domain::session::{Presented, Session, Verdict};
use crate::domain::timestamp::Timestamp;
use crate::service::{App, Client, Failure};
use crate::storage::{self, Tx, session};

/// How far the time by which it was judged may be from the database's.
const NEAR: Duration = Duration::from_secs(1);

/// Rotates a session that is as it was read, where that is what the presented generation leads to. None: nothing was changed, and it is to
/// be decided under the lock.
pub(super) async fn rotate_unchanged(
    app: &Arc<App>,
    client: &Client,
    live: Arc<Live>,
    presented: Presented,
) -> Result<Option<IssuedTokens>, Failure> {
    if !rotates(app, &live, presented, app.clock.now()) {
        return Ok(None);
    }
    let work = Rotation { app: Arc::clone(app), client: client.clone(), live: Arc::clone(&live), presented };
    let (session, now) = match app.store.write_one(work, |tx, work| Box::pin(work.write(tx))).await {
        Ok(Some(rotated)) => rotated,
        Ok(None) | Err(storage::Error::Conflict(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    app.metrics.refreshes.add("rotated");
    note(&session);
    let tokens = issue_tokens(app, &session, live.user.external_id.as_ref(), now)?;
    // The user is no newer than the read.
    let (user, answers) = (live.user.clone(), live.answers.clone());
    app.session.cache.learn(Live { session, user, read_at: live.read_at, answers });
    Ok(Some(tokens))
}

/// A token that is ahead of its row is recorded, which takes more than one statement.
fn rotates(app: &App, live: &Live, presented: Presented, now: Timestamp) -> bool {
    let verdict = live.session.judge(live.user.is_active, presented, &app.session.policy, now);
    verdict == Verdict::Rotate { ahead: false }
}

struct Rotation {
    app: Arc<App>,
    client: Client,
    live: Arc<Live>,
    presented: Presented,
}

impl Rotation {
    async fn write(&self, tx: &mut Tx) -> Result<Option<(Session, Timestamp)>, storage::Error> {
        let Self { app, client, live, presented } = self;
        let now = tx.about_now();
        if !rotates(app, live, *presented, now) {
            return Ok(None);
        }
        let mut session = live.session.clone();
        session.apply(&Verdict::Rotate { ahead: false }, *presented, &app.session.policy, now);
        session.client_ip = client.ip;
        session.user_agent.clone_from(&client.user_agent);
        let external_id = live.user.external_id.as_ref();
        let Some(at) = session::rotate_unchanged(tx, &live.session, external_id, &session, now).await? else {
            return Ok(None);
        };
        if at.since(now).max(now.since(at)) > NEAR || !rotates(app, live, *presented, at) {
            // The node's clock was off, or the statement waited: once more, by the database's.
            app.clock.follow(at);
            return Err(storage::Error::Conflict("the time of a rotation is not the database's".to_owned()));
        }
        Ok(Some((session, now)))
    }
}
