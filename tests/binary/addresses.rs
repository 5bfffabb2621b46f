//! A proxy that is not as the settings say is told of in the log: once a minute, and without an address of a visitor.

use crate::http::{exchange, send};
use crate::server::Server;

#[test]
fn a_chain_that_ends_at_a_trusted_address_is_told_once() {
    let server = Server::start(&[("TRUSTED_PROXIES", "127.0.0.1/32,10.0.0.0/8"), ("LOG_LEVEL", "warn")]);
    let ask = |forwarded: &str| {
        let head = "GET /health HTTP/1.0\r\nhost: localhost\r\nx-forwarded-for: ";
        assert_eq!(exchange(&server, &format!("{head}{forwarded}\r\n\r\n")).status, 200);
    };
    // A visitor, seen through two proxies: nothing to tell.
    ask("198.51.100.7, 10.0.0.9");
    // A balancer that does not say for whom it asks, twice; then one that says it unreadably.
    ask("10.0.0.9");
    ask("10.0.0.9");
    ask("198.51.100.8, _hidden, 10.0.0.10");
    let line = server.logged("leads to 10.0.0.10 and no further");
    assert!(line.contains("hops=3") && line.contains("[Other, Unreadable, Trusted]"), "{line}");
    let log = server.log();
    assert_eq!(log.matches("leads to 10.0.0.9 and no further").count(), 1, "{log}");
    assert!(!log.contains("198.51.100"), "{log}");
}

#[test]
fn many_accounts_from_one_private_address_are_told_once() {
    let settings = [
        ("TRUSTED_PROXIES", "10.0.0.0/8"),
        ("LOG_LEVEL", "warn"),
        ("BCRYPT_COST", "4"),
        ("LOGIN_RATE_LIMIT", "off"),
        ("REGISTER_RATE_LIMIT", "off"),
    ];
    let server = Server::start(&settings);
    for number in 0..21 {
        let who = format!(r#"{{"email":"user{number}@example.com","password":"SecurePass123"}}"#);
        assert_eq!(send(&server, "/api/auth/register", "", &who).status, 201);
        // Nineteen are a household.
        assert!(!server.log().contains("accounts have logged in") || number == 20, "{}", server.log());
        assert_eq!(send(&server, "/api/auth/login", "", &who).status, 200);
    }
    server.logged("twenty accounts have logged in from 127.0.0.1");
    assert_eq!(server.log().matches("accounts have logged in").count(), 1, "{}", server.log());
}
