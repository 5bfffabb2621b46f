//! The public keys of access tokens.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poem::http::header::CACHE_CONTROL;
use poem_openapi::payload::{Json, Response};
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object, OpenApi, Union};

use crate::api::Tag;
use crate::api::data::Data;
use crate::api::problem::{TypedProblem, codes};
use crate::domain::session::{PublicKey, PublishedKey};
use crate::service::App;

/// What verifiers of access tokens ask for.
pub struct JwksApi;

#[OpenApi(tag = "Tag::Backend")]
impl JwksApi {
    /// The public keys
    ///
    /// What services verify access tokens with by themselves (RFC 7517), where they are signed with ES256 or EdDSA. The key that signs
    /// stands first, and all are of one kind. A key is here before it signs, and stays until what it has signed has expired: ask again when
    /// a token names one that you do not know.
    #[oai(path = "/.well-known/jwks.json", method = "get", operation_id = "jwks")]
    #[expect(clippy::unused_async, reason = "poem-openapi asks for it")]
    async fn jwks(&self, Data(app): Data<&Arc<App>>) -> Result<Response<Published>, TypedProblem<JwksCode>> {
        let keys: Vec<Jwk> = app.session.published_keys().map(Jwk::of).collect();
        if keys.is_empty() {
            return Err(TypedProblem::new(JwksCode::NotFound)
                .because("Access tokens are signed with a shared secret: there are no public keys."));
        }
        Ok(Response::new(Published::Ok(Json(JwkSet { keys }))).header(CACHE_CONTROL, "public, max-age=300"))
    }
}

codes! {
    /// Why `jwks` refuses.
    JwksCode: NotFound
}

#[derive(ApiResponse)]
enum Published {
    /// The keys.
    #[oai(status = 200)]
    Ok(Json<JwkSet>),
}

/// Public keys (RFC 7517, 5).
#[derive(Object)]
#[oai(example)]
struct JwkSet {
    /// The one that signs first.
    keys: Vec<Jwk>,
}

/// A public key, of ES256 or of EdDSA.
#[derive(Union)]
#[oai(one_of = true, discriminator_name = "kty")]
enum Jwk {
    #[oai(mapping = "EC")]
    Ec(EcJwk),
    #[oai(mapping = "OKP")]
    Okp(OkpJwk),
}

/// A public key of ES256 (RFC 7518, 6.2.1).
#[derive(Object)]
struct EcJwk {
    /// `P-256`.
    crv: String,
    /// Base64url, as `y` is.
    x: String,
    /// See `x`.
    y: String,
    /// What tokens name it by: its thumbprint (RFC 7638).
    kid: String,
    /// `sig`.
    #[oai(rename = "use")]
    used_for: String,
    /// `ES256`.
    alg: String,
}

/// A public key of EdDSA (RFC 8037).
#[derive(Object)]
struct OkpJwk {
    /// `Ed25519`.
    crv: String,
    /// Base64url.
    x: String,
    /// What tokens name it by: its thumbprint (RFC 7638).
    kid: String,
    /// `sig`.
    #[oai(rename = "use")]
    used_for: String,
    /// `EdDSA`.
    alg: String,
}

impl Jwk {
    fn of(published: &PublishedKey) -> Self {
        let text = |bytes: &[u8; 32]| URL_SAFE_NO_PAD.encode(bytes);
        let (kid, used_for) = (published.kid.clone(), "sig".to_owned());
        let alg = published.key.algorithm().name().to_owned();
        match &published.key {
            PublicKey::P256 { x, y } => {
                Self::Ec(EcJwk { crv: "P-256".into(), x: text(x), y: text(y), kid, used_for, alg })
            }
            PublicKey::Ed25519 { x } => Self::Okp(OkpJwk { crv: "Ed25519".into(), x: text(x), kid, used_for, alg }),
        }
    }
}

/// The key of RFC 7517, A.1.
impl Example for JwkSet {
    fn example() -> Self {
        let key = EcJwk {
            crv: "P-256".into(),
            x: "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4".into(),
            y: "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM".into(),
            kid: "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s".into(),
            used_for: "sig".into(),
            alg: "ES256".into(),
        };
        Self { keys: vec![Jwk::Ec(key)] }
    }
}
