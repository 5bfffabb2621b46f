//! Throw-away PostgreSQL: a cluster of its own per test program, a database of its own per test.
//!
//! `DOORWARD_TEST_POSTGRES=off` leaves PostgreSQL out; so does a machine without its programs, and the run says so.
//! `DOORWARD_TEST_POSTGRES=required` makes that a failure.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use doorward::config::database::Location;
use doorward::config::secret::Secret;
use doorward::platform::clock::Clock;
use doorward::storage::Store;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::sync::OnceCell;

use super::port::Port;

/// The superuser of every cluster; whom every database belongs to.
pub const SUPERUSER: &str = "doorward_test";
/// Members of this role must give their password; all others come in without. Who needs it makes it.
pub const PASSWORD_GROUP: &str = "password_group";

/// Makes an empty database on the test program's cluster. Returns its URL, or none when PostgreSQL is left out.
pub async fn fresh_database() -> Option<String> {
    let cluster = shared()?;
    Some(cluster.create_database("").await)
}

/// Makes a database with all of Doorward's tables, as a copy of one that was migrated: cheaper than migrating each.
pub async fn migrated_database() -> Option<String> {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let cluster = shared()?;
    let template = TEMPLATE
        .get_or_init(|| async {
            let url = cluster.create_database("").await;
            let location = Location::Postgres(Secret::new(url.clone().into_bytes()));
            let store = Store::open(&super::database(location), Clock::system()).await.expect("an empty database");
            store.migrate().await.expect("the migrations");
            store.close().await;
            url.rsplit('/').next().expect("a path").to_owned()
        })
        .await;
    Some(cluster.create_database(&format!("TEMPLATE {template}")).await)
}

/// The test program's cluster, started when first asked for; none when PostgreSQL is left out.
pub fn shared() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    let fast = ["deadlock_timeout=50ms", "fsync=off", "synchronous_commit=off", "full_page_writes=off"];
    SHARED.get_or_init(|| programs().map(|programs| Cluster::start(&programs, &fast))).as_ref()
}

/// A running cluster. It stops, and its files go, when this is dropped or the test process ends in whatever way: a guard
/// process waits at the other end of a pipe for that.
pub struct Cluster {
    port: Port,
    data: PathBuf,
    certificate: Option<PathBuf>,
    databases: AtomicU32,
    pipe: Option<ChildStdin>,
    guard: Child,
}

impl Cluster {
    /// Starts a cluster with these settings (`name=value`).
    pub fn start(programs: &Path, settings: &[&str]) -> Self {
        Self::start_with(programs, settings, false)
    }

    /// Starts a cluster that offers TLS with a certificate of its own making, for `127.0.0.1`. It is what Debian sets up: no
    /// authority but itself.
    pub fn start_with_tls(programs: &Path, settings: &[&str]) -> Self {
        Self::start_with(programs, &[settings, &["ssl=on"]].concat(), true)
    }

    fn start_with(programs: &Path, settings: &[&str], certificate: bool) -> Self {
        let folder = tempfile::Builder::new().prefix("doorward-pg-").tempdir().expect("a temporary folder").keep();
        let user = Unprivileged::for_folder(&folder);
        let data = folder.join("data");

        let mut initdb = user.command(&programs.join("initdb"));
        initdb.arg("-D").arg(&data).args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        let output = initdb.current_dir(&folder).output().expect("initdb must run");
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        let rules = format!(
            "host all +{PASSWORD_GROUP} 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\nlocal all all trust\n"
        );
        fs::write(data.join("pg_hba.conf"), rules).expect("pg_hba.conf");
        if certificate {
            // Where the server looks by default, and as its user, or it would refuse the key.
            let mut openssl = user.command(Path::new("openssl"));
            openssl.args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ]);
            openssl.args(["-subj", "/CN=doorward-test", "-addext", "subjectAltName=IP:127.0.0.1"]);
            openssl.args([
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                "-keyout",
                "server.key",
                "-out",
                "server.crt",
            ]);
            let output = openssl.current_dir(&data).output().expect("openssl must run");
            assert!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
        }

        let port = Port::free();
        let script = r#"folder=$1; shift
"$@" >"$folder/log" 2>&1 & server=$!
cat >/dev/null
kill -QUIT $server; wait $server; cd /; rm -rf "$folder""#;
        let mut command = user.command(Path::new("sh"));
        command.args(["-c", script, "guard"]).arg(&folder).arg(programs.join("postgres")).arg("-D").arg(&data);
        let port_setting = format!("port={}", port.number());
        let sockets = format!("unix_socket_directories={}", folder.display());
        let ours =
            [&port_setting, &sockets, "listen_addresses=127.0.0.1", "max_connections=200", "shared_buffers=16MB"];
        for setting in ours.iter().chain(settings) {
            command.args(["-c", setting]);
        }
        command.current_dir(&folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Out of reach of a Ctrl-C in the terminal: the guard ends by the pipe alone.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut guard = command.spawn().expect("sh must run");
        let certificate = certificate.then(|| data.join("server.crt"));
        let cluster = Self {
            port,
            data: data.clone(),
            certificate,
            databases: AtomicU32::new(0),
            pipe: guard.stdin.take(),
            guard,
        };
        wait_until_ready(&data);
        cluster
    }

    /// The file of the certificate, where the cluster has one.
    pub fn certificate(&self) -> &Path {
        self.certificate.as_deref().expect("a cluster with TLS")
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Sends a signal to all of the server's processes.
    pub fn signal(&self, signal: Signal) {
        let text = fs::read_to_string(self.data.join("postmaster.pid")).expect("a server that runs");
        let server = text.lines().next().and_then(|line| line.parse().ok()).expect("a process id");
        // The one that starts others first, or last.
        let all = std::iter::once(server).chain(children(server));
        all.for_each(|process| self::signal(process, signal));
    }

    /// The URL of a database, for the superuser.
    pub fn url(&self, database: &str) -> String {
        self.url_as(SUPERUSER, database)
    }

    /// The URL of a database for another role (`name` or `name:password`).
    pub fn url_as(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port.number())
    }

    /// Makes a database with a name of its own; `options` end the statement (`OWNER somebody`, `TEMPLATE other`). Returns its URL.
    pub async fn create_database(&self, options: &str) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute("postgres", &format!("CREATE DATABASE {name} {options}")).await;
        self.url(&name)
    }

    /// Runs a statement on a database as the superuser.
    pub async fn execute(&self, database: &str, statement: &str) {
        let mut connection = PgConnection::connect(&self.url(database)).await.expect("the cluster takes connections");
        connection.execute(AssertSqlSafe(statement)).await.expect(statement);
        connection.close().await.expect("an open connection");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.pipe = None;
        let _ = self.guard.wait();
    }
}

/// What to do to a process.
#[derive(Clone, Copy, Debug)]
pub enum Signal {
    Freeze,
    Thaw,
    Kill,
    Reload,
    Interrupt,
    Terminate,
}

/// Sends a signal to a process. One that has just ended needs none.
pub fn signal(process: u32, signal: Signal) {
    let name = match signal {
        Signal::Freeze => "-STOP",
        Signal::Thaw => "-CONT",
        Signal::Kill => "-KILL",
        Signal::Reload => "-HUP",
        Signal::Interrupt => "-INT",
        Signal::Terminate => "-TERM",
    };
    Command::new("kill").args([name, &process.to_string()]).stderr(Stdio::null()).status().expect("kill must run");
}

/// The processes that a process has started.
fn children(parent: u32) -> Vec<u32> {
    let output = Command::new("ps").args(["-o", "pid=", "--ppid", &parent.to_string()]).output().expect("ps must run");
    String::from_utf8_lossy(&output.stdout).split_whitespace().filter_map(|text| text.parse().ok()).collect()
}

/// Waits for the word that the server writes into its lock file when it takes connections.
fn wait_until_ready(data: &Path) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !fs::read_to_string(data.join("postmaster.pid")).is_ok_and(|text| text.contains("ready")) {
        let log = fs::read_to_string(data.with_file_name("log")).unwrap_or_default();
        assert!(!log.contains("FATAL") && Instant::now() < deadline, "PostgreSQL did not start:\n{log}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// PostgreSQL refuses to run as root.
pub struct Unprivileged(Option<&'static str>);

impl Unprivileged {
    /// Whom to run as, and gives them the folder, which we have just made.
    pub fn for_folder(folder: &Path) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt as _, chown};
            if fs::metadata(folder).expect("the folder exists").uid() == 0 {
                let (name, id) = ["postgres", "nobody"]
                    .into_iter()
                    .find_map(|name| Some((name, user_id(name)?)))
                    .expect("a user to run PostgreSQL as");
                chown(folder, Some(id), None).expect("root may give a folder away");
                return Self(Some(name));
            }
        }
        Self(None)
    }

    pub fn command(&self, program: &Path) -> Command {
        match self.0 {
            None => Command::new(program),
            Some(name) => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={name}")).arg("--clear-groups").arg(program);
                command
            }
        }
    }
}

#[cfg(unix)]
fn user_id(name: &str) -> Option<u32> {
    let output = Command::new("id").args(["-u", name]).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// The folder with PostgreSQL's programs; none when PostgreSQL is left out, which is said once.
pub fn programs() -> Option<PathBuf> {
    static SAID: std::sync::Once = std::sync::Once::new();
    #[expect(clippy::disallowed_methods, reason = "tests are not configured by the settings of the service")]
    let (wish, path) = (std::env::var("DOORWARD_TEST_POSTGRES").unwrap_or_default(), std::env::var_os("PATH"));
    let why = if wish == "off" {
        "DOORWARD_TEST_POSTGRES=off"
    } else if let Some(folder) = find_programs(&path.unwrap_or_default()) {
        return Some(folder);
    } else {
        assert_ne!(wish, "required", "DOORWARD_TEST_POSTGRES=required, but initdb and postgres were not found");
        "initdb and postgres were not found"
    };
    // Not eprintln!, which the test runner hides.
    SAID.call_once(|| drop(writeln!(io::stderr(), "PostgreSQL is left out of these tests: {why}")));
    None
}

fn find_programs(path: &std::ffi::OsStr) -> Option<PathBuf> {
    let debian =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    std::env::split_paths(path)
        .chain(debian)
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
        // A link in the PATH: initdb looks for its siblings beside the real file.
        .and_then(|folder| Some(fs::canonicalize(folder.join("initdb")).ok()?.parent()?.to_owned()))
}
