//! A proxy, read from its address.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::text::percent;
use crate::text::secret::Secret;
use crate::text::url::Url;
use crate::text::url::split_port;

/// How a proxy is talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyProtocol {
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// SOCKS 5. The proxy looks up the names.
    Socks5,
}

impl ProxyProtocol {
    /// The text in front of `://`.
    pub const fn as_str(self) -> &'static str {
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

/// A proxy. `Display` shows where it is, not what it wants to know of us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    protocol: ProxyProtocol,
    /// In brackets if it is an IPv6 address.
    host: String,
    port: u16,
    credential: Option<ProxyCredential>,
}

/// The user information of a proxy's address. All of it is taken for secret: some proxies want a token as user name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ProxyCredential {
    username: Secret,
    password: Secret,
}

impl Proxy {
    /// Reads `[protocol://][user[:password]@]host[:port]`. Without a protocol it is http. The user information is
    /// percent-decoded.
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
        // The rules for hosts are those of any other address.
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

    /// How it is talked to.
    pub const fn protocol(&self) -> ProxyProtocol {
        self.protocol
    }

    /// Its host; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// User name and password, if it wants them.
    pub fn credential(&self) -> Option<(&Secret, &Secret)> {
        self.credential
            .as_ref()
            .map(|credential| (&credential.username, &credential.password))
    }

    /// What to send it as `Proxy-Authorization`, and to nobody else.
    pub fn authorization(&self) -> Option<Secret> {
        Some(Secret::new(format!("Basic {}", self.pair()?.expose())))
    }

    /// User name and password, encoded.
    fn pair(&self) -> Option<Secret> {
        let (username, password) = self.credential()?;
        let pair = format!("{}:{}", username.expose(), password.expose());
        Some(STANDARD.encode(pair).into())
    }

    /// Whatever it is told, in every form.
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
    fn addresses_of_proxies() {
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
