//! Sends what is in the outbox: the oldest first, one at a time, held by a lease. At least once: a process that is killed between the
//! server's answer and its own note leaves a mail that is sent again, with the same Message-ID.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::Mail;
use crate::config::mail::Transport;
use crate::domain::mail::{GIVE_UP_AFTER, Kind, Outcome, retry_after};
use crate::domain::timestamp::Timestamp;
use crate::platform::mail::{Letter, Line, Post, SendError};
use crate::service::factor::tell_recoveries;
use crate::service::{App, Failure};
use crate::storage::mail::{self as outbox, Claimed};

/// How long it takes at most to notice what another process has written.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// While the server is away it is asked again, at first after this, then ever more seldom.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What became of one look into the outbox.
enum Did {
    /// There was nothing to send.
    Nothing,
    /// A mail was sent, or given up, or left for later.
    Something,
    /// The server is away.
    Unreachable,
}

impl Mail {
    /// Lets the sender end, with the mail that it is sending.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

/// Sends until it is told to [`stop`](Mail::stop). Nothing where nobody takes mail.
pub async fn deliver(app: Arc<App>) {
    let Some(post) = &app.mail.post else { return };
    if !app.store.has_other_nodes() {
        // What this database's last process was sending when it was killed need not wait for the lease to end.
        let freed = app.store.write((), |tx, ()| Box::pin(outbox::release_all(tx)));
        if let Err(error) = freed.await {
            tracing::warn!(%error, "mails that were being sent are tried again later");
        }
    }
    let mut stopped = app.mail.stop.subscribe();
    let mut pause = FIRST_PAUSE;
    loop {
        if let Err(error) = tell_recoveries(&app).await {
            tracing::warn!(%error, "who waits for the removal of their factors is told later");
        }
        let drained = drain(&app, post).await;
        look(&app).await;
        let mut is_away = false;
        match drained {
            Ok(Did::Unreachable) => is_away = true,
            Ok(_) => pause = FIRST_PAUSE,
            Err(error) => tracing::warn!(%error, "the outbox can't be read; trying again later"),
        }
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stop| *stop) => return,
            () = sleep(pause), if is_away => pause = (pause * 2).min(LONGEST_PAUSE),
            // Either way it is time to look.
            _ = timeout(LOOK_EVERY, app.mail.wake.notified()), if !is_away => {}
        }
    }
}

/// Sees what waits, for whoever watches over the service.
async fn look(app: &App) {
    let Ok(mut tx) = app.store.read().await else { return };
    if let Ok(depth) = outbox::depth(&mut tx).await {
        *app.mail.depth.lock().unwrap_or_else(PoisonError::into_inner) = Some(depth);
    }
}

/// Sends all that is due, on one connection.
async fn drain(app: &App, post: &Post) -> Result<Did, Failure> {
    let mut line = Line::default();
    let drained = loop {
        match one(app, post, &mut line).await {
            Ok(Did::Something) if !*app.mail.stop.borrow() => {}
            other => break other,
        }
    };
    line.close().await;
    drained
}

async fn one(app: &App, post: &Post, line: &mut Line) -> Result<Did, Failure> {
    if !outbox::is_due(&mut app.store.read().await?).await? {
        return Ok(Did::Nothing);
    }
    let lease = app.mail.lease();
    let claimed = app.store.write(lease, |tx, lease| Box::pin(outbox::claim(tx, *lease))).await?;
    let Some(claimed) = claimed else { return Ok(Did::Nothing) };
    let now = app.store.read().await?.now().await?;
    let age = now.since(claimed.mail.created_at);
    match attempt(app, post, line, &claimed).await {
        Ok(outcome) => finish(app, claimed, outcome, None).await?,
        Err(SendError::Never(why)) => finish(app, claimed, Outcome::Dead, Some(why)).await?,
        Err(SendError::Later(why) | SendError::Unreachable(why)) if age >= GIVE_UP_AFTER => {
            finish(app, claimed, Outcome::Dead, Some(why)).await?;
        }
        Err(SendError::Later(why)) => {
            let due = now + retry_after(claimed.mail.attempts + 1);
            // Not why: what a server says may name an address.
            tracing::warn!(
                mail = id(&claimed),
                attempts = claimed.mail.attempts + 1,
                "a mail was not taken; trying again later"
            );
            let input = (claimed, due, why);
            app.store
                .write(input, |tx, (claimed, due, why)| Box::pin(outbox::postpone(tx, claimed, *due, why)))
                .await?;
        }
        Err(SendError::Unreachable(why)) => {
            tracing::warn!(why, "the mail server can't be used; trying again later");
            let input = (claimed, why);
            app.store.write(input, |tx, (claimed, why)| Box::pin(outbox::release(tx, claimed, why))).await?;
            return Ok(Did::Unreachable);
        }
    }
    Ok(Did::Something)
}

/// Sends one mail, unless its link is void by now.
async fn attempt(app: &App, post: &Post, line: &mut Line, claimed: &Claimed) -> Result<Outcome, SendError> {
    let (mail, service) = (&claimed.mail, &app.mail);
    // A newer node will send what this one has no words for.
    let Some(kind) = mail.kind else { return Err(SendError::Later("unknown to this version".to_owned())) };
    let Some(from) = &service.settings.from else {
        return Err(SendError::Unreachable("MAIL_FROM is not set".to_owned()));
    };
    let token = claimed.link.as_ref().and_then(|link| Some((service.token_of(kind, link)?, link.expires_at)));
    if is_void(kind, claimed, token.is_some()) {
        return Ok(Outcome::Dropped);
    }
    let promised = token.as_ref().map(|(token, until)| (token, *until));
    let (text, address) = service.words(kind, mail, promised).map_err(|error| SendError::Later(error.to_string()))?;
    let letter = Letter {
        id: &id(claimed),
        kind: kind.as_str(),
        date: mail.created_at,
        from,
        app_name: &service.settings.app_name,
        bounce: service.settings.bounce.as_ref().unwrap_or(&from.address),
        to: &mail.sent_to,
        text: &text,
    };
    let file = post.send(line, &letter).await?;
    if let Some(file) = file {
        // Development alone: whoever reads this log can be anybody here.
        tracing::info!(file = %file.display(), link = address, "a mail, as a file: set SMTP_HOST to send it");
    } else {
        tracing::info!(mail = letter.id, kind = letter.kind, "mail sent");
    }
    Ok(Outcome::Sent)
}

fn is_void(kind: Kind, claimed: &Claimed, has_token: bool) -> bool {
    (kind.needs_link() && !has_token)
        || (kind.dies_with_address() && !claimed.same_address)
        || (kind.dies_with_password() && !claimed.same_credentials)
}

async fn finish(app: &App, claimed: Claimed, outcome: Outcome, why: Option<String>) -> Result<(), Failure> {
    match outcome {
        Outcome::Dead => tracing::error!(mail = id(&claimed), "a mail was given up: `doorward mail status` says why"),
        Outcome::Dropped => tracing::info!(mail = id(&claimed), "a mail was not sent: its link is void"),
        _ => {}
    }
    let input = (claimed, outcome, why);
    let noted = app.store.write(input, |tx, (claimed, outcome, why)| {
        Box::pin(async move {
            let now: Timestamp = tx.now().await?;
            outbox::finish(tx, claimed, *outcome, why.as_deref(), now).await
        })
    });
    noted.await?;
    Ok(())
}

/// As in the Message-ID.
fn id(claimed: &Claimed) -> String {
    format!("{:032x}", u128::from_be_bytes(claimed.mail.id))
}

impl Mail {
    /// Longer than a mail may take, so that nobody else sends it meanwhile.
    fn lease(&self) -> Duration {
        match &self.settings.transport {
            Some(Transport::Smtp(smtp)) => smtp.timeout * 2 + Duration::from_secs(5),
            _ => Duration::from_secs(30),
        }
    }
}
