//! The one decision by which somebody comes in, or does what a stolen session must not be enough for.

use crate::domain::session::AuthMethod;

/// Something that somebody has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proof {
    /// The account's password: something known.
    Password,
    /// A code of the account's authenticator app: something held.
    Totp,
    /// One of the account's recovery codes: something held, in the place of the app.
    RecoveryCode,
    /// One of the account's passkeys: something held.
    Passkey {
        /// Whether its authenticator has made sure, by a finger or a PIN, that its owner holds it: then it is both kinds.
        verified: bool,
        /// Whether it may be copied to other devices of its owner.
        synced: bool,
    },
}

/// What an account has beside its password. The rows are there: whether they can be read is another question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Enrolled {
    /// An authenticator app.
    pub totp: bool,
    /// How many passkeys.
    pub passkeys: u32,
    /// How many recovery codes are left.
    pub recovery_codes: u32,
}

/// Who needs a second factor: `SECOND_FACTOR`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Requirement {
    /// Who has one.
    #[default]
    Optional,
    /// Everybody.
    Required,
}

/// How somebody can prove what is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// By the password.
    Password,
    /// By a code of the authenticator app.
    Totp,
    /// By a recovery code.
    RecoveryCode,
    /// By a passkey.
    Passkey,
}

/// What comes of proofs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// They are enough.
    SignedIn(SignedIn),
    /// One of these is wanted beside them.
    Wanted(Vec<Method>),
    /// All that there is was proved, and it is not enough: a factor must be enrolled first.
    Enrol,
}

/// Proofs that were enough. Nothing but [`decide`] makes one, and no session begins without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    methods: Vec<AuthMethod>,
}

impl SignedIn {
    /// How it was proved, in the words of RFC 8176.
    #[must_use]
    pub fn methods(&self) -> &[AuthMethod] {
        &self.methods
    }
}

impl Enrolled {
    /// Whether the password is one of two. Recovery codes alone are no factor: they are in the place of one.
    #[must_use]
    pub const fn has_factor(&self) -> bool {
        self.totp || self.passkeys > 0
    }

    /// By what the account can prove who its owner is: the password, and what else is wanted of it.
    #[must_use]
    pub fn methods(self) -> Vec<Method> {
        std::iter::once(Method::Password).chain(self.held()).collect()
    }

    /// What is held, and can be shown.
    fn held(self) -> impl Iterator<Item = Method> {
        let offers = [
            (Method::Totp, self.totp),
            (Method::RecoveryCode, self.has_factor() && self.recovery_codes > 0),
            (Method::Passkey, self.passkeys > 0),
        ];
        offers.into_iter().filter(|(_, has)| *has).map(|(method, _)| method)
    }
}

impl Proof {
    /// A word for it, for the audit.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
            Self::Passkey { .. } => "passkey",
        }
    }

    /// What a session's beginning proved, from how it was written down.
    #[must_use]
    pub fn of(methods: &[AuthMethod]) -> Vec<Self> {
        // Beside a password nobody has asked a passkey to verify its owner.
        let verified = !methods.contains(&AuthMethod::Password);
        let proofs = [
            (AuthMethod::Password, Self::Password),
            // Of which kind it was is not written down: what it proved stays proved while there is a factor.
            (AuthMethod::OneTimeCode, Self::RecoveryCode),
            (AuthMethod::HardwareKey, Self::Passkey { verified, synced: false }),
            (AuthMethod::SoftwareKey, Self::Passkey { verified, synced: true }),
        ];
        proofs.into_iter().filter(|(method, _)| methods.contains(method)).map(|(_, proof)| proof).collect()
    }
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Password, Self::Totp, Self::RecoveryCode, Self::Passkey];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
            Self::Passkey => "passkey",
        }
    }
}

/// Two different kinds are wanted of an account that has a factor: something known, and something held. Two that are held are one kind; a
/// passkey that has verified its owner is both. What the account does not have proves nothing.
#[must_use]
pub fn decide(enrolled: Enrolled, proved: &[Proof], requirement: Requirement) -> Decision {
    let counts = |proof: &Proof| match proof {
        Proof::Password => true,
        Proof::Totp => enrolled.totp,
        // The last of them may have been the one.
        Proof::RecoveryCode => enrolled.has_factor(),
        Proof::Passkey { .. } => enrolled.passkeys > 0,
    };
    let proved: Vec<Proof> = proved.iter().copied().filter(counts).collect();
    let known = proved.contains(&Proof::Password);
    let held = proved.iter().any(|proof| *proof != Proof::Password);
    let is_both = proved.iter().any(|proof| matches!(proof, Proof::Passkey { verified: true, .. }));
    match (known || is_both, held) {
        (false, _) => Decision::Wanted(vec![Method::Password]),
        (true, false) if enrolled.has_factor() => Decision::Wanted(enrolled.held().collect()),
        (true, false) if requirement == Requirement::Required => Decision::Enrol,
        (true, _) => Decision::SignedIn(SignedIn { methods: words(&proved) }),
    }
}

/// What was proved, in the words of RFC 8176, in one order.
fn words(proved: &[Proof]) -> Vec<AuthMethod> {
    let is = |wanted: fn(&Proof) -> bool| proved.iter().any(wanted);
    let words = [
        (AuthMethod::Password, is(|proof| *proof == Proof::Password)),
        (AuthMethod::OneTimeCode, is(|proof| matches!(proof, Proof::Totp | Proof::RecoveryCode))),
        (AuthMethod::HardwareKey, is(|proof| matches!(proof, Proof::Passkey { synced: false, .. }))),
        (AuthMethod::SoftwareKey, is(|proof| matches!(proof, Proof::Passkey { synced: true, .. }))),
        (AuthMethod::MultiFactor, is(|proof| *proof != Proof::Password)),
    ];
    words.into_iter().filter(|(_, is)| *is).map(|(word, _)| word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROOFS: [Proof; 5] = [
        Proof::Password,
        Proof::Totp,
        Proof::RecoveryCode,
        Proof::Passkey { verified: false, synced: false },
        Proof::Passkey { verified: true, synced: true },
    ];

    /// Every account, every set of proofs, both requirements: the whole table.
    fn table() -> impl Iterator<Item = (Enrolled, Vec<Proof>, Requirement)> {
        let accounts = (0..8).map(|bits: u32| Enrolled {
            totp: bits & 1 == 1,
            passkeys: bits >> 1 & 1,
            recovery_codes: 3 * (bits >> 2),
        });
        accounts.flat_map(|enrolled| {
            [Requirement::Optional, Requirement::Required].into_iter().flat_map(move |requirement| {
                (0..1 << PROOFS.len()).map(move |bits| {
                    let proved = (0..PROOFS.len()).filter(|bit| bits >> bit & 1 == 1).map(|bit| PROOFS[bit]).collect();
                    (enrolled, proved, requirement)
                })
            })
        })
    }

    /// In words of its own: by what the account has, and what of that was shown.
    fn expected(has: Enrolled, proved: &[Proof], required: bool) -> String {
        let shown = |proof: Proof| proved.contains(&proof);
        let password = shown(Proof::Password);
        let code = has.totp && shown(Proof::Totp) || (has.totp || has.passkeys > 0) && shown(Proof::RecoveryCode);
        let key = has.passkeys > 0 && shown(PROOFS[3]);
        let sure_key = has.passkeys > 0 && shown(PROOFS[4]);
        if !has.totp && has.passkeys == 0 {
            return match (password, required) {
                (false, _) => "wants password",
                (true, false) => "in by pwd",
                (true, true) => "enrol",
            }
            .to_owned();
        }
        let mut words = Vec::new();
        if sure_key || password && (code || key) {
            words.push("in by");
            words.extend(password.then_some("pwd"));
            words.extend(code.then_some("otp"));
            words.extend(key.then_some("hwk"));
            words.extend(sure_key.then_some("swk"));
            words.push("mfa");
        } else if password {
            words.push("wants");
            words.extend(has.totp.then_some("totp"));
            words.extend((has.recovery_codes > 0).then_some("recovery_code"));
            words.extend((has.passkeys > 0).then_some("passkey"));
        } else {
            words.push("wants password");
        }
        words.join(" ")
    }

    fn told(decision: &Decision) -> String {
        match decision {
            Decision::SignedIn(signed_in) => {
                format!("in by {}", AuthMethod::join(signed_in.methods()).unwrap_or_default())
            }
            Decision::Wanted(methods) => {
                let words: Vec<_> = methods.iter().map(|method| method.as_str()).collect();
                format!("wants {}", words.join(" "))
            }
            Decision::Enrol => "enrol".to_owned(),
        }
    }

    #[test]
    fn the_whole_table() {
        let mut rows = 0;
        for (enrolled, proved, requirement) in table() {
            let told = told(&decide(enrolled, &proved, requirement));
            let expected = expected(enrolled, &proved, requirement == Requirement::Required);
            assert_eq!(told, expected, "{enrolled:?} {proved:?} {requirement:?}");
            rows += 1;
        }
        assert_eq!(rows, 8 * 2 * 32);
    }

    /// The laws that the table keeps, told apart from it.
    #[test]
    fn one_kind_is_never_enough_where_there_is_a_factor_and_order_and_repeats_are_nothing() {
        for (enrolled, proved, requirement) in table() {
            let decision = decide(enrolled, &proved, requirement);
            if enrolled.has_factor() && matches!(decision, Decision::SignedIn(_)) {
                assert!(proved.contains(&PROOFS[4]) || proved.contains(&Proof::Password) && proved.len() > 1);
            }
            let again: Vec<_> = proved.iter().rev().chain(&proved).copied().collect();
            assert_eq!(decide(enrolled, &again, requirement), decision);
            if let Decision::Wanted(methods) = &decision {
                assert!(!methods.is_empty(), "a dead end: {enrolled:?}");
            }
        }
    }

    /// What a session has proved stays enough for as long as the account has it, and proves no more than it did.
    #[test]
    fn what_was_proved_is_read_back_from_its_words() {
        for (enrolled, proved, requirement) in table() {
            let Decision::SignedIn(signed_in) = decide(enrolled, &proved, requirement) else { continue };
            let read = Proof::of(signed_in.methods());
            let again = decide(enrolled, &read, requirement);
            assert_eq!(again, Decision::SignedIn(signed_in), "{enrolled:?} {proved:?}");
        }
    }
}
