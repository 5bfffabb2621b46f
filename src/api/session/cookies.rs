//! The auth cookies: read by raw bytes, written with every attribute.
//!
//! Frameworks that percent-decode cookie *names* let `%5F%5FHost-access_token`, which any subdomain may set, pass for
//! `__Host-access_token`, which only this host may set. Here a name is compared byte by byte.

use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

use poem::http::HeaderMap;
use poem::http::header::COOKIE;

use crate::config::cookies::{Cookies, SameSite};
use crate::domain::factor::{RecentProof, Ticket};

/// How many cookies of one name are looked at. A browser sends one; more come from a sibling domain or a mistake.
const MAX_VALUES: usize = 16;

/// How many cookies by old names are looked at.
const MAX_OLD: usize = 8;

/// How long a browser stays known: as long as browsers keep a cookie at most (RFC 6265bis 5.5).
pub(super) const DEVICE_MAX_AGE: Duration = Duration::from_hours(400 * 24);
/// A ticket's.
pub(super) const TICKET_MAX_AGE: Duration = Ticket::LIFE;
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
    /// That the browser has a session, or had one: no secret, and nothing to ask with. Unlike the others it comes along where another site
    /// links to a page, and so tells a server who has no session from whose cookies were held back.
    Hint,
}

/// What a hint says.
pub(super) const HINT: &str = "1";

impl Kind {
    /// All of them.
    const ALL: [Self; 6] = [Self::Access, Self::Refresh, Self::Device, Self::Ticket, Self::Recent, Self::Hint];
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
    /// The values of `Set-Cookie` headers that remove it, and the hint that was set beside it. The prefix of its name asks for `Secure`, as when it was set.
    #[must_use]
    pub(super) fn clear(&self, settings: &Cookies) -> Vec<String> {
        let secure = settings.secure || self.name.starts_with("__");
        let rest = attributes(&Cookies { secure, domain: None, ..settings.clone() }, Kind::Access);
        let clear = |name: &str| format!("{name}=; Max-Age=0; {rest}");
        let mut cleared = vec![clear(self.name)];
        if self.name.contains("refresh_token") {
            cleared.push(clear(&self.name.replacen("refresh_token", "session_hint", 1)));
        }
        cleared
    }
}

/// Whether a request carries a cookie by any name of ours, whatever its value.
#[must_use]
pub(super) fn has_ours(headers: &HeaderMap, settings: &Cookies) -> bool {
    Kind::ALL.iter().any(|kind| values(headers, &name(settings, *kind)).next().is_some())
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
    let pairs = headers.get_all(COOKIE).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    pairs
        .filter_map(|pair| std::str::from_utf8(pair.trim_ascii()).ok()?.split_once('='))
        .filter(|(name, _)| is_old(name))
        .map(|(name, value)| Old { name, value })
        .take(MAX_OLD)
        .collect()
}

fn is_token(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The values of all cookies of exactly this name, in the order sent, at most 16. Values that are not text are left out: no
/// token of ours is one.
#[must_use]
pub(super) fn read(headers: &HeaderMap, name: &str) -> Vec<String> {
    let text = |value: &[u8]| std::str::from_utf8(value).ok().map(str::to_owned);
    values(headers, name).filter_map(text).take(MAX_VALUES).collect()
}

/// The values of all cookies of exactly this name.
fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let pairs = headers.get_all(COOKIE).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(|pair| pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"="))
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
        (Kind::Ticket | Kind::Recent, _) => "Strict",
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
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn development() -> Cookies {
        Cookies { secure: false, host_prefix: false, suffix: None, same_site: SameSite::Strict, domain: None }
    }

    fn production() -> Cookies {
        Cookies { secure: true, host_prefix: true, ..development() }
    }

    fn headers(lines: &[&[u8]]) -> HeaderMap {
        lines.iter().map(|line| (COOKIE, line.to_vec().try_into().unwrap())).collect()
    }

    #[test]
    fn are_written_as_the_contract_says() {
        assert_eq!(
            set(&development(), Kind::Access, "abc", HOUR),
            "access_token=abc; Max-Age=3600; HttpOnly; SameSite=Strict; Path=/"
        );
        assert_eq!(
            set(&production(), Kind::Refresh, "abc", HOUR),
            "__Host-refresh_token=abc; Max-Age=3600; HttpOnly; SameSite=Strict; Path=/; Secure"
        );
        let lax = Cookies { same_site: SameSite::Lax, host_prefix: false, ..production() };
        assert_eq!(
            set(&lax, Kind::Access, "abc", HOUR),
            "access_token=abc; Max-Age=3600; HttpOnly; SameSite=Lax; Path=/; Secure"
        );
    }

    #[test]
    fn a_hint_comes_along_from_anywhere_and_is_this_hosts_alone() {
        let shared = Cookies { domain: Some("example.com".into()), ..production() };
        assert_eq!(
            set(&shared, Kind::Hint, HINT, HOUR),
            "__Host-session_hint=1; Max-Age=3600; HttpOnly; SameSite=Lax; Path=/; Secure"
        );
        assert_eq!(clear(&development(), Kind::Hint), "session_hint=; Max-Age=0; HttpOnly; SameSite=Lax; Path=/");
    }

    #[test]
    fn a_domain_is_for_the_access_cookie_alone() {
        let shared = Cookies { domain: Some("example.com".into()), ..production() };
        assert_eq!(
            set(&shared, Kind::Access, "abc", HOUR),
            "__Secure-access_token=abc; Max-Age=3600; HttpOnly; SameSite=Strict; Path=/; Domain=example.com; Secure"
        );
        assert_eq!(
            set(&shared, Kind::Refresh, "abc", HOUR),
            "__Host-refresh_token=abc; Max-Age=3600; HttpOnly; SameSite=Strict; Path=/; Secure"
        );
    }

    #[test]
    fn a_suffix_stands_behind_every_name() {
        let suffixed = |settings: Cookies| Cookies { suffix: Some("shop".into()), ..settings };
        for kind in Kind::ALL {
            for settings in [development(), production()] {
                assert_eq!(name(&suffixed(settings.clone()), kind), format!("{}_shop", name(&settings, kind)));
            }
        }
    }

    #[test]
    fn old_names_are_those_that_other_settings_make() {
        let line = b"access_token=a; __Host-access_token=b; __Secure-access_token=c; refresh_token_shop=d; access_token_=e; access_tokens=f; \
                     device_shop=g; access_token_a.b=h; xaccess_token=i; __Host-refresh_token_shop=j";
        let headers = headers(&[line]);
        let found = |settings: &Cookies| old(&headers, settings).iter().map(|one| one.value).collect::<String>();
        assert_eq!(found(&development()), "bcdj");
        assert_eq!(found(&production()), "acdj");
        assert_eq!(found(&Cookies { suffix: Some("shop".into()), ..development() }), "abcj");
        let cleared: Vec<_> = old(&headers, &development()).iter().flat_map(|one| one.clear(&development())).collect();
        assert_eq!(cleared[0], "__Host-access_token=; Max-Age=0; HttpOnly; SameSite=Strict; Path=/; Secure");
        assert_eq!(cleared[2], "refresh_token_shop=; Max-Age=0; HttpOnly; SameSite=Strict; Path=/");
        assert_eq!(cleared[3], "session_hint_shop=; Max-Age=0; HttpOnly; SameSite=Strict; Path=/");
    }

    #[test]
    fn clearing_repeats_every_attribute() {
        let shared = Cookies { domain: Some("example.com".into()), ..production() };
        for settings in [development(), production(), shared] {
            for kind in Kind::ALL {
                let stored = set(&settings, kind, "", HOUR);
                assert_eq!(clear(&settings, kind), stored.replace("Max-Age=3600", "Max-Age=0"));
            }
        }
    }

    #[test]
    fn are_read_from_all_lines_in_order() {
        let headers = headers(&[b"a=1; access_token=one;access_token=two", b" access_token=three ;b=2"]);
        assert_eq!(read(&headers, "access_token"), ["one", "two", "three"]);
    }

    #[test]
    fn only_the_exact_name_counts() {
        let name = "__Host-access_token";
        let strangers: [&[u8]; 10] = [
            b"%5F%5FHost-access_token=x",
            b"__host-access_token=x",
            b"__Host-access_token =x",
            b"__Host-access_token",
            b"__Host-access_token2=x",
            b"x__Host-access_token=x",
            b"\"__Host-access_token\"=x",
            b"a=__Host-access_token=x",
            b"__Host-access_token=\xff\xfe",
            b"a=1, __Host-access_token=x",
        ];
        for stranger in strangers {
            assert_eq!(read(&headers(&[stranger]), name), [""; 0], "{}", String::from_utf8_lossy(stranger));
        }
        assert_eq!(read(&headers(&[b"__Host-access_token=a=b"]), name), ["a=b"]);
        assert_eq!(read(&headers(&[b"__Host-access_token="]), name), [""]);
        assert_eq!(read(&HeaderMap::new(), name), [""; 0]);
    }

    #[test]
    fn a_flood_is_bounded() {
        let flood = "access_token=x; ".repeat(1_000);
        assert_eq!(read(&headers(&[flood.as_bytes()]), "access_token").len(), MAX_VALUES);
    }
}
