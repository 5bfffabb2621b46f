//! What makes protection void is refused: proxies that are everybody, limits that are none, cookies for strangers.

use crate::{load, problem, production};

/// Each of these networks with a limit of its own.
fn limited(networks: &str) -> String {
    networks.replace(',', ":60/1m,") + ":60/1m"
}

#[test]
fn what_makes_protection_void_is_refused_in_production() {
    let eighths = (1..100).map(|first| format!("{first}.0.0.0/8")).collect::<Vec<_>>().join(",");
    let everybody = ["0.0.0.0/1,128.0.0.0/1", "::/1,10.0.0.0/8", "8.0.0.0/7", "2400::/15", &eighths];
    for networks in &everybody[1..] {
        let warnings = load(&[("TRUSTED_PROXIES", networks)]).unwrap().warnings;
        assert!(warnings.len() == 1 && warnings[0].to_string().starts_with("TRUSTED_PROXIES must not"), "{warnings:?}");
    }
    for networks in everybody {
        let report = problem(production(&[("TRUSTED_PROXIES", networks)]));
        assert!(report.starts_with("TRUSTED_PROXIES") && report.contains("any address as their own"), "{report}");

        let limits = limited(networks);
        for name in ["LOGIN_RATE_LIMIT_NETWORKS", "LOGIN_RATE_LIMIT_NETWORKS_PER_ADDRESS"] {
            let report = problem(production(&[(name, &limits)]));
            assert!(report.starts_with(&format!("{name} must hold offices")), "{report}");
            let warnings = load(&[(name, &limits)]).unwrap().warnings;
            assert!(warnings.len() == 1 && warnings[0].to_string().contains("offices"), "{warnings:?}");
        }
    }
    for (name, most, more) in [
        (
            "LOGIN_RATE_LIMIT",
            &["10000/1h", "166/1m", "2/1s", "10000/1d"] as &[_],
            &["10000/1s", "167/1m", "5001/40m"] as &[_],
        ),
        ("REGISTER_RATE_LIMIT", &["10000/1h"], &["10000/1s", "167/1m", "3/1s"]),
        ("REFRESH_RATE_LIMIT", &["166/1m"], &["10000/1s", "10000/59m", "3/1s"]),
        ("ACCOUNT_RATE_LIMIT", &["10/1m", "600/1d", "20/15m"], &["10000/1s", "1/1s", "601/1d"]),
        (
            "LOGIN_RATE_LIMIT_NETWORKS",
            &["203.0.113.0/24:1666/1m", "10.0.0.0/8:10000/1h"],
            &["203.0.113.0/24:10000/1s", "10.0.0.0/8:1667/1m", "203.0.113.0/24:60/1m,203.0.113.0/28:10000/1m"],
        ),
        (
            "LOGIN_RATE_LIMIT_NETWORKS_PER_ADDRESS",
            &["203.0.113.0/24:166/1m"] as &[_],
            &["203.0.113.0/24:10000/1s", "203.0.113.0/24:167/1m"],
        ),
    ] {
        for value in most {
            production(&[(name, value)]).unwrap_or_else(|problems| panic!("{name}={value}: {problems}"));
        }
        for value in more {
            let report = problem(production(&[(name, value)]));
            assert!(report.starts_with(&format!("{name} must not allow")), "{report}");
            load(&[(name, value)]).unwrap();
        }
    }
    // All at once.
    let wide = [("TRUSTED_PROXIES", "8.0.0.0/7"), ("LOGIN_RATE_LIMIT", "10000/1s"), ("COOKIE_DOMAIN", "co.uk")];
    assert_eq!(production(&wide).unwrap_err().0.len(), 3);
}

#[test]
fn the_networks_of_real_proxies_and_offices_are_taken() {
    let private = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,127.0.0.0/8,169.254.0.0/16,fc00::/7,::1,fe80::/10";
    let cdn = "173.245.48.0/20,104.16.0.0/13,104.24.0.0/14,172.64.0.0/13,2400:cb00::/32,2606:4700::/32,2a06:98c0::/29";
    for networks in [private, cdn, "8.0.0.0/8", "2400::/16"] {
        let config = production(&[("TRUSTED_PROXIES", networks)]).unwrap();
        assert_eq!(config.server.trusted_proxies.len(), networks.split(',').count());
        let limits = limited(networks);
        production(&[("LOGIN_RATE_LIMIT_NETWORKS", &limits)]).unwrap();
    }
}

#[test]
fn a_cookie_is_not_shared_with_strangers() {
    for suffix in ["co.uk", "github.io", "Co.Uk", "s3.amazonaws.com", "xn--55qx5d.cn", "any.ck"] {
        for loaded in
            [load(&[("SECURE_COOKIES", "on"), ("COOKIE_DOMAIN", suffix)]), production(&[("COOKIE_DOMAIN", suffix)])]
        {
            let report = problem(loaded);
            assert!(report.starts_with("COOKIE_DOMAIN must not be a public suffix"), "{report}");
        }
    }
    for own in ["example.co.uk", "ann.github.io", "corp.internal", "www.ck"] {
        assert_eq!(production(&[("COOKIE_DOMAIN", own)]).unwrap().cookies.domain.as_deref(), Some(own));
    }
}
