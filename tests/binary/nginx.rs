//! Debian's nginx with the real `deploy/nginx.conf`, TLS by a self-signed certificate, in front of the real binary in
//! production. The client is curl, which keeps the rules of cookie prefixes as browsers do.
//!
//! A machine without nginx leaves this out and says so; `DOORWARD_TEST_NGINX=required` makes that a failure.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::left_out;
use crate::server::Server;
use crate::support::port::Port;

pub(crate) const CONFIGURATION: &str = include_str!("../../deploy/nginx.conf");
pub(crate) const NAME: &str = "auth.example.com";
const PASSWORD: &str = "SecurePass123";

/// nginx in front of the server, both stopped when this is dropped.
struct Site {
    nginx: String,
    folder: TempDir,
    https: Port,
    http: Port,
    server: Server,
}

/// What came back.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn code(&self) -> String {
        let problem: Value = serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}{}", self.head, self.body));
        problem["code"].as_str().expect("a code").to_owned()
    }
}

impl Site {
    /// None: nginx, curl or openssl is missing, and that is allowed.
    fn start() -> Option<Self> {
        let nginx = ["nginx", "/usr/sbin/nginx"].into_iter().find(|program| succeeds(program, "-v"));
        let Some(nginx) = nginx.filter(|_| succeeds("curl", "--version") && succeeds("openssl", "version")) else {
            #[expect(clippy::disallowed_methods, reason = "a switch of the tests, no setting of the program")]
            let required = std::env::var("DOORWARD_TEST_NGINX").is_ok_and(|value| value == "required");
            assert!(!required, "nginx, curl or openssl is missing");
            left_out("Doorward behind nginx (nginx, curl or openssl is missing)");
            return None;
        };
        let server = Server::start(&[
            ("ENVIRONMENT", "production"),
            ("HOST", "127.0.0.1"),
            ("JWT_SECRET_KEY", "0123456789abcdef-made-for-this-test-alone"),
            ("TRUSTED_PROXIES", "127.0.0.1/32,::1/128"),
            ("SHUTDOWN_DELAY", "0s"),
        ]);
        let folder = tempfile::tempdir().expect("a temporary folder");
        make_certificate(folder.path(), 1);
        let site = Self { nginx: nginx.to_owned(), folder, https: Port::free(), http: Port::free(), server };
        assert!(site.listens(), "{}", fs::read_to_string(site.folder.path().join("error.log")).unwrap_or_default());
        Some(site)
    }

    /// nginx returns when it listens, and goes on in the background.
    fn listens(&self) -> bool {
        let folder = self.folder.path().to_str().expect("a plain path");
        let mut site = CONFIGURATION.to_owned();
        for (from, to) in [
            ("listen [::]:80;", String::new()),
            ("listen [::]:443 ssl http2;", String::new()),
            ("listen 80;", format!("listen 127.0.0.1:{};", self.http.number())),
            ("listen 443 ssl http2;", format!("listen 127.0.0.1:{} ssl;", self.https.number())),
            ("server 127.0.0.1:8000;", format!("server 127.0.0.1:{};", self.server.port())),
            ("/etc/ssl/doorward/", format!("{folder}/")),
            ("proxy_read_timeout 35s;", "proxy_read_timeout 5s;".to_owned()),
        ] {
            assert!(site.contains(from), "deploy/nginx.conf has no {from:?}");
            site = site.replace(from, &to);
        }
        fs::write(self.folder.path().join("doorward.conf"), site).expect("a file");
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {folder}/{name};"))
            .concat();
        // Started by root its workers would be another user, who may not enter the temporary folder.
        let user = if is_root() { "user root;" } else { "" };
        let main = format!(
            "{user} worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; events {{}} http {{ access_log off; {temporary} include {folder}/doorward.conf; }}"
        );
        fs::write(self.folder.path().join("nginx.conf"), main).expect("a file");
        self.control(&[]).status.success()
    }

    fn control(&self, arguments: &[&str]) -> Output {
        let folder = self.folder.path();
        let mut command = Command::new(&self.nginx);
        command.arg("-p").arg(folder).arg("-e").arg(folder.join("error.log")).arg("-c").arg(folder.join("nginx.conf"));
        command.args(arguments).output().expect("nginx must run")
    }

    /// One request by curl from a visitor's address (any of 127.0.0.0/8), which is no trusted proxy's.
    fn curl(&self, from: &str, path: &str, arguments: &[&str]) -> Answer {
        let mut command = Command::new("curl");
        command
            .args([
                "--silent",
                "--show-error",
                "--include",
                "--http1.1",
                "--cacert",
                "fullchain.pem",
                "--interface",
                from,
            ])
            .args(["--resolve", &format!("{NAME}:{}:127.0.0.1", self.https.number()), "--header", "Expect:"])
            .args(arguments)
            .arg(format!("https://{NAME}:{}{path}", self.https.number()))
            .current_dir(self.folder.path());
        let text = String::from_utf8(run(&mut command).stdout).expect("UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Answer { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    fn post(&self, from: &str, path: &str, body: &Value, arguments: &[&str]) -> Answer {
        let body = body.to_string();
        let mut all = vec!["--header", "Content-Type: application/json", "--data-binary", &body];
        all.extend(arguments);
        self.curl(from, path, &all)
    }

    fn signal(&self, name: &str) {
        run(Command::new("kill").args([name, &self.server.pid().to_string()]));
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.control(&["-s", "stop"]);
    }
}

pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().expect("the program must run");
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A certificate for [`NAME`] in `fullchain.pem`, signed by itself.
pub(crate) fn make_certificate(folder: &Path, days: u32) {
    run(Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", &days.to_string(), "-subj", &format!("/CN={NAME}")])
        .args(["-addext", &format!("subjectAltName=DNS:{NAME}"), "-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "privkey.pem", "-out", "fullchain.pem"])
        .current_dir(folder));
}

fn succeeds(program: &str, argument: &str) -> bool {
    Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success())
}

pub(crate) fn is_root() -> bool {
    run(Command::new("id").arg("-u")).stdout == b"0\n"
}

fn account(email: &str) -> Value {
    serde_json::json!({"email": email, "password": PASSWORD})
}

#[test]
fn doorward_behind_nginx() {
    let Some(site) = Site::start() else { return };
    http_goes_to_https(&site);
    cookies_with_prefixes_come_and_go(&site);
    limits_count_the_visitors_own_addresses(&site);
    beyond_the_outer_limit_no_browser_forgets_its_binding(&site);
    what_is_too_large_is_413(&site);
    a_server_that_hangs_is_504_and_recovers(&site);
}

fn http_goes_to_https(site: &Site) {
    let resolve = format!("{NAME}:{}:127.0.0.1", site.http.number());
    let url = format!("http://{NAME}:{}/api/auth/me?a=b", site.http.number());
    let output = run(Command::new("curl").args([
        "-s",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code} %{redirect_url}",
        "--resolve",
        &resolve,
        &url,
    ]));
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("308 https://{NAME}/api/auth/me?a=b"));
}

fn cookies_with_prefixes_come_and_go(site: &Site) {
    let ann = account("ann@example.com");
    assert_eq!(site.post("127.0.0.2", "/api/auth/register", &ann, &[]).status, 201);
    let login = site.post("127.0.0.2", "/api/auth/login", &ann, &["--cookie-jar", "jar"]);
    assert_eq!(login.status, 200, "{}", login.body);
    assert!(login.head.contains("strict-transport-security: max-age=31536000"), "{}", login.head);
    let jar = fs::read_to_string(site.folder.path().join("jar")).expect("curl's cookies");
    for name in ["__Host-access_token", "__Host-refresh_token"] {
        assert_eq!(jar.matches(name).count(), 1, "{jar}");
    }
    let me = site.curl("127.0.0.2", "/api/auth/me", &["--cookie", "jar"]);
    assert_eq!(me.status, 200, "{}", me.body);
    // A page of the service's own origin: nginx passes on the Host that the check compares with.
    let origin = format!("Origin: https://{NAME}:{}", site.https.number());
    let refresh = site.curl(
        "127.0.0.2",
        "/api/auth/refresh",
        &["-X", "POST", "--cookie", "jar", "--cookie-jar", "jar", "-H", &origin],
    );
    assert_eq!(refresh.status, 200, "{}", refresh.body);
    let foreign = site.curl(
        "127.0.0.2",
        "/api/auth/refresh",
        &["-X", "POST", "--cookie", "jar", "-H", "Origin: https://evil.example"],
    );
    assert_eq!((foreign.status, foreign.code().as_str()), (403, "cross_site_request"));
    let logout = site.curl("127.0.0.2", "/api/auth/logout", &["-X", "POST", "--cookie", "jar", "--cookie-jar", "jar"]);
    assert_eq!(logout.status, 200, "{}", logout.body);
    assert_eq!(site.curl("127.0.0.2", "/api/auth/me", &["--cookie", "jar"]).status, 401);
}

fn limits_count_the_visitors_own_addresses(site: &Site) {
    let nobody = account("nobody@example.com");
    for attempt in 1..=5 {
        // Whatever the visitor writes into the header, the address is the one that nginx saw.
        let forged = format!("X-Forwarded-For: 198.51.100.{attempt}");
        let answer = site.post("127.0.0.3", "/api/auth/login", &nobody, &["-H", &forged, "-H", "X-Request-Id: forged"]);
        assert_eq!(answer.status, 401, "{}", answer.body);
        assert!(answer.head.contains("x-request-id: ") && !answer.head.contains("forged"), "{}", answer.head);
    }
    let sixth = site.post("127.0.0.3", "/api/auth/login", &nobody, &["-H", "X-Forwarded-For: 198.51.100.6"]);
    assert_eq!((sixth.status, sixth.code().as_str()), (429, "too_many_attempts"));
    assert!(sixth.head.contains("retry-after: "), "{}", sixth.head);
    assert_eq!(site.post("127.0.0.4", "/api/auth/login", &nobody, &[]).status, 401, "another visitor is not affected");
    let log = site.server.log();
    assert!(log.contains("127.0.0.3") && !log.contains("198.51.100."), "{log}");
}

/// The limit of nginx answers before Doorward sees a request.
fn beyond_the_outer_limit_no_browser_forgets_its_binding(site: &Site) {
    let statuses = |from: &str, method: &str, path: &str| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--cacert", "fullchain.pem", "--interface", from, "--request", method]);
        curl.args(["--resolve", &format!("{NAME}:{}:127.0.0.1", site.https.number()), "--write-out", "%{http_code}\n"]);
        curl.args(["--header", "Sec-Secure-Session-Id: \"AAAAAAAAAAAAAAAAAAAAAA\"", "--output", "/dev/null"]);
        curl.args(["--parallel", &format!("https://{NAME}:{}{path}?[1-400]", site.https.number())]);
        let text = run(curl.current_dir(site.folder.path())).stdout;
        String::from_utf8(text).expect("UTF-8").lines().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    assert_eq!(statuses("127.0.0.7", "GET", "/health"), ["200", "429"].map(str::to_owned).into());
    // 403: asked too often, and challenged all the same.
    let seen = statuses("127.0.0.8", "POST", "/api/auth/device/refresh");
    assert_eq!(seen, ["200", "403", "503"].map(str::to_owned).into());
}

fn what_is_too_large_is_413(site: &Site) {
    let large = site.folder.path().join("large");
    let upload = ["-X", "POST", "-H", "Content-Type: application/json", "--data-binary", "@large"];
    let chunked = [&upload[..], &["-H", "Transfer-Encoding: chunked"]].concat();
    for size in [17 * 1024, 900 * 1024] {
        fs::write(&large, vec![b' '; size]).expect("a file");
        for arguments in [&upload[..], &chunked] {
            let answer = site.curl("127.0.0.5", "/api/auth/login", arguments);
            assert_eq!((answer.status, answer.code().as_str()), (413, "payload_too_large"), "{size} bytes");
        }
    }
    // Past nginx's own limit it answers itself.
    fs::write(&large, vec![b' '; 2 * 1024 * 1024]).expect("a file");
    assert_eq!(site.curl("127.0.0.5", "/api/auth/login", &upload).status, 413);
}

fn a_server_that_hangs_is_504_and_recovers(site: &Site) {
    site.signal("-STOP");
    let hung = site.curl("127.0.0.6", "/health", &[]);
    site.signal("-CONT");
    assert_eq!(hung.status, 504);
    assert_eq!(site.curl("127.0.0.6", "/health", &[]).status, 200);
}
