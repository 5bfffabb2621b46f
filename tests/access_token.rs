//! The verifier of access tokens against the vectors of Wycheproof.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the message")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward::config::secret::Secret;
use doorward::domain::account::UserId;
use doorward::domain::session::{About, AccessToken, SessionId, TokenType};
use doorward::domain::timestamp::Timestamp;
use doorward::platform::access_token::{AccessTokens, Form};
use doorward::platform::keys::{Keys, Roots};
use doorward::platform::random::Random;
use serde_json::Value;

const VECTORS: &str = include_str!("data/wycheproof/json_web_signature_hmac.json");
const NOW: Timestamp = Timestamp::from_seconds(1_767_052_800);

fn verifier(key: &[u8]) -> AccessTokens {
    let keys = Keys::new(Roots { signing: Some(Secret::new(key.to_vec())), ..Roots::default() }).unwrap();
    let form = Form { issuer: "doorward".into(), audience: "doorward".into(), token_type: TokenType::default() };
    AccessTokens::new(keys.signing, form, Random::repeatable(1))
}

/// Each vector as it is, and its trick played on a token of ours that is signed with the vector's key. The vectors sign other things
/// than our claims and name the key otherwise, so that all of them are refused; only our token, untouched, is not.
#[test]
fn no_vector_is_taken_for_a_token_and_no_trick_works_on_one() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let mut tricks = 0;
    for group in vectors["groups"].as_array().unwrap() {
        let verifier = verifier(&URL_SAFE_NO_PAD.decode(group["k"].as_str().unwrap()).unwrap());
        let expires = Timestamp::from_seconds(NOW.seconds() + 3_600);
        let token = AccessToken { user_id: UserId(1), session_id: SessionId([7; 16]), generation: 1, expires };
        let ours = verifier.sign(&token, About::default(), NOW).unwrap();
        assert_eq!(verifier.verify(&ours, NOW), Some(token));
        let tests = group["tests"].as_array().unwrap();
        let original = tests[0]["jws"].as_str().unwrap();
        assert_eq!(tests[0]["result"], "valid");
        for test in tests {
            let vector = test["jws"].as_str().unwrap();
            assert_eq!(verifier.verify(vector, NOW), None, "{test}");
            let bent = played_on(&ours, original, vector);
            if bent != ours {
                tricks += 1;
                assert_eq!(verifier.verify(&bent, NOW), None, "{test}: {bent}");
            }
        }
    }
    assert!(tricks > 30, "{tricks}");
}

/// Changes our token as the vector changes the original one, part by part.
fn played_on(ours: &str, original: &str, vector: &str) -> String {
    let original: Vec<_> = original.split('.').collect();
    let ours: Vec<_> = ours.split('.').collect();
    let parts = vector.split('.').enumerate().map(|(index, part)| match (original.get(index), ours.get(index)) {
        (Some(original), Some(ours)) if !part.is_empty() => changed(ours, original, part),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join(".")
}

/// What stands between the beginning and the end that both have in common is the change.
fn changed(ours: &str, original: &str, part: &str) -> String {
    let start = original.bytes().zip(part.bytes()).take_while(|(a, b)| a == b).count();
    let rest = (&original[start..], &part[start..]);
    let end = rest.0.bytes().rev().zip(rest.1.bytes().rev()).take_while(|(a, b)| a == b).count();
    let middle = &part[start..part.len() - end];
    let removed = original.len() - start - end;
    let from = start.min(ours.len());
    let to = (from + removed).min(ours.len());
    format!("{}{middle}{}", &ours[..from], &ours[to..])
}
