//! What systemd tells a service that it supervises (`sd_notify(3)`, `sd_watchdog_enabled(3)`, `sd_listen_fds(3)`). No settings: the unit's affair.

use std::ffi::OsString;
use std::time::Duration;

/// Whoever started this process, and wants to hear of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Supervisor {
    /// `NOTIFY_SOCKET`: a path, or `@` and an abstract name.
    pub socket: Option<OsString>,
    /// `WATCHDOG_USEC`: a service that is silent for so long is taken for dead.
    pub watchdog: Option<Duration>,
    /// `LISTEN_FDS`: how many sockets it has opened for this process; the first is descriptor 3.
    pub sockets: u32,
}

impl Supervisor {
    /// That of this process.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "config reads the environment, and these are no settings")]
    pub fn of_this_process() -> Self {
        let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
        let is_this = |pid| pid == u64::from(std::process::id());
        let meant = number("WATCHDOG_PID").is_none_or(is_this);
        let watchdog = number("WATCHDOG_USEC").filter(|micros| meant && *micros > 0).map(Duration::from_micros);
        // Of another process these are inherited, and its descriptors are not here.
        let sockets = number("LISTEN_PID").filter(|pid| is_this(*pid)).and_then(|_| number("LISTEN_FDS"));
        Self {
            socket: std::env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty()),
            watchdog,
            sockets: sockets.and_then(|count| count.try_into().ok()).unwrap_or(0),
        }
    }
}
