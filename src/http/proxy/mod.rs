//! The choice of a proxy for a URL, from the variables `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and
//! `NO_PROXY`.
//!
//! The rules are those of Go's `golang.org/x/net/http/httpproxy`. The caller passes the values.
//!
//! | Variable | Meaning |
//! |---|---|
//! | `HTTP_PROXY`, `http_proxy` | the proxy for http; the first value that is not empty |
//! | `HTTPS_PROXY`, `https_proxy` | the proxy for https |
//! | `ALL_PROXY`, `all_proxy` | the proxy for a scheme without its own variable |
//! | `NO_PROXY`, `no_proxy` | hosts that are reached directly, separated by commas |
//! | `REQUEST_METHOD` | marks a CGI program; its clients can set `HTTP_PROXY`, so it is refused |
//!
//! An entry of `NO_PROXY` is `*`, an IP address, a network such as `10.0.0.0/8`, a domain including
//! its subdomains, or `.domain` or `*.domain` for the subdomains only. All but networks may end in
//! `:port`. `localhost` and loopback addresses are always reached directly.

use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;

use self::no_proxy::NoProxyRule;
use crate::http::environment;
use crate::text::secret::Secret;
use crate::text::url::{Scheme, Url};

mod address;
mod no_proxy;

pub(crate) use self::address::{Proxy, ProxyProtocol};

/// Proxies for http and https, and the hosts that are reached without them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    http: Option<Result<Proxy, InvalidProxy>>,
    https: Option<Result<Proxy, InvalidProxy>>,
    no_proxy: Vec<NoProxyRule>,
}

impl Proxies {
    /// Creates the settings from environment variables, whose values `value` returns. Empty values
    /// and values that are not UTF-8 are treated as unset.
    ///
    /// An invalid URL is reported when the proxy is needed.
    ///
    /// ```
    /// use oras::http::{Proxies, UreqTransport};
    ///
    /// let proxies = Proxies::from_variables(|name| match name {
    ///     "HTTPS_PROXY" => Some("http://me:secret@proxy.example:3128".into()),
    ///     "NO_PROXY" => Some("internal.example,10.0.0.0/8".into()),
    ///     _ => None,
    /// });
    /// let transport = UreqTransport::builder().proxies(proxies).build();
    /// ```
    pub fn from_variables(value: impl Fn(&str) -> Option<OsString>) -> Self {
        let value = |name| {
            let value = value(name)?.into_string().ok()?;
            Some(value).filter(|value| !value.is_empty())
        };
        let is_cgi = value("REQUEST_METHOD").is_some();
        let proxy = |names: [&'static str; 4]| {
            let (variable, address) = names
                .into_iter()
                .find_map(|name| Some((name, value(name)?)))?;
            // A CGI server passes the request header `Proxy` as HTTP_PROXY.
            let parsed = if is_cgi && variable.eq_ignore_ascii_case("HTTP_PROXY") {
                Err("clients of a CGI program can set it (golang.org/s/cgihttpproxy)")
            } else {
                Proxy::parse(&address)
            };
            Some(parsed.map_err(|reason| InvalidProxy { variable, reason }))
        };
        Self {
            http: proxy(["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]),
            https: proxy(["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]),
            no_proxy: ["NO_PROXY", "no_proxy"]
                .into_iter()
                .find_map(value)
                .map(|list| list.split(',').filter_map(NoProxyRule::parse).collect())
                .unwrap_or_default(),
        }
    }

    /// Creates the settings from the environment of this process.
    pub fn from_env() -> Self {
        Self::from_variables(environment::variable)
    }

    /// Returns the proxy for a URL, or `None` if its host is reached directly.
    ///
    /// # Errors
    ///
    /// If the URL of the proxy is not valid.
    pub(crate) fn for_url(&self, url: &Url) -> Result<Option<&Proxy>, InvalidProxy> {
        let proxy = match url.scheme() {
            Scheme::Http => &self.http,
            Scheme::Https => &self.https,
        };
        match proxy {
            Some(proxy) if !self.is_reached_directly(url) => match proxy {
                Ok(proxy) => Ok(Some(proxy)),
                Err(invalid) => Err(invalid.clone()),
            },
            _ => Ok(None),
        }
    }

    /// Returns the secrets that are sent to proxies.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        [&self.http, &self.https]
            .into_iter()
            .filter_map(|proxy| proxy.as_ref()?.as_ref().ok())
            .flat_map(Proxy::secrets)
            .collect()
    }

    fn is_reached_directly(&self, url: &Url) -> bool {
        let origin = url.origin();
        let host = origin.host_without_brackets();
        let host = host.strip_suffix('.').unwrap_or(host);
        let address = host
            .parse()
            .ok()
            .map(|address: IpAddr| address.to_canonical());
        host == "localhost"
            || address.is_some_and(|address| address.is_loopback())
            || self
                .no_proxy
                .iter()
                .any(|rule| rule.matches(host, address, origin.port()))
    }
}

/// An invalid proxy URL. The message does not contain the URL, which may include a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InvalidProxy {
    variable: &'static str,
    reason: &'static str,
}

impl fmt::Display for InvalidProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invalid proxy address in {}: {}",
            self.variable, self.reason
        )
    }
}

impl std::error::Error for InvalidProxy {}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::from_variables(|name| {
            variables
                .iter()
                .find(|(other, _)| *other == name)
                .map(|(_, value)| value.into())
        })
    }

    /// Returns the proxy for a URL as text.
    fn route(proxies: &Proxies, url: &str) -> String {
        match proxies.for_url(&Url::parse(url).unwrap()) {
            Ok(Some(proxy)) => proxy.to_string(),
            Ok(None) => "direct".to_owned(),
            Err(invalid) => invalid.to_string(),
        }
    }

    #[test]
    fn each_scheme_has_its_own_variables() {
        const HTTP: &str = "http://r.example/";
        const HTTPS: &str = "https://r.example/";
        for (variables, url, wanted) in [
            (&[][..], HTTP, "direct"),
            (&[("HTTP_PROXY", "p:1")], HTTP, "http://p:1"),
            (&[("HTTP_PROXY", "p:1")], HTTPS, "direct"),
            (&[("http_proxy", "p:1")], HTTP, "http://p:1"),
            (&[("HTTPS_PROXY", "p:1")], HTTPS, "http://p:1"),
            (&[("HTTPS_PROXY", "p:1")], HTTP, "direct"),
            (&[("https_proxy", "p:1")], HTTPS, "http://p:1"),
            (
                &[("HTTP_PROXY", "p:1"), ("http_proxy", "q:2")],
                HTTP,
                "http://p:1",
            ),
            (
                &[("HTTP_PROXY", ""), ("http_proxy", "q:2")],
                HTTP,
                "http://q:2",
            ),
            (&[("ALL_PROXY", "p:1")], HTTP, "http://p:1"),
            (&[("all_proxy", "p:1")], HTTPS, "http://p:1"),
            (
                &[("ALL_PROXY", "p:1"), ("https_proxy", "q:2")],
                HTTPS,
                "http://q:2",
            ),
            (
                &[("ALL_PROXY", "p:1"), ("https_proxy", "q:2")],
                HTTP,
                "http://p:1",
            ),
        ] {
            assert_eq!(
                route(&proxies(variables), url),
                wanted,
                "{variables:?} {url}"
            );
        }
    }

    #[test]
    fn proxy_credentials_are_sent_as_basic_and_never_displayed() {
        for (text, wanted) in [
            ("http://proxy", None),
            // me:p@w
            ("http://me:p%40w@proxy", Some("Basic bWU6cEB3")),
            ("http://me:p@w@proxy", Some("Basic bWU6cEB3")),
            // token:
            ("http://token@proxy", Some("Basic dG9rZW46")),
        ] {
            let authorization = Proxy::parse(text).unwrap().authorization();
            assert_eq!(
                authorization.as_ref().map(Secret::expose).as_deref(),
                wanted,
                "{text}"
            );
        }

        let proxies = proxies(&[
            ("HTTP_PROXY", "http://c4nary:c4nary@proxy"),
            ("HTTPS_PROXY", "ftp://c4nary:c4nary@proxy"),
        ]);

        let shown = format!(
            "{proxies:?} {} {}",
            route(&proxies, "http://r.example"),
            route(&proxies, "https://r.example")
        );
        assert!(!shown.contains("c4nary"), "{shown}");
    }

    #[test]
    fn an_invalid_proxy_url_is_reported_only_when_the_proxy_is_needed() {
        let proxies = proxies(&[("https_proxy", "ftp://proxy"), ("NO_PROXY", "a.example")]);

        for (url, wanted) in [
            (
                "https://r.example/",
                "invalid proxy address in https_proxy: its scheme is none of http, https and socks5",
            ),
            ("https://a.example/", "direct"),
            ("https://localhost/", "direct"),
            ("http://r.example/", "direct"),
        ] {
            assert_eq!(route(&proxies, url), wanted, "{url}");
        }
    }

    #[test]
    fn an_http_client_of_a_cgi_program_cannot_set_its_proxy() {
        for (variable, url, wanted) in [
            ("HTTP_PROXY", "http://r.example/", None),
            ("http_proxy", "http://r.example/", None),
            ("HTTP_PROXY", "http://localhost/", Some("direct")),
            ("HTTPS_PROXY", "https://r.example/", Some("http://p:1")),
            ("ALL_PROXY", "http://r.example/", Some("http://p:1")),
        ] {
            let proxies = proxies(&[("REQUEST_METHOD", "GET"), (variable, "p:1")]);
            let refusal = format!(
                "invalid proxy address in {variable}: clients of a CGI program can set it (golang.org/s/cgihttpproxy)"
            );
            assert_eq!(
                route(&proxies, url),
                wanted.unwrap_or(&refusal),
                "{variable} {url}"
            );
        }
    }

    #[test]
    fn localhost_and_loopback_addresses_are_reached_directly() {
        let proxies = proxies(&[("ALL_PROXY", "p:1")]);
        for url in [
            "http://localhost/",
            "http://LOCALHOST:5000/",
            "http://localhost.:5000/",
            "https://127.0.0.1:5000/",
            "http://127.8.9.10/",
            "http://[::1]:5000/",
            "http://[::ffff:127.0.0.1]/",
        ] {
            assert_eq!(route(&proxies, url), "direct", "{url}");
        }
        for url in ["http://a.localhost/", "http://10.0.0.1/", "http://[::2]/"] {
            assert_eq!(route(&proxies, url), "http://p:1", "{url}");
        }
    }
}
