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
}

/// What an account has beside its password. The rows are there: whether they can be read is another question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Enrolled {
    /// An authenticator app.
    pub totp: bool,
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
        self.totp
    }

    /// By what the account can prove who its owner is: the password, and what else is wanted of it.
    #[must_use]
    pub fn methods(self) -> Vec<Method> {
        std::iter::once(Method::Password).chain(self.held()).collect()
    }

    /// What is held, and can be shown.
    fn held(self) -> impl Iterator<Item = Method> {
        let offers = [(Method::Totp, self.totp), (Method::RecoveryCode, self.totp && self.recovery_codes > 0)];
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
        }
    }

    /// What a session's beginning proved, from how it was written down.
    #[must_use]
    pub fn of(methods: &[AuthMethod]) -> Vec<Self> {
        let proofs = [(AuthMethod::Password, Self::Password), (AuthMethod::OneTimeCode, Self::Totp)];
        proofs.into_iter().filter(|(method, _)| methods.contains(method)).map(|(_, proof)| proof).collect()
    }
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Password, Self::Totp, Self::RecoveryCode];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
        }
    }
}

/// Two different kinds are wanted of an account that has a factor: something known, and something held. Two that are held are one kind.
/// What the account does not have proves nothing.
#[must_use]
pub fn decide(enrolled: Enrolled, proved: &[Proof], requirement: Requirement) -> Decision {
    let known = proved.contains(&Proof::Password);
    let held = enrolled.has_factor()
        && proved.iter().any(|proof| match proof {
            Proof::Password => false,
            Proof::Totp => enrolled.totp,
            // The last of them may have been the one.
            Proof::RecoveryCode => true,
        });
    match (known, held) {
        (false, _) => Decision::Wanted(vec![Method::Password]),
        (true, false) if enrolled.has_factor() => Decision::Wanted(enrolled.held().collect()),
        (true, false) if requirement == Requirement::Required => Decision::Enrol,
        (true, false) => Decision::SignedIn(SignedIn { methods: vec![AuthMethod::Password] }),
        (true, true) => Decision::SignedIn(SignedIn {
            methods: vec![AuthMethod::Password, AuthMethod::OneTimeCode, AuthMethod::MultiFactor],
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROOFS: [Proof; 3] = [Proof::Password, Proof::Totp, Proof::RecoveryCode];

    /// Every account, every set of proofs, both requirements: the whole table.
    fn table() -> impl Iterator<Item = (Enrolled, Vec<Proof>, Requirement)> {
        let accounts = [(false, 0), (false, 3), (true, 0), (true, 3)];
        let accounts = accounts.map(|(totp, recovery_codes)| Enrolled { totp, recovery_codes });
        accounts.into_iter().flat_map(|enrolled| {
            [Requirement::Optional, Requirement::Required].into_iter().flat_map(move |requirement| {
                (0..1 << PROOFS.len()).map(move |bits| {
                    let proved = (0..PROOFS.len()).filter(|bit| bits >> bit & 1 == 1).map(|bit| PROOFS[bit]).collect();
                    (enrolled, proved, requirement)
                })
            })
        })
    }

    /// In words of its own: each row by what it has.
    fn expected(totp: bool, codes: bool, proved: &[Proof], required: bool) -> &'static str {
        let (password, app, recovery) =
            (proved.contains(&Proof::Password), proved.contains(&Proof::Totp), proved.contains(&Proof::RecoveryCode));
        match (totp, codes, password, app || recovery, required) {
            (_, _, false, _, _) => "wants password",
            (false, _, true, _, false) => "in by pwd",
            (false, _, true, _, true) => "enrol",
            (true, _, true, true, _) => "in by pwd otp mfa",
            (true, true, true, false, _) => "wants totp recovery_code",
            (true, false, true, false, _) => "wants totp",
        }
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
            let required = requirement == Requirement::Required;
            let expected = expected(enrolled.totp, enrolled.recovery_codes > 0, &proved, required);
            assert_eq!(told, expected, "{enrolled:?} {proved:?} {requirement:?}");
            rows += 1;
        }
        assert_eq!(rows, 4 * 2 * 8);
    }

    /// The laws that the table keeps, told apart from it.
    #[test]
    fn one_kind_is_never_enough_where_there_is_a_factor_and_order_and_repeats_are_nothing() {
        for (enrolled, proved, requirement) in table() {
            let decision = decide(enrolled, &proved, requirement);
            if enrolled.totp && matches!(decision, Decision::SignedIn(_)) {
                assert!(proved.contains(&Proof::Password) && proved.len() > 1, "{proved:?}");
            }
            let again: Vec<_> = proved.iter().rev().chain(&proved).copied().collect();
            assert_eq!(decide(enrolled, &again, requirement), decision);
            if let Decision::Wanted(methods) = &decision {
                assert!(!methods.is_empty(), "a dead end: {enrolled:?}");
            }
        }
    }
}
