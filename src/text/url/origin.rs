//! Origins of URLs.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use super::locality::Locality;

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

    /// Returns the host in lower case, without the brackets of an IPv6 address.
    pub(crate) fn host_without_brackets(&self) -> &str {
        without_brackets(&self.host)
    }

    /// Returns the port: the one in the URL, or else the default port of the scheme.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns the address of the host if no lookup is needed to know it: of a literal, and of the
    /// names of this machine.
    pub(crate) fn known_address(&self) -> Option<IpAddr> {
        if is_loopback_name(&self.host) {
            return Some(Ipv4Addr::LOCALHOST.into());
        }
        self.host.trim_matches(['[', ']']).parse().ok()
    }

    /// Returns the locality of the host, judged without a lookup.
    pub(crate) fn locality(&self) -> Locality {
        self.known_address()
            .map_or(Locality::Network, Locality::from_address)
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

/// Returns a host without the brackets of an IPv6 address.
pub(crate) fn without_brackets(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
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

/// Returns whether a host name is one of this machine (RFC 6761 §6.3, `/etc/hosts`).
pub(crate) fn is_loopback_name(host: &str) -> bool {
    let name = host.trim_end_matches('.');
    name.ends_with(".localhost") || LOOPBACK_NAMES.contains(&name)
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
    fn names_of_this_machine_and_literals_need_no_lookup() {
        for (host, wanted) in [
            ("localhost", Locality::Machine),
            ("LOCALHOST", Locality::Machine),
            ("localhost.", Locality::Machine),
            ("localhost..", Locality::Machine),
            ("a.localhost", Locality::Machine),
            ("a.localhost.", Locality::Machine),
            ("localhost.localdomain", Locality::Machine),
            ("ip6-localhost", Locality::Machine),
            ("[::1]", Locality::Machine),
            ("169.254.169.254", Locality::Link),
            ("10.0.0.1", Locality::Network),
            ("r.example", Locality::Network),
            ("localhost.example", Locality::Network),
            ("notlocalhost", Locality::Network),
        ] {
            let url = Url::parse(&format!("http://{host}/")).unwrap();
            assert_eq!(url.origin().locality(), wanted, "{host}");
        }
    }
}
