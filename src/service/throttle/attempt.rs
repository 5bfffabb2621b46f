//! One attempt at something that is limited.

use std::sync::Arc;

use super::{Limited, shared};
use crate::cache::throttle::{Account, Reservation, Who};
use crate::domain::throttle::{ClientKey, Counter, Key, Scope, Throttled};
use crate::platform::hashing::{Class, HashError, Place, Subject};
use crate::service::{App, Client, Failure};

/// An admitted attempt. Whoever drops it without a word has failed: the attempt counts.
#[must_use = "say what became of it"]
pub(in crate::service) struct Attempt {
    app: Arc<App>,
    scope: Scope,
    who: Who,
    taken: Reservation,
}

impl Attempt {
    /// Takes all places that the scope asks for: this node's first, which refuse without the database, then those that all nodes
    /// share. `account` is the one that it is about, if there is one.
    ///
    /// # Errors
    /// When there were too many attempts, here or anywhere; when the database can't be asked, which admits nobody.
    pub(in crate::service) async fn begin<E>(
        app: &Arc<App>,
        scope: Scope,
        client: &Client,
        account: Option<Account>,
    ) -> Result<Self, E>
    where
        E: From<Limited> + From<Failure>,
    {
        let who = Who { address: client.ip, account };
        let here = Self::begin_here(app, scope, who)?;
        Self::begin_everywhere(app, scope, who, here).await
    }

    /// The same, for what will take a place in the queue of the hashing pool: a full queue refuses without the database, since it
    /// is met by many.
    ///
    /// # Errors
    /// As there; when too much is waiting, or the pool is closed.
    pub(in crate::service) async fn begin_to_hash<E>(
        app: &Arc<App>,
        scope: Scope,
        client: &Client,
        account: Option<Account>,
    ) -> Result<Self, E>
    where
        E: From<Limited> + From<Failure>,
    {
        let who = Who { address: client.ip, account };
        let here = Self::begin_here(app, scope, who)?;
        if let Err(error) = app.password.hashing.room(class(scope), subject(app, scope, who)) {
            here.refund();
            return Err(refusal(error));
        }
        Self::begin_everywhere(app, scope, who, here).await
    }

    fn begin_here(app: &App, scope: Scope, who: Who) -> Result<Reservation, Limited> {
        app.limits.counters.reserve(scope, &who, app.clock.now()).map_err(|throttled| limited(app, scope, throttled))
    }

    async fn begin_everywhere<E>(app: &Arc<App>, scope: Scope, who: Who, here: Reservation) -> Result<Self, E>
    where
        E: From<Limited> + From<Failure>,
    {
        let taken = shared::admit::<E>(app, here).await?.map_err(|throttled| limited(app, scope, throttled))?;
        Ok(Self { app: Arc::clone(app), scope, who, taken })
    }

    /// Refuses whom their address alone keeps out, before anything is made of what they submitted.
    ///
    /// # Errors
    /// When there were too many attempts from there.
    pub(in crate::service) fn may_begin(app: &App, scope: Scope, client: &Client) -> Result<(), Limited> {
        let tried = app.limits.counters.may_try(scope, client.ip, app.clock.now());
        tried.map_err(|throttled| limited(app, scope, throttled))
    }

    /// Takes a place in the queue of the hashing pool, before anything of an account is read: whoever is refused learns nothing. A
    /// refusal ends the attempt.
    ///
    /// # Errors
    /// When too much is waiting, or the pool is closed.
    pub(in crate::service) async fn place<E>(self) -> Result<(Self, Place), E>
    where
        E: From<Limited> + From<Failure>,
    {
        let place = self.app.password.hashing.reserve(class(self.scope), subject(&self.app, self.scope, self.who));
        self.unless_refused(place).await
    }

    /// Takes two, for one password to be verified and then another to be hashed.
    ///
    /// # Errors
    /// As [`Attempt::place`].
    pub(in crate::service) async fn two_places<E>(self) -> Result<(Self, (Place, Place)), E>
    where
        E: From<Limited> + From<Failure>,
    {
        let places = self.app.password.hashing.reserve_two(class(self.scope), subject(&self.app, self.scope, self.who));
        self.unless_refused(places).await
    }

    /// What was wanted is done: where only failures count, the place is given back.
    pub(in crate::service) async fn succeeded(self) {
        let slots = self.taken.0.into_iter().filter(|slot| slot.counter().counts_failures_alone()).collect();
        shared::refund(&self.app, Reservation(slots)).await;
    }

    /// What was wanted is refused, after it was looked at. It counts.
    pub(in crate::service) fn failed(self) {
        drop(self.taken);
    }

    /// The result of hashing, and the attempt that goes on.
    ///
    /// # Errors
    /// When the pool refused, so that nobody looked at what was wanted: then all places are given back.
    pub(in crate::service) async fn unless_refused<T, E>(self, hashed: Result<T, HashError>) -> Result<(Self, T), E>
    where
        E: From<Limited> + From<Failure>,
    {
        match hashed {
            Ok(hashed) => Ok((self, hashed)),
            Err(error @ HashError::Overloaded { .. }) => {
                shared::refund(&self.app, self.taken).await;
                Err(refusal(error))
            }
            Err(error) => Err(refusal(error)),
        }
    }
}

fn limited(app: &App, scope: Scope, throttled: Throttled) -> Limited {
    app.metrics.limited.add(scope.as_str());
    throttled.into()
}

fn refusal<E>(error: HashError) -> E
where
    E: From<Limited> + From<Failure>,
{
    match error {
        HashError::Overloaded { retry_after } => Limited::Overloaded { retry_after }.into(),
        error => Failure::from(error).into(),
    }
}

fn class(scope: Scope) -> Class {
    if scope == Scope::Login { Class::Login } else { Class::Other }
}

/// Whose share of the queue it is: in a session the account's; of somebody who logs in, or has no account yet, the address's, in
/// proportion to its limit. Never an email that was merely typed: a stranger would hold its owner's place.
fn subject(app: &App, scope: Scope, who: Who) -> Subject {
    if let (Some(account), Scope::Reauthenticate | Scope::EmailChange) = (who.account, scope) {
        return Subject::bounded(account.name, 1);
    }
    let limits = &app.limits;
    limits.counters.allowance(scope, who.address).map_or(Subject::UNBOUNDED, |allowance| {
        let client = Key::Client(ClientKey::of(who.address)).name(Counter::Logins);
        Subject::bounded(limits.names.of(&client), allowance as usize)
    })
}
