//! What `doorward doctor` finds by the settings: mail, poolers, and whether sessions can be bound.

use crate::doctor::diagnose;
use crate::server::Server;
use crate::support::pooler::Pooler;
use crate::support::port::Port;
use crate::support::postgres;
use crate::support::smtp::{Fault, SmtpServer, certificate};
use crate::tools::has;

/// Where mail stops, and why sessions can't be bound: the doctor reads the settings, whatever the service runs with.
#[test]
fn what_stands_in_the_way_of_mail_and_of_bound_sessions_is_found() {
    let Some((pem, key)) = certificate().filter(|_| has("openssl", "version")) else { return };
    let (plain, secure) = (SmtpServer::start(&[]), SmtpServer::start_with_tls(&[], &pem, &key));
    let run = |settings: &[(&str, &str)]| {
        let mut server = Server::start(&[]);
        std::fs::write(server.folder().join("ca.pem"), &pem).expect("a file");
        for (name, value) in settings {
            server.set(name, value);
        }
        let url = format!("http://localhost:{}", server.port());
        let at = format!("127.0.0.1:{}", server.port());
        diagnose(&server, &["--url", &url, "--connect", &at])
    };
    let smtp = |port: u16, settings: &[(&str, &str)]| {
        let port = port.to_string();
        let all = [("SMTP_HOST", "127.0.0.1"), ("SMTP_PORT", &port), ("MAIL_FROM", "auth@example.com")];
        run(&[&all[..], settings].concat())
    };
    let none = ("SMTP_TLS", "none");
    let ca = ("SMTP_CA", "ca.pem");
    smtp(secure.port(), &[ca]).is("mail", "ok", "takes mail from auth@example.com, over TLS");
    smtp(secure.port(), &[ca, ("MAIL_BOUNCE", "bounce@example.com")]).is(
        "mail",
        "ok",
        "takes mail from bounce@example.com",
    );
    smtp(secure.port(), &[]).is("mail", "failed", "-> nothing is sent in plain text");
    smtp(plain.port(), &[ca]).is("mail", "failed", "-> nothing is sent in plain text: the server must offer STARTTLS");
    smtp(plain.port(), &[ca, ("SMTP_TLS", "wrapper"), ("SMTP_TIMEOUT", "1s")]).is(
        "mail",
        "failed",
        "does the server speak TLS",
    );
    let nobody = Port::free();
    smtp(nobody.number(), &[none]).is("mail", "failed", "-> are SMTP_HOST and SMTP_PORT right");
    plain.next(&[Fault::IsSilent { at: "EHLO" }]);
    smtp(plain.port(), &[none, ("SMTP_TIMEOUT", "1s")]).is("mail", "failed", "no answer within 1s");
    smtp(plain.port(), &[none, ("SMTP_USER", "me"), ("SMTP_PASSWORD", "canary-of-the-test")]).is(
        "mail",
        "failed",
        "-> SMTP_USER and SMTP_PASSWORD are not",
    );
    plain.next(&[Fault::Says { at: "MAIL", line: "550 not yours" }]);
    smtp(plain.port(), &[none]).is("mail", "failed", "not yours -> MAIL_FROM, or MAIL_BOUNCE");
    smtp(plain.port(), &[none, ("SMTP_CA", "nowhere.pem")]).is("mail", "failed", "-> let SMTP_CA name a file");
    assert!(plain.got().is_empty() && secure.got().is_empty(), "the doctor sends nothing");

    let developers = run(&[]);
    developers.is("mail", "warning", "each is a file in data/mail -> set SMTP_HOST");
    developers.is("device_bound", "warning", "-> DEVICE_BOUND_SESSIONS needs SECURE_COOKIES=on");
    let secure = ("SECURE_COOKIES", "on");
    run(&[secure]).is("device_bound", "failed", "over https alone, not on localhost either");
    run(&[secure, ("COOKIE_DOMAIN", "example.com")]).is(
        "device_bound",
        "warning",
        "can't be together with COOKIE_DOMAIN",
    );
    run(&[secure, ("DEVICE_BOUND_SESSIONS", "off")]).is("device_bound", "ok", "as DEVICE_BOUND_SESSIONS says");
}

#[test]
fn poolers_are_found_to_be_right_or_wrong() {
    let Some(cluster) = postgres::shared() else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut server = Server::start(&[]);
    let url = format!("http://127.0.0.1:{}", server.port());
    let mut look = |database: &str| {
        server.set("DATABASE_URL", database);
        diagnose(&server, &["--url", &url])
    };
    let direct = runtime.block_on(cluster.create_database(""));
    let name = direct.split('?').next().and_then(|url| url.rsplit('/').next()).expect("a name").to_owned();
    let found = look(&direct);
    found.is("pooler", "ok", "a session of PostgreSQL of its own");
    found.is("database", "warning", "migrations are pending");
    let Some(right) = Pooler::PgBouncer("session").start(cluster) else { return };
    look(&right.url(&name)).is("pooler", "ok", "a session of PostgreSQL of its own");
    let Some(wrong) = Pooler::PgBouncer("transaction").start(cluster) else { return };
    look(&wrong.url(&name)).is("pooler", "failed", "Set pool_mode = session for this database");
}
