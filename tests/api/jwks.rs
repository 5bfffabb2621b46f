//! The public keys, and the tokens that they verify.

use serde_json::{Value, json};

use crate::harness::app::{Database, KEY, TestApp};
use crate::harness::backend::Backend;
use crate::harness::both;
use crate::harness::tokens;

both! {
    with_a_shared_secret_there_are_none,
    a_service_beside_verifies_what_they_sign,
    tokens_that_are_bent_pass_for_nobody,
    keys_are_of_one_kind_and_the_one_that_signs_stands_first,
    tokens_of_either_type_are_taken,
}

const PATH: &str = "/.well-known/jwks.json";
pub(crate) const ROOT: &str = "the-root-of-public-keys-e07d3f5b9a164c";
const ES256: [(&str, &str); 2] = [("JWT_ALGORITHM", "ES256"), ("SECRET_KEY", ROOT)];
const EDDSA: [(&str, &str); 2] = [("JWT_ALGORITHM", "EdDSA"), ("SECRET_KEY", ROOT)];

/// The `alg` and the `kid` of each published key.
async fn published(app: &TestApp) -> Vec<(String, String)> {
    let set = app.browser().get(PATH).await.ok();
    let text = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
    set["keys"].as_array().unwrap().iter().map(|key| (text(key, "alg"), text(key, "kid"))).collect()
}

async fn with_a_shared_secret_there_are_none(app: TestApp) {
    let problem = app.browser().get(PATH).await.refused("not_found");
    assert!(problem["detail"].as_str().unwrap().contains("shared secret"), "{problem}");
}

async fn a_service_beside_verifies_what_they_sign(database: Database) {
    for (settings, alg, kty, crv) in [(ES256, "ES256", "EC", "P-256"), (EDDSA, "EdDSA", "OKP", "Ed25519")] {
        let app = TestApp::with(database, &settings).await;
        let laptop = app.register_and_login("ann@example.com").await;
        let answer = app.browser().get(PATH).await;
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
        let set = answer.ok();
        let [key] = &set["keys"].as_array().unwrap()[..] else { panic!("{set}") };
        let header = tokens::header(&laptop.access_cookie());
        assert_eq!(
            (&key["kty"], &key["crv"], &key["use"], &key["alg"]),
            (&json!(kty), &json!(crv), &json!("sig"), &json!(alg))
        );
        assert_eq!(header, json!({ "typ": "at+jwt", "alg": alg, "kid": key["kid"] }));
        let mut backend = Backend::new();
        for _ in 0..3 {
            laptop.refresh().await.ok();
            laptop.me().await.ok();
            let claims = backend.verify(&app, &laptop.access_cookie()).await.expect("a good token");
            assert_eq!(claims["sub"], "1");
        }
        assert_eq!(backend.asked, 1);
        assert!(!set.to_string().contains("\"d\""), "a private key: {set}");
        // From memory: the database is not asked.
        app.lose_database().await;
        assert_eq!(app.browser().get(PATH).await.ok(), set);
    }
}

async fn tokens_that_are_bent_pass_for_nobody(database: Database) {
    for settings in [ES256, EDDSA] {
        let app = TestApp::with(database, &settings).await;
        let laptop = app.register_and_login("ann@example.com").await;
        let token = laptop.access_cookie();
        let set = app.browser().get(PATH).await.ok();
        let public = set["keys"][0]["x"].as_str().unwrap();
        // Signed with what is known of the server: its public key, and a secret that others share.
        for key in [public.as_bytes(), KEY.as_bytes()] {
            for (way, bent) in tokens::bent_access_tokens(&token, key) {
                app.browser().me().bearer(&bent).await.refused("not_authenticated");
                let mut header = tokens::header(&token);
                header["alg"] = json!("HS256");
                let confused = tokens::sign(&header, &tokens::claims(&token), key);
                app.browser().me().bearer(&confused).await.refused("not_authenticated");
                assert_eq!(Backend::new().verify(&app, &confused).await, None, "{way}");
            }
        }
        laptop.me().await.ok();
    }
}

async fn keys_are_of_one_kind_and_the_one_that_signs_stands_first(database: Database) {
    let [es256, eddsa, other] = [
        include_str!("../data/keys/p256.pem"),
        include_str!("../data/keys/ed25519.pem"),
        include_str!("../data/keys/p256-sec1.pem"),
    ];
    let root = ("SECRET_KEY", ROOT);
    let algorithms = |settings: &[(&str, &str)]| {
        let settings: Vec<_> =
            [&[root], settings].concat().into_iter().map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
        async move {
            let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let app = TestApp::with(database, &settings).await;
            let laptop = app.register_and_login("ann@example.com").await;
            let keys = published(&app).await;
            let kid = tokens::header(&laptop.access_cookie())["kid"].as_str().unwrap().to_owned();
            if settings.contains(&("JWT_ALGORITHM", "HS256")) {
                assert!(keys.iter().all(|(_, published)| *published != kid));
            } else {
                assert_eq!(keys[0].1, kid, "{keys:?}");
            }
            keys.into_iter().map(|(alg, _)| alg).collect::<Vec<_>>()
        }
    };
    // Published before they sign.
    let soon = [("JWT_ALGORITHM", "HS256"), ("JWT_ALGORITHM_PREVIOUS", "ES256")];
    assert_eq!(algorithms(&soon).await, ["ES256"]);
    let still = [("JWT_ALGORITHM", "ES256"), ("JWT_ALGORITHM_PREVIOUS", "HS256")];
    assert_eq!(algorithms(&still).await, ["ES256"]);
    let all = [
        ("JWT_ALGORITHM", "ES256"),
        ("JWT_ALGORITHM_PREVIOUS", "EdDSA"),
        ("JWT_PRIVATE_KEY", es256),
        ("JWT_PRIVATE_KEY_NEXT", other),
        ("JWT_PRIVATE_KEY_PREVIOUS", eddsa),
    ];
    assert_eq!(algorithms(&all).await, ["ES256", "ES256"]);
    let derived = [("JWT_ALGORITHM", "EdDSA"), ("JWT_PRIVATE_KEY_NEXT", eddsa)];
    assert_eq!(algorithms(&derived).await, ["EdDSA", "EdDSA"]);
}

/// So that `JWT_TYP` may be changed one node after the other.
async fn tokens_of_either_type_are_taken(database: Database) {
    for settings in [[("SECRET_KEY", ROOT); 2], ES256] {
        let mut app = TestApp::with(database, &settings).await;
        let laptop = app.register_and_login("ann@example.com").await;
        for typ in ["JWT", "at+jwt"] {
            let changed = [&settings[..], &[("JWT_TYP", typ)]].concat();
            app = app.restart(&changed).await;
            let laptop = app.visit(&laptop);
            laptop.me().await.ok();
            laptop.refresh().await.ok();
            assert_eq!(tokens::header(&laptop.access_cookie())["typ"], typ);
            laptop.me().await.ok();
        }
    }
}
