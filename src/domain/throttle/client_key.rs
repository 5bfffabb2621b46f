//! How a client's address becomes the key of a counter.

use std::net::{IpAddr, Ipv6Addr};

/// Whose attempts are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientKey {
    /// One IPv4 address, also when it comes as an IPv4-mapped IPv6 address.
    V4(u32),
    /// An IPv6 /64: what one household or one server gets. Its holder has 2^64 addresses to choose from.
    V6(u64),
    /// An IPv6 /48, in the upper bits: what one site gets. Its holder has 65,536 /64.
    V6Site(u64),
    /// All clients without an address.
    Unknown,
}

impl ClientKey {
    /// The key of an address.
    #[must_use]
    pub fn of(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => Self::V4(address.to_bits()),
            Some(IpAddr::V6(address)) => Self::V6(upper_half(address)),
            None => Self::Unknown,
        }
    }

    /// The /48 of a /64, which has a limit of its own; none for the others.
    #[must_use]
    pub fn site(self) -> Option<Self> {
        match self {
            Self::V6(network) => Some(Self::V6Site(network & !0xffff)),
            _ => None,
        }
    }

    /// The bucket of those who come when there is no room for a counter of their own: IPv4 by /16, IPv6 by /32 (folded to 16
    /// bits: there are too many /32 for a bucket each).
    #[must_use]
    pub fn shared(self) -> u16 {
        match self {
            Self::V4(address) => high_half(address),
            Self::V6(network) | Self::V6Site(network) => {
                let provider = u32::try_from(network >> 32).unwrap_or_default();
                high_half(provider) ^ high_half(provider << 16)
            }
            Self::Unknown => 0,
        }
    }
}

fn upper_half(address: Ipv6Addr) -> u64 {
    u64::try_from(address.to_bits() >> 64).unwrap_or_default()
}

fn high_half(bits: u32) -> u16 {
    u16::try_from(bits >> 16).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(address: &str) -> ClientKey {
        ClientKey::of(Some(address.parse().unwrap()))
    }

    #[test]
    fn an_ipv4_address_has_one_key_however_it_is_written() {
        assert_eq!(key("203.0.113.7"), ClientKey::V4(0xcb00_7107));
        assert_eq!(key("::ffff:203.0.113.7"), key("203.0.113.7"));
        assert_ne!(key("203.0.113.8"), key("203.0.113.7"));
        assert_eq!(key("203.0.113.7").site(), None);
    }

    #[test]
    fn an_ipv6_network_of_64_bits_has_one_key() {
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("2001:db8:1:2::1").site(), key("2001:db8:1:ffff::1").site());
        assert_ne!(key("2001:db8:1:2::1").site(), key("2001:db8:2:2::1").site());
        // An IPv4-compatible address (deprecated) is no IPv4 address.
        assert_eq!(key("::203.0.113.7"), ClientKey::V6(0));
    }

    #[test]
    fn shared_buckets_are_a_few() {
        assert_eq!(key("203.0.113.7").shared(), key("203.0.255.255").shared());
        assert_ne!(key("203.0.113.7").shared(), key("203.1.113.7").shared());
        assert_eq!(key("2001:db8:1:2::1").shared(), key("2001:db8:ffff::").shared());
        assert_eq!(key("2001:db8:1:2::1").site().unwrap().shared(), key("2001:db8::").shared());
        assert_ne!(key("2001:db8::").shared(), key("2001:db9::").shared());
        assert_ne!(key("2001:db8::").shared(), key("2002:db8::").shared());
    }

    #[test]
    fn clients_without_an_address_are_counted_together() {
        assert_eq!(ClientKey::of(None), ClientKey::Unknown);
        assert_eq!(ClientKey::Unknown.site(), None);
    }
}
