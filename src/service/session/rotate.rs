//! Rotation without a lock: nearly every refresh.
//!
//! The row is judged as it was read, or is remembered, and written if it is still that. What was written then is what would have been
//! written under the lock; and where anything is different, all is decided under the lock.

use std::collections::HashSet;
use std::sync::Arc;

use super::refresh::note;
use super::{IssuedTokens, issue_tokens};
use crate::cache::sessions::Live;
use crate::domain::session::{Presented, Session, Verdict};
use crate::domain::timestamp::Timestamp;
use crate::service::{App, Client, Failure};
use crate::storage::session::Unlocked;
use crate::storage::{self, Together, Tx, session};

/// The rotations that are wanted at the same time; None becomes of one that is to be decided under the lock.
pub type Rotations = Together<Rotation, Option<(Session, Timestamp)>>;

/// What is to be rotated, and for whom.
pub struct Rotation {
    app: Arc<App>,
    client: Client,
    live: Arc<Live>,
    presented: Presented,
}

/// Nobody rotates yet.
#[must_use]
pub fn rotations() -> Arc<Rotations> {
    Together::new(Unlocked::MOST, |tx, rotations| Box::pin(write(tx, rotations)))
}

/// Rotates a session that is as it was read, where that is what the presented generation leads to. None: nothing was changed, and it is to
/// be decided under the lock.
pub(super) async fn rotate_unchanged(
    app: &Arc<App>,
    client: &Client,
    live: Arc<Live>,
    presented: Presented,
) -> Result<Option<IssuedTokens>, Failure> {
    let rotation = Rotation { app: Arc::clone(app), client: client.clone(), live: Arc::clone(&live), presented };
    if !rotation.rotates(app.clock.now()) {
        return Ok(None);
    }
    let (session, now) = match app.session.rotations.write(&app.store, rotation).await {
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

impl Rotation {
    /// Whether it rotates now, and at every time that the database's clock may show then. A token that is ahead of its row is recorded,
    /// which takes more than one statement.
    fn rotates(&self, now: Timestamp) -> bool {
        let Live { session, user, .. } = &*self.live;
        let judge = |at| session.judge(user.is_active, self.presented, &self.app.session.policy, at);
        // What rotates at both ends rotates between them: a law of the verdict.
        [now - Unlocked::NEAR, now + Unlocked::NEAR].map(judge) == [const { Verdict::Rotate { ahead: false } }; 2]
    }

    /// The session as it is to be.
    fn rotated(&self, now: Timestamp) -> Session {
        let mut session = self.live.session.clone();
        session.apply(&Verdict::Rotate { ahead: false }, self.presented, &self.app.session.policy, now);
        session.client_ip = self.client.ip;
        session.user_agent.clone_from(&self.client.user_agent);
        session
    }
}

/// Writes those that still rotate; of one session the first.
async fn write(tx: &mut Tx, rotations: &[Rotation]) -> Result<Vec<Option<(Session, Timestamp)>>, storage::Error> {
    let now = tx.about_now();
    let mut seen = HashSet::new();
    let rotated: Vec<_> = rotations
        .iter()
        .map(|one| (one.rotates(now) && seen.insert(one.live.session.id)).then(|| one.rotated(now)))
        .collect();
    let unlocked = rotations.iter().zip(&rotated).filter_map(|(one, after)| {
        let Live { session, user, .. } = &*one.live;
        Some(Unlocked { before: session, external_id: user.external_id.as_ref(), after: after.as_ref()? })
    });
    let written = session::rotate_unchanged(tx, &unlocked.collect::<Vec<_>>(), now).await?;
    let outcome = rotated.into_iter().map(|after| after.filter(|after| written.contains(&after.id)));
    Ok(outcome.map(|after| after.map(|after| (after, now))).collect())
}
