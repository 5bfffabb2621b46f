//! Whose pages may cause a refresh of a bound session.

use crate::config::server::AllowedOrigins;

/// The hosts of the pages on whose behalf a browser renews the access cookie, beside the service's own.
#[derive(Clone, Debug)]
pub struct Initiators(Vec<String>);

impl Initiators {
    /// The pages of `ALLOWED_ORIGINS` without a `*`.
    #[must_use]
    pub fn of(origins: &AllowedOrigins) -> Self {
        Self(origins.pages().filter(|origin| !origin.contains('*')).filter_map(host).map(str::to_owned).collect())
    }

    pub(super) fn hosts(&self) -> &[String] {
        &self.0
    }

    /// Whether pages of this host are among them.
    #[must_use]
    pub fn hold(&self, host: &str) -> bool {
        self.0.iter().any(|known| known == host)
    }
}

/// Of an origin as browsers write it: without scheme and port.
fn host(origin: &str) -> Option<&str> {
    let (_, authority) = origin.split_once("://")?;
    // The colons of an IPv6 address stand before its bracket.
    let port = authority.rfind(':').filter(|at| !authority[*at..].contains(']'));
    Some(port.map_or(authority, |at| &authority[..at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initiators_are_hosts() {
        let of = |origins: &[&str]| {
            Initiators::of(&AllowedOrigins::Exactly(origins.iter().map(|origin| (*origin).to_owned()).collect())).0
        };
        assert_eq!(
            of(&["https://app.example.com", "https://app.example.org:8443"]),
            ["app.example.com", "app.example.org"]
        );
        assert_eq!(of(&["https://[::1]:8443", "https://[::1]"]), ["[::1]", "[::1]"]);
        assert_eq!(of(&["capacitor://localhost", "https://*.preview.example.com"]), [""; 0]);
        assert!(Initiators::of(&AllowedOrigins::AnyLoopback).0.is_empty());
    }
}
