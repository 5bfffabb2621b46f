//! Settings of mail.

use std::path::Path;

use doorward::config::mail::{Tls, Transport};

use crate::{load, problem, production};

const SENDS: [(&str, &str); 2] = [("SMTP_HOST", "smtp.example.com"), ("MAIL_FROM", "Example App <auth@example.com>")];

#[test]
fn development_writes_files_beside_the_database_and_production_sends_nothing_by_itself() {
    let folder = |pairs: &[(&str, &str)]| load(pairs).unwrap().mail.transport;
    assert_eq!(folder(&[]), Some(Transport::Folder(Path::new("data/mail").into())));
    let beside = folder(&[("DATABASE_URL", "sqlite:///srv/doorward/auth.db")]);
    assert_eq!(beside, Some(Transport::Folder(Path::new("/srv/doorward/mail").into())));
    assert_eq!(folder(&[("MAIL_FOLDER", "/tmp/box")]), Some(Transport::Folder(Path::new("/tmp/box").into())));
    assert_eq!(production(&[]).unwrap().mail.transport, None);
    assert!(
        problem(production(&[("MAIL_FOLDER", "/tmp/box")])).starts_with("MAIL_FOLDER must not be set in production")
    );
}

#[test]
fn a_mail_server_is_reached_by_the_usual_port_and_never_in_plain_text_by_itself() {
    for (tls, port, expected) in [("required", 587, Tls::Required), ("wrapper", 465, Tls::Wrapper)] {
        let config = production(&[&SENDS[..], &[("SMTP_TLS", tls)]].concat()).unwrap();
        let Some(Transport::Smtp(smtp)) = config.mail.transport else { panic!("no server") };
        assert_eq!((smtp.port, smtp.tls), (port, expected));
    }
    let plain = problem(production(&[&SENDS[..], &[("SMTP_TLS", "none")]].concat()));
    assert!(plain.starts_with("SMTP_TLS must not be none"), "{plain}");
    for host in ["localhost", "127.0.0.1", "::1"] {
        production(&[&SENDS[1..], &[("SMTP_HOST", host), ("SMTP_TLS", "none")]].concat()).unwrap();
    }
    assert!(problem(production(&SENDS[..1])).starts_with("MAIL_FROM must be set"));
    assert!(
        problem(production(&[&SENDS[..], &[("SMTP_USER", "ann")]].concat())).starts_with("SMTP_USER and SMTP_PASSWORD")
    );
    let secret = load(&[&SENDS[..], &[("SMTP_USER", "ann"), ("SMTP_PASSWORD", "canary")]].concat()).unwrap();
    assert!(!format!("{secret:?}").contains("canary"));
}

#[test]
fn a_sender_is_an_address_with_or_without_a_name() {
    let from = |text: &str| load(&[("MAIL_FROM", text)]).map(|config| config.mail.from.unwrap());
    let plain = from("Auth@Example.com").unwrap();
    assert_eq!((plain.name, plain.address.as_str()), (None, "auth@example.com"));
    let named = from("\"Example App\" <auth@bücher.example>").unwrap();
    assert_eq!((named.name.as_deref(), named.address.as_str()), (Some("Example App"), "auth@xn--bcher-kva.example"));
    for wrong in [
        "",
        "Example",
        "a@b",
        "ceo@bank.example <auth@example.com>",
        "A\r\nBcc: x <auth@example.com>",
        "A <a@b.example> <c@d.example>",
    ] {
        assert!(wrong.is_empty() || from(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn pages_are_reached_by_https() {
    let report = problem(production(&[("NOT_ME_URL", "http://a.example/not-me")]));
    assert!(report.starts_with("NOT_ME_URL") && report.contains("take the token"), "{report}");
    assert!(problem(production(&[("MAIL_RATE_LIMIT", "off")])).contains("fill anybody's mailbox"));
    load(&[("MAIL_RATE_LIMIT", "off")]).unwrap();
}
