//! The real program.

use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::support::guarded;

const HEALTH: &str = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";

/// Run in a folder of its own, with given variables alone.
pub struct Program {
    pub child: Child,
    pub address: SocketAddr,
    /// Where it runs.
    #[expect(dead_code, reason = "it goes when this is dropped")]
    pub folder: TempDir,
}

impl Program {
    pub fn command(folder: &TempDir, address: SocketAddr) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
        command.current_dir(folder).env_clear().kill_on_drop(true).stdin(Stdio::null()).env("LOG_FORMAT", "json");
        command.env("HOST", address.ip().to_string()).env("PORT", address.port().to_string());
        command
    }

    pub async fn start(stderr: impl Into<Stdio>, variables: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        let mut command = Self::command(&folder, "127.0.0.1:0".parse().unwrap());
        let mut child = command.envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        let mut line = String::new();
        guarded(BufReader::new(child.stdout.take().unwrap()).read_line(&mut line)).await.unwrap();
        let origin = line.split([' ', ',']).find_map(|word| word.strip_prefix("http://")).expect("an origin");
        Self { child, address: origin.parse().unwrap(), folder }
    }

    /// Sends so many requests, and reads all answers.
    pub async fn ask(&self, requests: usize) {
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

    pub async fn end(&mut self) -> ExitStatus {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").arg(pid).status().await.unwrap().success());
        guarded(self.child.wait()).await.unwrap()
    }
}
