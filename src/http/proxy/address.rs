//! A proxy, parsed from its URL.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::text::percent;
use crate::text::secret::Secret;
use crate::text::url::{Url, split_port};

/// The protocol of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub(crate) enum ProxyProtocol {
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// SOCKS 5. The proxy resolves host names.
    Socks5,
}

impl ProxyProtocol {
    /// Returns the URL scheme.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 => 1080,
        }
    }
}

/// A proxy. `Display` shows its URL without the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proxy {
    protocol: ProxyProtocol,
    /// An IPv6 address is in brackets.
    host: String,
    port: u16,
    credential: Option<ProxyCredential>,
}

/// The user information of a proxy URL. Both parts are secret, because some proxies expect a token
/// as user name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ProxyCredential {
    username: Secret,
    password: Secret,
}

impl Proxy {
    /// Parses `[protocol://][user[:password]@]host[:port]`. The default protocol is http. The user
    /// information is percent-decoded.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let (protocol, rest) = text.split_once("://").unwrap_or(("http", text));
        let protocol = match protocol.to_ascii_lowercase().as_str() {
            "http" => ProxyProtocol::Http,
            "https" => ProxyProtocol::Https,
            "socks5" | "socks5h" => ProxyProtocol::Socks5,
            _ => return Err("its scheme is none of http, https and socks5"),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user_information, address) = match authority.rsplit_once('@') {
            Some((user_information, address)) => (Some(user_information), address),
            None => (None, authority),
        };
        // Host and port have the same syntax as in any other URL.
        let origin = Url::parse(&format!("http://{address}"))
            .map_err(|_| "its host or port is not valid")?
            .origin();
        let (_, port) = split_port(address);
        Ok(Self {
            protocol,
            host: origin.host().to_owned(),
            port: port.map_or(protocol.default_port(), |_| origin.port()),
            credential: user_information.map(ProxyCredential::parse).transpose()?,
        })
    }

    /// Returns the protocol.
    pub(crate) const fn protocol(&self) -> ProxyProtocol {
        self.protocol
    }

    /// Returns the host. An IPv6 address is in brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Returns user name and password, if the URL contains them.
    pub(crate) fn credential(&self) -> Option<(&Secret, &Secret)> {
        self.credential
            .as_ref()
            .map(|credential| (&credential.username, &credential.password))
    }

    /// Returns the value of `Proxy-Authorization`, which is sent to the proxy only.
    pub(crate) fn authorization(&self) -> Option<Secret> {
        Some(Secret::new(format!("Basic {}", self.pair()?.expose())))
    }

    /// Returns user name and password in base64.
    fn pair(&self) -> Option<Secret> {
        let (username, password) = self.credential()?;
        let pair = format!("{}:{}", username.expose(), password.expose());
        Some(STANDARD.encode(pair).into())
    }

    /// Returns user name and password, separately and as sent.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let parts = self.credential().into_iter();
        parts
            .flat_map(|(username, password)| [username.clone(), password.clone()])
            .chain(self.pair())
            .collect()
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}:{}",
            self.protocol.as_str(),
            self.host,
            self.port
        )
    }
}

impl ProxyCredential {
    fn parse(user_information: &str) -> Result<Self, &'static str> {
        let (username, password) = user_information
            .split_once(':')
            .unwrap_or((user_information, ""));
        let decoded = |text| {
            percent::decode(text)
                .map(Secret::new)
                .ok_or("its user information is not percent-encoded text")
        };
        Ok(Self {
            username: decoded(username)?,
            password: decoded(password)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxy_urls_are_parsed() {
        for (text, wanted) in [
            ("proxy", "http://proxy:80"),
            ("Proxy.Example:3128", "http://proxy.example:3128"),
            (" http://proxy:3128/ ", "http://proxy:3128"),
            ("HTTP://proxy", "http://proxy:80"),
            ("https://proxy", "https://proxy:443"),
            ("socks5://proxy", "socks5://proxy:1080"),
            ("socks5h://proxy:80", "socks5://proxy:80"),
            ("http://[::1]:3128", "http://[::1]:3128"),
            ("me:canary@proxy:1", "http://proxy:1"),
            ("http://me:c%40nary@proxy:1/x?y", "http://proxy:1"),
        ] {
            assert_eq!(Proxy::parse(text).unwrap().to_string(), wanted, "{text}");
        }
        for (text, reason) in [
            (
                "ftp://me:canary@proxy",
                "its scheme is none of http, https and socks5",
            ),
            ("http://", "its host or port is not valid"),
            ("http://me:canary@", "its host or port is not valid"),
            ("http://me:canary@proxy:x", "its host or port is not valid"),
            ("http://proxy:99999", "its host or port is not valid"),
            (
                "http://me:c%4@proxy",
                "its user information is not percent-encoded text",
            ),
            (
                "http://me:c%+4@proxy",
                "its user information is not percent-encoded text",
            ),
            (
                "http://me:c%ff@proxy",
                "its user information is not percent-encoded text",
            ),
        ] {
            assert_eq!(Proxy::parse(text), Err(reason), "{text}");
        }
    }
}
