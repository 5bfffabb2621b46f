use proptest::prelude::*;

use super::*;

fn canonical(text: &str) -> Result<String, EmailError> {
    Email::parse(text).map(|email| email.as_str().to_owned())
}

#[test]
fn accepted_addresses_and_their_canonical_form() {
    for (given, expected) in [
        ("user@example.com", "user@example.com"),
        (" user@example.com", "user@example.com"),
        ("\tuser@example.com \n", "user@example.com"),
        ("User.Name+Tag@Example.COM", "user.name+tag@example.com"),
        ("a@b.co", "a@b.co"),
        ("!#$%&'*+-/=?^_`{|}~@example.org", "!#$%&'*+-/=?^_`{|}~@example.org"),
        ("x@sub.sub-domain.example.museum", "x@sub.sub-domain.example.museum"),
        ("digits@123.example", "digits@123.example"),
        // Internationalized domains, however they are written.
        ("info@Bücher.example", "info@xn--bcher-kva.example"),
        ("info@xn--bcher-kva.example", "info@xn--bcher-kva.example"),
        ("info@XN--BCHER-KVA.example", "info@xn--bcher-kva.example"),
        ("a@例え.テスト", "a@xn--r8jz45g.xn--zckzah"),
        // IDNA 2008: the sharp s is a letter of its own.
        ("a@straße.example", "a@xn--strae-oqa.example"),
        // What UTS 46 maps: full-width letters, the ideographic full stop, a decomposed umlaut.
        ("a@ｅｘａｍｐｌｅ.com", "a@example.com"),
        ("a@example。com", "a@example.com"),
        ("info@bu\u{308}cher.example", "info@xn--bcher-kva.example"),
    ] {
        assert_eq!(canonical(given).as_deref(), Ok(expected), "{given}");
    }
}

#[test]
fn a_look_alike_domain_is_another_address() {
    let latin = Email::parse("a@apple.example").unwrap();
    // The first letter is Cyrillic.
    let cyrillic = Email::parse("a@\u{430}pple.example").unwrap();
    assert_ne!(latin, cyrillic);
    assert_eq!(cyrillic.as_str(), "a@xn--pple-43d.example");
}

#[test]
fn refused_addresses() {
    for given in [
        "",
        "@",
        "user",
        "@example.com",
        "user@",
        "user@localhost",
        "user@@example.com",
        "a@b@example.com",
        ".user@example.com",
        "user.@example.com",
        "us..er@example.com",
        "us er@example.com",
        "user\0@example.com",
        "user@exam\0ple.com",
        "\"quoted\"@example.com",
        "user(comment)@example.com",
        "user<a>@example.com",
        "a,b@example.com",
        "a;b@example.com",
        "user@[127.0.0.1]",
        "user@127.0.0.1",
        "user@example.42",
        "user@.example.com",
        "user@example..com",
        "user@example.com.",
        "user@-example.com",
        "user@example-.com",
        "user@ab--cd.example",
        "user@exa_mple.com",
        "user@exam ple.com",
        "user@example.com/path",
        "user@example.com:25",
        // Local parts that look like others: Cyrillic a, full-width a, dotless i, Kelvin sign, zero-width space, a combining mark.
        "\u{430}nn@example.com",
        "\u{ff41}nn@example.com",
        "adm\u{131}n@example.com",
        "\u{212a}arl@example.com",
        "ann\u{200b}@example.com",
        "anne\u{301}@example.com",
        "josé@example.com",
        // Domains: a punycode label that decodes to ASCII, to nothing, to what would be mapped, or not at all; an emoji
        // variation, a bidirectional mix, a bare joiner, an unassigned code point.
        "a@xn--example-.com",
        "a@xn--.com",
        "a@xn--bcher-kVa\u{200d}.example",
        "a@xn--99999999.example",
        "a@xn--a.example",
        "a@\u{5d0}a.example",
        "a@ex\u{200d}ample.com",
        "a@\u{e000}.example",
        "a@example\u{2024}com",
        "a@\u{fffd}.com",
    ] {
        assert_eq!(canonical(given), Err(EmailError::Invalid), "{given:?}");
    }
}

#[test]
fn lengths_at_the_edge() {
    let local = "a".repeat(64);
    assert!(Email::parse(&format!("{local}@example.com")).is_ok());
    assert_eq!(Email::parse(&format!("a{local}@example.com")), Err(EmailError::Invalid));

    let label = "b".repeat(63);
    assert!(Email::parse(&format!("a@{label}.example")).is_ok());
    assert_eq!(Email::parse(&format!("a@b{label}.example")), Err(EmailError::Invalid));

    let longest = format!("{local}@{label}.{label}.{}", "c".repeat(61));
    assert_eq!(longest.len(), 254);
    assert!(Email::parse(&longest).is_ok());
    assert_eq!(Email::parse(&format!("{longest}c")), Err(EmailError::TooLong));
    assert_eq!(Email::parse(&"a".repeat(1 << 20)), Err(EmailError::TooLong));

    // Short as given, too long in A-labels.
    let grows = format!("{local}@{}example", "é.".repeat(24));
    assert!(grows.len() < 150);
    assert_eq!(Email::parse(&grows), Err(EmailError::TooLong));
}

#[test]
fn shows_itself_in_no_debug() {
    let email = Email::parse("user@example.com").unwrap();
    assert_eq!(format!("{email:?}"), "Email(..)");
}

proptest! {
    #[test]
    fn parsing_never_panics_and_is_idempotent(text in "\\PC{0,40}@\\PC{0,60}") {
        if let Ok(email) = Email::parse(&text) {
            prop_assert_eq!(Email::parse(email.as_str()), Ok(email));
        }
    }

    #[test]
    fn a_canonical_address_is_lower_case_ascii_and_short(
        local in "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]{1,66}",
        domain in "([a-zA-Z0-9äöüßéçñ。あ\u{5d0}\u{200d}-]{1,20}\\.){1,4}[a-zA-Z]{1,10}",
    ) {
        if let Ok(email) = Email::parse(&format!("{local}@{domain}")) {
            let text = email.as_str();
            prop_assert!(text.is_ascii() && text.len() <= Email::MAX_BYTES);
            prop_assert!(!text.bytes().any(|byte| byte.is_ascii_uppercase() || byte.is_ascii_control() || byte == b' '));
            prop_assert_eq!(text.matches('@').count(), 1);
            prop_assert_eq!(Email::parse(text), Ok(email.clone()));
            prop_assert_eq!(Email::parse(&text.to_ascii_uppercase()), Ok(email));
        }
    }

    #[test]
    fn case_never_makes_another_account(local in "[a-zA-Z0-9]{1,12}", domain in "[a-zA-Z]{1,12}\\.[a-zA-Z]{2,8}") {
        let text = format!("{local}@{domain}");
        prop_assert_eq!(Email::parse(&text.to_ascii_uppercase()), Email::parse(&text.to_ascii_lowercase()));
    }
}
