//! nginx, Caddy and HAProxy, each with its file of `deploy/`, with TLS and HTTP/2, in front of two real nodes on one PostgreSQL: cookies,
//! visitors' addresses, what is too large, a node that hangs, a node that goes.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::nginx::{CONFIGURATION, NAME, is_root, make_certificate, run};
use crate::server::Server;
use crate::support::port::Port;
use crate::support::postgres;
use crate::tools::has;

const CADDYFILE: &str = include_str!("../../deploy/Caddyfile");
const HAPROXY: &str = include_str!("../../deploy/haproxy.cfg");
const PASSWORD: &str = "SecurePass123";

/// A proxy in front of two nodes.
struct Site {
    name: &'static str,
    folder: TempDir,
    https: Port,
    proxy: Child,
    nodes: [Server; 2],
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

fn replaced(text: &str, changes: &[(&str, String)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "there is no {from:?} in\n{text}");
        text.replace(from, to)
    })
}

/// The command that runs the proxy in the foreground, its files in the folder.
fn proxy(name: &str, folder: &Path, https: u16, nodes: [u16; 2]) -> Command {
    let place = folder.to_str().expect("a plain path");
    let [one, two] = nodes;
    let mut command = Command::new(name);
    match name {
        "caddy" => {
            let site = replaced(
                CADDYFILE,
                &[
                    (
                        "auth.example.com {",
                        format!(
                            "https://{NAME}:{https} {{\n\tbind 127.0.0.1\n\ttls {place}/fullchain.pem {place}/privkey.pem\n"
                        ),
                    ),
                    ("127.0.0.1:8000 127.0.0.1:8001", format!("127.0.0.1:{one} 127.0.0.1:{two}")),
                    ("response_header_timeout 35s", "response_header_timeout 8s".to_owned()),
                ],
            );
            let options = "{\n\tadmin off\n\tauto_https off\n}\n";
            fs::write(folder.join("Caddyfile"), format!("{options}{site}")).expect("a file");
            command.args(["run", "--adapter", "caddyfile", "--config", "Caddyfile"]).env("HOME", folder);
        }
        "/usr/sbin/haproxy" => {
            let pem =
                ["privkey.pem", "fullchain.pem"].map(|file| fs::read_to_string(folder.join(file)).expect("a file"));
            fs::write(folder.join("doorward.pem"), pem.concat()).expect("a file");
            let site = replaced(
                HAPROXY,
                &[
                    ("maxconn 10000", "maxconn 100".to_owned()),
                    ("bind :80\n", format!("bind unix@{place}/plain\n")),
                    ("bind :443", format!("bind 127.0.0.1:{https}")),
                    ("/etc/ssl/doorward/", format!("{place}/")),
                    ("127.0.0.1:8000", format!("127.0.0.1:{one}")),
                    ("127.0.0.1:8001", format!("127.0.0.1:{two}")),
                    ("timeout server 35s", "timeout server 8s".to_owned()),
                ],
            );
            fs::write(folder.join("haproxy.cfg"), site).expect("a file");
            command.args(["-db", "-f", "haproxy.cfg"]);
        }
        _ => {
            let site = replaced(
                CONFIGURATION,
                &[
                    ("listen [::]:80;", String::new()),
                    ("listen [::]:443 ssl http2;", String::new()),
                    ("listen 80;", format!("listen unix:{place}/plain;")),
                    ("listen 443 ssl", format!("listen 127.0.0.1:{https} ssl")),
                    ("server 127.0.0.1:8000;", format!("server 127.0.0.1:{one};")),
                    ("# server 127.0.0.1:8001;", format!("server 127.0.0.1:{two};")),
                    ("/etc/ssl/doorward/", format!("{place}/")),
                    ("proxy_read_timeout 35s;", "proxy_read_timeout 8s; proxy_next_upstream_tries 1;".to_owned()),
                ],
            );
            fs::write(folder.join("doorward.conf"), site).expect("a file");
            let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map(|name| format!("{name}_temp_path {place}/{name};"))
                .concat();
            let user = if is_root() { "user root;" } else { "" };
            let main = format!(
                "daemon off; {user} worker_processes 1; pid {place}/pid; error_log {place}/error.log; events {{}} http {{ access_log off; {temporary} include {place}/doorward.conf; }}"
            );
            fs::write(folder.join("nginx.conf"), main).expect("a file");
            command.args(["-p", place, "-e", "error.log", "-c", "nginx.conf"]);
        }
    }
    command
}

/// What curl ends with when a connection breaks off.
const SEND_ERROR: i32 = 55;
const RECV_ERROR: i32 = 56;

impl Site {
    /// None: something is missing, and that is allowed.
    fn start(name: &'static str, version: &str) -> Option<Self> {
        let cluster = postgres::shared()?;
        if !(has(name, version) && has("curl", "--version") && has("openssl", "version")) {
            return None;
        }
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let url = runtime.block_on(cluster.create_database(""));
        let node = || {
            Server::start(&[
                ("ENVIRONMENT", "production"),
                ("HOST", "127.0.0.1"),
                ("DATABASE_URL", &url),
                ("DATABASE_MAX_CONNECTIONS", "4"),
                ("JWT_SECRET_KEY", "0123456789abcdef-made-for-this-test-alone"),
                ("SECRET_KEY", "fedcba9876543210-made-for-this-test-alone"),
                ("TRUSTED_PROXIES", "127.0.0.1/32,::1/128"),
                ("SHUTDOWN_DELAY", "3s"),
            ])
        };
        let nodes = [node(), node()];
        let folder = tempfile::tempdir().expect("a folder");
        make_certificate(folder.path(), 1);
        let https = Port::free();
        let log = fs::File::create(folder.path().join("log")).expect("a file");
        let mut command = proxy(name, folder.path(), https.number(), [nodes[0].port(), nodes[1].port()]);
        command.current_dir(folder.path()).stdout(Stdio::null()).stderr(log);
        let mut proxy = command.spawn().expect("the proxy must run");
        let told = || fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        assert!(listens(&mut proxy, https.number()), "{name}: {}", told());
        let site = Self { name, folder, https, proxy, nodes };
        site.until("/api/auth/health", 200);
        Some(site)
    }

    /// One request by curl, over HTTP/2, from a visitor's address (any of 127.0.0.0/8), which is no trusted proxy's.
    fn curl(&self, from: &str, path: &str, arguments: &[&str]) -> Answer {
        self.try_curl(from, path, arguments).unwrap_or_else(|| panic!("{}: the connection was broken off", self.name))
    }

    /// The same. None: the connection was broken off while curl was sending, before it read an answer.
    fn try_curl(&self, from: &str, path: &str, arguments: &[&str]) -> Option<Answer> {
        let mut command = Command::new("curl");
        command
            .args(["--silent", "--show-error", "--include", "--http2", "--max-time", "60", "--cacert", "fullchain.pem"])
            .args(["--interface", from, "--resolve", &format!("{NAME}:{}:127.0.0.1", self.https.number())])
            .args(arguments)
            .arg(format!("https://{NAME}:{}{path}", self.https.number()))
            .current_dir(self.folder.path());
        let output = command.output().expect("curl must run");
        if matches!(output.status.code(), Some(SEND_ERROR | RECV_ERROR)) {
            return None;
        }
        assert!(output.status.success(), "{}: {command:?} {output:?}", self.name);
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let text = text.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&text);
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/2 ") || arguments.contains(&"--http1.1"), "{}: {head}", self.name);
        let status = head.split(' ').nth(1).and_then(|status| status.trim().parse().ok()).expect("a status");
        Some(Answer { status, head: head.to_lowercase(), body: body.to_owned() })
    }

    fn post(&self, from: &str, path: &str, body: &Value, arguments: &[&str]) -> Answer {
        let body = body.to_string();
        let all = [&["--header", "Content-Type: application/json", "--data-binary", &body], arguments].concat();
        self.curl(from, path, &all)
    }

    /// A proxy that has given a node up for a while comes back to it.
    fn until(&self, path: &str, status: u16) {
        let began = Instant::now();
        while self.curl("127.0.0.9", path, &[]).status != status {
            assert!(began.elapsed() < Duration::from_mins(1), "{}: {path} is never {status}", self.name);
        }
    }

    fn signal(node: &Server, name: &str) {
        run(Command::new("kill").args([name, &node.pid().to_string()]));
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // nginx's workers end with their master when it may say so.
        let _ = Command::new("kill").args(["-TERM", &self.proxy.id().to_string()]).status();
        let _ = self.proxy.wait();
    }
}

fn listens(proxy: &mut Child, port: u16) -> bool {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(30) {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return proxy.try_wait().is_ok_and(|ended| ended.is_none());
        }
        if proxy.try_wait().is_ok_and(|ended| ended.is_some()) {
            return false;
        }
    }
    let _ = proxy.kill();
    false
}

fn account(email: &str) -> Value {
    serde_json::json!({"email": email, "password": PASSWORD})
}

#[test]
fn nginx() {
    if let Some(site) = Site::start("/usr/sbin/nginx", "-v") {
        a_day_behind(site);
    }
}

#[test]
fn caddy() {
    if let Some(site) = Site::start("caddy", "version") {
        a_day_behind(site);
    }
}

#[test]
fn haproxy() {
    if let Some(site) = Site::start("/usr/sbin/haproxy", "-v") {
        a_day_behind(site);
    }
}

fn a_day_behind(mut site: Site) {
    // Cookies with prefixes, over both nodes, whole or in crumbs (RFC 9113, section 8.2.3).
    let ann = account("ann@example.com");
    let registered = site.post("127.0.0.2", "/api/auth/register", &ann, &[]);
    assert_eq!(registered.status, 201, "{}: {}", site.name, registered.body);
    let login = site.post("127.0.0.2", "/api/auth/login", &ann, &["--cookie-jar", "jar"]);
    assert_eq!(login.status, 200, "{}: {}", site.name, login.body);
    let jar = fs::read_to_string(site.folder.path().join("jar")).expect("curl's cookies");
    let cookie = |name: &str| {
        let line = jar.lines().find(|line| line.split('\t').nth(5) == Some(name)).unwrap_or_else(|| panic!("{jar}"));
        format!("Cookie: {name}={}", line.rsplit('\t').next().unwrap_or_default())
    };
    let crumbs = [cookie("__Host-refresh_token"), cookie("__Host-device"), cookie("__Host-access_token")];
    for _ in 0..4 {
        assert_eq!(site.curl("127.0.0.2", "/api/auth/me", &["--cookie", "jar"]).status, 200);
        let crumbled = site.curl("127.0.0.2", "/api/auth/me", &["-H", &crumbs[0], "-H", &crumbs[1], "-H", &crumbs[2]]);
        assert_eq!(crumbled.status, 200, "{}: {}", site.name, crumbled.body);
    }
    let refreshed = site.curl("127.0.0.2", "/api/auth/refresh", &["-X", "POST", "-H", &crumbs[0]]);
    assert_eq!(refreshed.status, 200, "{}: {}", site.name, refreshed.body);
    for node in &site.nodes {
        node.logged("\"path\":\"/api/auth/me\"");
    }

    // The limit counts a visitor's own address, over both nodes, whatever they write; the log has it, and an id that they did not choose.
    let nobody = account("nobody@example.com");
    for attempt in 1..=5 {
        let forged = format!("X-Forwarded-For: 198.51.100.{attempt}");
        let answer =
            site.post("127.0.0.3", "/api/auth/login", &nobody, &["-H", &forged, "-H", "X-Request-Id: forged-by-hand"]);
        assert_eq!(answer.status, 401, "{}: {}", site.name, answer.body);
        assert!(answer.head.contains("x-request-id: ") && !answer.head.contains("forged"), "{}", answer.head);
    }
    let sixth = site.post("127.0.0.3", "/api/auth/login", &nobody, &["-H", "X-Forwarded-For: 198.51.100.6"]);
    assert_eq!(sixth.status, 429, "{}: {}", site.name, sixth.body);
    assert_eq!(site.post("127.0.0.4", "/api/auth/login", &nobody, &[]).status, 401, "another visitor is not affected");
    let logs = site.nodes.each_ref().map(Server::log).concat();
    assert!(logs.contains("127.0.0.3") && !logs.contains("198.51.100."), "{}: {logs}", site.name);

    // Too large for Doorward, which says so in its own words; too large for the proxy.
    for (size, by_doorward) in [(17 * 1024, true), (2 * 1024 * 1024, false)] {
        fs::write(site.folder.path().join("large"), vec![b' '; size]).expect("a file");
        // What is refused while it comes is broken off, which curl takes for a failure: it asks before it sends what is large.
        let how = if by_doorward { ["--http2", "Expect:"] } else { ["--http1.1", "Accept: */*"] };
        let upload = ["-X", "POST", "-H", "Content-Type: application/json", "--data-binary", "@large"];
        let answer = site.try_curl("127.0.0.5", "/api/auth/login", &[&[how[0], "-H", how[1]], &upload[..]].concat());
        // Caddy goes on until either has enough: then it may be left by the service in the middle, and leave curl there, too.
        let may_be_left = !by_doorward && site.name.contains("caddy");
        let Some(answer) = answer else {
            assert!(may_be_left, "{}: {size} bytes: broken off", site.name);
            continue;
        };
        let left = may_be_left && answer.status == 502;
        assert!(answer.status == 413 || left, "{}: {size} bytes: {} {}", site.name, answer.status, answer.body);
        assert!(!by_doorward || answer.body.contains("payload_too_large"), "{}: {}", site.name, answer.body);
    }

    // Both nodes hang: 504, and all is well when they go on.
    site.nodes.iter().for_each(|node| Site::signal(node, "-STOP"));
    let hung = site.curl("127.0.0.6", "/health", &[]);
    site.nodes.iter().for_each(|node| Site::signal(node, "-CONT"));
    assert_eq!(hung.status, 504, "{}: {}", site.name, hung.body);
    site.until("/health", 200);

    // One node is stopped in good order while people ask: nobody notices.
    for _ in 0..4 {
        site.until("/api/auth/me", 401);
    }
    Site::signal(&site.nodes[0], "-TERM");
    let mut asked = 0;
    while !site.nodes[0].has_ended() || asked < 20 {
        // From one address the proxy would take it for a flood.
        let from = format!("127.0.1.{}", 1 + asked % 200);
        let answer = site.curl(&from, "/api/auth/me", &["--cookie", "jar"]);
        assert_eq!(answer.status, 200, "{}: after {asked}: {}", site.name, answer.body);
        asked += 1;
    }
}
