//! What is told of factors: in the audit, and by mail to the owner.

use super::Offered;
use crate::domain::account::User;
use crate::domain::audit::{Event, Record};
use crate::domain::factor::Proof;
use crate::domain::mail::Kind;
use crate::domain::session::SessionId;
use crate::domain::timestamp::Timestamp;
use crate::service::mail::Draft;
use crate::service::{App, Client, Failure};
use crate::storage::{Error, Tx, audit};

/// Mails that may have to be written where a code is looked at. None: nobody sends mail.
#[derive(Clone)]
pub(in crate::service) struct Notices {
    wrong: Option<Draft>,
    recovery: Option<Draft>,
}

impl Notices {
    /// Draws what they need of chance.
    pub(in crate::service) fn draw(app: &App) -> Result<Self, Failure> {
        Ok(Self { wrong: app.mail.notice(Kind::WrongCode)?, recovery: app.mail.notice(Kind::RecoveryCodeUsed)? })
    }
}

/// Notes something wrong in the place of what is held. Its giver knew the password: of a code the owner is told, once a day.
pub(in crate::service) async fn note_wrong(
    tx: &mut Tx,
    user: &User,
    (session, offered): (Option<SessionId>, &Offered),
    client: &Client,
    notices: &Notices,
    now: Timestamp,
) -> Result<(), Error> {
    let is_passkey = matches!(offered, Offered::Passkey(_));
    let detail = is_passkey.then(|| "passkey".to_owned());
    let record = Record { detail, ..client.record(Event::SecondFactorFailed, user.id, session) };
    audit::append(tx, &record, now).await?;
    if let Some(notice) = notices.wrong.as_ref().filter(|_| !is_passkey) {
        notice.tell(tx, user, client, now).await?;
    }
    Ok(())
}

/// Tells of a recovery code that was used. A code of the app is what is expected, and stands in the record of what it opened.
pub(in crate::service) async fn used(
    tx: &mut Tx,
    user: &User,
    proof: Proof,
    client: &Client,
    notices: &Notices,
    now: Timestamp,
) -> Result<(), Error> {
    if proof != Proof::RecoveryCode {
        return Ok(());
    }
    audit::append(tx, &client.record(Event::RecoveryCodeUsed, user.id, None), now).await?;
    if let Some(notice) = &notices.recovery {
        notice.tell(tx, user, client, now).await?;
    }
    Ok(())
}
