//! Tokens as an attacker would bend them.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The claims of an access token; nothing is verified.
pub(crate) fn claims(token: &str) -> Value {
    part(token, 1)
}

/// The header of an access token; nothing is verified.
pub(crate) fn header(token: &str) -> Value {
    part(token, 0)
}

fn part(token: &str, index: usize) -> Value {
    let text = token.split('.').nth(index).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).expect("base64url")).expect("JSON")
}

/// A token of this header and these claims, signed with `key` by HS256.
pub(crate) fn sign(header: &Value, claims: &Value, key: &[u8]) -> String {
    let signed = format!("{}.{}", encode(header), encode(claims));
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// An access token, bent in every way that must not pass, with the name of the way. `key` is the server's own: some are signed
/// as the server would, and are wrong all the same.
pub(crate) fn bent_access_tokens(token: &str, key: &[u8]) -> Vec<(&'static str, String)> {
    let (head, body) = (header(token), claims(token));
    let with = |value: &Value, member: &str, new: Value| {
        let mut value = value.clone();
        value[member] = new;
        value
    };
    let without = |value: &Value, member: &str| {
        let mut value = value.clone();
        value.as_object_mut().expect("an object").remove(member).expect(member);
        value
    };
    let head_with = |member: &str, new: Value| sign(&with(&head, member, new), &body, key);
    let body_with = |member: &str, new: Value| sign(&head, &with(&body, member, new), key);
    let unsigned = |algorithm: &str| format!("{}.{}.", encode(&with(&head, "alg", json!(algorithm))), encode(&body));
    let parts: Vec<_> = token.split('.').collect();
    let tomorrow = body["iat"].as_i64().expect("iat") + 86_400;
    vec![
        ("empty", String::new()),
        ("not a token", "garbage".into()),
        ("dots", "...".into()),
        ("cut", token[..token.len() - 1].into()),
        ("longer", format!("{token}A")),
        ("very long", format!("{token}{}", "A".repeat(10_000))),
        ("without a signature", format!("{}.{}.", parts[0], parts[1])),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{token}.{}", parts[2])),
        ("header and claims swapped", format!("{}.{}.{}", parts[1], parts[0], parts[2])),
        ("padded", format!("{token}=")),
        ("quoted", format!("\"{token}\"")),
        ("alg none", unsigned("none")),
        ("alg None", unsigned("None")),
        ("alg none, signed", head_with("alg", json!("none"))),
        ("alg HS512", head_with("alg", json!("HS512"))),
        ("alg RS256", head_with("alg", json!("RS256"))),
        ("no alg", sign(&without(&head, "alg"), &body, key)),
        ("no kid", sign(&without(&head, "kid"), &body, key)),
        ("unknown kid", head_with("kid", json!("AAAAAA"))),
        ("kid that is a number", head_with("kid", json!(1))),
        ("kid that is a path", head_with("kid", json!("../../dev/null"))),
        ("another typ", head_with("typ", json!("id+jwt"))),
        ("typ in capitals", head_with("typ", json!("AT+JWT"))),
        ("no typ", sign(&without(&head, "typ"), &body, key)),
        ("foreign key", sign(&head, &body, b"another key of thirty-two bytes..")),
        ("empty key", sign(&head, &body, b"")),
        ("the kid as the key", sign(&head, &body, head["kid"].as_str().expect("kid").as_bytes())),
        ("another issuer", body_with("iss", json!("evil"))),
        ("no issuer", sign(&head, &without(&body, "iss"), key)),
        ("another audience", body_with("aud", json!("evil"))),
        ("no audience", sign(&head, &without(&body, "aud"), key)),
        ("another user", body_with("sub", json!("2"))),
        ("a user that is a number", body_with("sub", json!(1))),
        ("no user", sign(&head, &without(&body, "sub"), key)),
        ("another session", body_with("sid", json!("AAAAAAAAAAAAAAAAAAAAAA"))),
        ("a session that is none", body_with("sid", json!("1"))),
        ("no session", sign(&head, &without(&body, "sid"), key)),
        ("no expiry", sign(&head, &without(&body, "exp"), key)),
        ("a list of audiences", body_with("aud", json!(["doorward"]))),
        ("an expiry that is a text", body_with("exp", json!("never"))),
        ("made tomorrow", body_with("iat", json!(tomorrow))),
        ("claims that are a list", sign(&head, &json!([body]), key)),
        ("claims that are null", sign(&head, &Value::Null, key)),
    ]
}

/// A refresh token, bent in every way that must not pass.
pub(crate) fn bent_refresh_tokens(token: &str) -> Vec<(String, String)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).expect("base64url");
    let mut bent: Vec<(String, String)> = vec![
        ("empty".into(), String::new()),
        ("not a token".into(), "garbage".into()),
        ("cut".into(), token[..token.len() - 1].into()),
        ("cut by a byte".into(), URL_SAFE_NO_PAD.encode(&bytes[..bytes.len() - 1])),
        ("longer".into(), format!("{token}AAAA")),
        ("very long".into(), token.repeat(100)),
        ("padded".into(), format!("{token}=")),
        ("quoted".into(), format!("\"{token}\"")),
        ("all zero".into(), URL_SAFE_NO_PAD.encode(vec![0; bytes.len()])),
    ];
    // Both ends of every field: version, key id, session id, generation, expiry, MAC.
    for at in [0, 1, 4, 5, 20, 21, 24, 25, 30, 31, bytes.len() - 1] {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        bent.push((format!("one bit of byte {at}"), URL_SAFE_NO_PAD.encode(bytes)));
    }
    bent
}
