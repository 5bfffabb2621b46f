//! The program, run in a folder of its own and with given variables alone.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

/// How a run ended, and what it printed.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

fn doorward(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.current_dir(folder).args(arguments).env_clear().envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to its end.
pub fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Finished {
    let output = doorward(folder, arguments, variables).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Finished { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// A server that has told its address. Killed when dropped.
pub struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    err: BufReader<ChildStderr>,
    /// What it has printed: one line.
    pub line: String,
}

impl Server {
    /// On a port of the system's choice.
    pub fn start(folder: &Path, variables: &[(&str, &str)]) -> Self {
        let mut child = doorward(folder, &[], &[&[("PORT", "0")], variables].concat()).spawn().unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let mut server = Self { child, out: BufReader::new(out), err: BufReader::new(err), line: String::new() };
        server.out.read_line(&mut server.line).unwrap();
        if !server.line.starts_with("Doorward on http://") {
            let mut err = String::new();
            server.err.read_to_string(&mut err).unwrap();
            panic!("no server: {}{err}", server.line);
        }
        server
    }

    pub fn port(&self) -> u16 {
        let origin = self.line.split([' ', ',']).find(|word| word.starts_with("http://")).unwrap();
        origin.rsplit(':').next().unwrap().parse().unwrap()
    }

    pub fn signal(&self, name: &str) {
        let killed = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    /// Reads the log up to the line that holds the text.
    pub fn wait_for(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(self.err.read_line(&mut line).unwrap(), 0, "{text} was never logged");
        }
    }

    /// Sends the signal and waits for the end; what was read before is not part of what is returned.
    pub fn end(mut self, signal: &str) -> Finished {
        self.signal(signal);
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        self.err.read_to_string(&mut err).unwrap();
        Finished { code: self.child.wait().unwrap().code(), out, err }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The whole answer.
pub fn get(host: &str, port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect((host, port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
