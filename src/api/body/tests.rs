//! What is taken and what is refused, without a server.

use poem::http::HeaderValue;
use poem_openapi::types::ToJSON;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::api::problem::FieldProblem;
use crate::domain::password::PasswordPolicy;

/// Reads `name` (a string), `note` (an optional string) and `keep` (an optional boolean).
fn read(body: &[u8]) -> Result<(String, Option<String>, Option<bool>), Problem> {
    json::read(body, |fields| {
        let (name, note, keep) = (fields.required("name"), fields.optional("note"), fields.optional("keep"));
        Some((name?, note?, keep?))
    })
}

/// The broken rules of a 422, as `field:code`.
fn broken(body: &[u8]) -> Vec<String> {
    let problem = read(body).expect_err("a refusal");
    assert_eq!(problem.code, Code::ValidationFailed, "{problem:?}");
    rules_of(&problem)
}

fn rules_of(problem: &Problem) -> Vec<String> {
    let rule = |error: &FieldProblem| format!("{}:{}", error.field, error.code.to_json().unwrap().as_str().unwrap());
    problem.errors.iter().map(rule).collect()
}

fn is_malformed(body: &[u8]) -> bool {
    read(body).is_err_and(|problem| problem.code == Code::MalformedJson)
}

#[test]
fn a_good_body_is_taken() {
    assert_eq!(read(br#"{"name":"Ann"}"#), Ok(("Ann".into(), None, None)));
    assert_eq!(read(br#" { "keep" : true , "note":null, "n\u0061me":"" } "#), Ok((String::new(), None, Some(true))));
    assert_eq!(
        read(r#"{"name":"\ud83d\ude00 é","note":"\u0000"}"#.as_bytes()),
        Ok(("😀 é".into(), Some("\0".into()), None))
    );
}

#[test]
fn what_is_no_json_text_is_malformed() {
    let deep = |depth: usize| [br#"{"name":"#.to_vec(), vec![b'['; depth], vec![b']'; depth], b"}".to_vec()].concat();
    assert_eq!(broken(&deep(100)), ["name:type"]);
    let bodies: [&[u8]; 20] = [
        b"",
        b" \n",
        b"{",
        b"}",
        b"nope",
        b"{\"name\":\"\xff\"}",
        b"\xef\xbb\xbf{\"name\":\"x\"}",
        b"{\"name\":\"x\"} x",
        b"{\"name\":\"x\"}{}",
        b"{\"name\":\"x\",}",
        b"{\"name\":\"x\" \"note\":\"y\"}",
        b"{name:\"x\"}",
        b"{'name':'x'}",
        b"{\"name\":\"\\ud800\"}",
        b"{\"name\":\"\n\"}",
        b"{\"name\":\"\\x\"}",
        b"{\"name\":01}",
        b"{\"name\":NaN}",
        b"{\"name\":[}",
        b"[1,2",
    ];
    for body in bodies {
        assert!(is_malformed(body), "{}", String::from_utf8_lossy(body));
    }
    assert!(is_malformed(&deep(200)));
    assert!(is_malformed(&[vec![b'['; 8_000], vec![b']'; 8_000]].concat()));
}

#[test]
fn only_an_object_is_an_object() {
    for body in ["[]", r#"[{"name":"x"}]"#, r#"["Ann"]"#, "null", "true", "1", "-1.5", r#""name""#] {
        assert_eq!(broken(body.as_bytes()), [":type"], "{body}");
    }
}

#[test]
fn there_is_no_coercion() {
    for value in ["1", "1.5", "true", "null", "[]", r#"["Ann"]"#, "{}"] {
        assert_eq!(broken(format!(r#"{{"name":{value}}}"#).as_bytes()), ["name:type"], "{value}");
    }
    for value in [r#""true""#, "1", "0", "[]"] {
        let body = format!(r#"{{"name":"x","keep":{value}}}"#);
        assert_eq!(broken(body.as_bytes()), ["keep:type"], "{value}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    assert_eq!(
        broken(br#"{"note":1,"nickname":"x","note":"y","Name":"x"}"#),
        ["note:duplicate", "name:required", "note:type", "nickname:unknown", "Name:unknown"]
    );
}

#[test]
fn a_key_is_the_same_however_it_is_escaped() {
    assert_eq!(broken(br#"{"name":"x","\u006eame":"y"}"#), ["name:duplicate"]);
}

#[test]
fn only_plain_keys_are_named() {
    for key in ["a", "_", "nickName_2", &"k".repeat(40)] {
        assert_eq!(broken(json!({"name": "x", key: 1}).to_string().as_bytes()), [format!("{key}:unknown")]);
    }
    for key in ["", "2", "a b", "é", "a\0", "<b>", "user@example.com", "name ", &"k".repeat(41)] {
        let body = json!({"name": "x", key: 1}).to_string();
        assert_eq!(broken(body.as_bytes()), [":unknown"], "{key:?}");
    }
    let many = br#"{"name":"x","a b":1,"a b":1,"c d":1}"#;
    assert_eq!(broken(many), [":duplicate", ":unknown"]);
}

#[test]
fn the_number_of_fields_is_bounded() {
    let body = |count: usize| {
        let pairs: Vec<_> = (1..count).map(|index| format!(r#""f{index}":{{"a":[1]}}"#)).collect();
        format!(r#"{{"name":"x",{}}}"#, pairs.join(","))
    };
    assert_eq!(broken(body(16).as_bytes()).len(), 15);
    assert_eq!(broken(body(17).as_bytes()), [":too_long"]);
    assert_eq!(broken(body(900).as_bytes()), [":too_long"]);
    assert!(is_malformed(&body(900).as_bytes()[..8_000]));
}

#[test]
fn the_rules_of_an_account() {
    let policy = PasswordPolicy { composition: true };
    let read = |body: serde_json::Value| {
        json::read(body.to_string().as_bytes(), |fields| {
            let email = rules::email(fields, "email");
            let password = rules::new_password(fields, "password", policy, email.as_ref());
            let full_name = rules::full_name(fields, "full_name");
            Some((email?, password?, full_name?))
        })
    };
    let broken = |body| {
        let problem = read(body).map(|_| ()).expect_err("a refusal");
        rules_of(&problem)
    };
    let (email, _, name) =
        read(json!({"email": "Ann@Example.com", "password": "SecurePass123", "full_name": " "})).expect("an account");
    assert_eq!((email.as_str(), name), ("ann@example.com", None));
    assert_eq!(
        broken(json!({"email": "ann", "password": "short", "full_name": "A\tB"})),
        ["email:invalid", "password:too_short", "password:weak", "full_name:invalid"]
    );
    let long = |length| "é".repeat(length);
    assert_eq!(
        broken(
            json!({"email": format!("a@{}.com", long(200)), "password": format!("Aa1{}", long(35)), "full_name": long(201)})
        ),
        ["email:too_long", "password:too_long", "full_name:too_long"]
    );
    assert_eq!(broken(json!({"email": "Ann1@b.example", "password": "ann1@B.example"})), ["password:common"]);
    assert_eq!(broken(json!({"email": "ann@example.com", "password": "Aaaaaaa1\0"})), ["password:invalid"]);
}

proptest! {
    /// Neither a value nor a key that is no plain identifier comes back, whatever is wrong.
    #[test]
    fn nothing_submitted_is_repeated(key in "\\PC{0,20}", value in "[A-Za-z0-9 ]{12,30}", cut in 0_usize..80) {
        let whole = json!({"name": [value], key: value, "note": {"x": value}}).to_string();
        let cut = whole.floor_char_boundary(cut.min(whole.len()));
        for body in [whole.as_bytes(), &whole.as_bytes()[..cut]] {
            let answer = read(body).expect_err("a refusal").to_json().to_string();
            prop_assert!(!answer.contains(&value), "{answer}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&body);
    }
}

fn accepts(values: &[&'static str]) -> bool {
    is_json(&values.iter().map(|value| (CONTENT_TYPE, HeaderValue::from_static(value))).collect())
}

#[test]
fn json_in_utf8_is_taken() {
    for value in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json; Charset=\"utf-8\"",
    ] {
        assert!(accepts(&[value]), "{value}");
    }
}

#[test]
fn anything_else_is_not() {
    for value in [
        "",
        "text/plain",
        "application/jsonp",
        "application/problem+json",
        "application/json, text/plain",
        "application/json; charset=latin1",
        "application/json; boundary=x",
        "application/json;",
        "application/x-www-form-urlencoded",
    ] {
        assert!(!accepts(&[value]), "{value}");
    }
    assert!(!accepts(&[]));
    assert!(!accepts(&["application/json", "application/json"]));
}
