//! Binding a session to the device that has just logged in.

use std::sync::Arc;

use super::{Caller, IssuedTokens, end_session, issue_tokens, session_ended};
use crate::domain::account::ExternalId;
use crate::domain::audit::Event;
use crate::domain::session::{Binding, DeviceProof, EndReason, Refusal, Registration, Session};
use crate::domain::timestamp::Timestamp;
use crate::service::throttle::Limited;
use crate::service::{App, Client, Failure, in_own_task};
use crate::storage::{audit, session};

/// Why the session is not bound to this device.
#[derive(Debug, thiserror::Error)]
pub enum RegisterDeviceError {
    /// No signature, of a fresh challenge for this session, by ES256; or the session has gone on unbound.
    #[error("nothing proves a device that this session can be bound to")]
    Invalid,
    /// The session can't be used any more.
    #[error("the session can't be used: {0:?}")]
    Refused(Refusal),
    /// Not now.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Our own trouble.
    #[error(transparent)]
    Failed(#[from] Failure),
}

enum Decision {
    Bound { session: Box<Session>, external_id: Option<ExternalId>, now: Timestamp },
    Taken,
    Invalid,
    Refused(Refusal),
}

/// Binds the caller's session to the key that has signed the login's challenge. The same key again is answered as the first time; another
/// one ends the session: one of the two is a thief's.
///
/// # Errors
/// See [`RegisterDeviceError`].
pub async fn register_device(
    app: &Arc<App>,
    caller: &Caller,
    client: Client,
    jwt: Option<&str>,
) -> Result<IssuedTokens, RegisterDeviceError> {
    let id = caller.session.id;
    let proof = jwt.and_then(|jwt| app.session.device.proofs.registration(jwt, id));
    let proof = proof.ok_or(RegisterDeviceError::Invalid)?;
    app.limits.counters.refresh(id, app.clock.now()).map_err(Limited::from)?;
    let app = Arc::clone(app);
    in_own_task(async move {
        let binding = Binding { key: proof.key, name: app.session.device.proofs.name_of(id) };
        let input = (app.session.policy.clone(), client, proof, binding);
        let decided =
            app.store.write(input, move |tx, (policy, client, proof, binding): &(_, Client, DeviceProof, Binding)| {
                Box::pin(async move {
                    let Some(mut locked) = session::lock_after_user(tx, id).await? else {
                        return Ok(Decision::Invalid);
                    };
                    let now = locked.now;
                    if let Some(refusal) = locked.session.refusal(locked.user_active, policy, now) {
                        return Ok(Decision::Refused(refusal));
                    }
                    match locked.session.registration(proof, now) {
                        Registration::Refuse => return Ok(Decision::Invalid),
                        Registration::Taken => {
                            end_session(tx, &locked.session, &EndReason::Device, client, now).await?;
                            return Ok(Decision::Taken);
                        }
                        Registration::Bind => {
                            if !session::bind(tx, &locked.session, binding).await? {
                                return Ok(Decision::Invalid);
                            }
                            locked.session.binding = Some(*binding);
                            let record = client.record(Event::DeviceBound, locked.session.user_id, Some(id));
                            audit::append(tx, &record, now).await?;
                        }
                        Registration::Already => {}
                    }
                    Ok(Decision::Bound { session: Box::new(locked.session), external_id: locked.external_id, now })
                })
            });
        match decided.await.map_err(Failure::from)? {
            Decision::Bound { session, external_id, now } => {
                app.session.cache.forget(id);
                tracing::info!(user_id = %session.user_id, session_id = %id, "session bound to a device");
                Ok(issue_tokens(&app, &session, external_id.as_ref(), now)?)
            }
            Decision::Taken => {
                session_ended(&app, id, EndReason::Device);
                tracing::warn!(session_id = %id, "another device asked to be bound to a session, which has ended");
                Err(RegisterDeviceError::Refused(Refusal::Ended(EndReason::Device)))
            }
            Decision::Invalid => Err(RegisterDeviceError::Invalid),
            Decision::Refused(refusal) => Err(RegisterDeviceError::Refused(refusal)),
        }
    })
    .await
}
