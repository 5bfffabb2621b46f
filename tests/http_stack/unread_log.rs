//! The program itself, while nobody reads what it writes.

#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;

use crate::program::Program;
use crate::support::guarded;

/// Their lines are more than a pipe and the queue hold together.
const REQUESTS: usize = 10_000;

#[tokio::test]
async fn requests_are_answered_and_the_end_comes_while_nobody_reads_the_log() {
    let mut program = Program::start(Stdio::piped(), &[]).await;
    let unread = program.child.stderr.take();
    program.ask(REQUESTS).await;
    program.ask(1).await;
    assert_eq!(program.end().await.code(), Some(0));
    drop(unread);
}

#[tokio::test]
async fn a_reader_who_comes_back_is_told_how_many_lines_are_missing() {
    let mut program = Program::start(Stdio::piped(), &[]).await;
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
    let mut program = Program::start(File::create("/dev/full").unwrap(), &[]).await;
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
    let mut program = Program { child, address, folder };
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
