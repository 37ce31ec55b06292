//! Opens connections: resolves names, judges their addresses, connects through proxies, and adds
//! TLS.
//!
//! | URL | Proxy | Sent on the connection |
//! |---|---|---|
//! | http | none | requests |
//! | https | none | TLS with the server, requests within |
//! | http | HTTP or HTTPS | requests in absolute form ([`forward`](super::forward)) |
//! | https | HTTP or HTTPS | `CONNECT`, then TLS with the server ([`tunnel`]) |
//! | any | SOCKS 5 | SOCKS handshake, then the same as without a proxy |
//!
//! The connection to an HTTPS proxy is inside TLS of its own, without a client certificate and
//! always with certificate checks.

#![expect(clippy::disallowed_types, reason = "this is the adapter to ureq")]

use std::collections::HashMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, io};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, NextTimeout, Transport};

use super::super::resolve::localhost_addresses;
use super::super::{Proxies, Proxy, ProxyProtocol, ResolveRule, TransportError};
use super::error::{at_proxy, is_of_caller, transport_error, ureq_error};
use super::forward::ForwardedConnection;
use super::response_head::HeadReader;
#[cfg(feature = "tls-no-provider")]
use super::tls;
use super::{tcp, tunnel};
use crate::error::{Reworded, TransportKind, os_error_text};
use crate::limits::MAX_ADDRESSES;
use crate::text::url::{BlockedAddress, Locality, Origin, Scheme, Url};

/// The locality of the addresses at which each origin was last reached without a proxy.
pub(super) type Localities = Mutex<HashMap<Origin, Locality>>;

/// Opens the connections of one agent.
pub(super) struct ProxyConnector {
    pub(super) proxies: Arc<Proxies>,
    pub(super) rules: Arc<[ResolveRule]>,
    pub(super) localities: Arc<Localities>,
    /// No connection to a server is made to a more local address.
    pub(super) most_local: Locality,
    #[cfg(feature = "tls-no-provider")]
    pub(super) server_tls: Arc<tls::Client>,
    #[cfg(feature = "tls-no-provider")]
    pub(super) proxy_tls: Arc<tls::Client>,
}

impl ProxyConnector {
    /// Opens a connection for requests to `url`.
    fn connection(
        &self,
        details: &ConnectionDetails,
        url: &Url,
    ) -> Result<Connection, TransportError> {
        let connection = self.connection_without_tls(details, url)?;
        #[cfg(feature = "tls-no-provider")]
        if url.scheme() == Scheme::Https {
            let origin = url.origin();
            let wrapped = self
                .server_tls
                .wrap(connection, details, origin.host(), origin.port());
            // The alert does not say which algorithm the server requires. Its certificate does.
            return wrapped.map_err(|error| match &error.kind {
                TransportKind::Tls if error.to_string().ends_with("handshake failure") => self
                    .connection_without_tls(details, url)
                    .ok()
                    .and_then(|again| {
                        self.server_tls
                            .unsupported_key(again, details, origin.host())
                    })
                    .unwrap_or(error),
                _ => error,
            });
        }
        Ok(connection)
    }

    /// Opens a connection to the host of `url`, through its proxy.
    fn connection_without_tls(
        &self,
        details: &ConnectionDetails,
        url: &Url,
    ) -> Result<Connection, TransportError> {
        let proxy = self
            .proxies
            .for_url(url)
            .map_err(|invalid| TransportError::new(TransportKind::Protocol, invalid.to_string()))?;
        let origin = url.origin();
        Ok(match proxy {
            None => self.dial_server(details, url)?,
            Some(proxy) => {
                let connection = self.dial_proxy(details, url, proxy).map_err(at_proxy)?;
                match (proxy.protocol(), url.scheme()) {
                    (ProxyProtocol::Socks5, _) => {
                        tunnel::socks(connection, details, proxy, origin.host(), origin.port())?
                    }
                    (_, Scheme::Https) => {
                        tunnel::connect(connection, details, proxy, origin.host(), origin.port())?
                    }
                    (_, Scheme::Http) => Box::new(ForwardedConnection::new(connection, url, proxy)),
                }
            }
        })
    }

    /// Connects to the addresses of a server that are not too local, and records their locality.
    fn dial_server(
        &self,
        details: &ConnectionDetails,
        url: &Url,
    ) -> Result<Connection, TransportError> {
        let origin = url.origin();
        let host = origin.host();
        let mut addresses = self.addresses(host, origin.port())?;
        let mut blocked = None;
        addresses.retain(|address| {
            BlockedAddress::check(host, address.ip(), self.most_local)
                .map_err(|error| blocked = Some(error))
                .is_ok()
        });
        if let Some(blocked) = blocked.filter(|_| addresses.is_empty()) {
            let text = blocked.to_string();
            return Err(TransportError::new(TransportKind::Blocked, text));
        }
        let connection = dial(details, url.host_and_port(), &addresses)?;
        // If the addresses differ, the one that was connected to is not known.
        let localities = (addresses.iter()).map(|address| Locality::from_address(address.ip()));
        if let Some(locality) = localities.min() {
            let known = self.localities.lock();
            let mut known = known.unwrap_or_else(PoisonError::into_inner);
            known.insert(origin, locality);
        }
        Ok(connection)
    }

    fn dial_proxy(
        &self,
        details: &ConnectionDetails,
        url: &Url,
        proxy: &Proxy,
    ) -> Result<Connection, TransportError> {
        let addresses = self.addresses(proxy.host(), proxy.port())?;
        let connection = dial(details, url.host_and_port(), &addresses)?;
        if proxy.protocol() != ProxyProtocol::Https {
            return Ok(connection);
        }
        #[cfg(feature = "tls-no-provider")]
        return self
            .proxy_tls
            .wrap(connection, details, proxy.host(), proxy.port());
        #[cfg(not(feature = "tls-no-provider"))]
        Err(TransportError::new(
            TransportKind::Tls,
            "this build speaks no TLS (feature \"tls\" is off)",
        ))
    }

    /// Resolves a host. Returns at least one address.
    fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, TransportError> {
        let mut rules = self.rules.iter().rev();
        if let Some(address) = rules.find_map(|rule| rule.address_for(host, port)) {
            return Ok(vec![address]);
        }
        if let Some(addresses) = localhost_addresses(host, port) {
            return Ok(addresses.to_vec());
        }
        let bare = host.trim_matches(['[', ']']);
        match (bare, port).to_socket_addrs().map(Vec::from_iter) {
            Ok(mut addresses) if !addresses.is_empty() => {
                addresses.truncate(MAX_ADDRESSES);
                Ok(addresses)
            }
            // Resolver errors differ between systems and add no information.
            Ok(_) | Err(_) => Err(TransportError::new(
                TransportKind::Dns,
                format!("dial tcp: lookup {host}: no such host"),
            )),
        }
    }
}

type Connection = Box<dyn Transport>;

/// Opens a TCP connection to one of these addresses, of which there is at least one. `host` is for
/// reports.
fn dial(
    details: &ConnectionDetails,
    host: &str,
    addresses: &[SocketAddr],
) -> Result<Connection, TransportError> {
    match tcp::connect(host, addresses, *details.timeout.after, details.config) {
        Ok(connection) => Ok(Box::new(connection)),
        Err(ureq::Error::Io(error))
            if error.kind() == io::ErrorKind::TimedOut
                && details.timeout.reason == ureq::Timeout::Global =>
        {
            Err(transport_error(ureq::Error::Timeout(
                details.timeout.reason,
            )))
        }
        Err(ureq::Error::Io(error)) if !is_of_caller(&error) => {
            Err(dial_error(error, addresses[0]))
        }
        Err(error) => Err(transport_error(error)),
    }
}

fn dial_error(error: io::Error, address: SocketAddr) -> TransportError {
    use io::ErrorKind::{
        AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable, TimedOut,
    };
    let (kind, text) = match error.kind() {
        TimedOut => (TransportKind::Timeout, "i/o timeout".to_owned()),
        kind => (
            match kind {
                ConnectionRefused | HostUnreachable | NetworkUnreachable | AddrNotAvailable => {
                    TransportKind::Connect
                }
                _ => TransportKind::Io,
            },
            format!("connect: {}", os_error_text(&error)),
        ),
    };
    let message = format!("dial tcp {address}: {text}");
    TransportError::new(kind, Reworded::new(message, error))
}

impl Connector for ProxyConnector {
    type Out = Connection;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<Connection>, ureq::Error> {
        let url = Url::parse(&details.uri.to_string())
            .map_err(|error| TransportError::new(TransportKind::Protocol, error.to_string()));
        let connection = url.and_then(|url| {
            let connection = self.connection(details, &url)?;
            let current_time = Arc::clone(&details.current_time);
            Ok(HeadReader::new(
                connection,
                url.host_and_port(),
                current_time,
            ))
        });
        Ok(Some(Box::new(connection.map_err(ureq_error)?)))
    }
}

impl fmt::Debug for ProxyConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyConnector").finish_non_exhaustive()
    }
}

/// A resolver that returns no addresses. ureq resolves once per request. [`ProxyConnector`]
/// resolves once per connection, and not at all if a proxy resolves the name.
#[derive(Debug)]
pub(super) struct NoopResolver;

impl Resolver for NoopResolver {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}
