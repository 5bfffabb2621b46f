//! Where and how to listen, and whom to believe.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;

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
    /// `API_DOCS`: whether `/docs`, `/redoc` and `/openapi.json` are served.
    pub api_docs: bool,
    /// `HSTS`: whether answers carry `Strict-Transport-Security`.
    pub hsts: bool,
    /// `SHUTDOWN_DELAY`: how long readiness is 503 while connections are still accepted.
    pub shutdown_delay: Duration,
}

/// Which origins are answered by CORS and pass the cross-site check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// Exactly these, as a browser writes them (`https://app.example.com`). May be empty: no CORS.
    Exactly(Vec<String>),
    /// Development without the setting: `http://localhost` and `http://127.0.0.1` on any port.
    AnyLoopback,
}
