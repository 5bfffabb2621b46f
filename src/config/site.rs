//! How pages stand to the service, as browsers see it: whether they send its cookies at all.

use url::{Host, Url};

/// How a page stands to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// One scheme, host and port: no CORS, and cookies are sent.
    SameOrigin,
    /// One registrable domain, and one scheme: CORS, and cookies are sent.
    SameSite,
    /// Two sites: no browser sends the cookies.
    CrossSite,
}

/// How a page of `page` stands to a service at `service` (the HTML standard's "schemefully same site").
#[must_use]
pub fn relation(service: &Url, page: &Url) -> Relation {
    if service.origin() == page.origin() {
        return Relation::SameOrigin;
    }
    let same_host = match (service.host(), page.host()) {
        (Some(Host::Domain(one)), Some(Host::Domain(other))) => {
            one == other || domain(one).is_some_and(|one| Some(one) == domain(other))
        }
        (one, other) => one.is_some() && one == other,
    };
    if same_host && service.scheme() == page.scheme() { Relation::SameSite } else { Relation::CrossSite }
}

/// The registrable domain. None for `localhost`, and for a public suffix itself.
fn domain(host: &str) -> Option<&str> {
    psl::domain_str(host).filter(|domain| domain.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_are_what_browsers_take_them_for() {
        for (service, page, expected) in [
            ("https://example.com", "https://example.com/login", Relation::SameOrigin),
            ("https://example.com", "https://example.com:8443", Relation::SameSite),
            ("https://auth.example.com", "https://app.example.com", Relation::SameSite),
            ("https://auth.example.co.uk", "https://example.co.uk", Relation::SameSite),
            ("https://auth.example.com", "http://app.example.com", Relation::CrossSite),
            ("https://auth.example.com", "https://app.example.org", Relation::CrossSite),
            ("https://one.github.io", "https://other.github.io", Relation::CrossSite),
            ("https://one.co.uk", "https://other.co.uk", Relation::CrossSite),
            ("http://localhost:8000", "http://localhost:5173", Relation::SameSite),
            ("http://localhost:8000", "http://127.0.0.1:5173", Relation::CrossSite),
            ("https://192.0.2.1", "https://192.0.2.2", Relation::CrossSite),
        ] {
            assert_eq!(
                relation(&Url::parse(service).unwrap(), &Url::parse(page).unwrap()),
                expected,
                "{service} {page}"
            );
        }
    }
}
