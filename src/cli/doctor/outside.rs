//! What anybody sees from outside: TLS, whether the service is there, what browsers make of its cookies.

use std::io;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::Report;
use super::http::{Answer, Caller};
use crate::config::{Config, Environment};
use crate::domain::timestamp::Timestamp;
use crate::platform::clock::Clock;

const DAY: Duration = Duration::from_hours(24);

/// Whether the service was reached, so that there is more to look at.
pub(super) fn look(config: &Config, caller: &Caller, clock: &Clock, report: &mut Report) -> bool {
    let Some(alive) = reach(caller, report) else { return false };
    tls(config, caller, clock, &alive, report);
    version(&alive, report);
    match caller.get("/api/auth/health", &[]) {
        Ok(ready) if ready.status == 200 => report.ok("ready", "the service takes requests"),
        Ok(ready) => {
            let problem =
                ready.json().and_then(|problem| Some(problem["detail"].as_str()?.to_owned())).unwrap_or_default();
            report.fail(
                "ready",
                format!("/api/auth/health answers {}: {problem}", ready.status),
                "while it does, a load balancer sends nothing. The line about the database, and the service's log, tell why",
            );
        }
        Err(error) => report.fail("ready", format!("/api/auth/health has no answer: {error}"), "see the service's log"),
    }
    clocks(&alive, clock, report);
    cookies(caller, report);
    true
}

fn reach(caller: &Caller, report: &mut Report) -> Option<Answer> {
    let alive = match caller.get("/health", &[]) {
        Ok(alive) => alive,
        Err(error) => {
            let tls = matches!(error.get_ref(), Some(cause) if cause.is::<rustls::Error>());
            let remedy = if tls {
                "give the proxy a certificate for this name, with its whole chain (fullchain.pem); a private authority is named by --ca"
            } else {
                "is the name right, does it lead to the proxy (--connect tries another address), and does the proxy run?"
            };
            report.fail(if tls { "tls" } else { "reachable" }, told(&error), remedy);
            return None;
        }
    };
    let is_ours = alive.status == 200 && alive.json().is_some_and(|body| body["version"].is_string());
    if !is_ours {
        let remedy = match alive.status {
            502..=504 => "the proxy does not reach Doorward: compare its upstream with HOST and PORT",
            300..=399 => "the proxy redirects: name the origin that it leads to",
            404 => {
                "the proxy leads /health and /api/auth/ to something else: both must come to Doorward with their paths unchanged"
            }
            _ => "the proxy, or another service behind it, answers for Doorward",
        };
        report.fail("reachable", format!("GET /health answers {}, and not as Doorward does", alive.status), remedy);
        return None;
    }
    report.ok("reachable", format!("Doorward answers on {}", caller.origin()));
    Some(alive)
}

fn told(error: &io::Error) -> String {
    format!("no answer: {error}")
}

fn tls(config: &Config, caller: &Caller, clock: &Clock, alive: &Answer, report: &mut Report) {
    let production = config.environment == Environment::Production;
    if caller.url.scheme() == "http" {
        let (text, remedy) = (
            "the service is called without TLS",
            "put a proxy with a certificate in front: deploy/ has nginx.conf, Caddyfile, haproxy.cfg",
        );
        if production {
            report.fail("tls", text, remedy);
        } else {
            report.warn("tls", text, remedy);
        }
        return;
    }
    let now = clock.now().since(Timestamp::EPOCH);
    if caller.is_valid_in(alive, now, 14 * DAY) {
        report.ok("tls", "the certificate is valid, for two weeks at least");
    } else {
        report.warn(
            "tls",
            "the certificate expires within two weeks",
            "renew it, and see why that does not happen by itself",
        );
    }
    let lines: Vec<&str> = alive.all("strict-transport-security").collect();
    let age = |line: &str| line.split(';').find_map(|part| part.trim().strip_prefix("max-age=")?.parse::<u64>().ok());
    match lines[..] {
        [line] if age(line).is_some_and(|age| age >= 180 * DAY.as_secs()) => report.ok("hsts", line),
        [] => report.warn(
            "hsts",
            "answers do not tell browsers to use https alone",
            "HSTS=on, or does the proxy take the header away?",
        ),
        [line] => report.warn(
            "hsts",
            format!("the time is short: {line}"),
            "a year (max-age=31536000), once https works everywhere",
        ),
        _ => {
            report.warn(
                "hsts",
                "the header comes more than once",
                "let either Doorward (HSTS=on) or the proxy send it",
            );
        }
    }
    // Another port than 443 has no counterpart.
    if caller.url.port().is_none() {
        match caller.get_plainly("/health") {
            Ok(answer) if answer.status == 200 => report.fail(
                "plain_http",
                "the service answers without TLS, too",
                "let the proxy redirect port 80 to https, and Doorward listen where only the proxy comes (HOST=127.0.0.1)",
            ),
            Ok(answer) => report.ok("plain_http", format!("port 80 answers {}", answer.status)),
            Err(_) => report.ok("plain_http", "nobody answers on port 80"),
        }
    }
}

fn version(alive: &Answer, report: &mut Report) {
    let theirs = alive.json().and_then(|body| Some(body["version"].as_str()?.to_owned())).unwrap_or_default();
    let ours = env!("CARGO_PKG_VERSION");
    if theirs == ours {
        report.ok("version", theirs);
    } else {
        report.warn(
            "version",
            format!("the service is {theirs}, this program {ours}"),
            "use the doctor of the version that runs",
        );
    }
}

fn clocks(alive: &Answer, clock: &Clock, report: &mut Report) {
    let date = alive.header("date").map(|date| date.replace("GMT", "+0000"));
    let Some(theirs) = date.and_then(|date| OffsetDateTime::parse(&date, &Rfc2822).ok()) else {
        report.unknown("clock", "the answer has no date", "compare the clocks by hand: date -u");
        return;
    };
    let apart = clock.now().seconds().abs_diff(theirs.unix_timestamp());
    // The header knows whole seconds, and the answer was under way.
    if apart > 5 {
        report.warn(
            "clock",
            format!("the proxy's clock and this one are {apart} s apart"),
            "let NTP set both (timedatectl set-ntp true)",
        );
    } else {
        report.ok("clock", "the proxy's clock and this one agree");
    }
}

/// Logging nobody out clears the cookies, with every attribute that a login sets them with.
fn cookies(caller: &Caller, report: &mut Report) {
    let origin = caller.origin();
    let answer = match caller.call("POST", "/api/auth/logout", &[("Origin", &origin)]) {
        Ok(answer) => answer,
        Err(error) => {
            report.fail(
                "cookies",
                format!("POST /api/auth/logout has no answer: {error}"),
                "does the proxy let POST through?",
            );
            return;
        }
    };
    if answer.status == 403 {
        report.fail(
            "host",
            format!("a page of {origin} itself is refused as one of another site"),
            "the proxy must pass on the Host that it was asked for (nginx: proxy_set_header Host $http_host), or PUBLIC_URL must name it",
        );
        return;
    }
    let lines: Vec<&str> = answer.all("set-cookie").collect();
    let wrong: Vec<String> = lines.iter().filter_map(|line| refused_by_browsers(line, caller)).collect();
    let has = |name: &str| lines.iter().any(|line| line.split('=').next().is_some_and(|known| known.ends_with(name)));
    if !has("access_token") || !has("refresh_token") {
        report.fail(
            "cookies",
            format!("POST /api/auth/logout answers {}, without both cookies", answer.status),
            "the proxy must pass on every Set-Cookie header, each on its own",
        );
    } else if wrong.is_empty() {
        report.ok("cookies", "a browser stores them");
    } else {
        report.fail(
            "cookies",
            format!("a browser does not store them, or too widely: {}", wrong.join("; ")),
            "the proxy must not change them (nginx: no proxy_cookie_path, proxy_cookie_domain or proxy_cookie_flags); over plain http \
             SECURE_COOKIES=on works on localhost alone",
        );
    }
}

/// Why a browser would not keep the cookie, or would send it where it should not (RFC 6265bis, section 5.7).
fn refused_by_browsers(line: &str, caller: &Caller) -> Option<String> {
    let mut parts = line.split(';').map(str::trim);
    let name = parts.next()?.split('=').next()?;
    let attributes: Vec<(String, &str)> = parts
        .map(|part| part.split_once('=').map_or((part, ""), |(name, value)| (name, value)))
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    let attribute = |wanted: &str| attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
    let https = caller.url.scheme() == "https";
    let host = caller.url.host_str().unwrap_or_default();
    let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]") || host.ends_with(".localhost");
    let secure = attribute("secure").is_some();
    let complaint = if secure && !https && !local {
        "Secure over plain http"
    } else if https && !secure {
        "no Secure over https"
    } else if attribute("path") != Some("/") {
        "its Path is not /"
    } else if attribute("httponly").is_none() {
        "scripts may read it"
    } else if !attribute("samesite").is_some_and(|value| ["strict", "lax"].contains(&&*value.to_ascii_lowercase())) {
        "its SameSite is neither Strict nor Lax"
    } else if name.starts_with("__Host-") && attribute("domain").is_some() {
        "a Domain beside __Host-"
    } else if attribute("domain").is_some_and(|domain| {
        let domain = domain.trim_start_matches('.');
        host != domain && !host.ends_with(&format!(".{domain}"))
    }) {
        "its Domain is another one"
    } else {
        return None;
    };
    Some(format!("{name}: {complaint}"))
}
