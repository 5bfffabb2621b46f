//! Asks the local server whether it is alive, for containers.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

const PATIENCE: Duration = Duration::from_secs(3);

/// Succeeds when one of the addresses answers `GET /health` with 200.
pub(super) fn run(addresses: &[SocketAddr]) -> anyhow::Result<()> {
    let mut last = None;
    for address in addresses {
        match ask(reachable(*address)) {
            Ok(()) => return Ok(()),
            Err(error) => last = Some(error),
        }
    }
    last.map_or_else(|| bail!("there is no address to ask"), Err)
}

/// Who listens on all addresses is asked on the loopback one.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let loopback =
            if address.is_ipv4() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { IpAddr::V6(Ipv6Addr::LOCALHOST) };
        address.set_ip(loopback);
    }
    address
}

fn ask(address: SocketAddr) -> anyhow::Result<()> {
    ensure!(address.port() != 0, "with PORT=0 nobody knows which port to ask");
    let unreachable = || format!("no server answers on {address}");
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).with_context(unreachable)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).with_context(unreachable)?;
    let mut status = [0; "HTTP/1.1 200 ".len()];
    stream.read_exact(&mut status).with_context(unreachable)?;
    ensure!(status == *b"HTTP/1.1 200 ", "the server on {address} is not healthy");
    Ok(())
}
