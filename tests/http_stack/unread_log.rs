//! The program itself, while nobody reads what it writes.

#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::{ExitStatus, Stdio};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::support::guarded;

const HEALTH: &str = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";

/// Their lines are more than a pipe and the queue hold together.
const REQUESTS: usize = 10_000;

struct Program {
    child: Child,
    address: SocketAddr,
    /// Where it runs.
    _folder: TempDir,
}

impl Program {
    fn command(folder: &TempDir, address: SocketAddr) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
        command.current_dir(folder).env_clear().kill_on_drop(true).stdin(Stdio::null()).env("LOG_FORMAT", "json");
        command.env("HOST", address.ip().to_string()).env("PORT", address.port().to_string());
        command
    }

    async fn start(stderr: impl Into<Stdio>) -> Self {
        let folder = TempDir::new().unwrap();
        let mut command = Self::command(&folder, "127.0.0.1:0".parse().unwrap());
        let mut child = command.stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        let mut line = String::new();
        guarded(BufReader::new(child.stdout.take().unwrap()).read_line(&mut line)).await.unwrap();
        let origin = line.split([' ', ',']).find_map(|word| word.strip_prefix("http://")).expect("an origin");
        Self { child, address: origin.parse().unwrap(), _folder: folder }
    }

    /// Sends so many requests, and reads all answers.
    async fn ask(&self, requests: usize) {
        const ANSWERED: &[u8] = b"HTTP/1.1 200 OK\r\n";
        let (mut reader, mut writer) = TcpStream::connect(self.address).await.unwrap().into_split();
        let sender = tokio::spawn(async move {
            let last = HEALTH.replacen("\r\n", "\r\nconnection: close\r\n", 1);
            let all = HEALTH.repeat(requests - 1) + &last;
            writer.write_all(all.as_bytes()).await.map(|()| writer)
        });
        let mut answers = Vec::new();
        guarded(reader.read_to_end(&mut answers)).await.unwrap();
        assert_eq!(answers.windows(ANSWERED.len()).filter(|bytes| *bytes == ANSWERED).count(), requests);
        sender.await.unwrap().unwrap();
    }

    async fn end(&mut self) -> ExitStatus {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").arg(pid).status().await.unwrap().success());
        guarded(self.child.wait()).await.unwrap()
    }
}

#[tokio::test]
async fn requests_are_answered_and_the_end_comes_while_nobody_reads_the_log() {
    let mut program = Program::start(Stdio::piped()).await;
    let unread = program.child.stderr.take();
    program.ask(REQUESTS).await;
    program.ask(1).await;
    assert_eq!(program.end().await.code(), Some(0));
    drop(unread);
}

#[tokio::test]
async fn a_reader_who_comes_back_is_told_how_many_lines_are_missing() {
    let mut program = Program::start(Stdio::piped()).await;
    let mut lines = BufReader::new(program.child.stderr.take().unwrap()).lines();
    program.ask(REQUESTS).await;
    let mut seen = 0;
    let dropped = loop {
        let line = guarded(lines.next_line()).await.unwrap().expect("a line about what is missing");
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        match line["dropped"].as_u64() {
            Some(dropped) => break dropped,
            None => seen += u64::from(line["target"] == "doorward::request"),
        }
    };
    assert!(dropped > 0);
    assert_eq!(seen + dropped, REQUESTS as u64);
    // From now on nothing is missing, to the last line.
    program.ask(7).await;
    assert_eq!(program.end().await.code(), Some(0));
    let mut rest = Vec::new();
    while let Some(line) = guarded(lines.next_line()).await.unwrap() {
        rest.push(line);
    }
    assert_eq!(rest.iter().filter(|line| line.contains("doorward::request")).count(), 7);
    assert!(rest.last().unwrap().contains("stopping"), "{rest:?}");
}

#[tokio::test]
async fn a_log_on_a_full_disk_costs_no_request() {
    let mut program = Program::start(File::create("/dev/full").unwrap()).await;
    program.ask(100).await;
    assert_eq!(program.end().await.code(), Some(0));
}

#[tokio::test]
async fn a_full_pipe_instead_of_standard_output_holds_up_nothing() {
    let (unread, full) = std::io::pipe().unwrap();
    let mut other = full.try_clone().unwrap();
    std::thread::spawn(move || other.write_all(&vec![b'x'; 1024 * 1024]));
    // In its own network of the loopback nobody else takes the port meanwhile.
    let address = TcpListener::bind("127.7.7.7:0").unwrap().local_addr().unwrap();
    let folder = TempDir::new().unwrap();
    let mut command = Program::command(&folder, address);
    let child = command.stdout(full).stderr(Stdio::null()).spawn().unwrap();
    let mut program = Program { child, address, _folder: folder };
    guarded(async {
        while TcpStream::connect(address).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    program.ask(1).await;
    assert_eq!(program.end().await.code(), Some(0));
    drop(unread);
}
