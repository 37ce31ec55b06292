//! Origins of URLs, and the network locality of their hosts.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The scheme of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// Plain http.
    Http,
    /// http over TLS.
    Https,
}

impl Scheme {
    /// Returns `http` or `https`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Scheme, host and port of a URL (RFC 6454). Secrets of one origin are never sent to another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
}

impl Origin {
    /// Creates the origin of a valid `host` or `host:port`.
    pub(super) fn new(scheme: Scheme, host_and_port: &str) -> Self {
        let (host, port) = split_port(host_and_port);
        Self {
            scheme,
            host: host.to_ascii_lowercase(),
            port: port
                .and_then(|port| port.parse().ok())
                .unwrap_or_else(|| scheme.default_port()),
        }
    }

    /// Returns the scheme.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the host in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port: the one in the URL, or else the default port of the scheme.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns the locality of the host, judged by its name or literal address without a lookup.
    pub fn locality(&self) -> Locality {
        let name = self.host.trim_end_matches('.');
        if name.ends_with(".localhost") || LOOPBACK_NAMES.contains(&name) {
            return Locality::Machine;
        }
        let address = self.host.trim_start_matches('[').trim_end_matches(']');
        match address.parse() {
            Ok(IpAddr::V4(address)) => locality_v4(address),
            Ok(IpAddr::V6(address)) => locality_v6(address),
            Err(_) => Locality::Internet,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if self.port != self.scheme.default_port() {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

/// Splits `host:port`. The colons of an IPv6 address in brackets do not count.
pub(crate) fn split_port(text: &str) -> (&str, Option<&str>) {
    let host_end = text.rfind(']').unwrap_or(0);
    match text[host_end..].find(':') {
        Some(colon) => (
            &text[..host_end + colon],
            Some(&text[host_end + colon + 1..]),
        ),
        None => (text, None),
    }
}

/// Network locality of a host, from the least to the most local. A server must not send a client to
/// a host that is more local than the server itself (protection against server-side request
/// forgery).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Locality {
    /// A public address, or a host name, which is judged again after its lookup.
    Internet,
    /// An address of a private network.
    Network,
    /// A link-local address. Metadata services of clouds use `169.254.169.254`.
    Link,
    /// A loopback or unspecified address: this machine.
    Machine,
}

/// Names of the loopback addresses in `/etc/hosts` of common systems.
const LOOPBACK_NAMES: [&str; 8] = [
    "ip6-localhost",
    "ip6-loopback",
    "localhost",
    "localhost.localdomain",
    "localhost4",
    "localhost4.localdomain4",
    "localhost6",
    "localhost6.localdomain6",
];

/// Classifies an IPv4 address by the special-purpose registry (RFC 6890).
const fn locality_v4(address: Ipv4Addr) -> Locality {
    let [first, second, third, _] = address.octets();
    // Linux connects 0.0.0.0 to this machine.
    if address.is_loopback() || first == 0 {
        Locality::Machine
    // Multicast, reserved and broadcast addresses are not routed beyond the link.
    } else if address.is_link_local() || first >= 224 {
        Locality::Link
    } else if address.is_private()
        // Shared address space (RFC 6598).
        || (first == 100 && second & 0xc0 == 64)
        // Protocol assignments (RFC 6890), and benchmarking (RFC 2544).
        || matches!((first, second, third), (192, 0, 0) | (198, 18 | 19, _))
    {
        Locality::Network
    } else {
        Locality::Internet
    }
}

fn locality_v6(address: Ipv6Addr) -> Locality {
    let segments = address.segments();
    let own = if address.is_loopback() || address.is_unspecified() {
        Locality::Machine
    } else if address.is_unicast_link_local() || address.is_multicast() {
        Locality::Link
    } else if address.is_unique_local()
        // Site-local addresses are deprecated but still private (RFC 3879).
        || segments[0] & 0xffc0 == 0xfec0
        // NAT64 prefix for local use (RFC 8215).
        || matches!(segments, [0x64, 0xff9b, 1, ..])
    {
        Locality::Network
    } else {
        Locality::Internet
    };
    let embedded = embedded_v4(segments).map_or(Locality::Internet, locality_v4);
    own.max(embedded)
}

/// Returns the IPv4 address that a transition mechanism embeds in an IPv6 address.
const fn embedded_v4(segments: [u16; 8]) -> Option<Ipv4Addr> {
    let (high, low) = match segments {
        // IPv4-compatible and IPv4-mapped (RFC 4291), IPv4-translated (RFC 2765), NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::url::Url;

    #[test]
    fn origins_are_equal_if_scheme_host_and_effective_port_are() {
        let origin = |text: &str| Url::parse(text).unwrap().origin();
        assert_eq!(
            origin("https://R.example/a"),
            origin("https://r.example:443/b?c")
        );
        assert_ne!(origin("https://r.example/"), origin("http://r.example/"));
        assert_ne!(
            origin("http://r.example/"),
            origin("http://r.example:5000/")
        );
        assert_eq!(
            origin("http://[::1]:5000/").to_string(),
            "http://[::1]:5000"
        );
    }

    #[test]
    fn local_addresses_are_recognised_in_every_notation() {
        for (locality, hosts) in [
            (
                Locality::Machine,
                &[
                    "localhost",
                    "LOCALHOST",
                    "localhost.",
                    "localhost..",
                    "a.localhost",
                    "a.localhost.",
                    "localhost.localdomain",
                    "ip6-localhost",
                    "0.0.0.0",
                    "0.1.2.3",
                    "127.0.0.1",
                    "127.1.2.3",
                    "[::]",
                    "[::1]",
                    "[0:0:0:0:0:0:0:1]",
                    "[::127.0.0.1]",
                    "[::ffff:127.0.0.1]",
                    "[::FFFF:7f00:1]",
                    "[64:ff9b::127.0.0.1]",
                    "[2002:7f00:1::]",
                    "[2001:0:808:808::80ff:fffe]",
                    "[2001:db8::5efe:127.0.0.1]",
                    "[fe80::5efe:127.0.0.1]",
                ][..],
            ),
            (
                Locality::Link,
                &[
                    "169.254.169.254",
                    "224.0.0.1",
                    "240.0.0.1",
                    "255.255.255.255",
                    "[64:ff9b::a9fe:a9fe]",
                    "[2002:a9fe:a9fe::1]",
                    "[fe80::1]",
                    "[febf::1]",
                    "[ff02::1]",
                ][..],
            ),
            (
                Locality::Network,
                &[
                    "10.0.0.1",
                    "100.64.0.1",
                    "100.127.255.255",
                    "172.16.0.1",
                    "172.31.255.255",
                    "192.0.0.170",
                    "192.168.1.1",
                    "198.18.0.1",
                    "[::ffff:0:10.0.0.1]",
                    "[64:ff9b:1::8.8.8.8]",
                    "[2001:db8::200:5efe:10.0.0.1]",
                    "[fc00::1]",
                    "[fd00::1]",
                    "[fec0::1]",
                    "[feff::1]",
                ][..],
            ),
            (
                Locality::Internet,
                &[
                    "r.example",
                    "localhost.example",
                    "notlocalhost",
                    "8.8.8.8",
                    "11.0.0.1",
                    "100.128.0.1",
                    "169.253.0.1",
                    "172.32.0.1",
                    "192.1.0.1",
                    "223.255.255.255",
                    "[2001:4860::1]",
                    "[::ffff:8.8.8.8]",
                    "[64:ff9b::8.8.8.8]",
                    "[2002:808:808::1]",
                    "[2001:0:808:808::f7f7:f7f7]",
                ][..],
            ),
        ] {
            for host in hosts {
                let url = Url::parse(&format!("http://{host}/")).unwrap();
                assert_eq!(url.origin().locality(), locality, "{host}");
            }
        }
    }
}
