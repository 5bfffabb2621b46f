//! The kinds of values that settings have, and how each is read.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use url::{Host, Url};

use crate::domain::account::Email;
use crate::domain::throttle::Limit;
use crate::domain::timestamp::Timestamp;

use super::mail::Mailbox;
use super::origins::{origin, origins};
use super::secret::Secret;
use super::setting::{Kind, Parse, Reason};

pub(super) const SWITCH: Kind<bool> = Kind {
    values: "`on` or `off`",
    parse: Parse::Text(|text| match text {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => Err(Reason::Values),
    }),
};

pub(super) const HOST: Kind<Vec<IpAddr>> = Kind {
    values: "an address to listen on such as `0.0.0.0` or `::`, or `localhost` for both loopback addresses",
    parse: Parse::Text(|text| {
        if text == "localhost" {
            return Ok(super::server::LOOPBACKS.to_vec());
        }
        let address = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        address.parse().map(|address| vec![address]).map_err(|_| Reason::Values)
    }),
};

pub(super) const ORIGIN: Kind<String> =
    Kind { values: "an origin such as `https://auth.example.com`", parse: Parse::Text(origin) };

pub(super) const ORIGINS: Kind<Vec<String>> = Kind {
    values: "origins such as `https://app.example.com`, `https://*.preview.example.com` or `capacitor://localhost`, separated by commas",
    parse: Parse::Text(|text| {
        let mut origins = items(text).map(origins).collect::<Result<Vec<_>, _>>()?;
        origins.sort();
        origins.dedup();
        Ok(origins)
    }),
};

/// A page of a frontend. What is handed to it goes behind it as the fragment, which browsers send to no server.
pub(super) const PAGE: Kind<Url> =
    Kind { values: "a page such as `https://app.example.com/reset`", parse: Parse::Text(page) };

/// The cookie's `Domain`, in lower case.
pub(super) const DOMAIN: Kind<String> =
    Kind { values: "a domain of two or more labels such as `example.com`", parse: Parse::Text(domain) };

/// A domain that passkeys are made for.
pub(super) const RP_ID: Kind<String> = Kind {
    values: "a domain such as `example.com`, or `localhost`",
    parse: Parse::Text(|text| if text == "localhost" { Ok(text.to_owned()) } else { domain(text) }),
};

pub(super) const LIMIT: Kind<Option<Limit>> = Kind {
    values: "`off`, or a limit such as `5/1m`: from 1 to 10000, in `1s` to `1d`",
    parse: Parse::Text(|text| if text == "off" { Ok(None) } else { limit(text).map(Some) }),
};

/// How long it takes to have lost factors removed. Long enough to be noticed, by somebody who is away for the weekend.
pub(super) const RECOVERY: Kind<Option<Duration>> = Kind {
    values: "`operator`, or a wait from `1d` to `30d`",
    parse: Parse::Text(|text| match (text, span(text)) {
        ("operator", _) => Ok(None),
        (_, Some(wait)) if (Duration::from_hours(24)..=Duration::from_hours(30 * 24)).contains(&wait) => Ok(Some(wait)),
        _ => Err(Reason::Values),
    }),
};

/// Taken exactly as given: hexadecimal and base64 are not decoded.
pub(super) const KEY: Kind<Secret> = Kind {
    values: "a secret of 32 to 1024 bytes",
    parse: Parse::Bytes(|bytes| match bytes.len() {
        32..=1024 => Ok(Secret::new(bytes.to_vec())),
        0..32 => Err(Reason::Because(
            "is too short: HMAC-SHA-256 needs 32 bytes or more (RFC 7518, section 3.2). `openssl rand -hex 32` makes a good one",
        )),
        _ => Err(Reason::Values),
    }),
};

pub(super) const NAME: Kind<String> = Kind {
    values: "a text of at most 255 bytes without spaces",
    parse: Parse::Text(|text| {
        let plain = text.len() <= 255 && !text.chars().any(|c| c.is_whitespace() || c.is_control());
        if plain { Ok(text.to_owned()) } else { Err(Reason::Values) }
    }),
};

/// What stands behind a cookie's name, without the line that joins it.
pub(super) const SUFFIX: Kind<String> = Kind {
    values: "1 to 32 of `a` to `z`, `0` to `9` and `-`",
    parse: Parse::Text(|text| {
        let fits = (1..=32).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if fits { Ok(text.to_owned()) } else { Err(Reason::Values) }
    }),
};

pub(super) const SOCKET: Kind<SocketAddr> = Kind {
    values: "an address and a port, such as `127.0.0.1:9464` or `[::1]:9464`",
    parse: Parse::Text(|text| text.parse().map_err(|_| Reason::Values)),
};

pub(super) const MOMENT: Kind<Timestamp> = Kind {
    values: "a date and time such as `2026-01-31T12:00:00Z` (RFC 3339)",
    parse: Parse::Text(|text| Timestamp::parse(text).ok_or(Reason::Values)),
};

/// What an application is called.
pub(super) const TITLE: Kind<String> = Kind {
    values: "a text of 1 to 60 characters, of which none is `@`, `<`, `>` or a control character",
    parse: Parse::Text(|text| title(text).ok_or(Reason::Values)),
};

pub(super) const MAIL_ADDRESS: Kind<Email> =
    Kind { values: "an email address", parse: Parse::Text(|text| Email::parse(text).map_err(|_| Reason::Values)) };

pub(super) const MAILBOX: Kind<Mailbox> = Kind {
    values: "an email address, or a name with one: `Example App <auth@example.com>`",
    parse: Parse::Text(|text| {
        let Some((name, rest)) = text.split_once('<') else {
            return Email::parse(text).map(|address| Mailbox { name: None, address }).map_err(|_| Reason::Values);
        };
        let address = rest.strip_suffix('>').and_then(|address| Email::parse(address).ok()).ok_or(Reason::Values)?;
        let name = name.trim().trim_matches('"');
        // Another address in the name is what spam filters count as a fraud.
        let name = title(name).ok_or(Reason::Values)?;
        Ok(Mailbox { name: Some(name), address })
    }),
};

fn domain(text: &str) -> Result<String, Reason> {
    if text.starts_with('.') {
        return Err(Reason::Because("must not begin with a dot: subdomains are included anyway"));
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let named = text.len() <= 253 && text.contains('.') && text.split('.').all(label);
    // A last label of digits makes browsers read an address.
    let address = text.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if !named || address {
        return Err(Reason::Values);
    }
    let domain = text.to_ascii_lowercase();
    if psl::suffix_str(&domain) == Some(&domain) {
        return Err(Reason::Because(
            "must not be a public suffix, under which anybody may register a name: browsers refuse it",
        ));
    }
    Ok(domain)
}

fn title(text: &str) -> Option<String> {
    let text = text.trim();
    let plain = !text.chars().any(|c| c.is_control() || matches!(c, '@' | '<' | '>'));
    (plain && (1..=60).contains(&text.chars().count())).then(|| text.to_owned())
}

/// A name or an address of a machine.
pub(super) const HOST_NAME: Kind<String> = Kind {
    values: "the name or the address of a machine, without a port",
    parse: Parse::Text(|text| {
        let address = text.parse::<IpAddr>().is_ok();
        let label = |label: &str| {
            (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let name = text.len() <= 253 && text.split('.').all(label);
        if address || name { Ok(text.to_owned()) } else { Err(Reason::Values) }
    }),
};

/// Another service's password.
pub(super) const PASSWORD: Kind<Secret> = Kind {
    values: "a password of 1 to 1024 bytes",
    parse: Parse::Bytes(|bytes| {
        if (1..=1024).contains(&bytes.len()) { Ok(Secret::new(bytes.to_vec())) } else { Err(Reason::Values) }
    }),
};

/// A file or a folder; whether it is there is seen when it is used.
pub(super) const FOLDER: Kind<PathBuf> = Kind {
    values: "a path",
    parse: Parse::Text(|text| if text.contains('\0') { Err(Reason::Values) } else { Ok(PathBuf::from(text)) }),
};

/// A number in a range.
macro_rules! number {
    ($low:literal to $high:literal) => {
        $crate::config::setting::Kind {
            values: concat!("a number from ", $low, " to ", $high),
            parse: $crate::config::setting::Parse::Text(|text| {
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                match text.parse() {
                    Ok(number) if digits && ($low..=$high).contains(&number) => Ok(number),
                    _ => Err($crate::config::setting::Reason::Values),
                }
            }),
        }
    };
}
pub(super) use number;

/// A span of time in a range.
macro_rules! duration {
    ($low:literal to $high:literal) => {
        $crate::config::setting::Kind {
            values: concat!("a duration from `", $low, "` to `", $high, "`"),
            parse: $crate::config::setting::Parse::Text(|text| {
                let span = $crate::config::kinds::span(text);
                let (low, high) = ($crate::config::kinds::span($low), $crate::config::kinds::span($high));
                span.filter(|_| low <= span && span <= high).ok_or($crate::config::setting::Reason::Values)
            }),
        }
    };
}
pub(super) use duration;

/// One of some words.
macro_rules! choice {
    ($($word:literal => $value:expr),+ $(,)?) => { choice!($($word => $value),+; _ => $crate::config::setting::Reason::Values) };
    ($first:literal => $one:expr, $($word:literal => $value:expr),+; $($refused:pat => $reason:expr),+) => {
        $crate::config::setting::Kind {
            values: concat!("`", $first, "`", $(" or `", $word, "`"),+),
            parse: $crate::config::setting::Parse::Text(|text| match text {
                $first => Ok($one),
                $($word => Ok($value),)+
                $($refused => Err($reason),)+
            }),
        }
    };
}
pub(super) use choice;

/// Parses `30s`, `5m`, `1h`, `7d`. None: it is something else.
pub(super) fn span(text: &str) -> Option<Duration> {
    let (number, seconds) = match text.split_at_checked(text.len().checked_sub(1)?)? {
        (number, "s") => (number, 1),
        (number, "m") => (number, 60),
        (number, "h") => (number, 60 * 60),
        (number, "d") => (number, 24 * 60 * 60),
        _ => return None,
    };
    let digits = (1..=9).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| digits)?;
    Some(Duration::from_secs(number * seconds))
}

/// Parses `5/1m`.
pub(super) fn limit(text: &str) -> Result<Limit, Reason> {
    let (count, window) = text.split_once('/').ok_or(Reason::Values)?;
    let limit =
        Limit { count: count.parse().map_err(|_| Reason::Values)?, window: span(window).ok_or(Reason::Values)? };
    let day = Duration::from_hours(24);
    let sensible = (1..=10_000).contains(&limit.count) && !limit.window.is_zero() && limit.window <= day;
    if sensible { Ok(limit) } else { Err(Reason::Values) }
}

/// Whether a page is handed over where somebody on the way could change it, and take the token from it.
pub(super) fn is_open(page: Option<&Url>) -> bool {
    page.is_some_and(|url| url.scheme() == "http" && !is_loopback(url))
}

/// A page's address, without a fragment.
pub(super) fn page(text: &str) -> Result<Url, Reason> {
    let url = Url::parse(text).map_err(|_| Reason::Values)?;
    if url.fragment().is_some() {
        return Err(Reason::Because("must not have a `#`: the token goes behind it"));
    }
    let plain = url.username().is_empty() && url.password().is_none();
    if plain && matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(Reason::Values) }
}

/// Whether what is sent there stays on this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

pub(super) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

#[cfg(test)]
#[path = "kinds_tests.rs"]
mod tests;
