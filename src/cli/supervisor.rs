//! Tells systemd how the service is: ready, alive, stopping (`Type=notify`). A datagram each; nobody waits for an answer.

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::config::supervisor::Supervisor;

/// Tells nobody where nobody asked.
pub(super) struct Notify(Option<Socket>);

impl Notify {
    pub(super) fn new(supervisor: &Supervisor) -> Self {
        Self(supervisor.socket.as_deref().and_then(|name| {
            Socket::connect(name).inspect_err(|error| tracing::warn!(%error, "NOTIFY_SOCKET can't be used")).ok()
        }))
    }

    /// Says something, such as `READY=1`. What fails is no reason to stop serving.
    pub(super) fn tell(&self, what: &str) {
        if let Some(socket) = &self.0
            && let Err(error) = socket.send(what)
        {
            tracing::warn!(%error, what, "the supervisor was not told");
        }
    }

    /// Says that the runtime runs, twice in the time after which it would be taken for dead.
    pub(super) fn keep_alive(self, watchdog: Duration) -> JoinHandle<()> {
        tokio::spawn(async move {
            let mut every = tokio::time::interval(watchdog / 2);
            every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                every.tick().await;
                self.tell("WATCHDOG=1");
            }
        })
    }
}

#[cfg(unix)]
struct Socket(std::os::unix::net::UnixDatagram);

#[cfg(unix)]
impl Socket {
    fn connect(name: &std::ffi::OsStr) -> std::io::Result<Self> {
        let socket = std::os::unix::net::UnixDatagram::unbound()?;
        // systemd that does not read holds up nobody.
        socket.set_nonblocking(true)?;
        match name.as_encoded_bytes().strip_prefix(b"@") {
            Some(name) => Self::connect_abstract(&socket, name)?,
            None => socket.connect(name)?,
        }
        Ok(Self(socket))
    }

    #[cfg(target_os = "linux")]
    fn connect_abstract(socket: &std::os::unix::net::UnixDatagram, name: &[u8]) -> std::io::Result<()> {
        use std::os::linux::net::SocketAddrExt as _;
        socket.connect_addr(&std::os::unix::net::SocketAddr::from_abstract_name(name)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn connect_abstract(_: &std::os::unix::net::UnixDatagram, _: &[u8]) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn send(&self, what: &str) -> std::io::Result<()> {
        self.0.send(what.as_bytes()).map(drop)
    }
}

#[cfg(not(unix))]
struct Socket;

#[cfg(not(unix))]
impl Socket {
    fn connect(_: &std::ffi::OsStr) -> std::io::Result<Self> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn send(&self, _: &str) -> std::io::Result<()> {
        Ok(())
    }
}
