//! What systemd hears from the service (`Type=notify`): it is played by a socket.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::server::{PROGRAM, Server};
use crate::support::port::Port;
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

/// A command that becomes the server, with this as descriptor 3; what it is told of that is another script's.
fn with_descriptor(what: impl Into<OwnedFd>, told: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{told} exec \"$0\" 3<&0 </dev/null"), PROGRAM]).stdin(Stdio::from(what.into()));
    command
}

const OURS: &str = "LISTEN_PID=$$ LISTEN_FDS=1";

/// Sends a request, and does not wait for its answer.
fn ask(port: u16) -> TcpStream {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    connection.write_all(b"GET /health HTTP/1.0\r\nhost: localhost\r\n\r\n").expect("a request that is sent");
    connection
}

fn answer(mut connection: TcpStream) -> String {
    let mut text = String::new();
    connection.read_to_string(&mut text).expect("an answer");
    text
}

/// Whoever has opened the socket keeps it: what comes while nobody serves waits, and is answered by who comes next.
#[test]
fn on_a_socket_that_is_handed_over() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    for _ in 0..2 {
        let early = ask(port);
        let handed = listener.try_clone().expect("a descriptor");
        let mut server = Server::start_by(with_descriptor(handed, OURS), &[]);
        assert_eq!(server.port(), port);
        assert!(answer(early).starts_with("HTTP/1.0 200"));
        assert!(answer(ask(port)).starts_with("HTTP/1.0 200"));
        assert!(Command::new("kill").args(["-TERM", &server.pid().to_string()]).status().expect("kill").success());
        assert_eq!(server.wait(), Some(0));
    }
    // Meant for another process, of which this one has the environment.
    let other = Server::start_by(with_descriptor(listener, "LISTEN_PID=1 LISTEN_FDS=1"), &[]);
    assert_ne!(other.port(), port);
}

#[test]
fn what_is_handed_over_and_is_no_such_socket_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let (datagram, stream) = (UnixDatagram::unbound().expect("a socket"), ask_nobody());
    let null = std::fs::File::open("/dev/null").expect("a file");
    let descriptors: [OwnedFd; 3] = [datagram.into(), stream.into(), null.into()];
    for descriptor in descriptors {
        let mut command = with_descriptor(descriptor, OURS);
        let done = command.env("PORT", "0").current_dir(folder.path()).output().expect("the binary must run");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.code() == Some(1) && said.contains("LISTEN_FDS: descriptor 3 is no TCP socket"), "{said}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut command = with_descriptor(listener, "LISTEN_PID=$$ LISTEN_FDS=2");
    let done = command.env("PORT", "0").current_dir(folder.path()).output().expect("the binary must run");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.code() == Some(1) && said.contains("LISTEN_FDS: descriptor 4"), "{said}");
}

/// One end of a connection.
fn ask_nobody() -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection")
}

struct Activated(Child);

impl Drop for Activated {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// As systemd does it: by its own program that plays it for one service.
#[test]
fn by_systemds_own_activation() {
    if !has("systemd-socket-activate", "--version") {
        return;
    }
    let (folder, port) = (tempfile::tempdir().expect("a folder"), Port::free());
    let log = std::fs::File::create(folder.path().join("log")).expect("a file");
    let mut command = Command::new("systemd-socket-activate");
    command.args(["--listen", &format!("127.0.0.1:{}", port.number()), PROGRAM]).current_dir(folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let _activated = Activated(command.spawn().expect("it must run"));
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port.number())).is_err() {
        let log = || std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        assert!(begun.elapsed() < Duration::from_mins(1), "{}", log());
    }
    assert!(answer(ask(port.number())).starts_with("HTTP/1.0 200"));
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
    // It finds the service by its own name.
    let socket = folder.path().join("doorward.socket");
    std::fs::write(&socket, include_str!("../../deploy/doorward.socket")).expect("a file");
    // 1.4 of 10; the rest is that a service has a network.
    for arguments in [&["verify"][..], &["security", "--offline=yes", "--threshold=15"]] {
        let mut command = Command::new("systemd-analyze");
        command.args(arguments).arg(&path);
        if arguments == ["verify"] {
            command.arg(&socket);
        }
        let output = command.output().expect("it must run");
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        // Of other units of the machine it complains too.
        assert!(
            output.status.success()
                && !(arguments == ["verify"]
                    && ["doorward.service:", "doorward.socket:"].iter().any(|unit| said.contains(unit))),
            "{said}"
        );
    }
}
