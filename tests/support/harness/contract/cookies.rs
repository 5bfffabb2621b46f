//! Who may set the cookies, who must clear them, and how each is written. The tests' own words
//! for the contract's core.

use std::collections::{BTreeMap, BTreeSet};

use doorward::config::cookies::{Cookies, SameSite};

use super::super::cookies::SetCookie;
use super::{Complaints, Exchange};

/// Complains unless the answer sets what its operation sets, and that as the settings say.
pub(super) fn check(settings: &Cookies, operation: &str, exchange: &Exchange, found: &mut Complaints) {
    let (access, refresh, device) = names(settings);
    // What another `COOKIE_DOMAIN` has set is cleared by whatever begins or ends a session.
    let domain = |cookie: &SetCookie| cookie.attributes.get("domain").cloned().flatten();
    let is_stray =
        |cookie: &SetCookie| cookie.name == access && cookie.max_age() == Some(0) && domain(cookie) != settings.domain;
    let (strays, set): (Vec<_>, Vec<_>) = SetCookie::all(&exchange.headers).into_iter().partition(is_stray);
    let clears = operation.starts_with("login") || operation == "logout";
    found.unless(strays.is_empty() || clears, || format!("{operation} clears {strays:?}"));
    let names: BTreeSet<_> = set.iter().map(|cookie| cookie.name.as_str()).collect();
    let (ticket, recent) = (factor_name(settings, "login_ticket"), factor_name(settings, "recent_proof"));
    let (hint, ceremony) = (factor_name(settings, "session_hint"), factor_name(settings, "passkey_ceremony"));
    let both = set.len() == 3 && names == BTreeSet::from([access.as_str(), refresh.as_str(), hint.as_str()]);
    let proof = set.len() == 2 && names == BTreeSet::from([access.as_str(), recent.as_str()]);
    let mut rest = set.clone();
    rest.retain(|cookie| !(cookie.name == ticket && cookie.value.is_empty() && cookie.max_age() == Some(0)));
    let all = rest.len() == 5
        && set.iter().map(|cookie| cookie.name.as_str()).filter(|name| *name != ticket).collect::<BTreeSet<_>>()
            == BTreeSet::from([access.as_str(), refresh.as_str(), hint.as_str(), device.as_str(), recent.as_str()])
        && rest.iter().all(|cookie| !cookie.value.is_empty() && cookie.max_age() > Some(0));
    let gone = set.len() == 4
        && names == BTreeSet::from([access.as_str(), refresh.as_str(), hint.as_str(), recent.as_str()])
        && set.iter().all(|cookie| cookie.value.is_empty() && cookie.max_age() == Some(0));
    let fresh = set.iter().all(|cookie| !cookie.value.is_empty() && cookie.max_age() > Some(0));
    let cleared = set.iter().all(|cookie| cookie.value.is_empty() && cookie.max_age() == Some(0));
    let kept = match operation {
        // Not both ways.
        _ if exchange.has_tokens() || exchange.is_from_app() => set.is_empty(),
        // The one refusal with a cookie: what the login goes on with.
        "login" if exchange.wants_second_factor() => names == BTreeSet::from([ticket.as_str()]) && fresh,
        _ if !exchange.status.is_success() => set.is_empty(),
        "login" | "loginPasskey" => all,
        // The challenge.
        "passkeyCreationOptions"
        | "loginPasskeyCreationOptions"
        | "loginPasskeyOptions"
        | "secondFactorPasskeyOptions"
        | "reauthenticatePasskeyOptions" => names == BTreeSet::from([ceremony.as_str()]) && set.len() == 1 && fresh,
        // The ticket is used up.
        "loginSecondFactor" | "loginConfirmTotp" | "loginAddPasskey" => all && set.len() == 6,
        // To who gets tokens in bodies the next refresh brings one that tells of both factors.
        "confirmTotp" if exchange.is_bare() => set.is_empty() || (proof && fresh),
        "confirmTotp" | "reauthenticate" | "addPasskey" => proof && fresh,
        "changePassword" => both && fresh,
        // A browser may have renewed a bound session by itself, and a late answer must not touch a newer login's cookies.
        "refresh" | "refreshDevice" => set.is_empty() || (both && fresh),
        "registerDevice" => names == BTreeSet::from([access.as_str()]) && fresh,
        // And those of ours by names that other settings gave them.
        "logout" => {
            cleared
                && [&access, &refresh, &hint, &recent].iter().all(|name| names.contains(name.as_str()))
                && names.len() == set.len()
        }
        "logoutAll" | "endSession" | "deleteMe" => set.is_empty() || gone,
        _ => set.is_empty(),
    };
    found.unless(kept, || format!("not the cookies of {operation} with {}: {set:?}", exchange.status));
    for cookie in set.iter().chain(&strays) {
        let text = |value: &str| Some(value.to_owned());
        let same_site = match settings.same_site {
            _ if cookie.name == hint => "Lax",
            _ if [&ticket, &recent, &ceremony].contains(&&cookie.name) => "Strict",
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
        };
        let mut expected = BTreeMap::from([
            ("httponly".to_owned(), None),
            ("path".to_owned(), text("/")),
            ("samesite".to_owned(), text(same_site)),
            ("max-age".to_owned(), cookie.max_age().map(|seconds| seconds.to_string())),
        ]);
        if settings.secure || cookie.name.starts_with("__") {
            expected.insert("secure".into(), None);
        }
        let domain = if is_stray(cookie) { domain(cookie) } else { settings.domain.clone() };
        if let Some(domain) = domain.filter(|_| cookie.name == access) {
            expected.insert("domain".into(), Some(domain));
        }
        found.unless(cookie.attributes == expected, || format!("attributes {cookie:?}, expected {expected:?}"));
    }
}

/// The name of a cookie that no other host shares.
fn factor_name(settings: &Cookies, name: &str) -> String {
    let prefix = if settings.secure && settings.host_prefix { "__Host-" } else { "" };
    let suffix = settings.suffix.as_ref().map(|suffix| format!("_{suffix}")).unwrap_or_default();
    format!("{prefix}{name}{suffix}")
}

/// The names of the access, the refresh and the device cookie.
pub(super) fn names(settings: &Cookies) -> (String, String, String) {
    let prefix = if settings.secure && settings.host_prefix { "__Host-" } else { "" };
    let access_prefix = if !prefix.is_empty() && settings.domain.is_some() { "__Secure-" } else { prefix };
    let suffix = settings.suffix.as_ref().map(|suffix| format!("_{suffix}")).unwrap_or_default();
    (
        format!("{access_prefix}access_token{suffix}"),
        format!("{prefix}refresh_token{suffix}"),
        format!("{prefix}device{suffix}"),
    )
}
