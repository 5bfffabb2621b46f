//! Whose request is it: the client's address behind proxies that are trusted.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

/// Whether an address belongs to a trusted network.
#[must_use]
pub fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    let address = address.to_canonical();
    trusted.iter().any(|network| network.contains(&address))
}

/// The client's address: the socket's peer, unless that is a trusted proxy. Then the hops of `X-Forwarded-For` (its lines in the
/// order of the request) are walked from the right, that is from the nearest, to the first that is not trusted: only what a
/// trusted proxy wrote is believed. A hop that can't be read ends the walk at the last good one.
#[must_use]
pub fn client_ip<'a, Lines>(peer: IpAddr, forwarded_for: Lines, trusted: &[IpNet]) -> IpAddr
where
    Lines: IntoIterator<Item = &'a [u8]>,
    Lines::IntoIter: DoubleEndedIterator,
{
    let mut client = peer.to_canonical();
    let mut hops = forwarded_for.into_iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
    while is_trusted(client, trusted) {
        match hops.next().and_then(parse_hop) {
            Some(hop) => client = hop,
            None => break,
        }
    }
    client
}

/// What stands at a place of `X-Forwarded-For`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// An address of a trusted network.
    Trusted,
    /// Another address.
    Other,
    /// No address.
    Unreadable,
}

/// The header's shape, from left to right: all that may be told of it.
#[must_use]
pub fn shape<'a>(forwarded_for: impl IntoIterator<Item = &'a [u8]>, trusted: &[IpNet]) -> Vec<Hop> {
    let hops = forwarded_for.into_iter().flat_map(|line| line.split(|byte| *byte == b','));
    hops.map(|hop| match parse_hop(hop) {
        Some(address) if is_trusted(address, trusted) => Hop::Trusted,
        Some(_) => Hop::Other,
        None => Hop::Unreadable,
    })
    .collect()
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`, the last three with a zone id, which is
/// dropped. An IPv4-mapped IPv6 address is the IPv4 address.
fn parse_hop(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim_matches([' ', '\t']);
    let address = if let Ok(address) = hop.parse::<SocketAddr>() {
        address.ip()
    } else if let Some(bracketed) = hop.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        if !port.is_empty() {
            port.strip_prefix(':')?.parse::<u16>().ok()?;
        }
        parse_v6(address)?
    } else {
        hop.parse::<IpAddr>().ok().or_else(|| parse_v6(hop))?
    };
    Some(address.to_canonical())
}

fn parse_v6(text: &str) -> Option<IpAddr> {
    let address = text.split_once('%').map_or(text, |(address, _zone)| address);
    address.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PEER: &str = "10.0.0.1";

    fn trusted() -> Vec<IpNet> {
        ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap()).to_vec()
    }

    fn walk(peer: &str, lines: &[&str]) -> String {
        client_ip(peer.parse().unwrap(), lines.iter().map(|line| line.as_bytes()), &trusted()).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(walk("203.0.113.9", &["192.0.2.1"]), "203.0.113.9");
        assert_eq!(walk("::ffff:203.0.113.9", &["192.0.2.1"]), "203.0.113.9");
    }

    #[test]
    fn the_first_untrusted_hop_from_the_right_is_the_client() {
        let cases: &[(&[&str], &str)] = &[
            (&[], PEER),
            (&["192.0.2.1"], "192.0.2.1"),
            (&["198.51.100.1, 192.0.2.1"], "192.0.2.1"),
            (&["192.0.2.1,10.1.1.1 ,\tfd00::5"], "192.0.2.1"),
            (&["198.51.100.1", "192.0.2.1, 10.1.1.1", "10.2.2.2"], "192.0.2.1"),
            (&["10.3.3.3, 10.4.4.4"], "10.3.3.3"),
        ];
        for (lines, expected) in cases {
            assert_eq!(walk(PEER, lines), *expected, "{lines:?}");
        }
        assert_eq!(walk("::ffff:10.0.0.1", &["192.0.2.1"]), "192.0.2.1");
    }

    #[test]
    fn ports_brackets_and_zones_are_read() {
        let cases = [
            ("192.0.2.1:8080", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%25eth0]:443", "fe80::1"),
            ("[fe80::1%3]:443", "fe80::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ];
        for (hop, expected) in cases {
            assert_eq!(walk(PEER, &[hop]), expected, "{hop}");
        }
    }

    #[test]
    fn the_shape_tells_no_address() {
        let lines: [&[u8]; 2] = [b"192.0.2.1, unknown", b"10.1.1.1"];
        assert_eq!(shape(lines, &trusted()), [Hop::Other, Hop::Unreadable, Hop::Trusted]);
    }

    #[test]
    fn an_unreadable_hop_ends_the_walk_at_the_last_good_one() {
        let unreadable = [
            "",
            " ",
            "unknown",
            "_hidden",
            "192.0.2.1:",
            "192.0.2.1:99999",
            "192.0.2.1:80:80",
            "[2001:db8::1",
            "[::1]x",
            "[192.0.2.1]",
            "\"192.0.2.1\"",
            "for=192.0.2.1",
            "192.0.2.1%eth0",
            "1.2.3",
            "0x7f.1",
            "192.0.2.01",
            "é",
        ];
        for hop in unreadable {
            assert_eq!(walk(PEER, &[&format!("192.0.2.1, {hop}, 10.5.5.5")]), "10.5.5.5", "{hop}");
            assert_eq!(walk(PEER, &[hop]), PEER, "{hop}");
        }
        let raw: [&[u8]; 1] = [b"192.0.2.1,\xff\xfe"];
        assert_eq!(client_ip(PEER.parse().unwrap(), raw, &trusted()).to_string(), PEER);
    }

    fn any_address() -> impl Strategy<Value = IpAddr> {
        prop_oneof![
            any::<[u8; 4]>().prop_map(IpAddr::from),
            any::<[u8; 16]>().prop_map(IpAddr::from),
            // Otherwise chance would hardly ever make a trusted one.
            any::<[u8; 3]>().prop_map(|[a, b, c]| IpAddr::from([10, a, b, c])),
        ]
    }

    proptest! {
        #[test]
        fn never_panics_and_never_believes_an_untrusted_peer(
            peer in any_address(),
            lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..4),
        ) {
            let client = client_ip(peer, lines.iter().map(Vec::as_slice), &trusted());
            if !is_trusted(peer, &trusted()) {
                prop_assert_eq!(client, peer.to_canonical());
            }
        }

        /// The law, told the other way round: every address to the right of the client, the peer among them, is trusted, and the
        /// client is not, unless it is the leftmost.
        #[test]
        fn nothing_an_untrusted_hop_wrote_is_believed(peer in any_address(), hops in prop::collection::vec(any_address(), 0..8)) {
            let header = hops.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ");
            let lines: &[&[u8]] = if hops.is_empty() { &[] } else { &[header.as_bytes()] };
            let client = client_ip(peer, lines.iter().copied(), &trusted());
            let mut path: Vec<IpAddr> = hops.iter().map(IpAddr::to_canonical).collect();
            path.push(peer.to_canonical());
            let untrusted = path.iter().rposition(|hop| !is_trusted(*hop, &trusted()));
            prop_assert_eq!(client, path[untrusted.unwrap_or(0)]);
        }

        /// What the client itself writes in front changes nothing.
        #[test]
        fn a_forged_prefix_changes_nothing(forged in "[ -~]{0,60}", client in any_address()) {
            prop_assume!(!is_trusted(client, &trusted()));
            let header = format!("{forged}, {client}");
            prop_assert_eq!(client_ip(PEER.parse().unwrap(), [header.as_bytes()], &trusted()), client.to_canonical());
        }
    }
}
