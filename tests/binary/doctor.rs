//! `doorward doctor` through Debian's nginx, with TLS, to the real binary: with `deploy/nginx.conf` all is well, and each mistake that
//! people make there is found, by its name and with its remedy.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::nginx::{CONFIGURATION, NAME, is_root, make_certificate};
use crate::server::{PROGRAM, Server};
use crate::support::port::Port;
use crate::support::smtp::SmtpServer;
use crate::tools::has;

const KEYS: [(&str, &str); 2] = [
    ("JWT_SECRET_KEY", "0123456789abcdef-made-for-this-test-alone"),
    ("SECRET_KEY", "fedcba9876543210-made-for-this-test-alone"),
];
/// Where nginx calls from: not the address of the doctor.
const PROXY: &str = "127.0.0.9/32";
const HOST: &str = "proxy_set_header Host $http_host;";
const APPEND: &str = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";
const REQUEST_ID: &str = "proxy_set_header X-Request-Id $request_id;";

/// What is well without more to say.
const OTHERS: [&str; 11] = [
    "settings",
    "database",
    "database_clock",
    "reachable",
    "tls",
    "hsts",
    "version",
    "ready",
    "clock",
    "host",
    "forwarded_for",
];

fn server(trusted: &str, mail: &SmtpServer) -> Server {
    let port = mail.port().to_string();
    let settings = [
        ("ENVIRONMENT", "production"),
        ("HOST", "127.0.0.1"),
        ("ALLOWED_ORIGINS", "https://app.example.com"),
        ("SHUTDOWN_DELAY", "0s"),
        ("TRUSTED_PROXIES", trusted),
        ("SMTP_HOST", "127.0.0.1"),
        ("SMTP_PORT", &port),
        ("SMTP_TLS", "none"),
        ("MAIL_FROM", "auth@example.com"),
        ("RESET_URL", "https://app.example.com/reset"),
        ("NOT_ME_URL", "https://app.example.com/not-me"),
    ];
    Server::start(&[&settings[..], &KEYS].concat())
}

/// nginx in front of a server, with some of its lines changed.
struct Nginx {
    folder: TempDir,
    port: Port,
}

impl Nginx {
    fn start(upstream: u16, changes: &[(&str, &str)], days: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        make_certificate(folder.path(), days);
        let nginx = Self { folder, port: Port::free() };
        assert!(
            nginx.listens(upstream, changes),
            "{}",
            fs::read_to_string(nginx.folder.path().join("error.log")).unwrap_or_default()
        );
        nginx
    }

    fn listens(&self, upstream: u16, changes: &[(&str, &str)]) -> bool {
        let folder = self.folder.path().to_str().expect("a plain path");
        let mut site = CONFIGURATION.to_owned();
        for (from, to) in [
            ("listen [::]:80;", String::new()),
            ("listen [::]:443 ssl http2;", String::new()),
            ("listen 80;", format!("listen unix:{folder}/plain;")),
            ("listen 443 ssl http2;", format!("listen 127.0.0.1:{} ssl;", self.port.number())),
            ("server 127.0.0.1:8000;", format!("server 127.0.0.1:{upstream};")),
            ("/etc/ssl/doorward/", format!("{folder}/")),
            ("proxy_set_header Connection \"\";", "proxy_set_header Connection \"\"; proxy_bind 127.0.0.9;".to_owned()),
        ]
        .into_iter()
        .chain(changes.iter().map(|(from, to)| (*from, (*to).to_owned())))
        {
            assert!(site.contains(from), "deploy/nginx.conf has no {from:?}");
            site = site.replace(from, &to);
        }
        fs::write(self.folder.path().join("doorward.conf"), site).expect("a file");
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {folder}/{name};"))
            .concat();
        let user = if is_root() { "user root;" } else { "" };
        let main = format!(
            "{user} worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; events {{}} http {{ access_log off; {temporary} include {folder}/doorward.conf; }}"
        );
        fs::write(self.folder.path().join("nginx.conf"), main).expect("a file");
        self.control(&[]).status.success()
    }

    fn control(&self, arguments: &[&str]) -> Output {
        let folder = self.folder.path();
        let mut command = Command::new("/usr/sbin/nginx");
        command.arg("-p").arg(folder).arg("-e").arg(folder.join("error.log")).arg("-c").arg(folder.join("nginx.conf"));
        command.args(arguments).output().expect("nginx must run")
    }

    /// What the doctor says: each finding's statuses and texts, by its id.
    fn doctor(&self, server: &Server, more: &[&str]) -> Diagnosis {
        let (url, at) = (format!("https://{NAME}:{}", self.port.number()), format!("127.0.0.1:{}", self.port.number()));
        let ca = self.folder.path().join("fullchain.pem");
        let ca = ca.to_str().expect("a plain path");
        diagnose(server, &[&["--url", &url, "--connect", &at, "--ca", ca], more].concat())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.control(&["-s", "stop"]);
    }
}

pub(crate) struct Diagnosis {
    code: Option<i32>,
    findings: BTreeMap<String, Vec<(String, String)>>,
}

impl Diagnosis {
    /// The finding of that id whose status it is, text and remedy together.
    pub(crate) fn is(&self, id: &str, status: &str, text: &str) {
        let found = self.findings.get(id).into_iter().flatten();
        let matches = found.clone().any(|(its, told)| its == status && told.contains(text));
        assert!(matches, "{id} is not {status} with {text:?}: {:#?}", self.findings);
        assert_eq!(self.code, Some(i32::from(self.any("failed"))), "{:#?}", self.findings);
    }

    fn any(&self, status: &str) -> bool {
        self.findings.values().flatten().any(|(its, _)| its == status)
    }
}

pub(crate) fn diagnose(server: &Server, arguments: &[&str]) -> Diagnosis {
    let output = server.run(&[&["doctor", "--json"], arguments].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said: Value =
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
    let mut findings: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for finding in said["findings"].as_array().expect("findings") {
        let word = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        // What is not well has a remedy.
        assert!(word("status") == "ok" || !word("remedy").is_empty(), "{finding}");
        let told = format!("{} -> {}", word("text"), word("remedy"));
        findings.entry(word("id")).or_default().push((word("status"), told));
    }
    let diagnosis = Diagnosis { code: output.status.code(), findings };
    assert_eq!(said["ok"], !diagnosis.any("failed"));
    diagnosis
}

#[test]
fn a_right_set_up_is_well_and_each_wrong_one_is_found() {
    if !(has("/usr/sbin/nginx", "-v") && has("openssl", "version")) {
        return;
    }
    let mail = SmtpServer::start(&[]);
    let right = server(PROXY, &mail);
    let with = |changes: &[(&str, &str)]| Nginx::start(right.port(), changes, 90);

    let nginx = with(&[]);
    let well = nginx.doctor(&right, &[]);
    assert_eq!(well.code, Some(0), "{:#?}", well.findings);
    assert!(!well.any("warning") && !well.any("unknown"), "{:#?}", well.findings);
    well.is("proxy", "ok", "127.0.0.1, then 127.0.0.9; visitors are counted by their own address, you by 127.0.0.1");
    well.is("cookies", "ok", "a browser stores them");
    well.is("site", "ok", "https://app.example.com is another origin of the same site");
    well.is("cors", "ok", "https://app.example.com may call");
    well.is("device_bound", "ok", "bind their sessions to the device, from pages on app.example.com too ->");
    well.is("mail", "ok", "takes mail from auth@example.com, without TLS, on this machine");
    assert!(mail.got().is_empty(), "the doctor sends nothing");
    for id in OTHERS {
        well.is(id, "ok", "");
    }
    // For people.
    let (url, at) = (format!("https://{NAME}:{}", nginx.port.number()), format!("127.0.0.1:{}", nginx.port.number()));
    let ca = nginx.folder.path().join("fullchain.pem");
    let output = right.run(&["doctor", "--url", &url, "--connect", &at, "--ca", ca.to_str().expect("a plain path")]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("ok       tls: the certificate is valid"), "{text}");

    // What the frontend's origin is.
    let other = nginx.doctor(&right, &["--origin", "https://app.example.org", "--origin", "https://www.example.com"]);
    other.is("site", "failed", "two sites: no browser sends the cookies");
    other.is("cors", "failed", "https://www.example.com may not call -> add it to ALLOWED_ORIGINS");
    other.is("device_bound", "failed", "pages on www.example.com do not wait for a renewed cookie");
    // An authority that nobody knows.
    let unknown = diagnose(&right, &["--url", &url, "--connect", &at]);
    unknown.is("tls", "failed", "fullchain.pem");
    drop(nginx);

    // The proxy forgets something, or does too much.
    with(&[(APPEND, "proxy_set_header X-Forwarded-For \"\";")]).doctor(&right, &[]).is(
        "proxy",
        "failed",
        "without X-Forwarded-For",
    );
    with(&[(APPEND, "proxy_set_header X-Forwarded-For $http_x_forwarded_for;")]).doctor(&right, &[]).is(
        "forwarded_for",
        "failed",
        "is believed: no limit by address holds",
    );
    with(&[(APPEND, "proxy_set_header X-Forwarded-For 127.0.0.9;")]).doctor(&right, &[]).is(
        "proxy",
        "failed",
        "ends at 127.0.0.9",
    );
    with(&[(HOST, "proxy_set_header Host doorward;")]).doctor(&right, &[]).is(
        "host",
        "failed",
        "is refused as one of another site",
    );
    with(&[(REQUEST_ID, "")]).doctor(&right, &[]).is("request_id", "warning", "a visitor chooses");
    for (line, complaint) in [
        ("proxy_cookie_path / /api/;", "__Host-access_token: its Path is not /"),
        ("proxy_cookie_flags ~ nosecure;", "no Secure over https"),
        ("proxy_cookie_flags ~ samesite=none;", "its SameSite is neither Strict nor Lax"),
        ("proxy_hide_header Set-Cookie;", "without both cookies"),
    ] {
        with(&[(HOST, &format!("{HOST} {line}"))]).doctor(&right, &[]).is("cookies", "failed", complaint);
    }
    with(&[(HOST, &format!("{HOST} proxy_hide_header Strict-Transport-Security;"))]).doctor(&right, &[]).is(
        "hsts",
        "warning",
        "do not tell browsers",
    );
    for (line, complaint) in [
        (
            "proxy_set_header Sec-Secure-Session-Id \"\";",
            "answers 400: browsers can't renew bound sessions -> the proxy must pass on the headers",
        ),
        (
            "if ($uri ~ ^/api/auth/device/) { return 404; }",
            "answers 404: browsers can't renew bound sessions -> the proxy must lead",
        ),
    ] {
        with(&[(HOST, &format!("{HOST} {line}"))]).doctor(&right, &[]).is("device_bound", "failed", complaint);
    }
    let twice = with(&[(HOST, &format!("{HOST} add_header Access-Control-Allow-Origin $http_origin always;"))])
        .doctor(&right, &[]);
    twice.is("cors", "failed", "the headers come more than once");
    twice.is("cors", "failed", "pages of strangers may call");
    with(&[("location / {", "location / { return 404; } location /elsewhere {")]).doctor(&right, &[]).is(
        "reachable",
        "failed",
        "leads /health and /api/auth/ to something else",
    );
    Nginx::start(9, &[], 90).doctor(&right, &[]).is("reachable", "failed", "does not reach Doorward");
    Nginx::start(right.port(), &[], 1).doctor(&right, &[]).is("tls", "warning", "expires within two weeks");
}

#[test]
fn settings_that_do_not_fit_the_proxy_or_the_service_are_found() {
    if !(has("/usr/sbin/nginx", "-v") && has("openssl", "version")) {
        return;
    }
    let mail = SmtpServer::start(&[]);
    let distrusting = server("none", &mail);
    Nginx::start(distrusting.port(), &[], 90).doctor(&distrusting, &[]).is(
        "proxy",
        "failed",
        "set TRUSTED_PROXIES=127.0.0.9",
    );
    let wide = server("127.0.0.0/8", &mail);
    Nginx::start(wide.port(), &[], 90).doctor(&wide, &[]).is("proxy", "unknown", "run the doctor from another machine");
    let mut other_keys = server(PROXY, &mail);
    let nginx = Nginx::start(other_keys.port(), &[], 90);
    other_keys.set("SECRET_KEY", "another-key-that-the-service-does-not-have");
    nginx.doctor(&other_keys, &[]).is("proxy", "unknown", "run this with the SECRET_KEY");
    other_keys.set("DATABASE_URL", "sqlite://nowhere/doorward.db");
    nginx.doctor(&other_keys, &[]).is("database", "failed", "is not there");
    assert!(!other_keys.folder().join("nowhere").exists(), "the doctor changes nothing");
}

/// Without TLS, on the developer's machine.
#[test]
fn a_development_server_is_well_but_for_what_is_not_meant_for_others() {
    let server = Server::start(&[]);
    let url = format!("http://localhost:{}", server.port());
    let at = format!("127.0.0.1:{}", server.port());
    let found = diagnose(&server, &["--url", &url, "--connect", &at, "--origin", "http://localhost:5173"]);
    found.is("tls", "warning", "without TLS");
    found.is("proxy", "ok", "no proxy is seen");
    found.is("cors", "ok", "http://localhost:5173 may call");
    assert_eq!(found.code, Some(0), "{:#?}", found.findings);
    for wrong in ["auth.example.com", "https://auth.example.com/path", "ftp://auth.example.com"] {
        let output =
            Command::new(PROGRAM).args(["doctor", "--url", wrong]).env_clear().output().expect("the binary must run");
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
    // A stranger is told nothing.
    let answer = crate::http::exchange(
        &server,
        "GET /health HTTP/1.0\r\nhost: x\r\nx-doorward-probe: 1.AAAAAAAAAAAAAAAAAAAAAA\r\n\r\n",
    );
    assert!(answer.status == 200 && !answer.text.contains("x-doorward-seen"), "{}", answer.text);
}
