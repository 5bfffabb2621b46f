//! The program as people run it: exit codes, what it prints, the files it makes.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "in tests a panic is the message")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// The program in a folder of its own, with these variables alone.
fn doorward(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.current_dir(folder).args(arguments).env_clear().envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Finished {
    Finished::from(doorward(folder, arguments, variables).output().unwrap())
}

#[derive(Debug)]
struct Finished {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A server that has told its address. Killed when dropped.
struct Server {
    child: Child,
    line: String,
}

impl Server {
    fn start(folder: &Path, variables: &[(&str, &str)]) -> Self {
        let mut child = doorward(folder, &[], &[&[("PORT", "0")], variables].concat()).spawn().unwrap();
        let mut line = String::new();
        BufReader::with_capacity(1, child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let mut server = Self { child, line };
        if !server.line.starts_with("Doorward on http://") {
            let mut err = String::new();
            server.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
            panic!("no server: {}{err}", server.line);
        }
        server
    }

    fn port(&self) -> u16 {
        let (origin, _) = self.line.split_once(" (docs").unwrap();
        origin.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// Sends the signal and waits for the end; the first line of the output is not part of what is returned.
    fn end(mut self, signal: &str) -> Finished {
        let killed = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let (mut out, mut err) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        Finished { code: self.child.wait().unwrap().code(), out, err }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(host: &str, port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect((host, port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn help_and_mistakes_in_the_arguments() {
    let folder = TempDir::new().unwrap();
    let help = run(folder.path(), &["--help"], &[]);
    assert!(help.code == Some(0) && help.out.contains("Exit codes:"), "{help:?}");
    let version = run(folder.path(), &["--version"], &[]);
    assert_eq!((version.code, version.out.as_str()), (Some(0), concat!("doorward ", env!("CARGO_PKG_VERSION"), "\n")));
    let wrong = run(folder.path(), &["serv"], &[]);
    assert!(wrong.code == Some(2) && wrong.err.contains("'serve'") && wrong.out.is_empty(), "{wrong:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is made by asking for help");
}

#[test]
fn every_wrong_setting_is_told_before_anything_is_touched() {
    let folder = TempDir::new().unwrap();
    for command in [&[] as &[&str], &["serve"], &["migrate"], &["migrate", "--check"]] {
        let wrong = run(folder.path(), command, &[("PORT", "canary"), ("BCRYPT_COST", "canary"), ("HSTS", "canary")]);
        assert_eq!((wrong.code, wrong.out.as_str()), (Some(2), ""), "{wrong:?}");
        assert!(["PORT ", "BCRYPT_COST ", "HSTS "].iter().all(|name| wrong.err.contains(name)), "{wrong:?}");
        assert!(!wrong.err.contains("canary"), "{wrong:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn migrations_are_told_and_applied() {
    let folder = TempDir::new().unwrap();
    let before = run(folder.path(), &["migrate", "--check"], &[]);
    assert!(
        before.code == Some(3) && before.out.starts_with("pending on ") && before.out.contains("0001"),
        "{before:?}"
    );
    let applied = run(folder.path(), &["migrate"], &[]);
    assert!(applied.code == Some(0) && applied.out.starts_with("applied "), "{applied:?}");
    for command in [&["migrate"] as &[&str], &["migrate", "--check"]] {
        let after = run(folder.path(), command, &[]);
        assert!(after.code == Some(0) && after.out.contains("data/doorward.db is up to date"), "{after:?}");
    }
}

#[test]
fn a_start_without_settings_tells_one_line_and_keeps_its_key() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(folder.path(), &[]);
    let database = folder.path().canonicalize().unwrap().join("data/doorward.db");
    let expected =
        format!("Doorward on http://localhost:{} (docs: /docs), database {}\n", server.port(), database.display());
    assert_eq!(server.line, expected);

    let data = folder.path().join("data");
    let key = fs::read(data.join("jwt_secret_key")).unwrap();
    assert!(key.len() >= 32);
    assert_eq!((mode(&data), mode(&data.join("jwt_secret_key")), mode(&database)), (0o700, 0o600, 0o600));

    let port = server.port();
    for host in ["127.0.0.1", "::1"] {
        // Machines without IPv6 exist.
        if TcpListener::bind((host, 0)).is_ok() {
            assert!(get(host, port, "/health").starts_with("HTTP/1.1 200 "));
        }
    }
    let health = |port: u16| run(folder.path(), &["healthcheck"], &[("PORT", &port.to_string())]);
    assert_eq!(health(port).code, Some(0));

    let ended = server.end("-TERM");
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), ""), "{ended:?}");
    let dead = health(port);
    assert!(dead.code == Some(1) && dead.err.lines().count() == 1, "{dead:?}");

    let again = Server::start(folder.path(), &[]);
    assert_eq!(fs::read(data.join("jwt_secret_key")).unwrap(), key);
    assert_eq!(again.end("-INT").code, Some(0));
}

#[test]
fn a_second_server_on_the_same_file_is_refused() {
    let folder = TempDir::new().unwrap();
    let first = Server::start(folder.path(), &[]);
    let second = run(folder.path(), &["serve"], &[("PORT", "0")]);
    assert_eq!((second.code, second.out.as_str()), (Some(1), ""), "{second:?}");
    let told = second.err.lines().last().unwrap();
    assert!(told.starts_with("doorward: another Doorward serves "), "{second:?}");
    // Commands beside the server work.
    assert_eq!(run(folder.path(), &["migrate", "--check"], &[]).code, Some(0));
    assert!(get("127.0.0.1", first.port(), "/health").starts_with("HTTP/1.1 200 "));
}

#[test]
fn a_taken_port_is_told_with_the_remedy() {
    let folder = TempDir::new().unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let refused = run(folder.path(), &[], &[("PORT", &port)]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""), "{refused:?}");
    let told = refused.err.lines().last().unwrap();
    assert!(told.contains(&format!("port {port} is taken")) && told.contains("PORT="), "{refused:?}");
}

#[test]
fn a_dotenv_file_is_read_and_named() {
    let folder = TempDir::new().unwrap();
    fs::write(
        folder.path().join(".env"),
        "DATABASE_URL=sqlite://elsewhere/accounts.db\nPORT=1\nLOGIN_RATE_LIMITS=5/1m\n",
    )
    .unwrap();
    let server = Server::start(folder.path(), &[]);
    assert!(server.line.ends_with("/elsewhere/accounts.db\n"), "{}", server.line);
    assert!(folder.path().join("elsewhere/jwt_secret_key").exists());
    let ended = server.end("-TERM");
    let env = folder.path().canonicalize().unwrap().join(".env");
    assert!(ended.err.contains(env.to_str().unwrap()), "{ended:?}");
    assert!(ended.err.contains("did you mean LOGIN_RATE_LIMIT?"), "{ended:?}");
}

#[test]
fn documents_are_printed_without_settings() {
    let folder = TempDir::new().unwrap();
    let wrong = [("PORT", "canary")];
    let spec = run(folder.path(), &["openapi"], &wrong);
    assert!(spec.code == Some(0) && serde_json::from_str::<serde_json::Value>(&spec.out).is_ok(), "{spec:?}");
    assert!(run(folder.path(), &["settings"], &wrong).out.contains("| `PORT` |"));
    assert!(run(folder.path(), &["settings", "--env"], &wrong).out.contains("\n#PORT=8000\n"));
}
