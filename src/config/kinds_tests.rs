use super::*;
use proptest::prelude::*;

#[test]
fn durations_have_one_unit() {
    for (text, seconds) in [("0s", 0), ("30s", 30), ("5m", 300), ("1h", 3_600), ("7d", 604_800)] {
        assert_eq!(span(text), Some(Duration::from_secs(seconds)), "{text}");
    }
    for text in ["", "s", "5", "5 m", "-5m", "+5m", "1.5h", "5M", "1h30m", "5min", "é", "9999999999d", "5ms"] {
        assert_eq!(span(text), None, "{text}");
    }
}

#[test]
fn origins_are_written_as_browsers_write_them() {
    for (text, expected) in [
        ("https://app.example.com", "https://app.example.com"),
        ("HTTPS://App.Example.com:443", "https://app.example.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ] {
        assert_eq!(origin(text), Ok(expected.to_owned()), "{text}");
    }
    for text in [
        "*",
        "null",
        "app.example.com",
        "https://",
        "https://a.example/",
        "https://a.example/x",
        "https://a.example?x",
        "https://a.example#x",
        "https://u:p@a.example",
        "https://*.example.com",
        "ftp://a.example",
        "https://a b",
        "javascript:alert(1)",
        "https:\\\\a.example",
        "https://a.example:99999",
        "https://a.example\t",
    ] {
        assert!(origin(text).is_err(), "{text}");
    }
}

#[test]
fn a_page_has_an_address_and_nothing_behind_it() {
    for text in ["https://app.example.com/reset", "http://localhost:3000/", "https://app.example.com/reset?lang=de"] {
        assert_eq!(page(text).map(String::from), Ok(text.to_owned()));
    }
    assert!(matches!(page("https://app.example.com/#/reset"), Err(Reason::Because(_))));
    for text in ["app.example.com/reset", "/reset", "https://", "javascript:alert(1)", "https://u:p@a.example/", "*"] {
        assert_eq!(page(text), Err(Reason::Values), "{text}");
    }
}

#[test]
fn this_machine_has_many_names() {
    let local = |text| is_loopback(&page(text).unwrap());
    assert!(["http://localhost:3000", "http://127.0.0.9/x", "http://[::1]:1"].into_iter().all(local));
    assert!(!["http://localhost.evil.example", "http://10.0.0.1", "http://[::2]"].into_iter().any(local));
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,20}") {
        let _ = (span(&text), limit(&text), origin(&text), page(&text));
    }
}

#[test]
fn a_suffix_is_of_a_closed_alphabet() {
    let Parse::Text(parse) = SUFFIX.parse else { panic!("not a text") };
    for text in ["a", "shop-2", &"x".repeat(32)] {
        assert_eq!(parse(text), Ok(text.to_owned()));
    }
    for text in ["", "Shop", "my_shop", "a b", "a;b", "a=b", "é", &"x".repeat(33)] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_star_stands_for_a_label_of_a_domain_of_ones_own() {
    for (text, expected) in [
        ("https://*.preview.example.com", "https://*.preview.example.com"),
        ("HTTPS://*.Example.co.uk:443", "https://*.example.co.uk"),
        ("https://*.team.github.io:8443", "https://*.team.github.io:8443"),
        ("https://app.example.com", "https://app.example.com"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("tauri://localhost", "tauri://localhost"),
        ("com.example.shop://app.shop", "com.example.shop://app.shop"),
    ] {
        assert_eq!(origins(text), Ok(expected.to_owned()), "{text}");
    }
    for text in [
        "*",
        "https://*",
        "https://*.com",
        "https://*.co.uk",
        "https://*.github.io",
        "https://*.localhost",
        "https://*.192.0.2.1",
        "https://*.*.example.com",
        "https://a.*.example.com",
        "https://a*.example.com",
        "https://*.example.com/",
        "*.example.com",
        "capacitor://",
        "capacitor://localhost/",
        "capacitor://localhost:8100",
        "capacitor://user@localhost",
        "capacitor://*.localhost",
        "Capacitor://localhost",
        "file://localhost",
        "ws://localhost",
        "javascript://localhost",
        "1app://localhost",
        "://localhost",
    ] {
        assert!(origins(text).is_err(), "{text}");
    }
}
