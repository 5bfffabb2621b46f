//! The database answers and takes no writes: its disk is full. A load balancer must hear of it, and of its end.

use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::http::{get, refresh, send};
use crate::server::{PROGRAM, Server};

const PERSON: &str = r#"{"email":"ann@example.com","password":"SecurePass123"}"#;

/// How large files may become from now on, for this process. Writes beyond that fail, as on a disk that is full.
fn limit_files(server: &Server, bytes: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(server.pid()).expect("a process id"));
    prlimit(pid, Resource::Fsize, Rlimit { current: bytes, maximum: None }).expect("root, or the same user");
}

/// Until the service says this of itself: it may remember for a second what it found out.
fn until(server: &Server, status: u16) {
    while get(server, "/api/auth/health", "").status != status {}
}

#[test]
fn a_full_disk_is_told_and_recovered_from() {
    // Beyond the limit a process is killed, unless it ignores that signal: then the write fails.
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\"", PROGRAM]);
    let server = Server::start_by(command, &[("BCRYPT_COST", "4"), ("LOGIN_RATE_LIMIT", "off")]);
    assert_eq!(send(&server, "/api/auth/register", "", PERSON).status, 201);
    let login = send(&server, "/api/auth/login", "", PERSON);
    assert_eq!(login.status, 200);
    until(&server, 200);

    limit_files(&server, Some(4_096));
    assert_eq!(refresh(&server, &login.refresh_cookie()).status, 503);
    until(&server, 503);
    assert_eq!(send(&server, "/api/auth/login", "", PERSON).status, 503);
    // Who is logged in stays so, and the process is alive.
    assert_eq!(get(&server, "/api/auth/me", &login.access_cookie()).status, 200);
    assert_eq!(get(&server, "/health", "").status, 200);

    limit_files(&server, None);
    until(&server, 200);
    assert_eq!(refresh(&server, &login.refresh_cookie()).status, 200);
    assert_eq!(send(&server, "/api/auth/login", "", PERSON).status, 200);
}
