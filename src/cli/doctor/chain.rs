//! Through whom requests come, and by which address visitors are counted.

use std::net::IpAddr;

use serde_json::Value;

use super::Report;
use super::http::{Answer, Caller};
use crate::api::middleware::{X_DOORWARD_PROBE, X_DOORWARD_SEEN};
use crate::config::Config;
use crate::domain::client_ip::is_trusted;
use crate::service::probe::Probes;

/// Nobody's address (RFC 5737), which a visitor may write into the header all the same.
const FORGED: &str = "192.0.2.77";
const FORGED_ID: &str = "doctor-forged-this-request-id";

/// How the service saw a request.
struct Seen {
    peer: Option<IpAddr>,
    client: Option<IpAddr>,
    forwarded_for: Vec<String>,
    host: Vec<String>,
}

pub(super) fn look(config: &Config, caller: &Caller, probes: &Probes, report: &mut Report) {
    let token = probes.token();
    let name = X_DOORWARD_PROBE;
    let probe = (name.as_str(), token.as_str());
    let (Ok(plain), Ok(forged)) = (
        caller.get("/health", &[probe]),
        caller.get("/health", &[probe, ("X-Forwarded-For", FORGED), ("X-Request-Id", FORGED_ID)]),
    ) else {
        report.fail("proxy", "no answer to the doctor's own request", "see the line about whether it is reachable");
        return;
    };
    if forged.header("x-request-id") == Some(FORGED_ID) {
        report.warn(
            "request_id",
            "a visitor chooses the X-Request-Id that the log shows",
            "let the proxy set it (nginx: proxy_set_header X-Request-Id $request_id), or clear it",
        );
    }
    let (Some(plain_seen), Some(forged_seen)) = (seen(&plain), seen(&forged)) else {
        report.unknown(
            "proxy",
            "the service does not tell how a request comes",
            "run this with the SECRET_KEY and JWT_SECRET_KEY of the service; the clocks may be ten minutes apart, and the proxy must pass \
             on X-Doorward-Probe",
        );
        return;
    };
    host(config, caller, &plain_seen, report);
    // Whoever comes from a trusted network is believed, rightly: this may be a proxy.
    if let Some(from) = plain.from.filter(|from| Some(*from) == plain_seen.client)
        && is_trusted(from, &config.server.trusted_proxies)
    {
        report.unknown(
            "proxy",
            format!("you come from {from}, which is trusted as a proxy, so that a visitor can't be told from it here"),
            "run the doctor from another machine, with --url as visitors have it; or make TRUSTED_PROXIES narrower",
        );
        return;
    }
    if forged_seen.client.is_some_and(|client| client.to_string() == FORGED) {
        report.fail(
            "forwarded_for",
            "a visitor who writes X-Forwarded-For is believed: no limit by address holds",
            "TRUSTED_PROXIES must hold your proxies alone, and the proxy must append the address that it sees (nginx: \
             $proxy_add_x_forwarded_for), or write it in place of what came; nobody else may reach Doorward's port",
        );
        return;
    }
    proxy(config, &plain_seen, plain.from, report);
}

fn seen(answer: &Answer) -> Option<Seen> {
    let seen: Value = serde_json::from_str(answer.header(X_DOORWARD_SEEN.as_str())?).ok()?;
    let address = |name: &str| seen[name].as_str().and_then(|text| text.parse().ok());
    let texts = |name: &str| {
        let texts = seen[name].as_array().into_iter().flatten();
        texts.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    Some(Seen {
        peer: address("peer"),
        client: address("client"),
        forwarded_for: texts("forwarded_for")
            .iter()
            .flat_map(|line| line.split(','))
            .map(|hop| hop.trim().to_owned())
            .collect(),
        host: texts("host"),
    })
}

fn host(config: &Config, caller: &Caller, seen: &Seen, report: &mut Report) {
    let (wanted, found) = (caller.authority(), seen.host.join(", "));
    let public = config.server.public_url.as_deref();
    if public.is_some_and(|public| public != caller.origin()) {
        report.warn(
            "public_url",
            format!("PUBLIC_URL is not {}", caller.origin()),
            "set it to the origin that browsers use",
        );
    }
    if found.eq_ignore_ascii_case(&wanted) {
        report.ok("host", format!("the proxy passes on {wanted}"));
    } else if public == Some(&*caller.origin()) {
        report.warn(
            "host",
            format!("the proxy passes on Host {found}; PUBLIC_URL makes up for it"),
            "pass on what the visitor asked for (nginx: proxy_set_header Host $http_host)",
        );
    } else {
        report.fail(
            "host",
            format!("the proxy passes on Host {found}, so that the service's own pages may be refused"),
            "pass on what the visitor asked for (nginx: proxy_set_header Host $http_host), or set PUBLIC_URL",
        );
    }
}

fn proxy(config: &Config, seen: &Seen, from: Option<IpAddr>, report: &mut Report) {
    let (Some(peer), Some(client)) = (seen.peer, seen.client) else {
        report.unknown("proxy", "the service sees no address", "is it behind a proxy on a socket that has none?");
        return;
    };
    let trusts = |address: IpAddr| is_trusted(address, &config.server.trusted_proxies);
    let chain = seen.forwarded_for.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    if chain.is_empty() {
        if trusts(peer) || from.is_some_and(|from| from != peer) {
            report.fail(
                "proxy",
                format!("requests come from {peer} without X-Forwarded-For: all visitors share that address, and its limits"),
                "let the proxy append the visitor's address (nginx: proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for), and set \
                 TRUSTED_PROXIES to the proxy's",
            );
        } else {
            report.ok("proxy", format!("no proxy is seen; visitors are counted by their own address, you by {client}"));
        }
    } else if !trusts(peer) {
        report.fail(
            "proxy",
            format!(
                "requests come from {peer} with X-Forwarded-For, which is not believed: all visitors share that address"
            ),
            format!("if that is your proxy, set TRUSTED_PROXIES={peer}"),
        );
    } else if trusts(client) {
        report.fail(
            "proxy",
            format!("the chain ({chain}, then {peer}) ends at {client}, which TRUSTED_PROXIES holds: all visitors share it"),
            "the proxy there must append the address that it sees; or TRUSTED_PROXIES holds your visitors, and is too wide",
        );
    } else {
        report.ok("proxy", format!("{chain}, then {peer}; visitors are counted by their own address, you by {client}"));
        report.ok("forwarded_for", "what a visitor writes there changes nothing");
    }
}
