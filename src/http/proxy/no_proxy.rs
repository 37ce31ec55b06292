//! Entries of `NO_PROXY`.

use std::net::IpAddr;

use crate::text::url::{split_port, without_brackets};

/// An entry of `NO_PROXY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoProxyRule {
    Everything,
    Network {
        address: IpAddr,
        bits: u32,
    },
    Address {
        address: IpAddr,
        port: Option<u16>,
    },
    Domain {
        /// The domain, after a dot.
        suffix: String,
        /// Whether the rule also matches the domain itself.
        includes_domain: bool,
        port: Option<u16>,
    },
}

impl NoProxyRule {
    /// Parses an entry. Returns `None` for an entry that matches nothing.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        if text == "*" {
            return Some(Self::Everything);
        }
        if let Some(network) = parse_network(&text) {
            return Some(network);
        }
        let (host, port) = match text.parse::<IpAddr>() {
            Ok(_) => (text.as_str(), None),
            Err(_) => split_port(&text),
        };
        let port = match port {
            // An invalid port: the entry matches nothing.
            Some(port) => Some(port.parse().ok()?),
            None => None,
        };
        let host = without_brackets(host);
        if let Ok(address) = host.parse::<IpAddr>() {
            let address = address.to_canonical();
            return Some(Self::Address { address, port });
        }
        let host = host
            .strip_prefix('*')
            .filter(|rest| rest.starts_with('.'))
            .unwrap_or(host);
        match host.strip_prefix('.') {
            _ if host.is_empty() => None,
            Some(_) => Some(Self::Domain {
                suffix: host.to_owned(),
                includes_domain: false,
                port,
            }),
            None => Some(Self::Domain {
                suffix: format!(".{host}"),
                includes_domain: true,
                port,
            }),
        }
    }

    pub(super) fn matches(&self, host: &str, address: Option<IpAddr>, at: u16) -> bool {
        match self {
            Self::Everything => true,
            Self::Network {
                address: network,
                bits,
            } => address.is_some_and(|address| is_in_network(address, *network, *bits)),
            Self::Address {
                address: other,
                port,
            } => address == Some(*other) && port.is_none_or(|port| port == at),
            Self::Domain {
                suffix,
                includes_domain,
                port,
            } => {
                (host.ends_with(suffix.as_str()) || (*includes_domain && host == &suffix[1..]))
                    && port.is_none_or(|port| port == at)
            }
        }
    }
}

fn parse_network(text: &str) -> Option<NoProxyRule> {
    let (address, bits) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let bits: u32 = bits.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    (bits <= width).then_some(NoProxyRule::Network { address, bits })
}

fn is_in_network(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    // The first differing bit must come after the network prefix.
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (address.to_bits() ^ network.to_bits()).leading_zeros() >= bits
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            (address.to_bits() ^ network.to_bits()).leading_zeros() >= bits
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::url::Url;

    #[test]
    fn no_proxy_rules_match_hosts_networks_and_ports() {
        for (list, url, is_direct) in [
            ("*", "http://r.example/", true),
            ("a.example, *", "http://r.example/", true),
            ("", "http://r.example/", false),
            (",, ,", "http://r.example/", false),
            ("r.example", "http://r.example/", true),
            ("R.Example", "http://r.example:5000/", true),
            (" r.example ", "http://a.b.r.example/", true),
            ("r.example", "http://other.example/", false),
            ("r.example", "http://bar.example/", false),
            ("example", "http://myexample/", false),
            (".r.example", "http://a.r.example/", true),
            (".r.example", "http://r.example/", false),
            ("*.r.example", "http://a.r.example/", true),
            ("*.r.example", "http://r.example/", false),
            ("r.example:5000", "http://r.example:5000/", true),
            ("r.example:5000", "http://a.r.example:5000/", true),
            ("r.example:5000", "http://r.example/", false),
            ("r.example:80", "http://r.example/", true),
            ("r.example:443", "https://r.example/", true),
            ("r.example:http", "http://r.example/", false),
            (":80", "http://r.example/", false),
            ("10.0.0.1", "http://10.0.0.1:5000/", true),
            ("10.0.0.1", "http://10.0.0.10/", false),
            ("10.0.0.1:5000", "http://10.0.0.1:5000/", true),
            ("10.0.0.1:5000", "http://10.0.0.1/", false),
            ("10.0.0.1", "http://[::ffff:10.0.0.1]/", true),
            ("10.0.0.0/8", "http://10.200.3.4/", true),
            ("10.0.0.0/8", "http://11.0.0.1/", false),
            ("10.1.2.3/8", "http://10.9.9.9/", true),
            ("10.0.0.0/0", "http://11.0.0.1/", true),
            ("10.0.0.0/8", "http://r.example/", false),
            ("10.0.0.0/33", "http://10.0.0.1/", false),
            ("fd00::/8", "http://[fd12::1]/", true),
            ("fd00::/8", "http://[fe80::1]/", false),
            ("fd00::1", "http://[fd00::1]:5000/", true),
            ("[fd00::1]", "http://[fd00::1]/", true),
            ("[fd00::1]:5000", "http://[fd00::1]:5000/", true),
            ("[fd00::1]:5000", "http://[fd00::1]/", false),
        ] {
            let no_proxy: Vec<_> = list.split(',').filter_map(NoProxyRule::parse).collect();
            let origin = Url::parse(url).unwrap().origin();
            let host = origin.host_without_brackets();
            let address = host
                .parse()
                .ok()
                .map(|address: IpAddr| address.to_canonical());
            assert_eq!(
                no_proxy
                    .iter()
                    .any(|rule| rule.matches(host, address, origin.port())),
                is_direct,
                "{list:?} {url}"
            );
        }
    }
}
