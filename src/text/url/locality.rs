//! Network locality of addresses: the address ranges to which a server must not send a client
//! (protection against server-side request forgery, SSRF).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Network locality of an address, from the least to the most local. A server must not send a
/// client to a host that is more local than the server itself (protection against server-side
/// request forgery).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Locality {
    /// A public address, an address of a private network, or a host whose address is not known.
    Network,
    /// An address of the link: link-local and multicast addresses, and the metadata services of
    /// clouds.
    Link,
    /// An address of this machine: loopback and unspecified addresses.
    Machine,
}

/// The address ranges that are more local than a network. The first match counts. A range added
/// here is blocked for redirects, token services, upload locations and pagination links.
const PREFIXES: [(&str, Locality); 18] = [
    ("127.0.0.0/8", Locality::Machine),
    // Linux connects 0.0.0.0 to this machine.
    ("0.0.0.0/8", Locality::Machine),
    ("::1/128", Locality::Machine),
    ("::/128", Locality::Machine),
    ("169.254.0.0/16", Locality::Link),
    ("fe80::/10", Locality::Link),
    ("224.0.0.0/24", Locality::Link),
    ("224.0.0.0/4", Locality::Link),
    ("255.255.255.255/32", Locality::Link),
    ("ff02::/16", Locality::Link),
    ("ff00::/8", Locality::Link),
    // Metadata services: Alibaba Cloud, Azure, Oracle Cloud, AWS, Google Cloud.
    ("100.100.100.200/32", Locality::Link),
    ("168.63.129.16/32", Locality::Link),
    ("192.0.0.192/32", Locality::Link),
    ("fd00:ec2::254/128", Locality::Link),
    ("fd00:ec2::23/128", Locality::Link),
    ("fd00:ec2::/32", Locality::Link),
    ("fd20:ce::254/128", Locality::Link),
];

impl Locality {
    /// Returns the locality of an address.
    pub(crate) fn from_address(address: IpAddr) -> Self {
        local_prefix(address).map_or(Self::Network, |(_, _, locality)| locality)
    }
}

/// Returns the address, or the IPv4 address inside it, with the prefix that makes it local.
fn local_prefix(address: IpAddr) -> Option<(IpAddr, &'static str, Locality)> {
    let inner = match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => embedded_v4(address).map(IpAddr::V4),
    };
    let find = |address: IpAddr| {
        let mut prefixes = PREFIXES.iter();
        let found = prefixes.find(|(prefix, _)| contains(prefix, address));
        found.map(|&(prefix, locality)| (address, prefix, locality))
    };
    // The last of several maxima: the address itself.
    let candidates = inner.into_iter().chain([address]).filter_map(find);
    candidates.max_by_key(|&(_, _, locality)| locality)
}

fn contains(prefix: &str, address: IpAddr) -> bool {
    let Some((network, length)) = prefix.split_once('/') else {
        return false;
    };
    let differing_from = match (network.parse(), address) {
        (Ok(IpAddr::V4(network)), IpAddr::V4(address)) => {
            (u32::from(network) ^ u32::from(address)).leading_zeros()
        }
        (Ok(IpAddr::V6(network)), IpAddr::V6(address)) => {
            (u128::from(network) ^ u128::from(address)).leading_zeros()
        }
        _ => return false,
    };
    length
        .parse()
        .is_ok_and(|length: u32| differing_from >= length)
}

/// Returns the IPv4 address that a transition mechanism embeds in an IPv6 address.
const fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match address.segments() {
        // IPv4-compatible and IPv4-mapped (RFC 4291), IPv4-translated (RFC 2765), NAT64 (RFC 6052,
        // RFC 8215).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, .., high, low]
        // 6to4 (RFC 3056), and ISATAP with any prefix (RFC 5214).
        | [0x2002, high, low, ..]
        | [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => (high, low),
        // Teredo inverts the bits of the client address (RFC 4380).
        [0x2001, 0, .., high, low] => (!high, !low),
        _ => return None,
    };
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Some(Ipv4Addr::new(a, b, c, d))
}

/// An address that is more local than the server that named its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlockedAddress {
    host: String,
    address: IpAddr,
    prefix: &'static str,
}

impl BlockedAddress {
    /// Checks that an address of `host` is not more local than `most_local`.
    pub(crate) fn check(host: &str, address: IpAddr, most_local: Locality) -> Result<(), Self> {
        match local_prefix(address) {
            Some((address, prefix, locality)) if locality > most_local => Err(Self {
                host: host.trim_matches(['[', ']']).to_owned(),
                address,
                prefix,
            }),
            _ => Ok(()),
        }
    }
}

/// The wording of oras, which is `bearer realm host …` there.
impl fmt::Display for BlockedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            address,
            prefix,
        } = self;
        let verb = match host.parse::<IpAddr>() {
            Ok(_) => "is",
            Err(_) => "resolves to",
        };
        write!(
            f,
            "host \"{host}\" {verb} {address}, in blocked prefix {prefix}"
        )
    }
}

impl std::error::Error for BlockedAddress {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_addresses_are_recognised_in_every_notation() {
        for (locality, addresses) in [
            (
                Locality::Machine,
                &[
                    "0.0.0.0",
                    "0.1.2.3",
                    "127.0.0.1",
                    "127.1.2.3",
                    "::",
                    "::1",
                    "0:0:0:0:0:0:0:1",
                    "::127.0.0.1",
                    "::ffff:127.0.0.1",
                    "::FFFF:7f00:1",
                    "::ffff:0:127.0.0.1",
                    "64:ff9b::127.0.0.1",
                    "64:ff9b:1::127.0.0.1",
                    "2002:7f00:1::",
                    "2001:0:808:808::80ff:fffe",
                    "2001:db8::5efe:127.0.0.1",
                    "fe80::5efe:127.0.0.1",
                ][..],
            ),
            (
                Locality::Link,
                &[
                    "169.254.169.254",
                    "224.0.0.1",
                    "239.255.255.255",
                    "255.255.255.255",
                    "64:ff9b::a9fe:a9fe",
                    "2002:a9fe:a9fe::1",
                    "fe80::1",
                    "febf::1",
                    "ff02::1",
                    "ff0e::1",
                    "100.100.100.200",
                    "168.63.129.16",
                    "::ffff:168.63.129.16",
                    "192.0.0.192",
                    "fd00:ec2::254",
                    "fd00:ec2::23",
                    "fd00:ec2::253",
                    "fd20:ce::254",
                ][..],
            ),
            (
                Locality::Network,
                &[
                    "10.0.0.1",
                    "100.64.0.1",
                    "100.100.100.201",
                    "172.16.0.1",
                    "192.168.1.1",
                    "198.18.0.1",
                    "240.0.0.1",
                    "::ffff:10.0.0.1",
                    "2001:db8::200:5efe:10.0.0.1",
                    "fc00::1",
                    "fd00::1",
                    "fec0::1",
                    "8.8.8.8",
                    "169.253.0.1",
                    "223.255.255.255",
                    "2001:4860::1",
                    "64:ff9b::8.8.8.8",
                    "2002:808:808::1",
                    "2001:0:808:808::f7f7:f7f7",
                ][..],
            ),
        ] {
            for address in addresses {
                let parsed = address.parse().unwrap();
                assert_eq!(Locality::from_address(parsed), locality, "{address}");
            }
        }
    }

    #[test]
    fn a_blocked_address_is_described_with_its_prefix() {
        for (host, address, wanted) in [
            (
                "auth.example",
                "127.0.0.1",
                "host \"auth.example\" resolves to 127.0.0.1, in blocked prefix 127.0.0.0/8",
            ),
            (
                "169.254.169.254",
                "169.254.169.254",
                "host \"169.254.169.254\" is 169.254.169.254, in blocked prefix 169.254.0.0/16",
            ),
            (
                "[::ffff:127.0.0.1]",
                "::ffff:127.0.0.1",
                "host \"::ffff:127.0.0.1\" is 127.0.0.1, in blocked prefix 127.0.0.0/8",
            ),
            (
                "[fd00:ec2::254]",
                "fd00:ec2::254",
                "host \"fd00:ec2::254\" is fd00:ec2::254, in blocked prefix fd00:ec2::254/128",
            ),
        ] {
            let address = address.parse().unwrap();
            let blocked = BlockedAddress::check(host, address, Locality::Network).unwrap_err();
            assert_eq!(blocked.to_string(), wanted);
            assert_eq!(
                BlockedAddress::check(host, address, Locality::Machine),
                Ok(())
            );
        }
    }
}
