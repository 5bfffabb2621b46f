//! How problems stand in the spec: one schema per code, each with an example; a status with several codes is one of them.

use std::time::Duration;

use poem_openapi::registry::{
    MetaDiscriminatorObject, MetaHeader, MetaMediaType, MetaResponse, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::types::Type;

use super::{CONTENT_TYPE_PROBLEM, Code, FieldCode, FieldProblem, Problem};
use crate::domain::factor::Method;

/// The responses of an operation, one per status.
pub(super) fn responses(codes: &[Code]) -> Vec<MetaResponse> {
    let mut statuses: Vec<u16> = codes.iter().map(|code| code.status().as_u16()).collect();
    statuses.sort_unstable();
    statuses.dedup();
    statuses
        .into_iter()
        .map(|status| {
            let codes: Vec<Code> = codes.iter().copied().filter(|code| code.status().as_u16() == status).collect();
            MetaResponse {
                description: description(&codes),
                status: Some(status),
                status_range: None,
                content: vec![MetaMediaType { content_type: CONTENT_TYPE_PROBLEM, schema: one_of(&codes) }],
                headers: headers(status, &codes),
            }
        })
        .collect()
}

/// Puts the codes' schemas where the responses refer to them.
pub(super) fn register(registry: &mut Registry, codes: &[Code]) {
    FieldProblem::register(registry);
    for code in codes {
        registry.create_schema::<Problem, _>(name(*code), |_| schema(*code));
    }
}

fn name(code: Code) -> String {
    format!("{code:?}Problem")
}

fn one_of(codes: &[Code]) -> MetaSchemaRef {
    let reference = |code: &Code| MetaSchemaRef::Reference(name(*code));
    if let [code] = codes {
        return reference(code);
    }
    let target = |code: &Code| (code.as_str().to_owned(), format!("#/components/schemas/{}", name(*code)));
    MetaSchemaRef::Inline(Box::new(MetaSchema {
        one_of: codes.iter().map(reference).collect(),
        discriminator: Some(MetaDiscriminatorObject {
            property_name: "code",
            mapping: codes.iter().map(target).collect(),
        }),
        ..MetaSchema::ANY
    }))
}

fn schema(code: Code) -> MetaSchema {
    let inline = |schema| MetaSchemaRef::Inline(Box::new(schema));
    let text = |description| MetaSchema { description: Some(description), ..MetaSchema::new("string") };
    let only = |value: serde_json::Value, schema| MetaSchema { enum_items: vec![value], ..schema };
    let example = example(code);
    let body = example.to_json();

    let mut properties = vec![
        ("type", inline(only(body["type"].clone(), text("Identifies the problem; the same as `code`, as a URN.")))),
        ("title", inline(text("A short summary, the same every time."))),
        ("status", inline(only(body["status"].clone(), MetaSchema::new_with_format("integer", "int32")))),
        ("detail", inline(text("A sentence for people."))),
        ("code", inline(only(body["code"].clone(), text("What to switch on.")))),
    ];
    if code.names_methods() {
        let words = Method::ALL.map(|method| serde_json::Value::from(method.as_str()));
        let methods = MetaSchema {
            description: Some(if code == Code::SecondFactorEnrolmentRequired {
                "What can be set up. More may come."
            } else {
                "How it can be proved. More may come."
            }),
            items: Some(Box::new(inline(MetaSchema { enum_items: words.to_vec(), ..MetaSchema::new("string") }))),
            ..MetaSchema::new("array")
        };
        properties.push(("methods", inline(methods)));
    }
    let mut required: Vec<_> = properties.iter().map(|(name, _)| *name).collect();
    if matches!(code, Code::SecondFactorRequired | Code::SecondFactorEnrolmentRequired) {
        let about = "To a client that asked for its tokens in the body: the ticket, in the place of the cookie.";
        properties.push((
            "ticket",
            inline(MetaSchema { description: Some(about), ..MetaSchema::new_with_format("string", "password") }),
        ));
    }
    if code == Code::ValidationFailed {
        required.push("errors");
        let errors = MetaSchema {
            description: Some("Everything that is wrong, at once."),
            items: Some(Box::new(FieldProblem::schema_ref())),
            min_items: Some(1),
            ..MetaSchema::new("array")
        };
        properties.push(("errors", inline(errors)));
    }
    MetaSchema {
        description: Some(about(code)),
        required,
        properties,
        example: Some(body),
        ..MetaSchema::new("object")
    }
}

fn example(code: Code) -> Problem {
    match code {
        Code::ValidationFailed => Problem::invalid(vec![
            FieldProblem::new("email", FieldCode::Required, "Is required."),
            FieldProblem::new("nickname", FieldCode::Unknown, "Is not a known field."),
        ]),
        Code::SecondFactorRequired => {
            Problem::of(code).methods(vec![Method::Totp, Method::RecoveryCode, Method::Passkey])
        }
        Code::SecondFactorEnrolmentRequired => Problem::of(code).methods(vec![Method::Totp, Method::Passkey]),
        Code::ReauthenticationRequired => Problem::of(code).methods(Method::ALL.to_vec()),
        Code::TooManyAttempts => Problem::of(code).retry_after(Duration::from_secs(42)),
        code => Problem::of(code),
    }
}

fn headers(status: u16, codes: &[Code]) -> Vec<MetaHeader> {
    let header = |name: &str, description: &str, schema| MetaHeader {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        required: true,
        deprecated: false,
        schema: MetaSchemaRef::Inline(Box::new(schema)),
    };
    match status {
        401 => {
            let challenge = "Says that a Bearer token is taken (RFC 6750).";
            let challenge = header("WWW-Authenticate", challenge, MetaSchema::new("string"));
            let about = "The ticket, with `second_factor_required` and `second_factor_enrolment_required`.";
            let ticket = MetaHeader { required: false, ..header("Set-Cookie", about, MetaSchema::new("string")) };
            if codes.contains(&Code::SecondFactorRequired) { vec![challenge, ticket] } else { vec![challenge] }
        }
        429 | 503 => {
            let seconds = MetaSchema::new_with_format("integer", "int32");
            vec![header("Retry-After", "Try again after so many seconds; at least 1.", seconds)]
        }
        403 if codes.contains(&Code::DeviceProofRequired) => {
            let about = "What the device is to sign, and for which session, where `refreshDevice` asks for it.";
            let optional = header("Secure-Session-Challenge", about, MetaSchema::new("string"));
            vec![MetaHeader { required: false, ..optional }]
        }
        _ => Vec::new(),
    }
}

fn description(codes: &[Code]) -> &'static str {
    match codes {
        [code] => about(*code),
        [first, ..] => match first.status().as_u16() {
            401 => "Not authenticated; `code` says why.",
            422 => "The body was understood, and refused; `code` says why.",
            503 => "The service can't answer now; `code` says why. Try again.",
            _ => "Refused; `code` says why.",
        },
        [] => "",
    }
}

/// What a code means, for those who write clients.
#[expect(clippy::too_many_lines, reason = "a sentence for each code")]
const fn about(code: Code) -> &'static str {
    match code {
        Code::MalformedJson => "The body is not JSON in UTF-8, is empty, or did not arrive whole.",
        Code::UnsupportedMediaType => "The body is not declared as `application/json`.",
        Code::PayloadTooLarge => "The body is larger than 16 KiB.",
        Code::ValidationFailed => {
            "The body breaks rules of its fields. `errors` lists all of them at once; unknown and duplicate fields are refused too."
        }
        Code::IncorrectCredentials => {
            "Incorrect email or password. Unknown email, wrong password and disabled account get the same answer in the same time."
        }
        Code::IncorrectCurrentPassword => "The current password is not correct.",
        Code::SecondFactorRequired => {
            "The password is right, and the account has a second factor. `methods` says how it can be proved. A cookie with a ticket was \
             set, which is good for five minutes: call `loginSecondFactor`."
        }
        Code::SecondFactorEnrolmentRequired => {
            "The password is right, `SECOND_FACTOR=required`, and the account has none. A cookie with a ticket was set, which is good for \
             five minutes: call `loginEnrolTotp`, or `loginPasskeyCreationOptions` where `methods` has it."
        }
        Code::IncorrectSecondFactor => "The code or the passkey is another one, or was used. The ticket is good still.",
        Code::LoginTicketExpired => {
            "There is no ticket, or it was used, is older than five minutes, or the account's credentials have changed since. Log in again."
        }
        Code::IncorrectCode => "The code is another one, or was used.",
        Code::IncorrectEnrolmentCode => {
            "It is the account's first factor, and `enrolment_code` is missing, another one, or older than an hour. The code of the app is \
             good still."
        }
        Code::ReauthenticationRequired => {
            "It was not proved in this session, within the last ten minutes, who asks. Call `reauthenticate` with the password, and with \
             one of the other `methods` where there are any; or with a passkey alone."
        }
        Code::ExactOriginRequired => {
            "The page's origin is allowed by a `*` in `ALLOWED_ORIGINS`, as many are: what wants a proof of who asks, or a passkey, is done on a page whose origin is \
             listed by itself."
        }
        Code::NothingToConfirm => "No secret was shown to this session in the last ten minutes. Call `enrolTotp`.",
        Code::LastFactor => "`SECOND_FACTOR=required`: the last factor can't be removed, but replaced.",
        Code::NoFactor => {
            "The account has no factor that recovery codes could stand in for; or no passkey, where one is asked for."
        }
        Code::PasskeysUnavailable => "There is no domain that passkeys could be made for: see `PASSKEY_RP_ID`.",
        Code::UnknownPasskey => {
            "No account has the passkey. A page may tell the browser, so that it is not offered again: `PublicKeyCredential.signalUnknownCredential`. \
             Only where `PASSKEY_TELL_UNKNOWN` is on; else `incorrect_passkey`."
        }
        Code::IncorrectPasskey => {
            "The passkey proves nothing: another domain or page, nobody was verified, a wrong signature, or its account is disabled."
        }
        Code::InvalidPasskey => {
            "The passkey is none that can be used here, proves nothing, is another person's, or is there already."
        }
        Code::PasskeyChallengeExpired => {
            "The challenge that was signed is none that this browser was given for this in the last ten minutes, or was used. Ask for new options."
        }
        Code::TooManyPasskeys => "An account has at most 20 passkeys.",
        Code::PasskeyNotFound => "The person has no such passkey.",
        Code::RecoveryByOperator => {
            "`FACTOR_RECOVERY=operator`; or the account is a superuser's, or its address is not confirmed: an operator removes lost factors."
        }
        Code::FactorUnavailable => {
            "The secret of the account's app is sealed by a key that this service does not have. Other methods may work."
        }
        Code::InvalidOrExpiredToken => "The token of the link is unknown, used, replaced or expired.",
        Code::LastSuperuser => "The person is the last active superuser, and can't leave.",
        Code::OtherUser => "`X-Doorward-User` names another person than the one who is logged in. Nothing was done.",
        Code::RegistrationClosed => "Nobody can register: the service is set so.",
        Code::EmailUnavailable => "This email cannot be registered: it may belong to an account.",
        Code::NotAuthenticated => "There is no valid token. Log in.",
        Code::TokenExpired => "The access token has expired, its session has not. Refresh, then try again.",
        Code::SessionExpired => "The session was unused for too long, or has reached its absolute end. Log in again.",
        Code::SessionEnded => "The person logged out. Log in again.",
        Code::SessionRevoked => {
            "The session was ended: by a password change, by an operator, from another device, or by newer sessions. Log in again."
        }
        Code::SessionReuseDetected => {
            "A refresh token was used again after its successor: somebody else may hold a copy. The session was ended. Log in again."
        }
        Code::DeviceBindingRequired => {
            "`DEVICE_BOUND_SESSIONS=required`: the browser has not bound the session to its device in time. Another one may."
        }
        Code::InvalidDeviceProof => {
            "`Secure-Session-Response` or `Sec-Secure-Session-Id` is missing, malformed, not signed by ES256, or signs no fresh challenge for \
             this session."
        }
        Code::DeviceProofRequired => {
            "The session is bound to a device, and nothing fresh proves that this is it. The browser proves it by itself: ask again in a few \
             seconds. When that is refused too, log in again."
        }
        Code::EmailNotVerified => {
            "The password is right, and `EMAIL_VERIFICATION=required`: a link that confirms the address was mailed."
        }
        Code::CrossSiteRequest => {
            "The request was sent by a page of another site. Page and service must share a site, or the page's origin must be allowed."
        }
        Code::TokenDeliveryRefused => {
            "`token_delivery: body`, of a request that may be a page's: it has an `Origin` (that is no listed app's), a `Sec-Fetch-..` header, or a \
             cookie of this service. Or `cookies`, of a listed app; or a passkey, of whoever gets no cookies."
        }
        Code::MalformedRequest => "This is not a valid HTTP/1.1 request.",
        Code::HeadersTooLarge => "The request line and the headers are larger than 32 KiB.",
        Code::NotFound => "There is nothing at this path.",
        Code::SessionNotFound => "The person has no such session.",
        Code::MethodNotAllowed => "This path has no such method.",
        Code::TooManyAttempts => "Too many attempts. `Retry-After` says when the next one is taken.",
        Code::Overloaded => "The service is busy. Try again.",
        Code::MailUnavailable => "The service is not set up to send mail.",
        Code::DatabaseUnavailable => "The service can't reach its database. Try again.",
        Code::ShuttingDown => "The service is about to stop. Try again.",
        Code::InternalError => "A defect of the service.",
    }
}
