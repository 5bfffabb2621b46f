//! The auth cookies' names and attributes.

/// Settings of the two cookies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookies {
    /// `SECURE_COOKIES`: sets `Secure`, and allows prefixes.
    pub secure: bool,
    /// `COOKIE_PREFIX=host`: names begin with `__Host-`. Only together with `secure`.
    pub host_prefix: bool,
    /// `COOKIE_SAMESITE`.
    pub same_site: SameSite,
    /// `COOKIE_DOMAIN`: shares the access cookie, it alone, with subdomains, under `__Secure-`.
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
