//! Whether browsers can bind sessions to their devices here.

use url::Url;

use super::Report;
use super::http::Caller;
use crate::api::session::Initiators;
use crate::config::Config;
use crate::config::sessions::DeviceBound;
use crate::config::site::{Relation, relation};

const ID: &str = "device_bound";
/// Nobody's session.
const UNKNOWN: (&str, &str) = ("Sec-Secure-Session-Id", "\"AAAAAAAAAAAAAAAAAAAAAA\"");

pub(super) fn look(config: &Config, caller: &Caller, pages: &[Url], report: &mut Report) {
    if let Some(because) = config.binding.off_because {
        report.warn(
            ID,
            "sessions are not bound to devices: a copied cookie works elsewhere",
            format!("DEVICE_BOUND_SESSIONS {because}. If that is meant, set it to off"),
        );
        return;
    }
    if config.binding.mode == DeviceBound::Off {
        report.ok(ID, "sessions are not bound to devices, as DEVICE_BOUND_SESSIONS says");
        return;
    }
    if caller.url.scheme() == "http" {
        report.fail(
            ID,
            "browsers bind sessions over https alone, not on localhost either",
            "give the proxy a certificate, or set DEVICE_BOUND_SESSIONS=off",
        );
        return;
    }
    let answer = match caller.call("POST", "/api/auth/device/refresh", &[UNKNOWN]) {
        Ok(answer) => answer,
        Err(error) => {
            report.fail(
                ID,
                format!("POST /api/auth/device/refresh has no answer: {error}"),
                "does the proxy let POST through?",
            );
            return;
        }
    };
    let is_ours = answer.status == 200 && answer.json().is_some_and(|body| body["continue"] == false);
    if !is_ours {
        let remedy = match answer.status {
            400 => "the proxy must pass on the headers Sec-Secure-Session-Id and Secure-Session-Response",
            403 => {
                "the proxy must pass on the Host that it was asked for, or there were very many such requests in the last minute"
            }
            404 => {
                "the proxy must lead /api/auth/device/ to Doorward, and all nodes must be of this version: set DEVICE_BOUND_SESSIONS=off \
                 until they are. A browser that is answered so forgets its binding"
            }
            _ => "the proxy, or another service behind it, answers for Doorward; see the lines above",
        };
        report.fail(
            ID,
            format!("POST /api/auth/device/refresh answers {}: browsers can't renew bound sessions", answer.status),
            remedy,
        );
        return;
    }
    let initiators = Initiators::of(&config.server.allowed_origins);
    let others = pages.iter().filter(|page| relation(&caller.url, page) == Relation::SameSite);
    let mut hosts: Vec<&str> = others.filter_map(Url::host_str).collect();
    hosts.retain(|host| Some(*host) != caller.url.host_str());
    hosts.dedup();
    let (named, left_out): (Vec<&str>, Vec<&str>) = hosts.into_iter().partition(|host| initiators.hold(host));
    for host in left_out {
        report.fail(
            ID,
            format!("requests of pages on {host} do not wait for a renewed cookie: they are refused every ten minutes"),
            "add its origin to ALLOWED_ORIGINS: allowed_refresh_initiators is made of that",
        );
    }
    let who = if config.binding.mode == DeviceBound::Required { "; others are refused" } else { "" };
    let from = if named.is_empty() { String::new() } else { format!(", from pages on {} too", named.join(", ")) };
    report.ok(ID, format!("browsers that can bind their sessions to the device{from}{who}"));
}
