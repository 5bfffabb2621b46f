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

const P256: &str = include_str!("../data/keys/p256.pem");
const P256_SEC1: &str = include_str!("../data/keys/p256-sec1.pem");
const ED25519: &str = include_str!("../data/keys/ed25519.pem");

#[test]
fn private_keys_are_taken_as_openssl_writes_them() {
    for (pem, algorithm) in [(P256, "ES256"), (P256_SEC1, "ES256"), (ED25519, "EdDSA")] {
        for text in [pem.to_owned(), pem.replace('\n', "\\n"), pem.replace('\n', "\r\n"), format!("# a note\n{pem}\n")]
        {
            let tokens = production(&[("JWT_ALGORITHM", algorithm), ("JWT_PRIVATE_KEY", &text)]).unwrap().tokens;
            assert_eq!(tokens.private.current.unwrap().algorithm.name(), algorithm);
        }
    }
}

#[test]
fn other_keys_are_refused_with_the_reason() {
    for (pem, reason) in [
        (include_str!("../data/keys/p256-encrypted.pem"), "must not be encrypted"),
        (include_str!("../data/keys/p256-public.pem"), "must be the private key"),
        (include_str!("../data/keys/p384.pem"), "must be on P-256"),
        (include_str!("../data/keys/rsa.pem"), "must be on P-256"),
        ("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----", "must be on P-256"),
        ("-----BEGIN PRIVATE KEY-----\nnot base64\n-----END PRIVATE KEY-----", "must be a private key in PEM"),
        (ED25519, "must be a key of JWT_ALGORITHM"),
    ] {
        let report = problem(production(&[("JWT_ALGORITHM", "ES256"), ("JWT_PRIVATE_KEY", pem)]));
        assert!(report.starts_with(&format!("JWT_PRIVATE_KEY {reason}")), "{report}");
    }
    for name in ["JWT_PRIVATE_KEY_NEXT", "JWT_PRIVATE_KEY_PREVIOUS"] {
        let report = problem(production(&[("JWT_ALGORITHM", "ES256"), (name, ED25519)]));
        assert!(report.starts_with(&format!("{name} must be a key of JWT_ALGORITHM")), "{report}");
        let report = problem(production(&[("JWT_ALGORITHM", "ES256"), ("JWT_PRIVATE_KEY", P256), (name, P256)]));
        assert!(report.starts_with(&format!("{name} must differ from JWT_PRIVATE_KEY")), "{report}");
        production(&[("JWT_ALGORITHM", "ES256"), ("JWT_ALGORITHM_PREVIOUS", "EdDSA"), (name, ED25519)]).unwrap();
    }
}

/// A private key is never made of what backends share, and each algorithm asks for its own keys alone.
#[test]
fn an_algorithm_asks_for_its_keys() {
    let everywhere = |pairs: &[(&str, &str)]| {
        let bare = [("ENVIRONMENT", "production"), ("TRUSTED_PROXIES", "none")];
        load(&[&bare, pairs].concat())
    };
    let root = ("SECRET_KEY", ROOT);
    let (es256, hs256) = (("JWT_ALGORITHM", "ES256"), ("JWT_SECRET_KEY", KEY));
    for (pairs, reason) in [
        (&[root] as &[_], Some("JWT_SECRET_KEY must be set in production")),
        (&[es256], Some("SECRET_KEY must be set: the key of ES256")),
        (&[es256, hs256], Some("SECRET_KEY must be set: the key of ES256")),
        (&[es256, ("JWT_PRIVATE_KEY", P256)], Some("SECRET_KEY must be set in production")),
        (&[es256, ("JWT_ALGORITHM_PREVIOUS", "HS256"), root], Some("JWT_SECRET_KEY must be set in production")),
        (&[hs256, ("JWT_ALGORITHM_PREVIOUS", "ES256")], Some("SECRET_KEY must be set: the key of ES256")),
        (&[es256, ("JWT_ALGORITHM_PREVIOUS", "ES256"), root], Some("JWT_ALGORITHM_PREVIOUS must differ")),
        (&[es256, root], None),
        (&[es256, root, ("JWT_PRIVATE_KEY", P256)], None),
        (&[es256, hs256, ("JWT_PRIVATE_KEY", P256)], None),
        (&[hs256, ("JWT_ALGORITHM_PREVIOUS", "ES256"), ("JWT_PRIVATE_KEY_NEXT", P256)], None),
    ] {
        match (everywhere(pairs), reason) {
            (loaded, Some(reason)) => {
                let report = problem(loaded);
                assert!(report.starts_with(reason), "{report}");
            }
            (loaded, None) => drop(loaded.unwrap()),
        }
    }
    // Development makes its own root, unless several servers may share what is there.
    load(&[es256]).unwrap();
    assert!(problem(load(&[es256, hs256])).starts_with("SECRET_KEY must be set"));
}

#[test]
fn what_not_every_verifier_knows_is_warned_about() {
    let warnings = |pairs: &[_]| {
        let warnings = production(pairs).unwrap().warnings;
        let of_keys = warnings.iter().filter(|warning| warning.name != "SMTP_HOST");
        of_keys.map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(warnings(&[("JWT_ALGORITHM", "ES256")]), [""; 0]);
    assert!(
        warnings(&[("JWT_ALGORITHM", "EdDSA")])[0].starts_with("JWT_ALGORITHM is EdDSA, which is not known to HAProxy")
    );
    assert!(warnings(&[("JWT_PRIVATE_KEY", P256)])[0].starts_with("JWT_PRIVATE_KEY is not used"));
}
