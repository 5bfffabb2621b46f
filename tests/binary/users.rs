//! An operator looks after accounts with the command, beside a running server that notices.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::http::{get, refresh, send};
use crate::server::Server;
use crate::support::postgres;

const SETTINGS: [(&str, &str); 3] =
    [("BCRYPT_COST", "4"), ("LOGIN_RATE_LIMIT", "off"), ("RESET_URL", "https://app.example.com/reset?lang=en")];
const ANN: &str = r#"{"email":"ann@example.com","password":"SecurePass123"}"#;

#[test]
fn sqlite() {
    an_operators_day(&SETTINGS);
}

#[test]
fn postgres() {
    let Some(cluster) = postgres::shared() else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let url = runtime.block_on(cluster.create_database(""));
    let mut settings = vec![("DATABASE_URL", url.as_str())];
    settings.extend(SETTINGS);
    an_operators_day(&settings);
}

fn an_operators_day(settings: &[(&str, &str)]) {
    let server = Server::start(settings);
    let user = |arguments: &[&str], input: &str| run(&server, settings, arguments, input);

    // An account, with the password by standard input.
    let weak = user(&["create", "ann@example.com"], "weak");
    assert_eq!(weak.code, 1);
    assert!(weak.err.contains("at least 8 characters. Must have an upper-case letter"), "{}", weak.err);
    assert!(user(&["create", "ann@example.com", "--name", "Ann"], "SecurePass123").out.contains("ann@example.com"));
    assert_eq!(user(&["create", "Ann@Example.com"], "SecurePass123").code, 1, "taken");
    let listed: serde_json::Value = serde_json::from_str(&user(&["list", "--json"], "").out).expect("JSON");
    assert_eq!((&listed[0]["full_name"], &listed[0]["is_active"]), (&"Ann".into(), &true.into()));
    let shown: serde_json::Value =
        serde_json::from_str(&user(&["show", "ann@example.com", "--json"], "").out).expect("JSON");
    assert_eq!(shown, listed[0]);
    let bob = user(&["create", "bob@example.com", "--json"], "SecurePass123\r\n").out;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&bob).expect("JSON")["email"], "bob@example.com");

    // Whoever is meant has to be there.
    for command in [
        "show",
        "disable",
        "enable",
        "unblock",
        "set-password",
        "make-superuser",
        "logout",
        "reset-link",
        "confirm-email",
        "export",
        "delete",
    ] {
        let nobody = user(&[command, "nobody@example.com"], "SecurePass123");
        assert_eq!((nobody.code, nobody.out.as_str()), (1, ""), "{command}");
        assert!(nobody.err.ends_with("doorward: there is no account with this email\n"), "{command}: {}", nobody.err);
        let odd = user(&[command, "not-an-email"], "");
        assert_eq!((odd.code, odd.out.as_str()), (2, ""), "{command}: {}", odd.err);
    }
    // A password in an argument would be seen by everybody on the machine.
    for arguments in
        [["create", "eve@example.com", "SecurePass123"], ["set-password", "ann@example.com", "SecurePass123"]]
    {
        assert_eq!(user(&arguments, "").code, 2, "{arguments:?}");
    }

    // Guesses at bob's account make everybody wait who is not known there, until an operator forgives them.
    let bob = r#"{"email":"bob@example.com","password":"SecurePass123"}"#;
    let guess = bob.replace("SecurePass123", "WrongPass123");
    while send(&server, "/api/auth/login", "", &guess).status == 401 {}
    assert_eq!(send(&server, "/api/auth/login", "", bob).status, 429);
    assert_eq!(user(&["unblock", "bob@example.com"], "").code, 0);
    let unblocked = Instant::now();
    while send(&server, "/api/auth/login", "", bob).status != 200 {
        assert!(unblocked.elapsed() < Duration::from_secs(30), "the server never noticed");
    }

    another_address(&user);

    // Disabled, her session ends and she stays out, until she is enabled.
    let cookie = send(&server, "/api/auth/login", "", ANN).refresh_cookie();
    assert_eq!(user(&["disable", "ann@example.com"], "").code, 0);
    assert!(refresh(&server, &cookie).text.contains("session_revoked"));
    assert_eq!(send(&server, "/api/auth/login", "", ANN).status, 401);
    assert_eq!(user(&["enable", "ann@example.com"], "").code, 0);

    // A session ended by the command: the server refuses its access token within two seconds.
    let login = send(&server, "/api/auth/login", "", ANN);
    let (access, cookie) = (login.access_cookie(), login.refresh_cookie());
    assert_eq!(get(&server, "/api/auth/me", &access).status, 200);
    assert_eq!(user(&["logout", "ann@example.com"], "").code, 0);
    let ended = Instant::now();
    while get(&server, "/api/auth/me", &access).status != 401 {
        assert!(ended.elapsed() < Duration::from_mins(1), "the server never noticed");
    }
    assert!(refresh(&server, &cookie).text.contains("session_revoked"));

    // A link that resets the password, once; a newer one voids the older.
    let void = user(&["reset-link", "ann@example.com", "--url", "https://other.example.com/"], "").out;
    assert!(void.starts_with("https://other.example.com/#token="), "{void}");
    for wrong in [["--ttl", "30"], ["--ttl", "8d"], ["--ttl", "0s"], ["--url", "https://app.example.com/#/reset"]] {
        assert_eq!(user(&["reset-link", "ann@example.com", wrong[0], wrong[1]], "").code, 2, "{wrong:?}");
    }
    let link = user(&["reset-link", "ann@example.com", "--ttl", "1h"], "").out;
    assert!(link.starts_with("https://app.example.com/reset?lang=en#token="), "{link}");
    let reset = |link: &str| {
        let (_, token) = link.trim().split_once("#token=").expect("a token");
        let body = format!(r#"{{"token":"{token}","new_password":"EvenMoreSecure456"}}"#);
        send(&server, "/api/auth/password/reset", "", &body)
    };
    assert!(reset(&void).text.contains("invalid_or_expired_token"));
    assert_eq!(reset(&link).status, 200);
    assert!(reset(&link).text.contains("invalid_or_expired_token"));
    assert_eq!(send(&server, "/api/auth/login", "", ANN).status, 401);
    assert_eq!(user(&["set-password", "ann@example.com"], "SecurePass123").code, 0);
    assert_eq!(send(&server, "/api/auth/login", "", ANN).status, 200);

    // Without a page it is the token alone, and why is told beside it.
    let alone = run(&server, &settings[..settings.len() - 1], &["reset-link", "ann@example.com"], "");
    assert_eq!((alone.code, alone.out.trim_end().len()), (0, 43), "{}", alone.out);
    assert!(alone.err.contains("RESET_URL is not set"), "{}", alone.err);

    // What is stored about her: the same document as hers.
    let login = send(&server, "/api/auth/login", "", ANN);
    let answer = get(&server, "/api/auth/me/export", &login.access_cookie()).text;
    let (_, hers) = answer.split_once("\r\n\r\n").expect("a body");
    same_documents(hers, &user(&["export", "ann@example.com"], "").out);

    // The last superuser does not go by accident.
    assert_eq!(user(&["make-superuser", "ann@example.com"], "").code, 0);
    assert_eq!(user(&["delete", "ann@example.com"], "").code, 1);
    assert_eq!(user(&["disable", "ann@example.com"], "").code, 1);
    assert_eq!(user(&["delete", "ann@example.com", "--force"], "").code, 0);
    assert_eq!(send(&server, "/api/auth/login", "", ANN).status, 401);
}

fn same_documents(hers: &str, ours: &str) {
    let mut hers: serde_json::Value = serde_json::from_str(hers).expect("JSON");
    let mut ours: serde_json::Value = serde_json::from_str(ours).expect("JSON");
    // Mails may be sent between the two.
    for document in [&mut hers, &mut ours] {
        assert!(document["mails"].as_array().is_some_and(|mails| mails.len() > 1), "{document}");
        document["mails"] = serde_json::Value::Null;
    }
    // Nobody asked for it in a session, and the last record is that it was exported.
    hers["sessions"]
        .as_array_mut()
        .expect("sessions")
        .iter_mut()
        .for_each(|stored| stored["session"]["current"] = false.into());
    let last = ours["audit"].as_array_mut().expect("the audit").pop().expect("a record");
    assert_eq!((&last["event"], &last["actor"]), (&"data_exported".into(), &"operator".into()));
    assert_eq!(ours, hers);
}

/// `doorward user list | head`: who reads no further is no reason to complain.
#[test]
fn nobody_has_to_read_to_the_end() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = |arguments: &[&str], deaf_to_errors: bool| {
        let mut child = command(folder.path(), &SETTINGS, arguments).spawn().expect("the binary must run");
        let errors = child.stderr.take().filter(|_| !deaf_to_errors);
        drop(child.stdout.take());
        let code = child.wait().expect("its end").code().expect("an exit code");
        (code, errors.map(|errors| std::io::read_to_string(errors).expect("text")).unwrap_or_default())
    };
    for arguments in [&["user", "list"][..], &["user", "list", "--json"], &["openapi"], &["settings"], &["--help"]] {
        let (code, told) = run(arguments, false);
        assert!(code == 0 && !told.contains("doorward: "), "{arguments:?}: {code} {told}");
    }
    assert_eq!(run(&["user", "show", "nobody@example.com"], true).0, 1);
    assert_eq!(run(&["user", "show", "nobody"], true).0, 2);
}

struct Done {
    code: i32,
    out: String,
    err: String,
}

fn command(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.args(arguments).env_clear().envs(settings.iter().copied()).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// It is not confirmed by being set; and that it is.
fn another_address(user: &impl Fn(&[&str], &str) -> Done) {
    let is_confirmed = |email: &str| {
        let shown: serde_json::Value = serde_json::from_str(&user(&["show", email, "--json"], "").out).expect("JSON");
        shown["email_verified"].as_bool()
    };
    assert_eq!(user(&["set-email", "ann@example.com", "bob@example.com"], "").code, 1, "taken");
    assert_eq!(user(&["set-email", "ann@example.com", "anna@example.com"], "").code, 0);
    assert_eq!(user(&["confirm-email", "anna@example.com"], "").code, 0);
    assert_eq!(is_confirmed("anna@example.com"), Some(true));
    assert!(user(&["show", "anna@example.com"], "").out.contains("anna@example.com  yes "));
    assert_eq!(user(&["set-email", "anna@example.com", "ann@example.com"], "").code, 0);
    assert_eq!(is_confirmed("ann@example.com"), Some(false));
    assert_eq!(user(&["set-email", "anna@example.com", "ann@example.com"], "").code, 1, "nobody has it");
}

fn run(server: &Server, settings: &[(&str, &str)], arguments: &[&str], input: &str) -> Done {
    let arguments = [&["user"], arguments].concat();
    let mut child = command(server.folder(), settings, &arguments).spawn().expect("the binary must run");
    // A command that reads nothing may be gone already.
    let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("its end");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Done { code: output.status.code().expect("an exit code"), out: text(&output.stdout), err: text(&output.stderr) }
}
