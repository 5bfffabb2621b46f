//! Whether sessions are bound to devices: where browsers can't, they are not, and why is said.

use std::time::Duration;

use doorward::config::sessions::DeviceBound::{Off, On, Required};
use doorward::config::{Config, Problems};

use crate::{load, problem, production};

#[test]
fn sessions_are_bound_where_browsers_can() {
    let (tls, shared) = (("SECURE_COOKIES", "on"), ("COOKIE_DOMAIN", "example.com"));
    let short = ("ACCESS_TOKEN_TTL", "9m");
    let https = "needs SECURE_COOKIES=on";
    let domain = "can't be together with COOKIE_DOMAIN";
    let ttl = "needs an ACCESS_TOKEN_TTL of 10m or more";
    let is = |loaded: Result<Config, Problems>, mode, because: Option<&str>| {
        let found = loaded.unwrap().binding;
        let why = found.off_because.unwrap_or_default();
        assert_eq!((found.mode, found.off_because.is_some()), (mode, because.is_some()), "{why}");
        assert!(why.starts_with(because.unwrap_or_default()), "{why}");
    };
    is(load(&[]), Off, Some(https));
    is(load(&[tls]), On, None);
    is(load(&[tls, shared]), Off, Some(domain));
    // Quick tests, on the developer's machine.
    is(load(&[tls, short]), On, None);
    is(production(&[]), On, None);
    is(production(&[shared]), Off, Some(domain));
    is(production(&[short]), Off, Some(ttl));
    is(production(&[("ACCESS_TOKEN_TTL", "10m")]), On, None);
    is(production(&[("DEVICE_BOUND_SESSIONS", "required")]), Required, None);
    is(production(&[shared, ("DEVICE_BOUND_SESSIONS", "off")]), Off, None);
    // Who asks for it is told what is in the way.
    for wanted in ["on", "required"].map(|mode| ("DEVICE_BOUND_SESSIONS", mode)) {
        assert!(problem(load(&[wanted])).starts_with(&format!("DEVICE_BOUND_SESSIONS {https}")));
        assert!(problem(production(&[wanted, shared])).starts_with(&format!("DEVICE_BOUND_SESSIONS {domain}")));
        assert!(problem(production(&[wanted, short])).starts_with(&format!("DEVICE_BOUND_SESSIONS {ttl}")));
    }
}

/// Browsers that have signed a few times in ten minutes bind no new login either.
#[test]
fn a_bound_cookie_lives_ten_minutes_at_least_in_production() {
    let ttl = |loaded: Result<Config, Problems>| loaded.map(|config| config.sessions.bound_ttl()).ok();
    assert_eq!(ttl(production(&[])), Some(Duration::from_mins(10)));
    assert_eq!(ttl(production(&[("DEVICE_BOUND_TTL", "20m")])), Some(Duration::from_mins(20)));
    assert_eq!(ttl(production(&[("DEVICE_BOUND_TTL", "2h")])), Some(Duration::from_hours(1)), "as all access tokens");
    assert!(problem(production(&[("DEVICE_BOUND_TTL", "599s")])).starts_with("DEVICE_BOUND_TTL must be 10m or more"));
    assert_eq!(ttl(load(&[("DEVICE_BOUND_TTL", "1s")])), Some(Duration::from_secs(1)));
}
