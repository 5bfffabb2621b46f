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

#[test]
fn completions_and_manual_pages_are_what_their_readers_take() {
    let folder = TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(folder.path(), &["completions", shell], &[("PORT", "canary")]);
        assert!(script.code == Some(0) && script.out.contains("reset-link"), "{shell}: {}", script.err);
        fs::write(folder.path().join(shell), script.out).unwrap();
    }
    let completes = ". ./bash && complete -p doorward && COMP_WORDS=(doorward rest) COMP_CWORD=1 && _doorward doorward rest && echo ${COMPREPLY[0]}";
    if let Ok(bash) = std::process::Command::new("bash").args(["-c", completes]).current_dir(folder.path()).output() {
        let said = String::from_utf8_lossy(&bash.stdout).into_owned();
        assert!(
            bash.status.success() && said.ends_with("restore\n"),
            "{said}{}",
            String::from_utf8_lossy(&bash.stderr)
        );
    }
    assert_eq!(run(folder.path(), &["completions", "dos"], &[]).code, Some(2));

    let page = run(folder.path(), &["man"], &[]);
    assert!(page.out.contains(".TH doorward 1") && page.out.contains("doorward\\-backup"), "{}", page.out);
    let pages = folder.path().join("man");
    fs::create_dir(&pages).unwrap();
    assert_eq!(run(folder.path(), &["man", "man"], &[]).code, Some(0));
    for page in ["doorward.1", "doorward-restore.1", "doorward-user-create.1", "doorward-doctor.1"] {
        assert!(pages.join(page).exists(), "{page}");
    }
    assert_eq!(run(folder.path(), &["man", "nowhere"], &[]).code, Some(1));
}
