//! Which pages may call, and whether a browser sends them the cookies.

use url::Url;

use super::Report;
use super::http::{Answer, Caller};
use crate::config::Config;
use crate::config::site::{Relation, relation};

/// Nobody's (RFC 6761).
const STRANGER: &str = "https://doorward-doctor.invalid";

/// The origins that the settings allow, and these.
pub(super) fn pages(config: &Config, others: &[Url]) -> Vec<Url> {
    // Of many pages one, which need not be there.
    let one = |origin: &str| Url::parse(&origin.replacen('*', "preview", 1)).ok();
    let mut pages: Vec<Url> = config.server.allowed_origins.pages().filter_map(one).collect();
    pages.extend(others.iter().cloned());
    pages.sort();
    pages.dedup();
    pages
}

pub(super) fn look(caller: &Caller, pages: &[Url], report: &mut Report) {
    if pages.is_empty() {
        report.ok("site", "only pages of the service's own origin may call: one host, with paths");
    }
    for page in pages {
        topology(caller, page, report);
    }
    match preflight(caller, STRANGER) {
        Ok(answer) if answer.header("access-control-allow-origin").is_some() => report.fail(
            "cors",
            "pages of strangers may call",
            "the proxy adds CORS headers: take them out, ALLOWED_ORIGINS is enough",
        ),
        Ok(_) => report.ok("cors", "pages of strangers may not call"),
        Err(error) => {
            report.fail("cors", format!("OPTIONS has no answer: {error}"), "the proxy must let OPTIONS through");
        }
    }
}

fn topology(caller: &Caller, page: &Url, report: &mut Report) {
    let name = page.origin().ascii_serialization();
    match relation(&caller.url, page) {
        Relation::SameOrigin => report.ok("site", format!("{name} is the service's own origin: one host, with paths")),
        Relation::SameSite => {
            report.ok("site", format!("{name} is another origin of the same site: browsers send it the cookies"));
            cors(caller, &name, report);
        }
        Relation::CrossSite => report.fail(
            "site",
            format!("{name} and {} are two sites: no browser sends the cookies between them", caller.origin()),
            "give both one registrable domain and https (app.example.com and auth.example.com), or lead a path of the frontend's host to \
             Doorward. docs/topologies.md has both",
        ),
    }
}

fn cors(caller: &Caller, origin: &str, report: &mut Report) {
    let answer = match preflight(caller, origin) {
        Ok(answer) => answer,
        Err(error) => {
            report.fail(
                "cors",
                format!("{origin}: no answer to OPTIONS: {error}"),
                "the proxy must let OPTIONS through",
            );
            return;
        }
    };
    let allowed: Vec<&str> = answer.all("access-control-allow-origin").collect();
    let credentials: Vec<&str> = answer.all("access-control-allow-credentials").collect();
    if allowed == [origin] && credentials == ["true"] {
        report.ok("cors", format!("{origin} may call"));
    } else if allowed.len() > 1 || credentials.len() > 1 {
        report.fail(
            "cors",
            format!("{origin}: the headers come more than once, and browsers refuse that"),
            "the proxy adds CORS headers: take them out, ALLOWED_ORIGINS is enough",
        );
    } else if allowed.is_empty() {
        report.fail("cors", format!("{origin} may not call"), "add it to ALLOWED_ORIGINS, exactly so, and restart");
    } else {
        report.fail(
            "cors",
            format!("{origin}: answered with {allowed:?} and credentials {credentials:?}"),
            "the proxy changes CORS headers: take that out, ALLOWED_ORIGINS is enough",
        );
    }
}

/// What a browser asks before a login of a page there.
fn preflight(caller: &Caller, origin: &str) -> std::io::Result<Answer> {
    let headers = [
        ("Origin", origin),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type"),
    ];
    caller.call("OPTIONS", "/api/auth/login", &headers)
}
