//! What an authenticator app shows: HOTP of the time (RFC 6238, RFC 4226), by HMAC-SHA-1, which is not broken by what breaks SHA-1.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

use crate::domain::factor::{Code, SecretKey, Step, Steps};

/// The code of a step.
#[must_use]
pub fn code_at(secret: &SecretKey, step: Step) -> Code {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.bytes());
    let mut mac = [0; 20];
    mac.copy_from_slice(hmac::sign(&key, &step.to_be_bytes()).as_ref());
    Code::truncate(&mac)
}

/// The step whose code this is. None: it is that of none of these. Looks at all of them, so that the time tells nothing.
#[must_use]
pub fn step_of(secret: &SecretKey, code: Code, steps: Steps) -> Option<Step> {
    let mut found = None;
    for step in steps {
        let is_same = verify_slices_are_equal(&code_at(secret, step).digits(), &code.digits()).is_ok();
        if is_same && found.is_none() {
            found = Some(step);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::factor::steps;
    use crate::domain::timestamp::Timestamp;

    fn secret() -> SecretKey {
        SecretKey::new(*b"12345678901234567890")
    }

    /// RFC 6238, appendix B, for SHA-1: of its eight digits the last six.
    #[test]
    fn is_what_the_standard_says() {
        for (seconds, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(code_at(&secret(), seconds / 30).digits(), code.as_bytes()[2..], "{seconds}");
        }
    }

    /// RFC 4226, appendix D.
    #[test]
    fn counts_as_the_standard_does() {
        let codes = (0..10).map(|step| String::from_utf8(code_at(&secret(), step).digits().to_vec()).unwrap());
        assert_eq!(
            codes.collect::<Vec<_>>(),
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
        );
    }

    #[test]
    fn finds_the_step_within_the_drift_alone() {
        let now = Timestamp::from_seconds(30 * 1_000);
        for step in 996..=1_004 {
            let found = step_of(&secret(), code_at(&secret(), step), steps(now, Step::MIN));
            assert_eq!(found, (999..=1_001).contains(&step).then_some(step), "{step}");
        }
        assert_eq!(step_of(&secret(), code_at(&secret(), 1_000), steps(now, 1_000)), None);
    }
}
