//! A port that nobody listens on, and that nobody else gets.

use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// A port of 127.0.0.1. Until this is dropped the system gives it to nobody who asks for any port, also for a connection of their own; a
/// server that asks for it by its number, with `SO_REUSEADDR` as servers do, has it. Who connects before is refused.
pub struct Port {
    number: u16,
    _held: Socket,
}

impl Port {
    /// A free one.
    pub fn free() -> Self {
        let held = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        held.set_reuse_address(true).expect("an option of sockets");
        held.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a free port");
        let address = held.local_addr().expect("an address").as_socket().expect("an internet address");
        Self { number: address.port(), _held: held }
    }

    /// Which.
    pub fn number(&self) -> u16 {
        self.number
    }
}
