//! Opens the sockets that the service listens on.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// How many connections may wait to be accepted; the system may allow fewer.
const BACKLOG: i32 = 1024;

/// Why the service cannot listen; a sentence with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another program listens there.
    #[error("port {} is taken on {}: stop the program that uses it, or choose another port, such as PORT={}",
        .0.port(), .0.ip(), .0.port().wrapping_add(1))]
    Taken(SocketAddr),
    /// The system reserves the port.
    #[error("this user may not listen on port {}: choose a port above 1023 with PORT", .0.port())]
    Reserved(SocketAddr),
    /// No interface has the address.
    #[error("this machine has no address {}: set HOST to one that it has, or to 0.0.0.0 for all", .0.ip())]
    NoSuchAddress(SocketAddr),
    /// Something else.
    #[error("cannot listen on {0}")]
    Other(SocketAddr, #[source] io::Error),
    /// What systemd has opened is none, or can't be had.
    #[error(
        "LISTEN_FDS: descriptor {0} is no TCP socket that listens: doorward.socket may have ListenStream= with an address and a port alone"
    )]
    NotHandedOver(u32, #[source] io::Error),
}

/// Listens on all of these. Port 0 picks one that is free on all of them. A loopback address that the machine does not have
/// (containers without IPv6) is left out as long as another is there.
///
/// # Errors
/// When one of the others cannot be had, or none is left.
pub fn listen(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, ListenError> {
    // A port that is free on one address may be taken on the next one: then another is picked.
    let mut attempts = if addresses.iter().all(|address| address.port() == 0) { 20 } else { 1 };
    loop {
        attempts -= 1;
        match listen_once(addresses) {
            Err(ListenError::Taken(_)) if attempts > 0 => {}
            done => return done,
        }
    }
}

fn listen_once(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut missing = None;
    for &(mut address) in addresses {
        if let (0, Some(first)) = (address.port(), listeners.first()) {
            address.set_port(first.local_addr().map_err(|error| ListenError::Other(address, error))?.port());
        }
        match open(address) {
            Ok(listener) => listeners.push(listener),
            Err(error) => match (error.kind(), address.ip().is_loopback()) {
                (ErrorKind::AddrInUse, _) => return Err(ListenError::Taken(address)),
                (ErrorKind::PermissionDenied, _) => return Err(ListenError::Reserved(address)),
                (ErrorKind::AddrNotAvailable, false) => return Err(ListenError::NoSuchAddress(address)),
                (_, false) => return Err(ListenError::Other(address, error)),
                (_, true) => missing = Some(ListenError::Other(address, error)),
            },
        }
    }
    match missing {
        Some(error) if listeners.is_empty() => Err(error),
        _ => Ok(listeners),
    }
}

/// Takes over sockets that listen already: so many descriptors from 3 on (`sd_listen_fds(3)`). Whoever has opened them keeps them open:
/// what comes while nobody serves waits there.
///
/// # Errors
/// When one is something else.
pub fn handed_over(count: u32) -> Result<Vec<TcpListener>, ListenError> {
    (FIRST_HANDED_OVER..FIRST_HANDED_OVER.saturating_add(count))
        .map(|number| take_over(number).map_err(|error| ListenError::NotHandedOver(number, error)))
        .collect()
}

/// `SD_LISTEN_FDS_START`.
const FIRST_HANDED_OVER: u32 = 3;

/// A copy of a descriptor that is only known by its number; the kernel makes it as of another process's, since this one can't be sure
/// that nobody else has it.
#[cfg(target_os = "linux")]
fn take_over(number: u32) -> io::Result<TcpListener> {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    let number = number.try_into().map_err(|_| ErrorKind::InvalidInput)?;
    let this_process = pidfd_open(getpid(), PidfdFlags::empty())?;
    let socket = Socket::from(pidfd_getfd(this_process, number, PidfdGetfdFlags::empty())?);
    let is_tcp = matches!(socket.domain()?, Domain::IPV4 | Domain::IPV6) && socket.r#type()? == Type::STREAM;
    if !is_tcp || !socket.is_listener()? {
        return Err(ErrorKind::InvalidInput.into());
    }
    Ok(socket.into())
}

#[cfg(not(target_os = "linux"))]
fn take_over(_: u32) -> io::Result<TcpListener> {
    Err(ErrorKind::Unsupported.into())
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // `::` answers IPv4 too, whatever the system's default.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // A restart must not wait for the connections of the last run. On Windows the option means something else: it would let
    // two servers share a port.
    if cfg!(not(windows)) {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACKS: [&str; 2] = ["127.0.0.1:0", "[::1]:0"];

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn both_loopbacks_share_one_port() {
        let listeners = listen(&addresses(&LOOPBACKS)).unwrap();
        let ports: Vec<u16> = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        assert!(ports[0] != 0 && ports.iter().all(|port| *port == ports[0]), "{ports:?}");
    }

    #[test]
    fn a_taken_port_is_named_with_a_remedy() {
        let first = listen(&addresses(&LOOPBACKS[..1])).unwrap();
        let taken = first[0].local_addr().unwrap();
        let error = listen(&[taken]).unwrap_err().to_string();
        assert!(error.contains(&format!("port {} is taken", taken.port())) && error.contains("PORT="), "{error}");
    }

    #[test]
    fn an_address_that_is_not_ours_is_refused_and_a_missing_loopback_is_not() {
        // 192.0.2.0/24 is reserved for documentation: no interface has it.
        let error = listen(&addresses(&["192.0.2.1:0"])).unwrap_err();
        assert!(matches!(error, ListenError::NoSuchAddress(_)), "{error}");
        assert!(listen(&[]).unwrap().is_empty());
    }
}
