//! The origin policy: what may be sent to a URL that a server named.
//!
//! It decides about redirects, token services, upload locations and pagination links. Credentials,
//! custom headers and client certificates are sent to the registry's own origin only. Requests to
//! another origin carry none of them, or are refused.
//!
//! The address ranges that are blocked (SSRF) are those of [`Locality`].
//!
//! [`OriginPolicy::between`] judges schemes, literal addresses and the names of this machine. The
//! transport looks up all other names, judges their addresses by
//! [`NoCredentials`](OriginPolicy::NoCredentials), and connects to those that passed.

use std::fmt;

use crate::text::url::{BlockedAddress, Locality, Origin, Scheme};

/// The kind of request that may be sent to a URL that a server named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginPolicy {
    /// The URL has the origin of the server: everything may be sent.
    SameOrigin,
    /// The URL has another origin: the request is sent without credentials, custom headers and
    /// client certificates.
    #[non_exhaustive]
    NoCredentials {
        /// The locality of the registry. No connection may be made to a more local address.
        most_local: Locality,
    },
}

/// The reason why nothing may be sent to a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UrlRefusal {
    /// The server is reached by https, and the URL has the scheme http.
    LeavesHttps,
    /// The host is more local than the server.
    Blocked(BlockedAddress),
}

impl OriginPolicy {
    /// Decides what may be sent to `to`, a URL that `from` named. `locality` is that of the address
    /// at which `from` was reached.
    ///
    /// # Errors
    ///
    /// The reason why nothing may be sent: `from` is https and `to` is not, or `to` is more local
    /// than `from`. A server on the network must not make the client send requests to the client's
    /// machine or to its metadata service (SSRF). Private networks are allowed, as by oras:
    /// registries in a cluster or company name storage and token services there.
    pub(crate) fn between(
        from: &Origin,
        locality: Locality,
        to: &Origin,
    ) -> Result<Self, UrlRefusal> {
        if from == to {
            return Ok(Self::SameOrigin);
        }
        if let Some(address) = to.known_address() {
            BlockedAddress::check(to.host(), address, locality).map_err(UrlRefusal::Blocked)?;
        }
        if from.scheme() == Scheme::Https && to.scheme() == Scheme::Http {
            return Err(UrlRefusal::LeavesHttps);
        }
        Ok(Self::NoCredentials {
            most_local: locality,
        })
    }
}

/// Returns whether `to` is the https origin of the same host as the http origin `from`, both with
/// their default ports. A registry that redirects from http to https is still the same registry.
pub(crate) fn is_https_upgrade(from: &Origin, to: &Origin) -> bool {
    from.host() == to.host()
        && (from.scheme(), from.port()) == (Scheme::Http, 80)
        && (to.scheme(), to.port()) == (Scheme::Https, 443)
}

impl fmt::Display for UrlRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeavesHttps => f.write_str("it would leave https"),
            Self::Blocked(blocked) => blocked.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::url::Url;

    #[test]
    fn an_upgrade_keeps_the_host_and_uses_default_ports() {
        for (from, to, wanted) in [
            ("http://r", "https://R", true),
            ("http://r:80", "https://r:443", true),
            ("http://r:5000", "https://r", false),
            ("http://r", "https://r:5000", false),
            ("http://r", "https://other", false),
            ("https://r", "http://r", false),
            ("http://r", "http://r", false),
        ] {
            let [from, to] = [from, to].map(|text| Url::parse(text).unwrap().origin());
            assert_eq!(is_https_upgrade(&from, &to), wanted, "{from} -> {to}");
        }
    }

    #[test]
    fn another_origin_gets_no_credentials_and_a_more_local_one_no_request() {
        use Locality::{Link, Machine, Network};
        let origin = |text: &str| Url::parse(text).unwrap().origin();
        #[rustfmt::skip]
        let rows = [
            // from, locality of its address, to, decision
            ("https://r", Network, "https://r:443", "same origin"),
            ("http://r:5000", Network, "http://R:5000", "same origin"),
            ("https://127.0.0.1", Machine, "https://127.0.0.1", "same origin"),
            ("https://r", Network, "https://cdn", "no credentials"),
            ("http://r", Network, "https://cdn", "no credentials"),
            ("http://r", Network, "https://r", "no credentials"),
            ("http://r", Network, "http://r:81", "no credentials"),
            ("https://r", Network, "http://r", "it would leave https"),
            ("https://127.0.0.1", Machine, "http://127.0.0.1", "it would leave https"),
            ("http://r", Network, "http://10.0.0.1", "no credentials"),
            ("http://r", Network, "http://172.16.0.1", "no credentials"),
            ("http://r", Network, "http://192.168.0.1", "no credentials"),
            ("http://r", Network, "http://100.64.0.1", "no credentials"),
            ("http://r", Network, "http://[fd00::1]", "no credentials"),
            ("http://r", Network, "http://[::ffff:10.0.0.1]", "no credentials"),
            ("http://r", Network, "http://127.0.0.1", "127.0.0.0/8"),
            ("http://r", Network, "http://localhost", "127.0.0.0/8"),
            ("http://r", Network, "http://a.localhost.", "127.0.0.0/8"),
            ("http://r", Network, "http://0.0.0.0", "0.0.0.0/8"),
            ("http://r", Network, "http://[::1]", "::1/128"),
            ("http://r", Network, "http://[::]", "::/128"),
            ("http://r", Network, "http://169.254.169.254", "169.254.0.0/16"),
            ("http://r", Network, "http://[fe80::1]", "fe80::/10"),
            ("http://r", Network, "http://224.0.0.1", "224.0.0.0/24"),
            ("http://r", Network, "http://[ff02::1]", "ff02::/16"),
            ("http://r", Network, "http://168.63.129.16", "168.63.129.16/32"),
            ("http://r", Network, "http://100.100.100.200", "100.100.100.200/32"),
            ("http://r", Network, "http://[fd00:ec2::254]", "fd00:ec2::254/128"),
            ("http://r", Network, "http://[fd00:ec2::23]", "fd00:ec2::23/128"),
            ("http://r", Network, "http://[fd20:ce::254]", "fd20:ce::254/128"),
            ("http://r", Network, "http://[::ffff:127.0.0.1]", "127.0.0.0/8"),
            ("http://r", Network, "http://[64:ff9b::7f00:1]", "127.0.0.0/8"),
            ("http://r", Network, "http://[2002:7f00:1::]", "127.0.0.0/8"),
            ("http://r", Network, "http://[2001:0:808:808::80ff:fffe]", "127.0.0.0/8"),
            ("http://r", Network, "http://[2001:db8::5efe:127.0.0.1]", "127.0.0.0/8"),
            ("http://169.254.0.1", Link, "http://169.254.169.254", "no credentials"),
            ("http://169.254.0.1", Link, "http://127.0.0.1", "127.0.0.0/8"),
            ("http://localhost:5000", Machine, "http://127.0.0.1:6000", "no credentials"),
            ("http://r", Machine, "http://127.0.0.1:6000", "no credentials"),
            ("http://r", Machine, "http://169.254.169.254", "no credentials"),
            ("http://127.0.0.1", Machine, "http://10.0.0.1", "no credentials"),
        ];
        for (from, locality, to, wanted) in rows {
            let decided = OriginPolicy::between(&origin(from), locality, &origin(to));
            let shown = match &decided {
                Ok(OriginPolicy::SameOrigin) => "same origin".to_owned(),
                Ok(OriginPolicy::NoCredentials { most_local }) => {
                    assert_eq!(*most_local, locality);
                    "no credentials".to_owned()
                }
                Err(refusal) => refusal.to_string(),
            };
            assert!(shown.ends_with(wanted), "{from} -> {to}: {shown}");
        }
    }
}
