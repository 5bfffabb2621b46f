//! The two roots of keys: neither is a sample, and they are not the same.

use crate::{KEY, ROOT, load, problem, production};

const OTHER: &str = "b7Dk1vXs9wGm4nPz2rTc6yLq8fHj0eUa";

#[test]
fn samples_are_no_keys() {
    let sample = "your-secret-key-change-this-in-production";
    for name in ["JWT_SECRET_KEY", "JWT_SECRET_KEY_PREVIOUS", "SECRET_KEY", "SECRET_KEY_PREVIOUS"] {
        let report = problem(production(&[(name, sample)]));
        assert!(report.starts_with(&format!("{name} is a sample")), "{report}");
        let warnings = load(&[(name, sample)]).unwrap().warnings;
        assert!(warnings[0].to_string().starts_with(&format!("{name} is a sample")), "{warnings:?}");
    }
}

#[test]
fn each_key_differs_from_the_others() {
    for (pairs, reason) in [
        (&[("JWT_SECRET_KEY_PREVIOUS", KEY)] as &[_], "JWT_SECRET_KEY_PREVIOUS must differ from JWT_SECRET_KEY"),
        (&[("SECRET_KEY", KEY)], "SECRET_KEY must differ from JWT_SECRET_KEY"),
        (&[("JWT_SECRET_KEY_PREVIOUS", ROOT)], "SECRET_KEY must differ from JWT_SECRET_KEY"),
        (&[("SECRET_KEY_PREVIOUS", ROOT)], "SECRET_KEY_PREVIOUS must differ from SECRET_KEY"),
    ] {
        let report = problem(production(pairs));
        assert!(report.starts_with(reason), "{report}");
    }
}

/// The steps by which a process gets its `SECRET_KEY`, and by which it is changed.
#[test]
fn a_root_can_be_introduced_and_changed() {
    for (secret, previous, warned) in [
        ("", "", true),
        ("", ROOT, true),
        (ROOT, KEY, false),
        (ROOT, "", false),
        (ROOT, OTHER, false),
        (OTHER, ROOT, false),
    ] {
        let config = production(&[("SECRET_KEY", secret), ("SECRET_KEY_PREVIOUS", previous)]).unwrap();
        let given = |text: &str| (!text.is_empty()).then(|| text.as_bytes().to_vec());
        let bytes = |key: Option<doorward::config::secret::Secret>| key.map(|key| key.reveal().to_vec());
        assert_eq!(bytes(config.tokens.secret_key), given(secret));
        assert_eq!(bytes(config.tokens.previous_secret_key), given(previous));
        let of_keys = config.warnings.iter().filter(|warning| warning.name != "SMTP_HOST");
        let warnings: Vec<String> = of_keys.map(ToString::to_string).collect();
        assert_eq!(warnings.iter().any(|warning| warning.starts_with("SECRET_KEY is not set")), warned, "{warnings:?}");
        assert_eq!(warnings.len(), usize::from(warned));
    }
    assert_eq!(load(&[("JWT_SECRET_KEY", KEY)]).unwrap().warnings, [], "development does not mind");
}
