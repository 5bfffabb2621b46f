//! The real `doorward` binary, in a folder of its own, on a free port.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The binary.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_doorward");

/// A running server. It is killed, and its folder goes, when this is dropped.
pub(crate) struct Server {
    child: Child,
    folder: TempDir,
    port: u16,
    settings: Vec<(String, String)>,
}

impl Server {
    /// Starts the server with these settings alone, and returns when it listens.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_by(program(), settings)
    }

    /// The same, by a command that becomes the server.
    pub(crate) fn start_by(command: Command, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let settings: Vec<_> = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (child, port) = spawn(command, folder.path(), &settings);
        Self { child, folder, port, settings }
    }

    /// Kills it as `kill -9` does, and starts it again on the same data.
    pub(crate) fn kill_and_restart(&mut self) {
        self.kill();
        self.start_again();
    }

    /// Kills it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("its end");
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a process").is_some()
    }

    /// Waits for its end, with which code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.child.wait().expect("its end").code()
    }

    /// Starts it again on the same data, once it is killed.
    pub(crate) fn start_again(&mut self) {
        (self.child, self.port) = spawn(program(), self.folder.path(), &self.settings);
    }

    /// Changes a setting of the next start.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Runs a command beside it, with its settings, to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let settings = self.settings.iter().map(|(name, value)| (name, value));
        let mut command = Command::new(PROGRAM);
        command.args(arguments).env_clear().env("PORT", "0").envs(settings).current_dir(self.folder());
        command.stdin(Stdio::null()).output().expect("the binary must run")
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The folder that it runs in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The first line of its log that holds this text, which it will write if it has not.
    pub(crate) fn logged(&self, text: &str) -> String {
        let began = Instant::now();
        loop {
            if let Some(line) = self.log().lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{text:?} was never logged: {}", self.log());
            std::thread::yield_now();
        }
    }

    /// What it has written to its standard error.
    pub(crate) fn log(&self) -> String {
        log_in(self.folder())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log_in(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).expect("the log file")
}

fn program() -> Command {
    let mut command = Command::new(PROGRAM);
    command.stdin(Stdio::null());
    command
}

/// Starts the server in a folder; returns when it listens, with its port.
fn spawn(mut command: Command, folder: &Path, settings: &[(String, String)]) -> (Child, u16) {
    let log = File::create(folder.join("log")).expect("a log file");
    let mut child = command
        .env_clear()
        .env("PORT", "0")
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect("the binary must run");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut seen = String::new();
    let port = loop {
        let from = seen.len();
        let read = lines.read_line(&mut seen).expect("text");
        assert!(read > 0, "the server ended: {seen}{}", log_in(folder));
        let line = &seen[from..];
        if line.starts_with("Doorward on ") {
            break port_in(line).unwrap_or_else(|| panic!("no port in {line:?}"));
        }
    };
    // The pipe must not fill up.
    std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
    (child, port)
}

/// The port of `Doorward on http://localhost:8000 (..)` or `Doorward on http://127.0.0.1:8000, ..`.
fn port_in(line: &str) -> Option<u16> {
    let (_, after) = line.split_once("//")?;
    after.split([' ', ',']).next()?.rsplit(':').next()?.parse().ok()
}
