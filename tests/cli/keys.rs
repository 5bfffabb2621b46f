//! `doorward keys`.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::program::run;

const ROOT: (&str, &str) = ("SECRET_KEY", "x1Yp6uVn3sTz8kLw0cRb5mQe7hJd2gFa");
const KEY: &str = "sBqX0xv1cVqM3n8yJr5tQw7eKd2fHg9a";
const P256: &str = include_str!("../data/keys/p256.pem");
const P256_SEC1: &str = include_str!("../data/keys/p256-sec1.pem");

/// What `openssl pkey` makes of a key.
fn openssl(arguments: &[&str], key: &str) -> String {
    let mut command = Command::new("openssl");
    command.arg("pkey").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(key.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn keys_are_listed_and_no_secret_is_shown_unasked() {
    let folder = TempDir::new().unwrap();
    let public = [
        ROOT,
        ("JWT_ALGORITHM", "ES256"),
        ("JWT_PRIVATE_KEY", P256),
        ("JWT_PRIVATE_KEY_NEXT", P256_SEC1),
        ("JWT_ALGORITHM_PREVIOUS", "HS256"),
        ("JWT_SECRET_KEY", KEY),
    ];
    let shown = run(folder.path(), &["keys", "show"], &public);
    let columns: Vec<Vec<&str>> = shown.out.lines().map(|line| line.split_whitespace().collect()).collect();
    let stages: Vec<&[&str]> = columns.iter().map(|columns| &columns[..2]).collect();
    assert_eq!(stages, [["current", "ES256"], ["next", "ES256"], ["previous", "HS256"]], "{shown:?}");
    assert_eq!(columns[2][2], "6sXLxQ");

    let pem = run(folder.path(), &["keys", "show", "--pem"], &public);
    assert_eq!(pem.out.matches("-----BEGIN PUBLIC KEY-----").count(), 2, "{pem:?}");
    assert_eq!(openssl(&["-pubin"], &pem.out), openssl(&["-pubout"], P256), "the first one is the one that signs");
    for told in [&shown, &pem] {
        assert_eq!(told.code, Some(0), "{told:?}");
        let all = format!("{}{}", told.out, told.err);
        assert!(!all.contains(KEY) && !all.contains("PRIVATE") && !all.contains(ROOT.1), "{all}");
    }
    assert_eq!(run(folder.path(), &["keys", "show", "--pem", "--secret"], &public).code, Some(2));

    let secret = run(folder.path(), &["keys", "show", "--secret"], &public);
    assert_eq!(openssl(&["-pubout"], &secret.out), openssl(&["-pubout"], P256));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "no key and no database is made");
}

#[test]
fn a_shared_secret_has_no_public_key() {
    let folder = TempDir::new().unwrap();
    let shared = [ROOT, ("JWT_SECRET_KEY", KEY)];
    let pem = run(folder.path(), &["keys", "show", "--pem"], &shared);
    assert!(pem.code == Some(1) && pem.err.contains("there is no public key") && pem.out.is_empty(), "{pem:?}");
    assert_eq!(run(folder.path(), &["keys", "show", "--secret"], &shared).out, format!("{KEY}\n"));
}

/// A derived key is moved into a setting as it is, so that its root can be changed.
#[test]
fn a_derived_key_can_be_kept() {
    let folder = TempDir::new().unwrap();
    for algorithm in ["ES256", "EdDSA"] {
        let derived = [ROOT, ("JWT_ALGORITHM", algorithm)];
        let before = run(folder.path(), &["keys", "show"], &derived).out;
        let secret = run(folder.path(), &["keys", "show", "--secret"], &derived).out;
        fs::write(folder.path().join("key.pem"), secret).unwrap();
        let root = ("SECRET_KEY", "b7Dk1vXs9wGm4nPz2rTc6yLq8fHj0eUa");
        let kept = [root, ("JWT_ALGORITHM", algorithm), ("JWT_PRIVATE_KEY_FILE", "key.pem")];
        assert_eq!(run(folder.path(), &["keys", "show"], &kept).out, before);
    }
}

#[test]
fn keys_are_made_whatever_the_settings() {
    let folder = TempDir::new().unwrap();
    for (arguments, algorithm) in
        [(&["keys", "generate"][..], "ES256"), (&["keys", "generate", "--algorithm", "EdDSA"], "EdDSA")]
    {
        let [one, other] = [1, 2].map(|_| run(folder.path(), arguments, &[("PORT", "canary")]));
        assert!(one.code == Some(0) && one.out != other.out, "{one:?}");
        let given = [ROOT, ("JWT_ALGORITHM", algorithm), ("JWT_PRIVATE_KEY", &one.out)];
        let shown = run(folder.path(), &["keys", "show", "--pem"], &given);
        assert_eq!(openssl(&["-pubin"], &shown.out), openssl(&["-pubout"], &one.out), "{shown:?}");
    }
    assert_eq!(run(folder.path(), &["keys", "generate", "--algorithm", "HS256"], &[]).code, Some(2));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// It looks like a key, and is none: found before anything else is begun.
#[test]
fn a_private_key_that_is_none_is_a_wrong_setting() {
    let folder = TempDir::new().unwrap();
    let bent = P256.replace(&P256[150..200], &P256_SEC1[150..200]);
    let bent = [ROOT, ("JWT_ALGORITHM", "ES256"), ("JWT_PRIVATE_KEY", &bent)];
    for command in [&["keys", "show"] as &[&str], &["serve"]] {
        let wrong = run(folder.path(), command, &bent);
        assert!(wrong.code == Some(2) && wrong.err.contains("JWT_PRIVATE_KEY can't be used"), "{wrong:?}");
    }
}
