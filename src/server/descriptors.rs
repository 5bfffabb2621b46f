//! How many sockets the system lets the process open.

/// Descriptors that connections leave to others: databases, files, listeners.
#[cfg(target_os = "linux")]
const RESERVED: u64 = 64;

/// How many descriptors there are for connections. Many systems start programs with 1024, and let them ask for more.
#[cfg(target_os = "linux")]
pub(super) fn for_connections() -> u32 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let wanted = Rlimit { current: limit.maximum, ..limit };
        if let Err(error) = setrlimit(Resource::Nofile, wanted) {
            tracing::warn!("can't raise the limit of open files: {error}");
        }
    }
    let Some(limit) = getrlimit(Resource::Nofile).current else { return u32::MAX };
    u32::try_from(limit.saturating_sub(RESERVED).max(1)).unwrap_or(u32::MAX)
}

/// Elsewhere the limit is not known.
#[cfg(not(target_os = "linux"))]
pub(super) fn for_connections() -> u32 {
    u32::MAX
}
