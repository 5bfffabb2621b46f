//! Networks: how they are read, and when they are no network any more but the internet.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::domain::throttle::Limit;

use super::kinds::{items, limit};
use super::setting::{Kind, Parse, Reason};

pub(super) const PROXIES: Kind<Vec<IpNet>> = Kind {
    values: "networks such as `10.0.0.0/8` and addresses, separated by commas, or `none`",
    parse: Parse::Text(|text| {
        if text == "none" {
            return Ok(Vec::new());
        }
        let networks = items(text).map(network).collect::<Result<Vec<_>, _>>()?;
        if IpNet::aggregate(&networks).iter().any(|network| network.prefix_len() == 0) {
            return Err(Reason::Because(
                "must not hold all addresses: anybody could then name any address as their own",
            ));
        }
        Ok(networks)
    }),
};

pub(super) const NETWORK_LIMITS: Kind<Vec<(IpNet, Limit)>> = Kind {
    values: "networks with limits such as `203.0.113.0/24:60/1m`, separated by commas",
    parse: Parse::Text(|text| {
        let pair = |item: &str| {
            let (net, most) = item.rsplit_once(':').ok_or(Reason::Values)?;
            Ok((network(net)?, limit(most)?))
        };
        let limits = items(text).map(pair).collect::<Result<Vec<_>, _>>()?;
        for (index, (net, _)) in limits.iter().enumerate() {
            if limits[..index].iter().any(|(earlier, _)| earlier == net) {
                return Err(Reason::Because("must not name a network twice"));
            }
        }
        Ok(limits)
    }),
};

/// A network, or an address alone. Bits after the prefix are cut.
fn network(text: &str) -> Result<IpNet, Reason> {
    let parsed = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    parsed.map(|network| network.trunc()).map_err(|_| Reason::Values)
}

/// Whether these networks together hold more public addresses than an IPv4 /8 or an IPv6 /16 does. Nobody's proxies and nobody's
/// office are as many: strangers are among them. Counted together, because many small networks can be the internet, too.
pub(super) fn hold_strangers(networks: &[IpNet]) -> bool {
    let (mut v4, mut v6) = (0_u64, 0_u128);
    for network in IpNet::aggregate(&networks.to_vec()).iter().filter(|network| !is_private(network)) {
        match network {
            IpNet::V4(network) => v4 += 1 << (32 - network.prefix_len()),
            // All of IPv6 is one address more than the type holds.
            IpNet::V6(network) => {
                v6 = v6.saturating_add(1_u128.checked_shl(128 - u32::from(network.prefix_len())).unwrap_or(u128::MAX));
            }
        }
    }
    v4 > 1 << 24 || v6 > 1 << 112
}

/// Whether no address of it is routed on the internet: RFC 1918, RFC 4193, loopback and link-local.
fn is_private(network: &IpNet) -> bool {
    match network {
        IpNet::V4(network) => {
            let mut within =
                [[10, 0, 0, 0, 8], [172, 16, 0, 0, 12], [192, 168, 0, 0, 16], [127, 0, 0, 0, 8], [169, 254, 0, 0, 16]]
                    .into_iter();
            within.any(|[a, b, c, d, prefix]| {
                Ipv4Net::new([a, b, c, d].into(), prefix).is_ok_and(|private| private.contains(network))
            })
        }
        IpNet::V6(network) => {
            let mut within = [(0xfc00, 0, 7), (0xfe80, 0, 10), (0, 1, 128)].into_iter();
            within.any(|(first, last, prefix)| {
                Ipv6Net::new([first, 0, 0, 0, 0, 0, 0, last].into(), prefix)
                    .is_ok_and(|private| private.contains(network))
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn strangers(networks: &str) -> bool {
        hold_strangers(&items(networks).map(|text| network(text).unwrap()).collect::<Vec<_>>())
    }

    #[test]
    fn private_networks_and_those_of_real_proxies_hold_no_strangers() {
        for networks in [
            "",
            "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,127.0.0.0/8,169.254.0.0/16,fc00::/7,::1,fe80::/10",
            "10.0.0.0/9,10.128.0.0/9",
            "8.0.0.0/8",
            "2400::/16",
            "173.245.48.0/20,104.16.0.0/13,104.24.0.0/14,172.64.0.0/13,2400:cb00::/32,2a06:98c0::/29",
            // One within the other counts once.
            "8.0.0.0/8,8.8.8.0/24,8.8.8.8",
        ] {
            assert!(!strangers(networks), "{networks}");
        }
    }

    #[test]
    fn the_internet_is_no_network_however_it_is_cut() {
        let eighths = |step: u8| (1..=126).step_by(step.into()).map(|first| format!("{first}.0.0.0/8"));
        for networks in [
            "0.0.0.0/0",
            "::/0",
            "8.0.0.0/7",
            "2400::/15",
            "0.0.0.0/1,128.0.0.0/1",
            "::/1,8000::/1",
            // Wider than what is private in it.
            "10.0.0.0/7",
            "fc00::/6",
            "8.0.0.0/8,203.0.113.7",
            "2400::/16,2a00::1",
            // Neighbours, and not.
            &eighths(1).collect::<Vec<_>>().join(","),
            &eighths(4).collect::<Vec<_>>().join(","),
        ] {
            assert!(strangers(networks), "{networks}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,20}") {
            let _ = network(&text);
        }

        #[test]
        fn any_networks_can_be_counted(bits: Vec<(u128, u8)>) {
            let networks: Vec<IpNet> = bits
                .into_iter()
                .map(|(bits, prefix)| IpNet::V6(Ipv6Net::new(bits.into(), prefix % 129).unwrap()))
                .collect();
            let alone = networks.iter().any(|network| hold_strangers(&[*network]));
            prop_assert!(!alone || hold_strangers(&networks));
        }
    }
}
