//! For which domain passkeys are made, and whose pages may ask for them.

use url::{Host, Url};

use super::declarations::{PASSKEY_RP_ID, PASSKEY_RP_ID_CHANGED, PASSKEY_TELL_UNKNOWN};
use super::server::{AllowedOrigins, Server};
use super::setting::Reader;

/// Settings of passkeys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkeys {
    /// `PASSKEY_RP_ID`, or what is right for the other settings. None: there are no passkeys.
    pub rp_id: Option<String>,
    /// Whose pages may ask for them.
    pub origins: PasskeyOrigins,
    /// Why there are none, though nobody has said so.
    pub off_because: Option<&'static str>,
    /// `PASSKEY_RP_ID_CHANGED`: passkeys of another domain may be stored; nobody can use them.
    pub may_strand: bool,
    /// `PASSKEY_TELL_UNKNOWN`: whether browsers are told of passkeys that nobody has.
    pub tells_unknown: bool,
}

/// Whose pages may ask for passkeys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PasskeyOrigins {
    /// Exactly these, as browsers write them.
    pub exactly: Vec<String>,
    /// `http://localhost`, on any port: in development.
    pub any_localhost: bool,
}

impl PasskeyOrigins {
    /// Whether a page of this origin may.
    #[must_use]
    pub fn allow(&self, origin: &str) -> bool {
        let is_localhost = |origin: &str| {
            let port = origin.strip_prefix("http://localhost")?;
            let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
            let number = port.strip_prefix(':').map(|port| is_port(port) && port.parse::<u16>().is_ok());
            Some(port.is_empty() || number == Some(true))
        };
        self.exactly.iter().any(|allowed| allowed == origin) || self.any_localhost && is_localhost(origin) == Some(true)
    }
}

impl Passkeys {
    pub(super) fn read(reader: &mut Reader<'_>, server: Option<&Server>) -> Option<Self> {
        let given = reader.get(&PASSKEY_RP_ID);
        let (may_strand, tells_unknown) = (reader.get(&PASSKEY_RP_ID_CHANGED), reader.get(&PASSKEY_TELL_UNKNOWN));
        let Server { public_url, allowed_origins, .. } = server?;
        let (listed, any_localhost) = match allowed_origins {
            AllowedOrigins::Exactly(origins) => (origins.as_slice(), false),
            AllowedOrigins::AnyLoopback => (&[][..], true),
        };
        // A page that a `*` allows may be anybody's work: it is not trusted with this.
        let pages = listed.iter().filter(|origin| !origin.contains('*')).chain(public_url);
        let pages: Vec<&String> = pages.collect();
        let (rp_id, off_because) = match (given, public_url.as_deref().and_then(host)) {
            (Some(given), _) => {
                if !pages.is_empty() && !pages.iter().any(|page| lies_on(page, &given)) {
                    reader.refuse(
                        &PASSKEY_RP_ID,
                        "must be the host of PUBLIC_URL or of an allowed origin, or a parent of it",
                    );
                }
                (Some(given), None)
            }
            (None, Some(host)) if pages.iter().all(|page| lies_on(page, &host)) => (Some(host), None),
            (None, Some(_)) => (None, Some("is not set, and not every page lies on the host of PUBLIC_URL")),
            (None, None) if !reader.production() && pages.iter().all(|page| lies_on(page, "localhost")) => {
                (Some("localhost".to_owned()), None)
            }
            (None, None) => (None, Some("and PUBLIC_URL are not set, or PUBLIC_URL is an address")),
        };
        let on = |page: &&&String| rp_id.as_deref().is_some_and(|rp_id| lies_on(page, rp_id));
        let exactly = pages.iter().filter(on).map(|page| (*page).clone()).collect();
        // Without PUBLIC_URL the service's own pages have the port that it listens on.
        let own = public_url.is_none() && !reader.production();
        let any_localhost = (any_localhost || own) && rp_id.as_deref() == Some("localhost");
        let origins = PasskeyOrigins { exactly, any_localhost };
        Some(Self { rp_id, origins, off_because, may_strand: may_strand?, tells_unknown: tells_unknown? })
    }
}

/// The domain of an origin; browsers know no passkeys of an address.
fn host(origin: &str) -> Option<String> {
    match Url::parse(origin).ok()?.host()? {
        Host::Domain(name) => Some(name.to_owned()),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

/// Whether browsers let a page of this origin ask for passkeys of the domain.
fn lies_on(origin: &str, rp_id: &str) -> bool {
    host(origin).is_some_and(|host| host.strip_suffix(rp_id).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_lie_on_their_host_and_its_parents() {
        for (origin, rp_id, lies) in [
            ("https://auth.example.com", "auth.example.com", true),
            ("https://auth.example.com:8443", "example.com", true),
            ("https://auth.example.com", "app.example.com", false),
            ("https://badexample.com", "example.com", false),
            ("https://example.com", "auth.example.com", false),
            ("https://192.0.2.1", "192.0.2.1", false),
            ("http://localhost:8000", "localhost", true),
        ] {
            assert_eq!(lies_on(origin, rp_id), lies, "{origin} {rp_id}");
        }
    }

    #[test]
    fn localhost_is_exact() {
        let any = PasskeyOrigins { exactly: Vec::new(), any_localhost: true };
        for (origin, allowed) in [
            ("http://localhost", true),
            ("http://localhost:5173", true),
            ("https://localhost:5173", false),
            ("http://localhost:05173", false),
            ("http://localhost:", false),
            ("http://localhost:5173/", false),
            ("http://localhost:+80", false),
            ("http://localhost.evil.example", false),
            ("http://app.localhost", false),
            ("null", false),
        ] {
            assert_eq!(any.allow(origin), allowed, "{origin}");
        }
        assert!(!PasskeyOrigins::default().allow("http://localhost"));
    }
}
