//! Where and how to listen, and whom to believe.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

use super::declarations::{
    ALLOWED_ORIGINS, API_DOCS, CHECK_USER_EMAIL, HOST, HSTS, KEEP_ALIVE_TIMEOUT, METRICS_ADDR, PORT, PUBLIC_URL,
    SHUTDOWN_DELAY, TRUSTED_PROXIES,
};
use super::networks::hold_strangers;
use super::setting::Reader;
use super::traces::Collector;

/// Both loopback addresses: where `localhost` leads.
pub(super) const LOOPBACKS: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// Settings of the HTTP server.
#[derive(Clone, Debug)]
pub struct Server {
    /// `HOST` and `PORT`. In development without `HOST`: both loopbacks, one port.
    pub listen: Vec<SocketAddr>,
    /// `PUBLIC_URL`: the service's own origin, such as `https://auth.example.com`; no path, no trailing slash.
    pub public_url: Option<String>,
    /// `ALLOWED_ORIGINS`: whose scripts may call the service.
    pub allowed_origins: AllowedOrigins,
    /// `TRUSTED_PROXIES`: peers whose `X-Forwarded-For` and `X-Request-Id` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// `CHECK_USER_EMAIL`: whether proxies that ask hear the address of whoever is logged in, too.
    pub check_tells_email: bool,
    /// `API_DOCS`: whether `/docs`, `/redoc` and `/openapi.json` are served.
    pub api_docs: bool,
    /// `HSTS`: whether answers carry `Strict-Transport-Security`.
    pub hsts: bool,
    /// `KEEP_ALIVE_TIMEOUT`: how long a connection without a request is kept open.
    pub keep_alive_timeout: Duration,
    /// `METRICS_ADDR`: where metrics are told.
    pub metrics_addr: Option<SocketAddr>,
    /// Where traces are sent.
    pub traces: Option<Collector>,
    /// `SHUTDOWN_DELAY`: how long readiness is 503 while connections are still accepted.
    pub shutdown_delay: Duration,
}

/// Which origins are answered by CORS and pass the cross-site check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// These, as a browser writes them (`https://app.example.com`), with `*` for one label in front (`https://*.preview.example.com`), or of an
    /// app (`capacitor://localhost`). May be empty: no CORS.
    Exactly(Vec<String>),
    /// Development without the setting: `http://localhost` and `http://127.0.0.1` on any port.
    AnyLoopback,
}

impl AllowedOrigins {
    /// Those of pages, as they are set. The others are of apps, and name every app that calls itself so.
    pub fn pages(&self) -> impl Iterator<Item = &str> {
        let list = match self {
            Self::Exactly(list) => list.as_slice(),
            Self::AnyLoopback => &[],
        };
        list.iter().map(String::as_str).filter(|origin| is_page(origin.as_bytes()))
    }
}

/// Whether an origin is a page's: what follows from that is not for apps.
#[must_use]
pub fn is_page(origin: &[u8]) -> bool {
    origin.starts_with(b"http://") || origin.starts_with(b"https://")
}

impl Server {
    /// How the service is reached from this machine, once it listens on these addresses.
    #[must_use]
    pub fn origin(&self, addresses: &[SocketAddr]) -> Option<String> {
        let first = addresses.first()?;
        // One address of the two may be missing on this machine; the name leads to the other.
        Some(if self.listen.len() > 1 {
            format!("http://localhost:{}", first.port())
        } else {
            format!("http://{first}")
        })
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (hosts, port) = (reader.get(&HOST), reader.get(&PORT));
        let local = hosts.as_ref().is_some_and(|hosts| hosts.iter().all(IpAddr::is_loopback));
        if hosts.is_some() && !local && !reader.production() {
            reader.warn(
                &HOST,
                "makes the service reachable from other machines with the settings of development: cookies are sent in clear \
                 text. ENVIRONMENT=production has the safe ones",
            );
        }
        let public_url = reader.get(&PUBLIC_URL);
        let plain = |origin: &String| origin.starts_with("http://");
        reader.refuse_in_production(
            public_url.as_ref().is_some_and(plain),
            &PUBLIC_URL,
            "must begin with https:// in production: browsers send the cookies over https alone",
        );
        let origins = reader.get(&ALLOWED_ORIGINS);
        reader.refuse_in_production(
            origins.iter().flatten().any(plain),
            &ALLOWED_ORIGINS,
            "must begin with https:// in production: whoever is on the way could act in the name of a page over plain http",
        );
        let allowed_origins = match origins {
            Some(origins) => AllowedOrigins::Exactly(origins),
            None if local && !reader.production() => AllowedOrigins::AnyLoopback,
            None => AllowedOrigins::Exactly(Vec::new()),
        };
        let trusted_proxies = reader.get(&TRUSTED_PROXIES);
        if trusted_proxies.is_none() && reader.production() {
            reader.warn(
                &TRUSTED_PROXIES,
                "is not set: behind a reverse proxy all clients share the proxy's address and one rate limit. Set it to the \
                 proxy's network, or to `none` if clients connect directly",
            );
        }
        reader.refuse_in_production_else_warn(
            hold_strangers(trusted_proxies.as_deref().unwrap_or_default()),
            &TRUSTED_PROXIES,
            "must not hold more public addresses than an IPv4 /8 or an IPv6 /16 has: whoever has one of them could name any \
             address as their own, and no limit would hold",
        );
        let check_tells_email = reader.get(&CHECK_USER_EMAIL);
        let (api_docs, strict) = (reader.get(&API_DOCS), reader.get(&HSTS));
        let (keep_alive_timeout, shutdown_delay) = (reader.get(&KEEP_ALIVE_TIMEOUT), reader.get(&SHUTDOWN_DELAY));
        let metrics_addr = reader.get(&METRICS_ADDR);
        let traces = Collector::read(reader);
        let port = port?;
        Some(Self {
            listen: hosts?.into_iter().map(|host| SocketAddr::new(host, port)).collect(),
            public_url,
            allowed_origins,
            trusted_proxies: trusted_proxies.unwrap_or_default(),
            check_tells_email: check_tells_email?,
            api_docs: api_docs?,
            hsts: strict?,
            keep_alive_timeout: keep_alive_timeout?,
            metrics_addr,
            traces,
            shutdown_delay: shutdown_delay?,
        })
    }
}
