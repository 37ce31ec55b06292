//! Addresses that do not come from DNS: rules of the user (`host:port:address[:address_port]`) and
//! `localhost`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// Connects to an address instead of the addresses that DNS returns for a host and port.
///
/// `Host` headers and certificate checks still use the original name.
///
/// ```
/// use oras::http::{ResolveRule, UreqTransport};
///
/// let rule: ResolveRule = "registry.example:443:127.0.0.1:5000".parse().unwrap();
/// let transport = UreqTransport::builder().resolve([rule]).build();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveRule {
    host: String,
    port: u16,
    address: SocketAddr,
}

impl ResolveRule {
    /// Creates a rule for `host` and `port`.
    pub fn new(host: impl Into<String>, port: u16, address: SocketAddr) -> Self {
        Self {
            host: host.into(),
            port,
            address,
        }
    }

    /// Returns the address for `host` and `port`, or `None` if the rule is for another host or
    /// port.
    pub(crate) fn address_for(&self, host: &str, port: u16) -> Option<SocketAddr> {
        (self.port == port && self.host.eq_ignore_ascii_case(host)).then_some(self.address)
    }
}

/// Parses `host:port:address[:address_port]`. Fields end at a colon, so the address must be IPv4.
impl FromStr for ResolveRule {
    type Err = InvalidResolveRule;

    fn from_str(text: &str) -> Result<Self, InvalidResolveRule> {
        let mut fields = text.splitn(4, ':');
        let (Some(host), Some(port), Some(address)) = (fields.next(), fields.next(), fields.next())
        else {
            return Err(InvalidResolveRule::Form);
        };
        let port = port.parse().map_err(|_| InvalidResolveRule::HostPort)?;
        let address: IpAddr = address.parse().map_err(|_| InvalidResolveRule::Address)?;
        let address_port = match fields.next() {
            Some(port) => port.parse().map_err(|_| InvalidResolveRule::AddressPort)?,
            None => port,
        };
        Ok(Self::new(
            host,
            port,
            SocketAddr::new(address, address_port),
        ))
    }
}

/// Returns the loopback addresses for `localhost` and names below it. These names must not be
/// looked up in DNS (RFC 6761 §6.3), where another host could claim them.
pub(super) fn localhost_addresses(host: &str, port: u16) -> Option<[SocketAddr; 2]> {
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let addresses = [
        IpAddr::from(Ipv4Addr::LOCALHOST),
        Ipv6Addr::LOCALHOST.into(),
    ];
    (name == "localhost" || name.ends_with(".localhost"))
        .then(|| addresses.map(|address| SocketAddr::new(address, port)))
}

/// An error parsing a [`ResolveRule`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidResolveRule {
    /// Fewer than three fields.
    Form,
    /// The second field is not a port number.
    HostPort,
    /// The third field is not an IP address.
    Address,
    /// The fourth field is not a port number.
    AddressPort,
}

impl fmt::Display for InvalidResolveRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "expecting host:port:address[:address_port]",
            Self::HostPort => "expecting uint64 host port",
            Self::Address => "invalid IP address",
            Self::AddressPort => "expecting uint64 address port",
        })
    }
}

impl std::error::Error for InvalidResolveRule {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_applies_to_one_host_and_port() {
        for (text, host, port, wanted) in [
            (
                "r.example:443:10.0.0.1",
                "r.example",
                443,
                Some("10.0.0.1:443"),
            ),
            (
                "r.example:443:10.0.0.1:5000",
                "r.example",
                443,
                Some("10.0.0.1:5000"),
            ),
            (
                "r.example:443:10.0.0.1",
                "R.EXAMPLE",
                443,
                Some("10.0.0.1:443"),
            ),
            ("r.example:443:10.0.0.1", "r.example", 80, None),
            ("r.example:443:10.0.0.1", "a.r.example", 443, None),
        ] {
            let rule: ResolveRule = text.parse().unwrap();
            let address = rule
                .address_for(host, port)
                .map(|address| address.to_string());
            assert_eq!(address.as_deref(), wanted, "{text} {host}:{port}");
        }
    }

    #[test]
    fn localhost_is_not_looked_up() {
        for (host, wanted) in [
            ("localhost", true),
            ("LocalHost.", true),
            ("a.b.localhost", true),
            ("a.localhost.", true),
            ("notlocalhost", false),
            ("localhost.example", false),
            ("localhost.localdomain", false),
            ("localhost..", false),
            ("127.0.0.1", false),
            ("", false),
        ] {
            let addresses = localhost_addresses(host, 5000);
            let wanted =
                wanted.then(|| ["127.0.0.1:5000", "[::1]:5000"].map(|it| it.parse().unwrap()));
            assert_eq!(addresses, wanted, "{host}");
        }
    }

    #[test]
    fn invalid_rules_are_rejected() {
        for (text, wanted) in [
            ("", "expecting host:port:address[:address_port]"),
            ("a:1", "expecting host:port:address[:address_port]"),
            ("a:x:10.0.0.1", "expecting uint64 host port"),
            ("a:99999:10.0.0.1", "expecting uint64 host port"),
            ("a:1:host", "invalid IP address"),
            ("a:1:::1", "invalid IP address"),
            ("a:1:10.0.0.1:x", "expecting uint64 address port"),
            ("a:1:10.0.0.1:2:3", "expecting uint64 address port"),
        ] {
            let error = text.parse::<ResolveRule>().unwrap_err();
            assert_eq!(error.to_string(), wanted, "{text}");
        }
    }
}
