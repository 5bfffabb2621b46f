//! What systemd hears from the service (`Type=notify`): it is played by a socket.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::Command;
use std::time::Duration;

use crate::server::{PROGRAM, Server};
use crate::tools::has;

fn hear(socket: &UnixDatagram) -> String {
    let mut bytes = [0; 256];
    let length = socket.recv(&mut bytes).expect("systemd was not told in time");
    String::from_utf8(bytes[..length].to_vec()).expect("text")
}

fn a_life_as_systemd_hears_of_it(socket: &UnixDatagram, name: &str) {
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
    let mut server = Server::start(&[("NOTIFY_SOCKET", name), ("WATCHDOG_USEC", "100000")]);
    assert_eq!(hear(socket), "STATUS=starting");
    assert_eq!(hear(socket), "READY=1\nSTATUS=serving");
    for _ in 0..3 {
        assert_eq!(hear(socket), "WATCHDOG=1");
    }
    assert!(Command::new("kill").args(["-TERM", &server.pid().to_string()]).status().expect("kill").success());
    while hear(socket) != "STOPPING=1\nSTATUS=finishing what has begun" {}
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn by_a_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    a_life_as_systemd_hears_of_it(&socket, path.to_str().expect("a plain path"));
}

#[test]
fn by_an_abstract_name() {
    let name = format!("doorward-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    a_life_as_systemd_hears_of_it(&UnixDatagram::bind_addr(&address).expect("a socket"), &format!("@{name}"));
}

/// A watchdog for another process, and a supervisor that is gone, are no reason not to serve.
#[test]
fn nobody_who_listens_is_no_reason_not_to_serve() {
    let server =
        Server::start(&[("NOTIFY_SOCKET", "/nowhere/notify"), ("WATCHDOG_USEC", "1000"), ("WATCHDOG_PID", "1")]);
    server.logged("NOTIFY_SOCKET can't be used");
    assert_eq!(crate::http::get(&server, "/health", "").status, 200);
}

/// The unit itself, as far as that can be told without systemd running: it is read, and judged for what it takes away from the service.
#[test]
fn the_unit_is_right_and_hardened() {
    if !has("systemd-analyze", "--version") {
        return;
    }
    let unit = include_str!("../../deploy/doorward.service");
    let folder = tempfile::tempdir().expect("a folder");
    assert!(unit.contains("ExecStart=/usr/local/bin/doorward\n"));
    let path = folder.path().join("doorward.service");
    std::fs::write(&path, unit.replace("/usr/local/bin/doorward", PROGRAM)).expect("a file");
    // 1.4 of 10; the rest is that a service has a network.
    for arguments in [&["verify"][..], &["security", "--offline=yes", "--threshold=15"]] {
        let output = Command::new("systemd-analyze").args(arguments).arg(&path).output().expect("it must run");
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        // Of other units of the machine it complains too.
        assert!(output.status.success() && !(arguments == ["verify"] && said.contains("doorward.service:")), "{said}");
    }
}
