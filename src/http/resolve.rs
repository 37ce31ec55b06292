//! Where names lead, as the user says: rules of the form `host:port:address[:address_port]`.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// Connections to one host and port go to this address instead of where the name leads. What is said on them does not
/// change: the name in `Host`, and the one that certificates are checked for, stays.
///
/// ```
/// use oras::http::ResolveRule;
///
/// let rule: ResolveRule = "registry.example:443:127.0.0.1:5000".parse().unwrap();
/// assert_eq!(rule.address_of("registry.example", 443).unwrap().to_string(), "127.0.0.1:5000");
/// assert_eq!(rule.address_of("registry.example", 80), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveRule {
    host: String,
    port: u16,
    address: SocketAddr,
}

impl ResolveRule {
    /// A rule for `host` and `port`.
    pub fn new(host: impl Into<String>, port: u16, address: SocketAddr) -> Self {
        Self {
            host: host.into(),
            port,
            address,
        }
    }

    /// Where a connection to `host` and `port` goes, if this rule is about them.
    pub fn address_of(&self, host: &str, port: u16) -> Option<SocketAddr> {
        (self.port == port && self.host.eq_ignore_ascii_case(host)).then_some(self.address)
    }
}

/// `host:port:address[:address_port]`. The fields are split at colons, so the address is IPv4.
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

/// Why a text is not a [`ResolveRule`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidResolveRule {
    /// It has fewer than three fields.
    Form,
    /// The port of the host is not a port.
    HostPort,
    /// The address is not an IP address.
    Address,
    /// The port of the address is not a port.
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
    fn rules() {
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
                .address_of(host, port)
                .map(|address| address.to_string());
            assert_eq!(address.as_deref(), wanted, "{text} {host}:{port}");
        }
    }

    #[test]
    fn what_is_no_rule() {
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
