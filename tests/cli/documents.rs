//! What needs no settings, and what wrong settings do.

use std::fs;

use tempfile::TempDir;

use crate::program::run;

#[test]
fn help_and_mistakes_in_the_arguments() {
    let folder = TempDir::new().unwrap();
    let help = run(folder.path(), &["--help"], &[]);
    assert!(help.code == Some(0) && help.out.contains("Exit codes:"), "{help:?}");
    let version = run(folder.path(), &["--version"], &[]);
    assert_eq!((version.code, version.out.as_str()), (Some(0), concat!("doorward ", env!("CARGO_PKG_VERSION"), "\n")));
    let wrong = run(folder.path(), &["serv"], &[]);
    assert!(wrong.code == Some(2) && wrong.err.contains("'serve'") && wrong.out.is_empty(), "{wrong:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is made by asking for help");
}

#[test]
fn every_wrong_setting_is_told_before_anything_is_touched() {
    let folder = TempDir::new().unwrap();
    for command in [&[] as &[&str], &["serve"], &["migrate"], &["migrate", "--check"], &["healthcheck"]] {
        let wrong = run(folder.path(), command, &[("PORT", "canary"), ("BCRYPT_COST", "canary"), ("HSTS", "canary")]);
        assert_eq!((wrong.code, wrong.out.as_str()), (Some(2), ""), "{wrong:?}");
        assert!(["PORT ", "BCRYPT_COST ", "HSTS "].iter().all(|name| wrong.err.contains(name)), "{wrong:?}");
        assert!(!wrong.err.contains("canary"), "{wrong:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn documents_are_printed_whatever_the_settings() {
    let folder = TempDir::new().unwrap();
    let wrong = [("PORT", "canary")];
    let spec = run(folder.path(), &["openapi"], &wrong);
    assert!(spec.code == Some(0) && serde_json::from_str::<serde_json::Value>(&spec.out).is_ok(), "{spec:?}");
    assert!(run(folder.path(), &["settings"], &wrong).out.contains("| `PORT` |"));
    assert!(run(folder.path(), &["settings", "--env"], &wrong).out.contains("\n#PORT=8000\n"));
}
