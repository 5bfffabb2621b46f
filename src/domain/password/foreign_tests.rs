use proptest::prelude::*;

use super::*;

fn describe(text: &str) -> String {
    match recognise(text, Wrapping::Plain) {
        Ok(stored) => stored.describe(),
        Err(NotTaken(reason)) => reason.to_owned(),
    }
}

const BC: &str = "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i";

#[test]
fn a_bcrypt_is_found_in_what_programs_wrap_it_in() {
    for mark in ["", "bcrypt$", "{BLF-CRYPT}", "{CRYPT}", "{bcrypt}", "#jbcrypt:", "1|", "ann@example.com:"] {
        assert_eq!(describe(&format!("{mark}{BC}")), "bcrypt, cost 6", "{mark}");
    }
    assert_eq!(describe(&format!("bcrypt_sha256${BC}")), "django-sha256, cost 6");
    assert_eq!(describe(&format!("$wp{}", BC.replace("2a", "2y"))), "wordpress, cost 6");
    for bare in [Wrapping::FlaskLong, Wrapping::Devise, Wrapping::Phpbb] {
        assert_eq!(recognise(BC, bare).unwrap().describe(), format!("{}, cost 6", bare.name()));
        // Marks say what it is, whatever was declared for those without.
        assert_eq!(recognise(&format!("bcrypt_sha256${BC}"), bare).unwrap().describe(), "django-sha256, cost 6");
    }
}

#[test]
fn parameters_of_argon2_come_in_any_order() {
    let rest = "$M8/swN1oyV17sfI12waIrg$z6DX2HGX9u32DYDlQNVlWLEp/EF689p10A5mhAXYQoU";
    for parameters in ["m=65536,p=4,t=3", "m=65536,t=3,p=4", "p=4,t=3,m=65536"] {
        for mark in ["", "{ARGON2ID}", "argon2", "3|"] {
            let text = format!("{mark}$argon2id$v=19${parameters}{rest}");
            assert_eq!(describe(&text), "argon2id, m=65536,t=3,p=4", "{text}");
        }
    }
    for text in
        ["$argon2id$v=16$m=65536,t=3,p=4", "$argon2id$m=65536,t=3,p=4", "$argon2id$v=19$m=65536,m=65536,t=3,p=4"]
    {
        assert_eq!(describe(&format!("{text}{rest}")), MALFORMED.0, "{text}");
    }
}

#[test]
fn what_is_not_taken_is_named() {
    for (text, reason) in [
        ("", "no password"),
        ("!oJwOuLJrNQCbmJZvEqyvJhTKKNfQqPTDf", UNUSABLE.0),
        ("!", UNUSABLE.0),
        ("*LK*", UNUSABLE.0),
        ("$2x$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i", FLAWED.0),
        ("$2$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i", ANCIENT.0),
        ("$P$BJFEJ//oenI0gXoQ7hVi4jies6RxVJ.", PHPASS.0),
        ("$H$9QTj3YPYbpTVglk9qC708NwBtGk1KW/", PHPASS.0),
        ("$6$rounds=5000$salt$hash", CRYPT.0),
        ("{SSHA256}attWX87Peps/ptncF+0iXzZNECUmuFJYWBwU1+i4SDzcc34n", FAST.0),
        ("{CRAM-MD5}00", FAST.0),
        ("secret", UNKNOWN.0),
        ("\u{1F511}\n", UNKNOWN.0),
        (&"$2b$12$".repeat(200), UNKNOWN.0),
        ("$2b$17$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i", MALFORMED.0),
        (&format!("{BC}\n"), MALFORMED.0),
        (&format!("{BC}\r"), MALFORMED.0),
        (&format!(" {BC}"), UNKNOWN.0),
        ("pbkdf2_sha256$1000000000$salt$mHGLkihLSeTc5u9KxSkXC7vwZ43j0fTakd3gQ1owXeQ=", MALFORMED.0),
        ("scrypt:1048576:8:1$salt$00", MALFORMED.0),
        ("scrypt:32767:8:1$salt$9803f228380fc75874f8370a74732fc7e01e4e6e", MALFORMED.0),
        // Cyrillic letters that look like hexadecimal.
        (&format!("{}:{}", "\u{430}".repeat(16), "a".repeat(128)), UNKNOWN.0),
    ] {
        assert_eq!(describe(text), reason, "{text}");
    }
}

proptest! {
    /// What is read is what can be stored and read again; nothing of a hostile row panics.
    #[test]
    fn what_is_taken_can_be_stored(
        text in "(\\PC{0,80}|[$a-z0-9_{}:|-]{0,20}[$]?[a-z0-9=,:]{0,20}\\$[./A-Za-z0-9+]{0,60}(\\$[A-Za-z0-9+/=.]{0,90}){0,3})",
    ) {
        if let Ok(stored) = recognise(&text, Wrapping::Plain) {
            prop_assert_eq!(Stored::parse(&stored.to_hash()), Some(stored));
        }
    }
}
