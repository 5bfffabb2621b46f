//! Looking at a code or a passkey. The one place that uses one up.

use std::sync::Arc;

use super::{context, hash_of};
use crate::domain::account::UserId;
use crate::domain::audit::Event;
use crate::domain::factor::{
    Assertion, Ceremony, CeremonyFor, Code, Proof, RecoveryCode, SecretKey, has_gone_back, steps,
};
use crate::domain::throttle::Scope;
use crate::domain::timestamp::Timestamp;
use crate::platform::one_time_code::step_of;
use crate::platform::proof_cookies::ProofCookies;
use crate::platform::sealed::{Sealed, Seals};
use crate::platform::webauthn::{RelyingParty, challenge_of};
use crate::service::{App, Client};
use crate::storage::{Error, Tx, audit, factor};

/// What somebody shows of what they hold.
#[derive(Clone, Debug)]
pub enum Offered {
    /// A code of an app. None: it can't be one.
    Code(Option<Code>),
    /// A recovery code. None: it can't be one.
    RecoveryCode(Option<RecoveryCode>),
    /// A passkey.
    Passkey(Box<Assertion>),
}

/// What was found of it.
#[derive(Debug)]
pub(in crate::service) enum Looked {
    /// It is right, and used up.
    Proved(Proof),
    /// It is another one, or was used.
    Wrong,
    /// The account has an app whose secret can't be read: no key of the server opens it.
    Unreadable,
    /// The challenge that the passkey has signed is none that is good for this.
    Void,
}

/// What is needed to look.
#[derive(Clone)]
pub(in crate::service) struct Looker {
    seals: Seals,
    passkeys: Option<Arc<RelyingParty>>,
    /// The authentic challenges that the browser holds.
    ceremonies: Vec<Ceremony>,
    /// Nothing counts that was given out before.
    not_before: Option<Timestamp>,
    client: Client,
}

/// For what a passkey must have been asked for, and of whom and in which session or by which ticket where that is known.
pub(in crate::service) type Asked = (CeremonyFor, Option<(UserId, [u8; 16])>);

impl Offered {
    /// What limits how often it is looked at: codes are guessed, passkeys are not.
    pub(in crate::service) const fn scope(&self) -> Scope {
        match self {
            Self::Code(_) | Self::RecoveryCode(_) => Scope::SecondFactor,
            Self::Passkey(_) => Scope::Passkey,
        }
    }
}

impl Looker {
    /// For a browser that holds these challenges.
    pub(in crate::service) fn new(app: &App, presented: &[String], client: &Client) -> Self {
        Self {
            seals: app.factor.seals.clone(),
            passkeys: app.factor.passkeys.clone(),
            ceremonies: app.factor.cookies.ceremonies(presented).collect(),
            not_before: app.session.policy.not_before,
            client: client.clone(),
        }
    }

    /// Looks at what is shown, and uses it up. The user's row must be locked.
    pub(in crate::service) async fn look(
        &self,
        tx: &mut Tx,
        id: UserId,
        offered: &Offered,
        asked: Asked,
        now: Timestamp,
    ) -> Result<Looked, Error> {
        match offered {
            Offered::Code(code) => self.look_at_code(tx, id, *code, now).await,
            Offered::RecoveryCode(code) => self.look_at_recovery_code(tx, id, code.as_ref(), now).await,
            Offered::Passkey(assertion) => self.look_at_passkey(tx, id, assertion, asked, now).await,
        }
    }

    async fn look_at_code(&self, tx: &mut Tx, id: UserId, code: Option<Code>, now: Timestamp) -> Result<Looked, Error> {
        let Some(stored) = factor::totp(tx, id).await? else { return Ok(Looked::Wrong) };
        let Some(secret) = open(&self.seals, id, &stored.secret) else {
            tracing::error!(user_id = %id, "no key opens the secret of an authenticator app");
            return Ok(Looked::Unreadable);
        };
        let step = code.and_then(|code| step_of(&secret, code, steps(now, stored.last_step)));
        let Some(step) = step else { return Ok(Looked::Wrong) };
        let is_first = factor::use_step(tx, id, step, now).await?;
        Ok(if is_first { Looked::Proved(Proof::Totp) } else { Looked::Wrong })
    }

    async fn look_at_recovery_code(
        &self,
        tx: &mut Tx,
        id: UserId,
        code: Option<&RecoveryCode>,
        now: Timestamp,
    ) -> Result<Looked, Error> {
        let codes = factor::recovery_codes(tx, id).await?;
        let Some(code) = code else { return Ok(Looked::Wrong) };
        let not_before = self.not_before.unwrap_or(Timestamp::EPOCH);
        let good = codes.iter().filter(|stored| stored.used_at.is_none() && stored.created_at >= not_before);
        let Some(stored) = good.into_iter().find(|stored| hash_of(&stored.salt, code) == stored.hash) else {
            return Ok(Looked::Wrong);
        };
        let is_first = factor::use_recovery_code(tx, id, &stored.salt, now).await?;
        Ok(if is_first { Looked::Proved(Proof::RecoveryCode) } else { Looked::Wrong })
    }

    async fn look_at_passkey(
        &self,
        tx: &mut Tx,
        id: UserId,
        assertion: &Assertion,
        asked: Asked,
        now: Timestamp,
    ) -> Result<Looked, Error> {
        let Some(ceremony) = self.ceremony(tx, &assertion.client_data, asked, now).await? else {
            return Ok(Looked::Void);
        };
        let wrong = |why: &str| {
            tracing::info!(user_id = %id, why, "a passkey was refused");
            Ok(Looked::Wrong)
        };
        let Some(relying_party) = &self.passkeys else { return wrong("there are no passkeys") };
        let Some((owner, passkey)) = factor::passkey(tx, &assertion.id).await? else { return wrong("it is unknown") };
        if owner != id {
            return wrong("it is another person's");
        }
        // Where nobody is known before, the authenticator must say whose it is; elsewhere it must not say somebody else.
        let signs_in = asked.0 == CeremonyFor::SignIn;
        let handle = factor::user_handle(tx, id).await?.map(|handle| handle.0.to_vec());
        let is_theirs = match &assertion.user_handle {
            Some(told) => handle.as_ref() == Some(told),
            None => !signs_in,
        };
        if !is_theirs {
            return wrong("it was made for another account");
        }
        let shown = match relying_party.assert(assertion, &ceremony.challenge, &passkey.credential, signs_in) {
            Ok(shown) => shown,
            Err(refused) => return wrong(&refused.to_string()),
        };
        if !factor::spend(tx, &ProofCookies::spent_ceremony(&ceremony), ceremony.expires).await? {
            return Ok(Looked::Void);
        }
        if has_gone_back(passkey.credential.sign_count, shown.sign_count) {
            // Counters of honest authenticators go back, too: it is written down, and locks nobody out.
            tracing::warn!(user_id = %id, "a passkey counts as if it had been used before");
            audit::append(tx, &self.client.record(Event::PasskeyCounterBack, id, None), now).await?;
        }
        factor::use_passkey(tx, passkey.id, shown.sign_count, now).await?;
        let synced = passkey.credential.is_synced;
        Ok(Looked::Proved(Proof::Passkey { verified: shown.is_verified, synced }))
    }

    /// Whether it answers a challenge that is good for this.
    pub(in crate::service) async fn holds(
        &self,
        tx: &mut Tx,
        assertion: &Assertion,
        asked: Asked,
        now: Timestamp,
    ) -> Result<bool, Error> {
        Ok(self.ceremony(tx, &assertion.client_data, asked, now).await?.is_some())
    }

    /// The challenge that was answered, if it is one that the browser holds, is good for this, and was not used.
    pub(super) async fn ceremony(
        &self,
        tx: &mut Tx,
        client_data: &[u8],
        (purpose, bound): Asked,
        now: Timestamp,
    ) -> Result<Option<Ceremony>, Error> {
        let challenge = challenge_of(client_data);
        let held = self.ceremonies.iter().find(|held| Some(held.challenge) == challenge);
        let Some(ceremony) = held.filter(|held| held.admits(purpose, bound, self.not_before, now)) else {
            return Ok(None);
        };
        let is_spent = factor::is_spent(tx, &ProofCookies::spent_ceremony(ceremony)).await?;
        Ok((!is_spent).then_some(*ceremony))
    }

    /// For whom passkeys are made.
    pub(super) fn relying_party(&self) -> Option<&RelyingParty> {
        self.passkeys.as_deref()
    }
}

/// The secret of an app.
pub(super) fn open(seals: &Seals, id: UserId, sealed: &Sealed) -> Option<SecretKey> {
    let bytes = seals.open(sealed, &context(id))?;
    bytes.try_into().ok().map(SecretKey::new)
}
