//! POST /api/auth/register

use serde_json::{Value, json};

use crate::harness::app::{Database, TestApp};
use crate::harness::both;
use crate::harness::browser::PASSWORD;
use crate::harness::time::seconds;

const URL: &str = "/api/auth/register";

both! {
    makes_an_account_and_tells_of_it,
    does_not_log_in,
    keeps_the_name_as_written_and_stores_an_empty_one_as_none,
    a_taken_email_is_refused_however_it_is_spelt,
    emails_that_mail_can_not_reach_or_people_can_not_tell_apart_are_refused,
    passwords_are_held_to_the_rules_at_every_edge,
    the_email_is_no_password,
    names_are_held_to_the_rules,
    all_problems_are_told_at_once,
    more_than_five_in_a_minute_from_one_address_have_to_wait,
}

async fn makes_an_account_and_tells_of_it(app: TestApp) {
    let body = json!({ "email": "User@Example.com", "password": "SecurePass123", "full_name": "John Doe" });
    let user = app.browser().post(URL).json(&body).await.is(201);
    let expected = json!({ "id": 1, "email": "user@example.com", "full_name": "John Doe", "is_active": true,
        "email_verified": false, "is_superuser": false, "created_at": app.clock.now().to_string(), "last_login": null,
        "external_id": null });
    assert_eq!(user, expected);
}

async fn does_not_log_in(app: TestApp) {
    let browser = app.browser();
    browser.register("ann@example.com").await.is(201);
    assert_eq!(browser.jar().header(), None);
    browser.me().await.refused("not_authenticated");
}

async fn keeps_the_name_as_written_and_stores_an_empty_one_as_none(app: TestApp) {
    for (number, (given, kept)) in [
        (json!("Zoë 日本 O'Neill-Šķēle 🦀"), json!("Zoë 日本 O'Neill-Šķēle 🦀")),
        (json!("é".repeat(200)), json!("é".repeat(200))),
        (json!(""), Value::Null),
        (json!("  \u{a0} "), Value::Null),
        (Value::Null, Value::Null),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({ "email": format!("n{number}@example.com"), "password": PASSWORD, "full_name": given });
        assert_eq!(app.browser().post(URL).json(&body).await.is(201)["full_name"], kept);
    }
    let without = app.browser().register("without@example.com").await.is(201);
    assert_eq!(without["full_name"], Value::Null);
}

async fn a_taken_email_is_refused_however_it_is_spelt(app: TestApp) {
    app.browser().register("ann@münchen.example").await.is(201);
    let before = app.dump().await;
    for spelling in [
        "ann@münchen.example",
        "ANN@MÜNCHEN.EXAMPLE",
        "Ann@xn--mnchen-3ya.example",
        "ann@mu\u{308}nchen.example",
        "ann@mün\u{200b}chen.example",
        " ann@münchen.example",
        "ann@münchen.example \n",
    ] {
        let problem = app.browser().register(spelling).await.refused("email_unavailable");
        assert_eq!(problem["detail"], "This email cannot be registered. If you have an account, log in.");
    }
    assert_eq!(app.dump().await, before);
}

async fn emails_that_mail_can_not_reach_or_people_can_not_tell_apart_are_refused(app: TestApp) {
    let before = app.dump().await;
    let long_label = format!("a@{}.example", "x".repeat(64));
    let long = format!("a@{}example.com", "label.".repeat(42));
    for email in [
        "",
        " ",
        "ann",
        "@",
        "ann@",
        "@example.com",
        "ann@example",
        "ann@@example.com",
        "ann@example..com",
        ".ann@example.com",
        "ann.@example.com",
        "a..b@example.com",
        "ann@-example.com",
        "ann@example-.com",
        "ann @example.com",
        "ann@exa mple.com",
        "ann\u{0}@example.com",
        "ann@example.com\u{0}",
        "\u{7f}ann@example.com",
        "\"ann\"@example.com",
        "ann@[127.0.0.1]",
        "ann@127.0.0.1",
        "<ann@example.com>",
        "Ann <ann@example.com>",
        "ann@example.com,bob@example.com",
        "а\u{301}nn@example.com",
        "аnn@example.com",
        "ånn@example.com",
        "ann@xn--a.example",
        &long_label,
    ] {
        let body = json!({ "email": email, "password": PASSWORD });
        app.browser().post(URL).json(&body).await.invalid(&[("email", "invalid")]);
    }
    app.browser().register(&long).await.invalid(&[("email", "too_long")]);
    assert_eq!(app.dump().await, before);
}

async fn passwords_are_held_to_the_rules_at_every_edge(app: TestApp) {
    let bytes = |length: usize| format!("Aa1{}", "x".repeat(length - 3));
    // 2 bytes a character: the limit counts bytes, the minimum counts characters.
    let wide = |length: usize| format!("Aa1{}", "é".repeat(length));
    let (seventy_two, seventy_three, wide_too_long) = (bytes(72), bytes(73), format!("{}x", wide(34)));
    for (password, problems) in [
        ("", &["too_short", "weak"][..]),
        ("Abcdef1", &["too_short"]),
        ("Äbcdéf1", &["too_short"]),
        (&seventy_two, &["too_long"]),
        (&seventy_three, &["too_long"]),
        (&wide_too_long, &["too_long"]),
        ("Secure\u{0}Pass123", &["invalid"]),
        ("securepass123", &["weak"]),
        ("SECUREPASS123", &["weak"]),
        ("SecurePassword", &["weak"]),
        ("Password1", &["common"]),
        ("password", &["weak", "common"]),
    ] {
        let body = json!({ "email": "ann@example.com", "password": password });
        let expected: Vec<_> = problems.iter().map(|problem| ("password", *problem)).collect();
        app.browser().post(URL).json(&body).await.invalid(&expected);
    }
    assert_eq!(app.count("users").await, 0);
    for (number, password) in ["Qbxdefg1", "Äbcdéf1ö", "SecurePass123", "Test1234", &bytes(71), &wide(34), " Aa1 x\ty "]
        .into_iter()
        .enumerate()
    {
        let email = format!("p{number}@example.com");
        let browser = app.browser();
        browser.post(URL).json(&json!({ "email": email, "password": password })).await.is(201);
        browser.login_with(&email, password).await.ok();
    }
}

async fn the_email_is_no_password(app: TestApp) {
    let body = json!({ "email": "Ann1@example.com", "password": "Ann1@Example.com" });
    app.browser().post(URL).json(&body).await.invalid(&[("password", "common")]);
}

async fn names_are_held_to_the_rules(app: TestApp) {
    for (name, code) in [
        ("é".repeat(201), "too_long"),
        ("a\u{0}b".into(), "invalid"),
        ("a\nb".into(), "invalid"),
        ("\u{1b}[31mred".into(), "invalid"),
        ("a\u{85}b".into(), "invalid"),
    ] {
        let body = json!({ "email": "ann@example.com", "password": PASSWORD, "full_name": name });
        app.browser().post(URL).json(&body).await.invalid(&[("full_name", code)]);
    }
    assert_eq!(app.count("users").await, 0);
}

async fn all_problems_are_told_at_once(app: TestApp) {
    let body = json!({ "email": "nobody", "password": "short", "full_name": 7, "is_superuser": true });
    app.browser().post(URL).json(&body).await.invalid(&[
        ("email", "invalid"),
        ("password", "too_short"),
        ("password", "weak"),
        ("full_name", "type"),
        ("is_superuser", "unknown"),
    ]);
    app.browser().post(URL).json(&json!({})).await.invalid(&[("email", "required"), ("password", "required")]);
}

async fn more_than_five_in_a_minute_from_one_address_have_to_wait(database: Database) {
    let app = TestApp::with(database, &[("REGISTER_RATE_LIMIT", "5/1m")]).await;
    let browser = app.browser();
    for number in 0..5 {
        browser.register(&format!("n{number}@example.com")).await.is(201);
        app.clock.advance(seconds(2));
    }
    let refused = browser.register("n5@example.com").await;
    assert_eq!(refused.retry_after(), 50, "until the oldest falls out");
    refused.refused("too_many_attempts");
    assert_eq!(app.count("users").await, 5);
    app.browser().register("neighbour@example.com").await.is(201);
    app.clock.advance(seconds(50));
    browser.register("n5@example.com").await.is(201);
}
