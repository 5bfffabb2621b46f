//! A position in the queue, and the job that takes it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep_until};

use super::foreign::{keys, texts};
use super::queue::Position;
use super::rate::Size;
use super::shared::Shared;
use super::work::{Job, KdfLook, Look, Passes, Reply};
use super::{HashError, Verified};
use crate::domain::password::{Function, Password, PasswordHash, Stored};

/// A position in the pool's queue, for one job of the configured cost. It is kept until it is filled; threads take what stands
/// behind it meanwhile. Dropped without a job it is given back.
#[derive(Debug)]
#[must_use = "dropping it gives it back"]
pub struct Place {
    ticket: Ticket,
    /// None counts from when it is filled.
    begin_by: Option<Instant>,
}

impl Place {
    pub(super) fn new(shared: Arc<Shared>, position: Position, begin_by: Option<Instant>) -> Self {
        Self { ticket: Ticket { shared, position }, begin_by }
    }

    /// Hashes a new password, at the configured cost, with a new salt.
    pub fn hash(self, password: Password) -> Pending<PasswordHash> {
        let salt = self.ticket.shared.random.bytes();
        let size = Size { rounds: 1 << self.ticket.shared.cost, alone: true, memory: 0 };
        self.fill(size, |reply| match salt {
            Ok(salt) => Some(Job::Hash { password, salt, reply }),
            Err(error) => {
                _ = reply.send(Err(error.into()));
                None
            }
        })
    }

    /// Whether `password` is the one of the `stored` hash; there is none for an unknown user, and nobody's password matches.
    ///
    /// Always takes 2^max(C, c) rounds, C being the configured cost and c the stored one: neither an unknown user nor a hash
    /// imported at a lower cost shows in the time. Twice as many where the password is typed in another form than Doorward hashes, whoever
    /// it is of; and where the program that made the hash may have been given either of two texts. A stored hash that is malformed, or
    /// would take longer than is borne, is treated as none.
    pub fn verify(self, password: &Password, stored: Option<PasswordHash>) -> Pending<Verified> {
        let passes = if password.is_decomposed() { 2 } else { 1 };
        let look = stored.and_then(|hash| match self.look(password, &hash, passes) {
            Ok(look) => look,
            Err(reason) => {
                tracing::warn!(reason, "a stored password hash can't be verified");
                None
            }
        });
        self.look_at(look.unwrap_or_else(|| Look::nobody(passes)))
    }

    /// Takes as long as [`Place::verify`] of an unknown user: for a login with a value that no account can have.
    pub fn verify_nobody(self) -> Pending<Verified> {
        self.look_at(Look::nobody(1))
    }

    /// None: there is no password.
    fn look(&self, password: &Password, hash: &PasswordHash, passes: usize) -> Result<Option<Look>, &'static str> {
        let imported = &self.ticket.shared.imported;
        match Stored::parse(hash) {
            None => Err("it is malformed, of another kind, or too costly"),
            Some(Stored::Nothing) => Ok(None),
            Some(Stored::Bcrypt(stored)) => {
                let mut keys = keys(password, &stored, imported)?;
                if keys.len() < passes {
                    keys.push(None);
                }
                Ok(Some(Look::Bcrypt(Passes { keys, stored: Some(stored) })))
            }
            Some(Stored::Kdf(kdf)) => {
                let firebase = imported.firebase.clone();
                if matches!(kdf.function, Function::Firebase { .. }) && firebase.is_none() {
                    return Err("IMPORT_FIREBASE is not set");
                }
                let texts = texts(password, kdf.function);
                Ok(Some(Look::Kdf(Box::new(KdfLook { kdf, texts, passes, firebase }))))
            }
        }
    }

    fn look_at(self, look: Look) -> Pending<Verified> {
        let shared = &self.ticket.shared;
        let size = look.size(shared.cost, shared.uses_lanes());
        self.fill(size, |reply| Some(Job::Verify { look, reply }))
    }

    pub(super) fn fill<T>(self, size: Size, job: impl FnOnce(Reply<T>) -> Option<Job>) -> Pending<T> {
        let Self { ticket, begin_by } = self;
        let begin_by = begin_by.unwrap_or_else(|| Instant::now() + ticket.shared.longest_wait);
        let (reply, answer) = oneshot::channel();
        if let Some(job) = job(reply) {
            ticket.shared.submit(ticket.position, job, size);
        }
        Pending { answer, ticket, begin_by, deadline: None, expired: false }
    }
}

/// A job that waits or runs; a future of what comes of it. Dropped before the job has begun it takes the job back; a job that has
/// begun runs to its end.
#[must_use = "dropping it takes the job back"]
pub struct Pending<T> {
    answer: oneshot::Receiver<Result<T, HashError>>,
    ticket: Ticket,
    begin_by: Instant,
    /// Made by the first poll, which has a runtime.
    deadline: Option<Pin<Box<Sleep>>>,
    expired: bool,
}

impl<T> Pending<T> {
    /// Takes the job back. True: it had not begun, and now never will. False: it runs, or has run, and its end can be waited for.
    #[must_use = "false says that the password is looked at"]
    pub fn withdraw(&self) -> bool {
        self.ticket.abandon()
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T, HashError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Poll::Ready(answer) = Pin::new(&mut this.answer).poll(context) {
            return Poll::Ready(answer.unwrap_or_else(|_| Err(this.ticket.shared.why_nothing_came())));
        }
        if !this.expired {
            let begin_by = this.begin_by;
            let deadline = this.deadline.get_or_insert_with(|| Box::pin(sleep_until(begin_by.into())));
            ready!(deadline.as_mut().poll(context));
            this.expired = true;
            // A job that has begun is worth its end.
            this.ticket.expire()?;
        }
        Poll::Pending
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pending").field(&self.ticket).finish()
    }
}

/// A position that goes back with its owner, if no thread works on its job yet.
struct Ticket {
    shared: Arc<Shared>,
    position: Position,
}

impl Ticket {
    fn abandon(&self) -> bool {
        self.shared.queue().abandon(self.position)
    }

    /// Takes back a job that should have begun by now.
    fn expire(&self) -> Result<(), HashError> {
        match self.shared.queue().expire(self.position, Instant::now()) {
            Some(retry_after) => Err(HashError::Overloaded { retry_after }),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.position.fmt(f)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.abandon();
    }
}
