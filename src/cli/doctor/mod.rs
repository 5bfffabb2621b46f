//! Calls the service from outside, as a browser does, and tells what is wrong with its set-up, each with its remedy.
//!
//! What one sees from outside is not all: how a request looked when it had come through the proxies the service tells whoever
//! has its `SECRET_KEY` (`service::probe`).

mod bound;
mod chain;
mod here;
mod http;
mod imported;
mod mail;
mod origins;
mod outside;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use url::Url;

use super::{assemble, print};
use crate::config::Config;
use crate::platform::clock::Clock;
use crate::platform::keys::Purpose;
use crate::platform::random::Random;
use crate::service::probe::Probes;

#[derive(Args, Clone)]
pub(super) struct Arguments {
    /// The origin at which browsers find the service: scheme, host, and the port if it is not the usual one
    #[arg(long, value_parser = origin)]
    url: Url,
    /// A frontend's origin, beside those that the settings allow; may be given more than once
    #[arg(long, value_parser = origin)]
    origin: Vec<Url>,
    /// Connect to this address and port, whatever the name in the URL leads to
    #[arg(long)]
    connect: Option<SocketAddr>,
    /// A certificate authority (PEM) that is trusted beside those of the system
    #[arg(long)]
    ca: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn origin(text: &str) -> Result<Url, &'static str> {
    const WRONG: &str = "it must be an origin such as https://auth.example.com, without a path";
    let url = Url::parse(text).map_err(|_| WRONG)?;
    let whole = matches!(url.scheme(), "http" | "https") && url.host_str().is_some() && url.path() == "/";
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if whole && plain { Ok(url) } else { Err(WRONG) }
}

/// How something was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Ok,
    /// It works, and is not as it should be.
    Warning,
    /// It does not work, or is not safe.
    Failed,
    /// It can't be told from here.
    Unknown,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    /// A fixed word for programs.
    id: &'static str,
    status: Status,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// What was found, in the order in which it was looked at.
#[derive(Default)]
struct Report(Vec<Finding>);

impl Report {
    fn ok(&mut self, id: &'static str, text: impl Into<String>) {
        self.0.push(Finding { id, status: Status::Ok, text: text.into(), remedy: None });
    }

    fn warn(&mut self, id: &'static str, text: impl Into<String>, remedy: impl Into<String>) {
        self.add(id, Status::Warning, text, remedy);
    }

    fn fail(&mut self, id: &'static str, text: impl Into<String>, remedy: impl Into<String>) {
        self.add(id, Status::Failed, text, remedy);
    }

    fn unknown(&mut self, id: &'static str, text: impl Into<String>, remedy: impl Into<String>) {
        self.add(id, Status::Unknown, text, remedy);
    }

    fn add(&mut self, id: &'static str, status: Status, text: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Finding { id, status, text: text.into(), remedy: Some(remedy.into()) });
    }

    fn is_well(&self) -> bool {
        self.0.iter().all(|finding| finding.status != Status::Failed)
    }

    fn text(&self) -> String {
        let line = |finding: &Finding| {
            let word = match finding.status {
                Status::Ok => "ok     ",
                Status::Warning => "warning",
                Status::Failed => "FAILED ",
                Status::Unknown => "unknown",
            };
            let remedy = finding.remedy.as_ref().map_or_else(String::new, |remedy| format!("         -> {remedy}\n"));
            format!("{word}  {}: {}\n{remedy}", finding.id, finding.text)
        };
        self.0.iter().map(line).collect()
    }
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let clock = Clock::system();
    let keys = assemble::keys(config, &Random::system())?;
    let probes = Probes::new(&keys.secrets.derive(Purpose::Probes), clock.clone());
    let mut report = Report::default();
    here::look(config, &clock, &mut report).await;
    mail::look(config, &mut report).await;

    let caller = http::Caller::new(&arguments.url, arguments.connect, arguments.ca.as_deref())?;
    if outside::look(config, &caller, &clock, &mut report) {
        chain::look(config, &caller, &probes, &mut report);
        let pages = origins::pages(config, &arguments.origin);
        origins::look(&caller, &pages, &mut report);
        bound::look(config, &caller, &pages, &mut report);
    }
    let well = report.is_well();
    if arguments.json {
        print(&format!("{}\n", serde_json::json!({"ok": well, "findings": report.0})))?;
    } else {
        print(&report.text())?;
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
