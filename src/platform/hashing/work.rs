//! The work itself: the only code that calls bcrypt.

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::constant_time;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::config::imported::Firebase;
use crate::domain::password::{Bcrypt, Kdf, Password, PasswordHash};

use super::foreign::{Key, is_of};
use super::rate::Size;
use super::{HashError, Verified};

/// Where the caller waits for what comes of its job.
pub(super) type Reply<T> = oneshot::Sender<Result<T, HashError>>;

/// What a thread is asked to do. Passwords are wiped with the job.
pub(super) enum Job {
    Hash {
        password: Password,
        salt: [u8; 16],
        reply: Reply<PasswordHash>,
    },
    Verify {
        look: Look,
        reply: Reply<Verified>,
    },
    #[cfg(test)]
    Panic {
        in_lane: bool,
        password: Password,
        reply: Reply<Verified>,
    },
}

/// How a password is looked at.
pub(super) enum Look {
    /// By bcrypt: in lanes where there are some.
    Bcrypt(Passes),
    /// By another function, which has a thread for itself.
    Kdf(Box<KdfLook>),
}

/// A hash of bcrypt, and what it may be of; each pass takes as long as one of the configured cost.
pub(super) struct Passes {
    /// One or two. None is a pass for nothing.
    pub(super) keys: Vec<Option<Key>>,
    /// Without one every pass is for nothing.
    pub(super) stored: Option<Bcrypt>,
}

/// A hash of another function, and what it may be of.
pub(super) struct KdfLook {
    pub(super) kdf: Kdf,
    pub(super) texts: Vec<Zeroizing<String>>,
    /// As many passes of bcrypt an unknown person takes for the same text: what the function leaves of them is spent.
    pub(super) passes: usize,
    pub(super) firebase: Option<Firebase>,
}

/// What has become of a job, before its caller hears of it.
pub(super) struct Performed {
    /// Whether how long it took tells the rate of bcrypt: all of it was done, and nothing else.
    pub(super) tells_the_rate: bool,
    /// Tells the caller. One that has gone wants no answer.
    pub(super) reply: Box<dyn FnOnce()>,
}

impl Job {
    /// Does it, by the `bcrypt` crate. Counts the rounds where they are done: a test of the service's time counts too. A job that panics takes its answer
    /// with it, and nothing else: what it holds is dropped, and wiped, as always.
    pub(super) fn perform(self, cost: u32, rounds_done: &AtomicU64) -> Performed {
        match self {
            Self::Hash { password, salt, reply } => {
                Performed::new(reply, || hash(&password, cost, salt, rounds_done).ok_or(HashError::Failed))
            }
            Self::Verify { look: Look::Bcrypt(passes), reply } => {
                Performed::new(reply, || Ok(passes.perform(cost, rounds_done)))
            }
            Self::Verify { look: Look::Kdf(look), reply } => {
                let performed = Performed::new(reply, || look.perform(cost, rounds_done).ok_or(HashError::Failed));
                Performed { tells_the_rate: false, ..performed }
            }
            #[cfg(test)]
            Self::Panic { password, reply, .. } => Performed::new(reply, || panic!("injected: {password:?}")),
        }
    }
}

impl Performed {
    fn new<T: 'static>(reply: Reply<T>, work: impl FnOnce() -> Result<T, HashError>) -> Self {
        let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(HashError::Failed));
        Self { tells_the_rate: result.is_ok(), reply: Box::new(move || _ = reply.send(result)) }
    }
}

impl Look {
    /// For a person who is not known, or whose hash can't be looked at: the same for nothing.
    pub(super) fn nobody(passes: usize) -> Self {
        Self::Bcrypt(Passes { keys: (0..passes).map(|_| None).collect(), stored: None })
    }

    pub(super) fn size(&self, cost: u32, in_lanes: bool) -> Size {
        match self {
            Self::Bcrypt(passes) => {
                let rounds = (passes.keys.len() as u64) << passes.cost(cost);
                Size { rounds, alone: !in_lanes, memory: 0 }
            }
            Self::Kdf(look) => {
                let rounds = look.rounds().max((look.passes as u64) << cost);
                Size { rounds, alone: true, memory: look.kdf.memory() }
            }
        }
    }
}

impl Passes {
    /// Of each pass: not less than what is configured.
    pub(super) fn cost(&self, cost: u32) -> u32 {
        self.stored.as_ref().map_or(cost, |stored| stored.cost.max(cost))
    }

    fn perform(self, cost: u32, rounds_done: &AtomicU64) -> Verified {
        let whole = self.cost(cost);
        let mut verified = Verified { matches: false, outdated: false };
        for (pass, key) in self.keys.iter().enumerate() {
            match (&self.stored, key) {
                (Some(stored), Some(key)) => {
                    if is_bcrypt_of(stored, key, rounds_done) {
                        verified = found(stored, pass, cost);
                    }
                    // 2^c + 2^c + 2^(c+1) + .. + 2^(C-1) = 2^C rounds.
                    (stored.cost..whole).for_each(|cost| spend(cost, rounds_done));
                }
                _ => spend(whole, rounds_done),
            }
        }
        verified
    }
}

/// What it means that the key of this pass was the right one: the second is of a text that Doorward would hash in another form.
pub(super) fn found(stored: &Bcrypt, pass: usize, cost: u32) -> Verified {
    Verified { matches: true, outdated: pass > 0 || stored.is_outdated(cost) }
}

/// Whether the right key gives this. Takes as long whatever differs.
pub(super) fn has_digest(stored: &Bcrypt, digest: &[u8; 23]) -> bool {
    constant_time::verify_slices_are_equal(&stored.digest, digest).is_ok()
}

impl KdfLook {
    fn rounds(&self) -> u64 {
        self.kdf.rounds() * self.texts.len() as u64
    }

    fn perform(&self, cost: u32, rounds_done: &AtomicU64) -> Option<Verified> {
        let mut matches = false;
        for text in &self.texts {
            rounds_done.fetch_add(self.kdf.rounds(), Ordering::SeqCst);
            matches |= is_of(&self.kdf, text.as_bytes(), self.firebase.as_ref())?;
        }
        let mut left = ((self.passes as u64) << cost).saturating_sub(self.rounds());
        for cost in (Bcrypt::MIN_COST..=Bcrypt::MAX_COST).rev() {
            while left >= 1 << cost {
                spend(cost, rounds_done);
                left -= 1 << cost;
            }
        }
        // Less than a millisecond.
        rounds_done.fetch_add(left, Ordering::SeqCst);
        Some(Verified { matches, outdated: matches })
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that verifies passwords")]
fn is_bcrypt_of(stored: &Bcrypt, key: &Key, rounds_done: &AtomicU64) -> bool {
    count(stored.cost, rounds_done);
    let [digest @ .., _] = bcrypt::bcrypt(stored.cost, stored.salt, key);
    has_digest(stored, &digest)
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that hashes passwords")]
fn hash(password: &Password, cost: u32, salt: [u8; 16], rounds_done: &AtomicU64) -> Option<PasswordHash> {
    count(cost, rounds_done);
    let parts = bcrypt::non_truncating_hash_with_salt(password.reveal(), cost, salt).ok()?;
    Some(PasswordHash::new(parts.to_string()))
}

/// Takes as long as a hash, for nothing.
#[expect(clippy::disallowed_methods, reason = "takes as long as what it stands for")]
fn spend(cost: u32, rounds_done: &AtomicU64) {
    count(cost, rounds_done);
    black_box(bcrypt::bcrypt(black_box(cost), [0; 16], b"nobody\0"));
}

fn count(cost: u32, rounds_done: &AtomicU64) {
    rounds_done.fetch_add(1 << cost, Ordering::SeqCst);
}
