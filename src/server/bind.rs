//! Listening sockets.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// Connections that the system keeps until they are accepted.
const BACKLOG: i32 = 1024;

/// With port 0, how often another port is tried when the one that the first address got is taken on the second.
const ATTEMPTS: usize = 16;

/// An address that can't be listened on.
#[derive(Debug, thiserror::Error)]
#[error("can't listen on {address}: {source}")]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// Why: [`io::ErrorKind::AddrInUse`] when another program listens there.
    pub source: io::Error,
}

/// Listens on all addresses, in their order. Port 0 picks a free port, the same for all of them that ask so. An IPv6 address of a
/// machine without IPv6 is left out if another address remains.
///
/// # Errors
/// Names the first address that can't be listened on.
pub fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, BindError> {
    let picks_port = addresses.iter().filter(|address| address.port() == 0).count() > 1;
    let mut attempt = 1;
    loop {
        match bind_all(addresses) {
            Err(error) if picks_port && attempt < ATTEMPTS && error.source.kind() == io::ErrorKind::AddrInUse => {
                attempt += 1;
            }
            result => return result,
        }
    }
}

fn bind_all(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, BindError> {
    let has_v4_wildcard = addresses.iter().any(|address| address.ip() == Ipv4Addr::UNSPECIFIED);
    let mut listeners = Vec::new();
    let mut left_out = None;
    let mut picked = 0;
    for address in addresses {
        let mut address = *address;
        if address.port() == 0 {
            address.set_port(picked);
        }
        // `::` alone serves IPv4 too, on every system.
        let only_v6 = address.ip() != Ipv6Addr::UNSPECIFIED || has_v4_wildcard;
        match listen(address, only_v6) {
            Ok((listener, port)) => {
                picked = port;
                listeners.push(listener);
            }
            Err(source) if address.is_ipv6() && is_missing_family(&source) => {
                left_out = Some(BindError { address, source });
            }
            Err(source) => return Err(BindError { address, source }),
        }
    }
    match left_out {
        Some(error) if listeners.is_empty() => Err(error),
        _ => Ok(listeners),
    }
}

fn listen(address: SocketAddr, only_v6: bool) -> io::Result<(TcpListener, u16)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(only_v6)?;
    }
    // A restart need not wait for old connections. On Windows the option would let two programs share the port.
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from_std(socket.into())?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

/// The machine, or its container, has no IPv6.
fn is_missing_family(error: &io::Error) -> bool {
    let no_such_family = matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported);
    // EAFNOSUPPORT, which has no kind: Linux, macOS, Windows.
    no_such_family || matches!(error.raw_os_error(), Some(97 | 47 | 10_047))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    const LOOPBACKS: [SocketAddr; 2] =
        [SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0), SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0)];

    #[tokio::test]
    async fn both_loopbacks_get_one_port() {
        let listeners = bind(&LOOPBACKS).unwrap();
        let ports: Vec<_> = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        assert!(ports.iter().all(|port| *port != 0 && *port == ports[0]), "{ports:?}");
    }

    #[tokio::test]
    async fn a_taken_port_is_named() {
        let first = bind(&LOOPBACKS[..1]).unwrap();
        let address = first[0].local_addr().unwrap();
        let error = bind(&[address]).unwrap_err();
        assert_eq!((error.address, error.source.kind()), (address, io::ErrorKind::AddrInUse));
    }
}
