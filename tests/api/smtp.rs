//! Mail over SMTP, to servers that have bad days.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::time::{hours, minutes, seconds};
use crate::support::port::Port;
use crate::support::smtp::{Encryption, Fault, SmtpServer, certificate};

both! {
    a_mail_is_handed_over_in_one_dialogue,
    whatever_is_no_answer_is_tried_again_under_the_same_name,
    what_a_server_refuses_for_good_is_given_up_and_stops_nothing,
    while_the_server_is_away_mails_wait_and_then_go_in_the_order_of_their_age,
    a_mail_that_nobody_takes_for_a_day_is_given_up,
    nothing_goes_in_plain_text_by_itself,
    a_server_that_hangs_slows_neither_requests_nor_the_end,
    of_several_nodes_one_sends_a_mail,
    a_great_many_go_in_the_order_of_their_age,
}

/// Settings for a server without TLS.
fn settings(port: &str) -> Vec<(&str, &str)> {
    vec![
        ("SMTP_HOST", "127.0.0.1"),
        ("SMTP_PORT", port),
        ("SMTP_TLS", "none"),
        ("SMTP_TIMEOUT", "1s"),
        ("MAIL_FROM", "Example <auth@example.com>"),
        ("REGISTER_RATE_LIMIT", "off"),
    ]
}

async fn sends_to(database: Database, server: &SmtpServer) -> TestApp {
    TestApp::with(database, &settings(&server.port().to_string())).await
}

async fn forgot(app: &TestApp, email: &str) {
    app.browser().post("/api/auth/password/forgot").json(&json!({ "email": email })).await.is(202);
}

/// Waits until something is so; what is waited for happens in another thread.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(90), "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

const WAITING: &str = "SELECT count(*) FROM outbox WHERE done_at IS NULL AND kind = 'reset'";
const SENT: &str = "SELECT count(*) FROM outbox WHERE outcome = 'sent' AND kind = 'reset'";

async fn a_mail_is_handed_over_in_one_dialogue(database: Database) {
    let server = SmtpServer::start(&[]);
    let app = sends_to(database, &server).await;
    app.register("ann@example.com").await;
    forgot(&app, "ann@example.com").await;
    app.until(SENT, 1).await;
    let got = server.got();
    assert_eq!((got.len(), got[0].to.as_str()), (1, "ann@example.com"));
    assert!(got[0].text.contains("From: Example <auth@example.com>\r\n"), "{}", got[0].text);
    assert!(got[0].message_id().ends_with("@example.com>"));
    assert_eq!(app.number("SELECT count(*) FROM outbox WHERE sent_to LIKE 'ann%'").await, 0, "it is forgotten");
}

async fn whatever_is_no_answer_is_tried_again_under_the_same_name(database: Database) {
    let server = SmtpServer::start(&[]);
    let app = sends_to(database, &server).await;
    for (number, fault) in [
        Fault::Says { at: "RCPT", line: "450 try again" },
        Fault::Says { at: "MAIL", line: "503 not now" },
        Fault::Says { at: "MAIL", line: "530 who are you" },
        Fault::Says { at: "DOT", line: "451 local trouble" },
        Fault::Says { at: "DOT", line: "252 perhaps" },
        Fault::Says { at: "DATA", line: "nonsense" },
        Fault::HangsUp { at: "BODY" },
        Fault::HangsUp { at: "DOT" },
        Fault::IsSilent { at: "DOT" },
        Fault::IsSilent { at: "RCPT" },
        Fault::IsSlow(Duration::from_millis(300)),
    ]
    .into_iter()
    .enumerate()
    {
        server.next(&[fault]);
        let email = format!("person{number}@example.com");
        app.register(&email).await;
        forgot(&app, &email).await;
        app.until("SELECT count(*) FROM outbox WHERE attempts = 1 AND done_at IS NULL", 1).await;
        app.clock.advance(seconds(31));
        app.service().mail.wake();
        app.until(WAITING, 0).await;
        let got = server.got();
        let confirmed: Vec<_> = got.iter().filter(|got| got.confirmed && got.to == email).collect();
        assert!(!confirmed.is_empty(), "{fault:?}: {got:?}");
        assert!(got.iter().all(|got| got.message_id() == confirmed[0].message_id()), "{fault:?}: {got:?}");
        // The link is the same one too.
        assert!(got.iter().all(|got| got.text == confirmed[0].text), "{fault:?}: {got:?}");
        app.clock.advance(minutes(1));
    }
}

async fn what_a_server_refuses_for_good_is_given_up_and_stops_nothing(database: Database) {
    let refused = Fault::Says { at: "RCPT", line: "550 5.1.1 <ann@example.com>: nobody here" };
    let server = SmtpServer::start(&[refused, Fault::Says { at: "DOT", line: "554 spam" }]);
    let app = sends_to(database, &server).await;
    for email in ["ann@example.com", "bob@example.com", "eve@example.com"] {
        app.register(email).await;
        forgot(&app, email).await;
        app.until(WAITING, 0).await;
    }
    assert_eq!(app.number("SELECT count(*) FROM outbox WHERE outcome = 'dead'").await, 2);
    assert_eq!(app.number(SENT).await, 1);
    for why in ["nobody here", "spam"] {
        assert_eq!(app.number(&format!("SELECT count(*) FROM outbox WHERE error LIKE '%{why}%'")).await, 1);
    }
    app.clock.advance(hours(1));
    app.service().mail.wake();
    forgot(&app, "eve@example.com").await;
    app.until(SENT, 2).await;
    assert_eq!(server.got().iter().filter(|got| got.to == "ann@example.com").count(), 0);
}

async fn while_the_server_is_away_mails_wait_and_then_go_in_the_order_of_their_age(database: Database) {
    let port = Port::free();
    let app = TestApp::with(database, &settings(&port.number().to_string())).await;
    let people: Vec<String> = (0..5).map(|number| format!("person{number}@example.com")).collect();
    for email in &people {
        app.register(email).await;
        forgot(&app, email).await;
        app.clock.advance(seconds(1));
    }
    app.until("SELECT count(*) FROM outbox WHERE error IS NOT NULL", 1).await;
    assert_eq!(app.number("SELECT count(*) FROM outbox WHERE attempts > 0").await, 0, "no mail's fault");
    let server = SmtpServer::start_on(port.number(), &[], Encryption::None);
    app.until(SENT, 5).await;
    let got: Vec<String> = server.got().into_iter().map(|got| got.to).collect();
    assert_eq!(got, people);
}

async fn a_mail_that_nobody_takes_for_a_day_is_given_up(database: Database) {
    let server = SmtpServer::start(&[Fault::Says { at: "MAIL", line: "451 later" }; 3]);
    let app = sends_to(database, &server).await;
    let ann = app.register_and_login("ann@example.com").await;
    let change = json!({ "current_password": crate::harness::browser::PASSWORD, "new_password": "EvenMoreSecure456" });
    ann.post("/api/auth/password").json(&change).await.ok();
    for attempts in 1..=2 {
        app.until(&format!("SELECT count(*) FROM outbox WHERE attempts = {attempts} AND done_at IS NULL"), 1).await;
        app.clock.advance(hours(12) + minutes(1));
        app.service().mail.wake();
    }
    app.until("SELECT count(*) FROM outbox WHERE outcome = 'dead'", 1).await;
    assert!(server.got().is_empty());
}

async fn nothing_goes_in_plain_text_by_itself(database: Database) {
    let Some((ours, key)) = certificate() else { return };
    let (theirs, other_key) = certificate().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &ours).unwrap();
    let ca = ca.display().to_string();
    let offers_none = SmtpServer::start_with_tls(&[Fault::OffersNoTls; 50], &ours, &key);
    let another = SmtpServer::start_with_tls(&[], &theirs, &other_key);
    let right = SmtpServer::start_with_tls(&[], &ours, &key);
    let plain = SmtpServer::start(&[]);
    let encrypted_another = SmtpServer::start_in_tls(&[], &theirs, &other_key);
    let encrypted = SmtpServer::start_in_tls(&[], &ours, &key);
    for (server, tls, is_right) in [
        (&offers_none, "required", false),
        (&another, "required", false),
        (&right, "required", true),
        // From the first byte.
        (&plain, "wrapper", false),
        (&encrypted_another, "wrapper", false),
        (&encrypted, "wrapper", true),
    ] {
        let port = server.port().to_string();
        let app = TestApp::with(
            database,
            &[
                ("SMTP_HOST", "127.0.0.1"),
                ("SMTP_PORT", &port),
                ("SMTP_TLS", tls),
                ("SMTP_CA", &ca),
                ("MAIL_FROM", "auth@example.com"),
            ],
        )
        .await;
        app.register("ann@example.com").await;
        forgot(&app, "ann@example.com").await;
        if is_right {
            app.until(SENT, 1).await;
            assert!(server.got()[0].encrypted);
        } else {
            app.until("SELECT count(*) FROM outbox WHERE error IS NOT NULL", 1).await;
            assert!(server.got().is_empty() && server.connections() > 0);
        }
    }
}

async fn a_server_that_hangs_slows_neither_requests_nor_the_end(database: Database) {
    let server = SmtpServer::start(&[Fault::IsSilent { at: "CONNECT" }; 20]);
    let port = server.port().to_string();
    let mut settings = settings(&port);
    settings.retain(|(name, _)| *name != "SMTP_TIMEOUT");
    let app = TestApp::with(database, &settings).await;
    app.register("ann@example.com").await;
    forgot(&app, "ann@example.com").await;
    until("a connection", || server.connections() > 0).await;
    let begun = Instant::now();
    for _ in 0..5 {
        forgot(&app, "ann@example.com").await;
        app.browser().me().await.refused("not_authenticated");
    }
    let app = app.restart(&settings).await;
    assert!(begun.elapsed() < Duration::from_secs(45), "a minute is how long the mail would be waited for");
    assert!(app.number(WAITING).await > 0);
}

async fn of_several_nodes_one_sends_a_mail(database: Database) {
    if database == Database::Sqlite {
        return;
    }
    let server = SmtpServer::start(&[]);
    let port = server.port().to_string();
    let one = TestApp::with(database, &settings(&port)).await;
    let two = one.another_node(&settings(&port)).await;
    for number in 0..20 {
        let email = format!("person{number}@example.com");
        one.register(&email).await;
        forgot(if number % 2 == 0 { &one } else { &two }, &email).await;
        one.service().mail.wake();
        two.service().mail.wake();
    }
    one.until(SENT, 20).await;
    let mut ids: Vec<String> = server.got().iter().map(|got| got.message_id().to_owned()).collect();
    ids.sort();
    let sent = ids.len();
    ids.dedup();
    assert_eq!((sent, ids.len()), (20, 20));
}

async fn a_great_many_go_in_the_order_of_their_age(database: Database) {
    let server = SmtpServer::start(&[]);
    let app = sends_to(database, &server).await;
    let hex = match database {
        Database::Sqlite => "unhex(printf('%032x', n))",
        Database::Postgres => "decode(lpad(to_hex(n), 32, '0'), 'hex')",
    };
    let (count, now) = (1_000, app.clock.now().micros());
    app.execute(&format!(
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}) \
         INSERT INTO outbox (id, kind, sent_to, recipient, budget, created_at, due_at, attempts) \
         SELECT {hex}, 'password_changed', 'person' || n || '@example.com', {hex}, 'notice', {now} - n, {now} - n, 0 FROM numbers"
    ))
    .await;
    let begun = Instant::now();
    app.service().mail.wake();
    until("all are sent", || server.got().len() >= count).await;
    println!("{count} mails in {:?} on {database:?}", begun.elapsed());
    app.until("SELECT count(*) FROM outbox WHERE done_at IS NULL", 0).await;
    let got: Vec<String> = server.got().into_iter().map(|got| got.to).collect();
    let expected: Vec<String> = (1..=count).rev().map(|number| format!("person{number}@example.com")).collect();
    assert_eq!(got, expected);
    assert_eq!(server.connections(), 1);
}
