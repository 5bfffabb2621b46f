//! Mail outlives `kill -9`; and what an operator sees of it.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::http::send;
use crate::server::{PROGRAM, Server};
use crate::support::port::Port;
use crate::support::postgres;
use crate::support::smtp::{Encryption, Fault, SmtpServer};

const ANN: &str = r#"{"email":"ann@example.com","password":"SecurePass123"}"#;
const FORGOT: &str = r#"{"email":"ann@example.com"}"#;

#[test]
fn sqlite() {
    no_mail_is_lost(&[]);
}

#[test]
fn postgres() {
    let Some(cluster) = postgres::shared() else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let url = runtime.block_on(cluster.create_database(""));
    no_mail_is_lost(&[("DATABASE_URL", &url)]);
}

fn no_mail_is_lost(settings: &[(&str, &str)]) {
    let port = Port::free();
    let number = port.number().to_string();
    let mail = [
        ("SMTP_HOST", "127.0.0.1"),
        ("SMTP_PORT", number.as_str()),
        ("SMTP_TLS", "none"),
        ("SMTP_TIMEOUT", "2s"),
        ("MAIL_FROM", "auth@example.com"),
        ("BCRYPT_COST", "4"),
        // Doorward's own page is on another port after each start.
        ("RESET_URL", "https://app.example.com/reset"),
    ];
    let mut server = Server::start(&[settings, &mail].concat());
    assert_eq!(send(&server, "/api/auth/register", "", ANN).status, 201);

    // Killed between the commit and the first word to the mail server, which is away.
    assert_eq!(send(&server, "/api/auth/password/forgot", "", FORGOT).status, 202);
    server.kill_and_restart();
    let smtp = SmtpServer::start_on(port.number(), &[], Encryption::None);
    until("the mail comes", || smtp.got().len() == 1);

    // Killed between the end of the message and the answer.
    smtp.next(&[Fault::IsSilent { at: "DOT" }]);
    assert_eq!(send(&server, "/api/auth/password/forgot", "", FORGOT).status, 202);
    until("the message is there", || smtp.got().len() == 1);
    server.kill_and_restart();
    until("it comes again", || smtp.got().len() == 2);
    let got = smtp.got();
    assert!(!got[0].confirmed && got[0].text == got[1].text, "{got:#?}");
}

#[test]
fn an_operator_sends_a_test_and_looks_at_what_mails_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str], settings: &[(&str, &str)]| {
        let mut command = Command::new(PROGRAM);
        command.current_dir(folder.path()).arg("mail").args(arguments).env_clear().envs(settings.iter().copied());
        let output = command.output().expect("the binary must run");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, out, _) = run(&["test", "ann@example.com"], &[]);
    assert!(code == Some(0) && out.contains("data/mail/") && out.trim_end().ends_with("-test.eml"), "{out}");
    let smtp = SmtpServer::start(&[Fault::Nothing, Fault::Says { at: "RCPT", line: "550 nobody here" }]);
    let port = smtp.port().to_string();
    let mail = [
        ("SMTP_HOST", "127.0.0.1"),
        ("SMTP_PORT", port.as_str()),
        ("SMTP_TLS", "none"),
        ("MAIL_FROM", "auth@example.com"),
        ("APP_NAME", "Example"),
    ];
    assert_eq!(run(&["test", "ann@example.com"], &mail).1, "the mail server has taken it\n");
    assert!(smtp.got()[0].text.contains("Subject: A test of Example\r\n"));
    let (code, _, err) = run(&["test", "ann@example.com"], &mail);
    assert!(code == Some(1) && err.contains("nobody here"), "{err}");

    let (code, out, _) = run(&["preview", "new_device"], &mail);
    assert!(code == Some(0) && out.starts_with("Subject: A new login to Example\n\nHello Ann,\n"), "{out}");
    assert_eq!(run(&["preview", "nonsense"], &[]).0, Some(2));
    std::fs::create_dir(folder.path().join("own")).expect("a folder");
    let put = |text: &str| std::fs::write(folder.path().join("own/reset.txt"), text).expect("a file");
    put("Subject: Neu bei {{ app_name }}\n\n{{ link }}\n");
    let own = [("MAIL_TEMPLATES", "own"), ("RESET_URL", "https://app.example.com/reset")];
    let (_, out, _) = run(&["preview", "reset"], &own);
    assert!(out.starts_with("Subject: Neu bei Doorward\n\nhttps://app.example.com/reset#token="), "{out}");
    let page = [("EMAIL_CHANGE_URL", "https://app.example.com/email")];
    for (name, link) in [("email_change", "email#token="), ("email_changed", "email#restore=")] {
        let (_, out, _) = run(&["preview", name], &page);
        assert!(out.contains(&format!("https://app.example.com/{link}AAAA")), "{out}");
    }
    put("Subject: Neu\n\n{{ lnik }}\n");
    let (code, _, err) = run(&["preview", "reset"], &own);
    assert!(code == Some(1) && err.contains("reset.txt"), "{err}");
    let (code, out, _) = run(&["status"], &mail);
    assert_eq!((code, out.as_str()), (Some(0), "0 waiting; 0 given up\n"));
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_mins(1), "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
