//! Whose attempts are counted: the client's address behind proxies that are trusted, and nobody's word else.

use crate::harness::app::{Database, TestApp};
use crate::harness::both;

both! {
    forged_headers_from_anybody_give_no_fresh_attempts,
    what_a_client_puts_before_the_proxys_own_word_does_not_count,
    one_ipv6_network_is_one_client,
    odd_values_are_no_error,
}

async fn forged_headers_from_anybody_give_no_fresh_attempts(database: Database) {
    let app = TestApp::with(database, &[("TRUSTED_PROXIES", "none"), ("LOGIN_RATE_LIMIT", "5/1m")]).await;
    let mut statuses = Vec::new();
    for number in 0..50 {
        let thief = app.browser();
        let forged = format!("198.51.100.{number}");
        let call = thief.login("ann@example.com").header("x-forwarded-for", &forged).header("x-real-ip", &forged);
        let call = call.header("forwarded", format!("for={forged}")).header("client-ip", &forged);
        statuses.push(call.header("true-client-ip", &forged).header("cf-connecting-ip", &forged).await.status());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 5, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 45, "{statuses:?}");
}

async fn what_a_client_puts_before_the_proxys_own_word_does_not_count(database: Database) {
    let app = TestApp::with(database, &[("LOGIN_RATE_LIMIT", "5/1m")]).await;
    let mut statuses = Vec::new();
    for number in 0..50 {
        let call = app.browser().login("ann@example.com");
        let call = match number % 5 {
            0 => call.header("x-forwarded-for", format!("198.51.100.{number}, 192.0.2.1")),
            1 => call.header("x-forwarded-for", format!("198.51.100.{number}")).header("x-forwarded-for", "192.0.2.1"),
            2 => call.header("x-forwarded-for", format!("127.0.0.1, 198.51.100.{number}, 192.0.2.1:4711")),
            3 => call.header("x-forwarded-for", "unknown, 192.0.2.1, 127.0.0.1"),
            _ => call.header("x-forwarded-for", "::ffff:192.0.2.1"),
        };
        statuses.push(call.await.status());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 5, "{statuses:?}");
}

async fn one_ipv6_network_is_one_client(database: Database) {
    let app = TestApp::with(database, &[("LOGIN_RATE_LIMIT", "5/1m")]).await;
    let mut statuses = Vec::new();
    for number in 0..20 {
        let call = app.browser().login("ann@example.com");
        statuses.push(call.header("x-forwarded-for", format!("2001:db8:1:2:{number:x}::1")).await.status());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 5, "{statuses:?}");
    let neighbour = app.browser().login("ann@example.com").header("x-forwarded-for", "[2001:db8:1:3::1]:443");
    neighbour.await.refused("incorrect_credentials");
}

async fn odd_values_are_no_error(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let long = "192.0.2.1, ".repeat(2_000);
    for value in [
        &b""[..],
        b",",
        b",,,",
        b" ",
        b"unknown",
        b"_hidden",
        b"192.0.2",
        b"192.0.2.999",
        b"0.0.0.0",
        b"255.255.255.255",
        b"[::1",
        b"::1]",
        b"[::1]:99999",
        b"fe80::1%eth0",
        b"[fe80::1%25eth0]:1",
        b"192.0.2.1:",
        b"192.0.2.1:x",
        b"\xff",
        b"192.0.2.1, \xe9",
        b"\"192.0.2.1\"",
        b"192.0.2.1;192.0.2.2",
        b"-",
        b"::",
        b"::ffff:0:0",
        b"1,2,3,4",
        b"0x7f.1",
        b"2130706433",
        long.as_bytes(),
    ] {
        laptop.me().header("x-forwarded-for", value).await.ok();
        let login = app.browser().login("ann@example.com").header("x-forwarded-for", value).await;
        assert!(matches!(login.status(), 200 | 429), "{:?}", login.0);
    }
}
