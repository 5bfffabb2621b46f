//! The work itself: the only code that calls bcrypt.

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::constant_time;
use base64::Engine as _;
use bcrypt::{HashParts, Version};
use tokio::sync::oneshot;

use crate::domain::password::{Password, PasswordHash};

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
    /// Without a password and a hash that it may be of: the same for nothing.
    Verify {
        work: Option<(Password, Stored)>,
        reply: Reply<Verified>,
    },
    #[cfg(test)]
    Panic {
        in_lane: bool,
        password: Password,
        reply: Reply<Verified>,
    },
}

/// What has become of a job, before its caller hears of it.
pub(super) struct Performed {
    /// Whether all of it was done: else it panicked, and the time that it took tells nothing.
    pub(super) whole: bool,
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
            Self::Verify { work, reply } => Performed::new(reply, || {
                let Some((password, stored)) = work else {
                    spend(cost, rounds_done);
                    return Ok(Verified { matches: false, outdated: false });
                };
                let matches = stored.verify(&password, rounds_done);
                // 2^c + 2^c + 2^(c+1) + .. + 2^(C-1) = 2^C rounds.
                (stored.cost()..cost).for_each(|cost| spend(cost, rounds_done));
                Ok(Verified { matches, outdated: stored.cost() < cost })
            }),
            #[cfg(test)]
            Self::Panic { password, reply, .. } => Performed::new(reply, || panic!("injected: {password:?}")),
        }
    }
}

impl Performed {
    fn new<T: 'static>(reply: Reply<T>, work: impl FnOnce() -> Result<T, HashError>) -> Self {
        let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(HashError::Failed));
        Self { whole: result.is_ok(), reply: Box::new(move || _ = reply.send(result)) }
    }
}

/// A stored hash that is known to be well formed and bearable.
#[derive(Debug)]
pub(super) struct Stored {
    text: PasswordHash,
    cost: u32,
    salt: [u8; 16],
    digest: [u8; 23],
}

impl Stored {
    /// A second of a core and more for one login: whoever can write such a hash into the table could stop the service with it.
    const MAX_COST: u32 = 16;
    const MIN_COST: u32 = 4;

    /// Reads a hash of bcrypt as anybody makes it today: `$2b$`, and `$2a$` and `$2y$`, which are the same for what a
    /// [`Password`] can be.
    ///
    /// `$2x$` is refused. It says that `crypt_blowfish` before 1.1 made the hash and took bytes above 127 for negative numbers
    /// (CVE-2011-2483). Taken as `$2b$` it would refuse the right password of everybody who uses such a byte, silently; and
    /// with the flaw some different passwords have the same hash. Such an account needs a new password.
    pub(super) fn parse(hash: &PasswordHash) -> Option<Self> {
        let text = hash.as_str();
        let version = match text.get(..4)? {
            "$2a$" => Version::TwoA,
            "$2b$" => Version::TwoB,
            "$2y$" => Version::TwoY,
            _ => return None,
        };
        let parts: HashParts = text.parse().ok()?;
        // The crate reads a cost of "+4" too.
        let canonical = parts.format_for_version(version) == text;
        let cost = parts.get_cost();
        if !canonical || !(Self::MIN_COST..=Self::MAX_COST).contains(&cost) {
            return None;
        }
        // The crate has read this too, and keeps it to itself.
        let digest = bcrypt::BASE_64.decode(text.get(29..)?).ok()?.try_into().ok()?;
        Some(Self { text: hash.clone(), cost, salt: parts.get_salt_raw(), digest })
    }

    pub(super) fn cost(&self) -> u32 {
        self.cost
    }

    pub(super) fn rounds(&self) -> u32 {
        1 << self.cost
    }

    pub(super) fn salt(&self) -> [u8; 16] {
        self.salt
    }

    /// Whether the right password gives this. Takes as long whatever differs.
    pub(super) fn has_digest(&self, digest: &[u8; 23]) -> bool {
        constant_time::verify_slices_are_equal(&self.digest, digest).is_ok()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that verifies passwords")]
    fn verify(&self, password: &Password, rounds_done: &AtomicU64) -> bool {
        count(self.cost, rounds_done);
        bcrypt::non_truncating_verify(password.reveal(), self.text.as_str()).unwrap_or(false)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<u32> {
        Stored::parse(&PasswordHash::new(text.to_owned())).map(|stored| stored.cost())
    }

    #[test]
    fn hashes_of_today_are_read_and_others_are_not() {
        const REST: &str = "If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i";
        for (prefix, cost) in [("$2a$04$", 4), ("$2b$12$", 12), ("$2y$16$", 16)] {
            assert_eq!(parse(&format!("{prefix}{REST}")), Some(cost), "{prefix}");
        }
        for prefix in ["$2x$06$", "$2$06$", "$2c$06$", "$3a$06$", "2a$06$", "$2a$6$", "$2a$03$", "$2a$00$", "$2a$17$"] {
            assert_eq!(parse(&format!("{prefix}{REST}")), None, "{prefix}");
        }
        for prefix in
            ["$2a$31$", "$2a$99$", "$2a$+6$", "$2a$-6$", "$2a$ 6$", "$2a$6 $", "$2a$0x$", "$2A$06$", " $2a$06$"]
        {
            assert_eq!(parse(&format!("{prefix}{REST}")), None, "{prefix}");
        }
        let whole = format!("$2a$06${REST}");
        for text in [
            "",
            "$",
            "$2a$",
            "$2a$06$",
            "$2a$06$é",
            "correct",
            "!",
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaA",
            "$6$rounds=5000$salt$hash",
            &whole[..59],
            &format!("{whole}."),
            &format!("{whole}\n"),
            &whole.replace('z', "+"),
            &whole.replace("h0i", "h0="),
            &whole.replace("h0i", "h0é"),
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
