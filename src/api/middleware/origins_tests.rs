use poem::http::HeaderValue;

use super::*;

const ALLOWED: &[u8] = b"https://app.example.com";
const PUBLIC: &[u8] = b"https://auth.example.com";
const BY_HOST: &[u8] = b"http://intranet:8000";

fn origins(public_url: Option<&[u8]>) -> Origins {
    Origins {
        allowed: AllowedOrigins::Exactly(vec![String::from_utf8(ALLOWED.to_vec()).unwrap()]),
        public_url: public_url.map(|url| String::from_utf8(url.to_vec()).unwrap()),
    }
}

fn add(headers: &mut HeaderMap, name: &HeaderName, values: &[&[u8]]) {
    for value in values {
        headers.append(name, HeaderValue::from_bytes(value).unwrap());
    }
}

/// Every combination, against the rule of the contract told by what each part is.
#[test]
fn every_combination() {
    let methods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"];
    let origin_values: [&[&[u8]]; 13] = [
        &[],
        &[ALLOWED],
        &[PUBLIC],
        &[BY_HOST],
        &[b"https://evil.example"],
        &[b"null"],
        &[b"https://\xc3\xa9.example"],
        &[b"\xff"],
        &[b""],
        &[b"https://app.example.com.evil.example"],
        &[b"HTTPS://app.example.com"],
        &[b"http://user@intranet:8000"],
        &[ALLOWED, ALLOWED],
    ];
    let sites: [&[&[u8]]; 8] = [
        &[],
        &[b"same-origin"],
        &[b"none"],
        &[b"same-site"],
        &[b"cross-site"],
        &[b"Same-Origin"],
        &[b"\xff"],
        &[b"same-origin", b"same-origin"],
    ];
    let hosts: [&[&[u8]]; 6] = [
        &[],
        &[b"intranet:8000"],
        &[b"INTRANET:8000"],
        &[b"intranet"],
        &[b"\xff"],
        &[b"intranet:8000", b"intranet:8000"],
    ];
    let mut passed = 0;
    for method in methods {
        for origin in origin_values {
            for site in sites {
                for host in hosts {
                    for public_url in [None, Some(PUBLIC)] {
                        let mut headers = HeaderMap::new();
                        add(&mut headers, &ORIGIN, origin);
                        add(&mut headers, &SEC_FETCH_SITE, site);
                        add(&mut headers, &HOST, host);
                        let expected = if ["GET", "HEAD", "OPTIONS"].contains(&method) || origin == [ALLOWED] {
                            true
                        } else if !site.is_empty() {
                            site == [b"same-origin".as_slice()] || site == [b"none".as_slice()]
                        } else if origin.is_empty() {
                            true
                        } else if origin == [BY_HOST] {
                            host.len() == 1 && host[0].eq_ignore_ascii_case(b"intranet:8000")
                        } else {
                            origin == [PUBLIC] && public_url.is_some()
                        };
                        passed += u32::from(expected);
                        let method = Method::from_bytes(method.as_bytes()).unwrap();
                        assert_eq!(
                            !origins(public_url).refuses(&method, &headers, false),
                            expected,
                            "{method} {headers:?} {public_url:?}"
                        );
                    }
                }
            }
        }
    }
    // Counted by hand: all with safe methods; else an allowed origin, a good word of the browser's, no origin, and the own one.
    assert_eq!(passed, 3 * 13 * 8 * 6 * 2 + 6 * (8 * 12 + 12 * 2 * 12 + 12 + 2 * 2 + 6));
}

#[test]
fn a_trusted_proxy_may_say_what_it_was_asked_for() {
    let refuses = |origin: &[u8], named: &[&[u8]], more: &[(&HeaderName, &[u8])], public_url, from_proxy| {
        let mut headers = HeaderMap::new();
        add(&mut headers, &ORIGIN, &[origin]);
        add(&mut headers, &HOST, &[b"127.0.0.1:8000"]);
        add(&mut headers, &X_FORWARDED_HOST, named);
        for (name, value) in more {
            add(&mut headers, name, &[value]);
        }
        origins(public_url).refuses(&Method::POST, &headers, from_proxy)
    };
    let page = b"http://192.168.0.7:3000".as_slice();
    let named: &[&[u8]] = &[b"192.168.0.7:3000"];
    assert!(!refuses(page, named, &[], None, true));
    assert!(refuses(page, named, &[], None, false), "believed of anybody");
    assert!(refuses(page, named, &[], Some(PUBLIC), true), "PUBLIC_URL says it");
    assert!(refuses(page, named, &[(&SEC_FETCH_SITE, b"cross-site")], None, true), "the browser's word counts");
    let strange: [&[&[u8]]; 7] = [
        &[],
        &[b"192.168.0.7"],
        &[b"192.168.0.7:3001"],
        &[b"evil.example"],
        &[b"192.168.0.7:3000,evil.example"],
        &[b"192.168.0.7:3000, 192.168.0.7:3000"],
        &[b"192.168.0.7:3000", b"192.168.0.7:3000"],
    ];
    for named in strange {
        assert!(refuses(page, named, &[], None, true), "{named:?}");
    }
    assert!(refuses(b"null", &[b"null"], &[], None, true));
}

#[test]
fn default_ports_are_the_same_as_none() {
    for (origin, host, own) in [
        ("https://auth.example.com", "auth.example.com", true),
        ("https://auth.example.com", "auth.example.com:443", true),
        ("http://auth.example.com", "auth.example.com:80", true),
        ("http://auth.example.com", "auth.example.com:443", false),
        ("http://[::1]:8000", "[::1]:8000", true),
        ("http://localhost:3000", "localhost:8000", false),
        ("ftp://localhost:8000", "localhost:8000", false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        assert_eq!(origins(None).is_own(origin.as_bytes(), &headers), own, "{origin} {host}");
    }
}

#[test]
fn a_star_is_one_label() {
    let list = ["https://*.preview.example.com", "https://*.example.org:8443"].map(str::to_owned);
    let origins = Origins { allowed: AllowedOrigins::Exactly(list.to_vec()), public_url: None };
    for yes in ["https://pr-7.preview.example.com", "https://a.example.org:8443"] {
        assert!(origins.allows(yes.as_bytes()), "{yes}");
    }
    let of = |origin: &str| HeaderMap::from_iter([(ORIGIN, HeaderValue::try_from(origin).unwrap())]);
    assert!(origins.is_one_of_many(&of("https://pr-7.preview.example.com")));
    assert!(!origins.is_one_of_many(&of("https://evil.example")));
    for no in [
        "https://preview.example.com",
        "https://.preview.example.com",
        "https://a.b.preview.example.com",
        "https://evil.example/.preview.example.com",
        "https://evil.example?.preview.example.com",
        "https://user@.preview.example.com",
        "https://xpreview.example.com",
        "http://a.preview.example.com",
        "https://a.preview.example.com:8443",
        "https://A.preview.example.com",
        "https://*.preview.example.com",
        "https://a.example.org",
        "https://a.preview.example.com.evil.example",
    ] {
        assert!(!origins.allows(no.as_bytes()), "{no}");
    }
}

#[test]
fn any_loopback_is_exactly_that() {
    let origins = Origins { allowed: AllowedOrigins::AnyLoopback, public_url: None };
    for yes in [
        "http://localhost",
        "http://localhost:3000",
        "http://127.0.0.1:5173",
        "http://[::1]",
        "http://[::1]:5173",
        "http://app.localhost:3000",
        "http://pr-7.app.localhost",
    ] {
        assert!(origins.allows(yes.as_bytes()), "{yes}");
    }
    for no in [
        "https://localhost:3000",
        "http://localhost:",
        "http://localhost:+80",
        "http://localhost:3000/",
        "http://localhost.evil.example",
        "http://localhost:3000.evil.example",
        "http://127.0.0.10:80",
        "http://LOCALHOST:3000",
        "http://[::1]:",
        "http://[::2]:3000",
        "http://::1:3000",
        "http://.localhost",
        "http://a..localhost",
        "http://evil.example#.localhost",
        "http://user@.localhost",
        "http://evil.example/.localhost",
        "http://xlocalhost",
        "null",
        "",
    ] {
        assert!(!origins.allows(no.as_bytes()), "{no}");
    }
}
