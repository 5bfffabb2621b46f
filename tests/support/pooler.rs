//! Poolers before a throw-away PostgreSQL: `PgBouncer` and Pgpool-II.
//!
//! A machine without them leaves these tests out and says so; `DOORWARD_TEST_POOLERS=required` makes that a failure.

use std::fs;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::port::Port;
use super::postgres::{self, Cluster, SUPERUSER, Signal, Unprivileged};

/// Which, and how it lends PostgreSQL's sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooler {
    /// `pool_mode`.
    PgBouncer(&'static str),
    /// As it comes: a session for each client.
    Pgpool,
}

/// One that runs. It ends, and its files go, when this is dropped.
pub struct RunningPooler {
    pooler: Pooler,
    process: Child,
    port: Port,
    // Of its administrator.
    _pcp: Port,
    server: u16,
    folder: TempDir,
}

impl Pooler {
    fn program(self) -> Option<PathBuf> {
        let name = match self {
            Self::PgBouncer(_) => "pgbouncer",
            Self::Pgpool => "pgpool",
        };
        let found = ["/usr/sbin", "/usr/bin", "/usr/local/bin"].into_iter().map(|folder| Path::new(folder).join(name));
        found.into_iter().find(|program| program.is_file())
    }

    /// Starts it before a cluster. None: it is not installed, which is said.
    pub fn start(self, cluster: &Cluster) -> Option<RunningPooler> {
        let Some(program) = self.program() else {
            #[expect(clippy::disallowed_methods, reason = "tests are not configured by the settings of the service")]
            let wish = std::env::var("DOORWARD_TEST_POOLERS").unwrap_or_default();
            assert_ne!(wish, "required", "{self:?} was not found");
            // Not eprintln!, which the test runner hides.
            let _ = writeln!(io::stderr(), "{self:?} is left out of these tests: it was not found");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("doorward-pooler-").tempdir().expect("a temporary folder");
        let user = Unprivileged::for_folder(folder.path());
        let [port, pcp] = [Port::free(), Port::free()];
        let mut command = user.command(&program);
        match self {
            Self::PgBouncer(mode) => {
                fs::write(folder.path().join("conf"), pgbouncer(mode, port.number(), cluster.port())).expect("a file");
                command.arg("-q").arg(folder.path().join("conf"));
            }
            Self::Pgpool => {
                let ports = [port.number(), pcp.number(), cluster.port()];
                fs::write(folder.path().join("conf"), pgpool(folder.path(), ports)).expect("a file");
                for name in ["pcp", "hba"] {
                    fs::write(folder.path().join(name), "").expect("a file");
                }
                command.arg("-n").arg("-f").arg(folder.path().join("conf"));
                command.arg("-F").arg(folder.path().join("pcp")).arg("-a").arg(folder.path().join("hba"));
            }
        }
        let log = fs::File::create(folder.path().join("log")).expect("a file");
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(log.try_clone().expect("a file")).stderr(log);
        let process = command.spawn().expect("it must run");
        let number = port.number();
        let running = RunningPooler { pooler: self, process, port, _pcp: pcp, server: cluster.port(), folder };
        let deadline = Instant::now() + Duration::from_mins(1);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, number)).is_err() {
            let log = || fs::read_to_string(running.folder.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "{self:?} did not start: {}", log());
            thread::sleep(Duration::from_millis(10));
        }
        Some(running)
    }
}

impl RunningPooler {
    /// The URL of a database behind it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{SUPERUSER}@127.0.0.1:{}/{database}?sslmode=disable", self.port.number())
    }

    /// An administrator changes the mode of `PgBouncer` while clients are connected.
    pub fn set_mode(&self, mode: &str) {
        fs::write(self.folder.path().join("conf"), pgbouncer(mode, self.port.number(), self.server)).expect("a file");
        postgres::signal(self.process.id(), Signal::Reload);
    }
}

impl Drop for RunningPooler {
    fn drop(&mut self) {
        // Each has its own signal for an end that does not wait for clients.
        let signal = if self.pooler == Pooler::Pgpool { Signal::Interrupt } else { Signal::Terminate };
        postgres::signal(self.process.id(), signal);
        let _ = self.process.wait();
    }
}

fn pgbouncer(mode: &str, port: u16, server: u16) -> String {
    format!(
        "[databases]\n* = host=127.0.0.1 port={server} user={SUPERUSER}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         unix_socket_dir =\nauth_type = any\npool_mode = {mode}\nmax_client_conn = 100\ndefault_pool_size = 10\n"
    )
}

fn pgpool(folder: &Path, [port, pcp, server]: [u16; 3]) -> String {
    let folder = folder.display();
    format!(
        "backend_clustering_mode = 'raw'\nlisten_addresses = '127.0.0.1'\nport = {port}\npcp_listen_addresses = '127.0.0.1'\n\
         pcp_port = {pcp}\nsocket_dir = '{folder}'\npcp_socket_dir = '{folder}'\npid_file_name = '{folder}/pid'\n\
         logdir = '{folder}'\nbackend_hostname0 = '127.0.0.1'\nbackend_port0 = {server}\nbackend_weight0 = 1\n\
         num_init_children = 16\nenable_pool_hba = off\nsr_check_period = 0\nhealth_check_period = 0\n"
    )
}
