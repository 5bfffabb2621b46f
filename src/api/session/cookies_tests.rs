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
    let cleared = |headers: &HeaderMap, settings: &Cookies| -> Vec<_> {
        old(headers, settings).iter().flat_map(|one| one.clear(headers, settings)).collect()
    };
    let mut of_a_host = headers.clone();
    of_a_host.insert(HOST, "auth.example.com".parse().unwrap());
    let there = cleared(&of_a_host, &production());
    for domain in ["", "; Domain=auth.example.com", "; Domain=example.com"] {
        let line = |name: &str| format!("{name}=; Max-Age=0; HttpOnly; SameSite=Strict; Path=/{domain}; Secure");
        assert!(there.contains(&line("access_token")) && there.contains(&line("__Secure-access_token")), "{domain}");
        assert_eq!(there.contains(&line("refresh_token_shop")), domain.is_empty(), "it is never shared");
        assert!(!there.contains(&line("__Host-refresh_token_shop")) || domain.is_empty());
    }
    let cleared = cleared(&headers, &development());
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
    let headers = headers(&[b"a=1; access_token=one;access_token=two", b" access_token=three ;recent_proof=2;"]);
    let mut jar = Jar::read(&headers, &development());
    assert_eq!(jar.take(Kind::Access), ["one", "two", "three"]);
    assert_eq!((jar.take(Kind::Recent), jar.take(Kind::Refresh)), (vec!["2"], vec![]));
}

#[test]
fn only_the_exact_name_counts() {
    let read = |headers: &HeaderMap| Jar::read(headers, &production()).keep(Kind::Access);
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
        assert_eq!(read(&headers(&[stranger])), [""; 0], "{}", String::from_utf8_lossy(stranger));
    }
    assert_eq!(read(&headers(&[b"__Host-access_token=a=b"])), ["a=b"]);
    assert_eq!(read(&headers(&[b"__Host-access_token="])), [""]);
    assert_eq!(read(&HeaderMap::new()), [""; 0]);
}

#[test]
fn a_flood_is_bounded() {
    let flood = "access_token=x; ".repeat(1_000);
    let headers = headers(&[flood.as_bytes()]);
    assert_eq!(Jar::read(&headers, &development()).take(Kind::Access).len(), MAX_VALUES);
}

#[test]
fn what_another_domain_has_set_is_cleared_where_it_can_be() {
    let shared = Cookies { domain: Some("example.com".into()), ..production() };
    let from = |host: &'static str, cookies: &[u8], settings: &Cookies| {
        let mut headers = headers(&[cookies]);
        headers.insert(HOST, host.parse().unwrap());
        strays(&headers, settings)
    };
    let (name, kept) = ("__Secure-access_token", &b"__Secure-access_token=x"[..]);
    let line = |domain: &str| format!("{name}=; Max-Age=0; HttpOnly; SameSite=Strict; Path=/{domain}; Secure");
    assert_eq!(from("auth.example.com:8443", kept, &shared), [line(""), line("; Domain=auth.example.com")]);
    let below = Cookies { domain: Some("auth.example.com".into()), ..production() };
    assert_eq!(from("auth.example.com", kept, &below), [line(""), line("; Domain=example.com")]);
    // Nobody has one; or there is no domain that it could have been set for.
    assert!(from("auth.example.com", b"theme=dark", &shared).is_empty());
    assert!(from("auth.example.com", b"__Host-access_token=x", &production()).is_empty());
    for host in ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "a;b.example.com", ""] {
        assert!(from(host, b"access_token=x", &development()).is_empty(), "{host}");
    }
    assert_eq!(from("a.b.c.d.e.example.com", kept, &shared).len(), 1 + MAX_DOMAINS);
}
