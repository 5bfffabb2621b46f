//! The auth cookies: read by raw bytes, written with every attribute.
//!
//! Frameworks that percent-decode cookie *names* let `%5F%5FHost-access_token`, which any subdomain may set, pass for
//! `__Host-access_token`, which only this host may set. Here a name is compared byte by byte.

use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

use memchr::memchr;
use poem::http::HeaderMap;
use poem::http::header::{COOKIE, HOST};

use crate::config::cookies::{Cookies, SameSite};
use crate::domain::factor::{Ceremony, RecentProof, Ticket};

/// How many cookies of one name are looked at. A browser sends one; more come from a sibling domain or a mistake.
const MAX_VALUES: usize = 16;

/// How many cookies by old names are looked at.
const MAX_OLD: usize = 8;

/// For how many domains one is cleared.
const MAX_DOMAINS: usize = 4;

/// How long a browser stays known: as long as browsers keep a cookie at most (RFC 6265bis 5.5).
pub(super) const DEVICE_MAX_AGE: Duration = Duration::from_hours(400 * 24);
/// A ticket's.
pub(super) const TICKET_MAX_AGE: Duration = Ticket::LIFE;
/// That of challenges for passkeys.
pub(super) const CEREMONY_MAX_AGE: Duration = Ceremony::LIFE;
/// A recent proof's.
pub(super) const RECENT_MAX_AGE: Duration = RecentProof::LIFE;

/// Which of the cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The access token.
    Access,
    /// The refresh token.
    Refresh,
    /// What the browser is known by. Logging out keeps it.
    Device,
    /// What a login goes on with that wants a second factor.
    Ticket,
    /// That somebody has proved a moment ago who they are.
    Recent,
    /// What an authenticator is asked to sign.
    Ceremony,
    /// That the browser has a session, or had one: no secret, and nothing to ask with. Unlike the others it comes along where another site
    /// links to a page, and so tells a server who has no session from whose cookies were held back.
    Hint,
}

/// What a hint says.
pub(super) const HINT: &str = "1";

impl Kind {
    /// In the order of their numbers.
    const ALL: [Self; 7] =
        [Self::Access, Self::Refresh, Self::Device, Self::Ticket, Self::Recent, Self::Ceremony, Self::Hint];
}

/// The cookie's name under these settings.
#[must_use]
pub(super) fn name(settings: &Cookies, kind: Kind) -> Cow<'static, str> {
    let prefixed = settings.secure && settings.host_prefix;
    let name = match (kind, prefixed, settings.domain.is_some()) {
        (Kind::Access, false, _) => "access_token",
        // A cookie with a domain can't be `__Host-`.
        (Kind::Access, true, true) => "__Secure-access_token",
        (Kind::Access, true, false) => "__Host-access_token",
        (Kind::Refresh, false, _) => "refresh_token",
        (Kind::Refresh, true, _) => "__Host-refresh_token",
        (Kind::Device, false, _) => "device",
        (Kind::Device, true, _) => "__Host-device",
        (Kind::Ticket, false, _) => "login_ticket",
        (Kind::Ticket, true, _) => "__Host-login_ticket",
        (Kind::Recent, false, _) => "recent_proof",
        (Kind::Recent, true, _) => "__Host-recent_proof",
        (Kind::Ceremony, false, _) => "passkey_ceremony",
        (Kind::Ceremony, true, _) => "__Host-passkey_ceremony",
        (Kind::Hint, false, _) => "session_hint",
        (Kind::Hint, true, _) => "__Host-session_hint",
    };
    match &settings.suffix {
        None => name.into(),
        Some(suffix) => format!("{name}_{suffix}").into(),
    }
}

/// A cookie of a token whose name is not today's: what was set before `COOKIE_SUFFIX` or the prefix was changed, or by another
/// installation on this host.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Old<'a> {
    name: &'a str,
    /// What would be a token.
    pub(super) value: &'a str,
}

impl Old<'_> {
    /// The values of `Set-Cookie` headers that remove it, of whichever domain it is, and the hint that was set beside it. The prefix of its
    /// name asks for `Secure`, as when it was set.
    #[must_use]
    pub(super) fn clear(&self, headers: &HeaderMap, settings: &Cookies) -> Vec<String> {
        let settings = Cookies { secure: settings.secure || self.name.starts_with("__"), ..settings.clone() };
        if self.name.contains("refresh_token") {
            let hint = self.name.replacen("refresh_token", "session_hint", 1);
            return [self.name, &hint].map(|name| clear_of(name, None, &settings)).to_vec();
        }
        let is_this_hosts = self.name.starts_with("__Host-");
        let domains = domains_of(headers).filter(|domain| domain.is_none() || !is_this_hosts);
        domains.map(|domain| clear_of(self.name, domain, &settings)).collect()
    }
}

/// Whether a request carries a cookie by any name of ours, whatever its value.
#[must_use]
pub(super) fn has_ours(headers: &HeaderMap, settings: &Cookies) -> bool {
    if !headers.contains_key(COOKIE) {
        return false;
    }
    let names = Kind::ALL.map(|kind| name(settings, kind));
    let is_ours = |pair: &[u8]| {
        let name = memchr(b'=', pair).map(|at| &pair[..at]);
        name.is_some_and(|found| names.iter().any(|name| name.as_bytes() == found))
    };
    headers.get_all(COOKIE).iter().flat_map(|line| pairs(line.as_bytes())).any(is_ours)
        || !old(headers, settings).is_empty()
}

/// Cookies of tokens by other names than today's, at most [`MAX_OLD`] of them.
#[must_use]
pub(super) fn old<'a>(headers: &'a HeaderMap, settings: &Cookies) -> Vec<Old<'a>> {
    let today = [Kind::Access, Kind::Refresh].map(|kind| name(settings, kind));
    let is_old = |name: &str| {
        let bare = ["__Host-", "__Secure-"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
        let rest = ["access_token", "refresh_token"].iter().find_map(|base| bare.strip_prefix(base));
        let is_suffix = |rest: &str| {
            rest.is_empty() || rest.strip_prefix('_').is_some_and(|rest| !rest.is_empty() && is_token(rest))
        };
        rest.is_some_and(is_suffix) && !today.iter().any(|known| known == name)
    };
    let pairs = headers.get_all(COOKIE).iter().flat_map(|line| pairs(line.as_bytes()));
    pairs
        .filter_map(|pair| std::str::from_utf8(pair).ok()?.split_once('='))
        .filter(|(name, _)| is_old(name))
        .map(|(name, value)| Old { name, value })
        .take(MAX_OLD)
        .collect()
}

fn is_token(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The values of the auth cookies of a request, by kind: all of exactly the name, in the order sent, at most 16 of each. Values that are
/// not text are left out: no token of ours is one.
#[derive(Debug, Default)]
pub(super) struct Jar<'h>([Vec<&'h str>; Kind::ALL.len()]);

impl<'h> Jar<'h> {
    /// Looks once at everything that was sent.
    #[must_use]
    pub(super) fn read(headers: &'h HeaderMap, settings: &Cookies) -> Self {
        let mut jar = Self::default();
        if !headers.contains_key(COOKIE) {
            return jar;
        }
        let names = Kind::ALL.map(|kind| name(settings, kind));
        for line in headers.get_all(COOKIE) {
            for pair in pairs(line.as_bytes()) {
                let Some(at) = memchr(b'=', pair) else { continue };
                let Some(kind) = names.iter().position(|name| name.as_bytes() == &pair[..at]) else { continue };
                let Ok(value) = std::str::from_utf8(&pair[at + 1..]) else { continue };
                if jar.0[kind].len() < MAX_VALUES {
                    jar.0[kind].push(value);
                }
            }
        }
        jar
    }

    /// Those of one kind.
    #[must_use]
    pub(super) fn take(&mut self, kind: Kind) -> Vec<&'h str> {
        std::mem::take(&mut self.0[kind as usize])
    }

    /// The same, to be kept longer than the request's head.
    #[must_use]
    pub(super) fn keep(&mut self, kind: Kind) -> Vec<String> {
        self.take(kind).into_iter().map(str::to_owned).collect()
    }
}

/// The values of `Set-Cookie` headers that remove an access cookie which another `COOKIE_DOMAIN` has set, where a browser sends any by
/// today's name: else the token of a session that has ended would stand beside that of the next, and both would be nobody's.
#[must_use]
pub(super) fn strays(headers: &HeaderMap, settings: &Cookies) -> Vec<String> {
    let name = name(settings, Kind::Access);
    if name.starts_with("__Host-") || Jar::read(headers, settings).take(Kind::Access).is_empty() {
        return Vec::new();
    }
    let others = domains_of(headers).filter(|domain| *domain != settings.domain);
    others.map(|domain| clear_of(&name, domain, settings)).collect()
}

fn clear_of(name: &str, domain: Option<String>, settings: &Cookies) -> String {
    let attributes = attributes(&Cookies { domain, ..settings.clone() }, Kind::Access);
    format!("{name}=; Max-Age=0; {attributes}")
}

/// A browser does not say of which domain a cookie is: each that this host can have set one for, and none, which is this host alone.
fn domains_of(headers: &HeaderMap) -> impl Iterator<Item = Option<String>> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).map(|host| host.split(':').next().unwrap_or(host));
    std::iter::once(None).chain(host.into_iter().flat_map(domains).map(|domain| Some(domain.to_owned())))
}

/// A host and its parents, as far as a cookie can be set for them; none of an address.
fn domains(host: &str) -> impl Iterator<Item = &str> {
    let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    let is_address = host.rsplit('.').next().is_none_or(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    let first = (is_name && !is_address).then_some(host);
    std::iter::successors(first, |domain| domain.split_once('.').map(|(_, parent)| parent))
        .filter(|domain| domain.split('.').filter(|label| !label.is_empty()).count() > 1)
        .take(MAX_DOMAINS)
}

/// What stands between the semicolons.
fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = memchr(b';', text);
        rest = end.map(|end| &text[end + 1..]);
        Some(text[..end.unwrap_or(text.len())].trim_ascii())
    })
}

/// The value of a `Set-Cookie` header that stores a token in the browser.
#[must_use]
pub(super) fn set(settings: &Cookies, kind: Kind, token: &str, max_age: Duration) -> String {
    write(settings, kind, token, max_age.as_secs())
}

/// The value of a `Set-Cookie` header that removes the cookie: every attribute again, else browsers keep it.
#[must_use]
pub(super) fn clear(settings: &Cookies, kind: Kind) -> String {
    write(settings, kind, "", 0)
}

fn write(settings: &Cookies, kind: Kind, value: &str, max_age: u64) -> String {
    format!("{}={value}; Max-Age={max_age}; {}", name(settings, kind), attributes(settings, kind))
}

/// What a cookie is set with, whatever its value and its life. A browser that renews a bound cookie compares them with those that it is
/// told: there is no other place that knows them.
#[must_use]
pub(super) fn attributes(settings: &Cookies, kind: Kind) -> String {
    let same_site = match (kind, settings.same_site) {
        // No link of another site leads to where they are needed.
        (Kind::Ticket | Kind::Recent | Kind::Ceremony, _) => "Strict",
        (Kind::Hint, _) | (_, SameSite::Lax) => "Lax",
        (_, SameSite::Strict) => "Strict",
    };
    let mut attributes = format!("HttpOnly; SameSite={same_site}; Path=/");
    if let (Kind::Access, Some(domain)) = (kind, &settings.domain) {
        let _ = write!(attributes, "; Domain={domain}");
    }
    if settings.secure {
        attributes.push_str("; Secure");
    }
    attributes
}

#[cfg(test)]
#[path = "cookies_tests.rs"]
mod tests;
