//! The auth cookies' names and attributes.

use url::Url;

use super::declarations::{COOKIE_DOMAIN, COOKIE_PREFIX, COOKIE_SAMESITE, COOKIE_SUFFIX, SECURE_COOKIES};
use super::setting::Reader;

/// Settings of the auth cookies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookies {
    /// `SECURE_COOKIES`: sets `Secure`, and allows prefixes.
    pub secure: bool,
    /// `COOKIE_PREFIX=host`: names begin with `__Host-`. Only together with `secure`.
    pub host_prefix: bool,
    /// `COOKIE_SUFFIX`: stands behind every name, after a `_`.
    pub suffix: Option<String>,
    /// `COOKIE_SAMESITE`.
    pub same_site: SameSite,
    /// `COOKIE_DOMAIN`: shares the access cookie, it alone, with subdomains, under `__Secure-`. Only together with `secure`.
    pub domain: Option<String>,
}

/// `SameSite`; `None` is not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Sent with requests from the same site alone.
    Strict,
    /// Also sent when another site links here.
    Lax,
}

impl Cookies {
    pub(super) fn read(reader: &mut Reader<'_>, public_url: Option<&str>) -> Option<Self> {
        let secure = reader.get(&SECURE_COOKIES);
        let prefix = reader.get(&COOKIE_PREFIX);
        let suffix = reader.get(&COOKIE_SUFFIX);
        let same_site = reader.get(&COOKIE_SAMESITE);
        let domain = reader.get(&COOKIE_DOMAIN);

        let insecure = secure == Some(false);
        reader.refuse_in_production(
            insecure,
            &SECURE_COOKIES,
            "must be on in production: else the cookies travel in clear text, and whoever reads them is logged in",
        );
        if insecure && !reader.production() {
            if prefix == Some(true) {
                reader.refuse(
                    &COOKIE_PREFIX,
                    "=host needs SECURE_COOKIES=on: browsers refuse `__Host-` cookies without Secure",
                );
            }
            if domain.is_some() {
                reader.refuse(&COOKIE_DOMAIN, "needs SECURE_COOKIES=on: the shared cookie is named `__Secure-..`");
            }
        }
        if let (Some(domain), Some(origin)) = (&domain, public_url)
            && !covers(domain, origin)
        {
            reader.refuse(
                &COOKIE_DOMAIN,
                "must be the host of PUBLIC_URL or a parent of it: browsers refuse the cookie otherwise",
            );
        }
        let secure = secure?;
        Some(Self { secure, host_prefix: prefix.unwrap_or(secure), suffix, same_site: same_site?, domain })
    }
}

/// Whether a cookie of this domain reaches the origin's host.
fn covers(domain: &str, origin: &str) -> bool {
    let url = Url::parse(origin).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
