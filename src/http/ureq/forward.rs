//! Plain http through a proxy: requests in absolute form (RFC 9112 §3.2.2), for example
//! `GET http://host/path HTTP/1.1`.
//!
//! ureq would request a tunnel, which most proxies allow only for port 443. Instead, the request
//! line that ureq writes is rewritten, and `Proxy-Authorization` is added after it.

use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};

use super::super::{Proxy, TransportError};
use super::error::ureq_error;
use crate::error::TransportKind;
use crate::text::secret::Secret;
use crate::text::url::Url;

/// A connection to a proxy for requests to one host.
#[derive(Debug)]
pub(super) struct ForwardedConnection {
    inner: Box<dyn Transport>,
    /// Prefix of each request target: `http://host:port`.
    origin: String,
    /// Value of `Proxy-Authorization`.
    authorization: Option<Secret>,
    /// Whether the next output is the start of a request.
    ///
    /// Set by `is_open`, which ureq calls only between two requests on a connection.
    at_start: bool,
}

impl ForwardedConnection {
    pub(super) fn new(inner: Box<dyn Transport>, url: &Url, proxy: &Proxy) -> Self {
        Self {
            inner,
            origin: format!("{}://{}", url.scheme().as_str(), url.host_and_port()),
            authorization: proxy.authorization(),
            at_start: true,
        }
    }

    /// Converts the start of a request to absolute form.
    fn rewritten(&self, start: &[u8]) -> Option<Vec<u8>> {
        let target = start.iter().position(|&byte| byte == b' ')? + 1;
        let headers = start.windows(2).position(|pair| pair == b"\r\n")? + 2;
        let mut rewritten = Vec::with_capacity(start.len() + self.origin.len() + 128);
        rewritten.extend_from_slice(&start[..target]);
        rewritten.extend_from_slice(self.origin.as_bytes());
        rewritten.extend_from_slice(start.get(target..headers)?);
        if let Some(authorization) = &self.authorization {
            let header = format!("Proxy-Authorization: {}\r\n", authorization.expose());
            rewritten.extend_from_slice(header.as_bytes());
        }
        rewritten.extend_from_slice(&start[headers..]);
        Some(rewritten)
    }
}

impl Transport for ForwardedConnection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        if !std::mem::take(&mut self.at_start) {
            return self.inner.transmit_output(amount, timeout);
        }
        let start = self.inner.buffers().output()[..amount].to_vec();
        let rewritten = self.rewritten(&start).ok_or_else(|| {
            ureq_error(TransportError::new(
                TransportKind::Protocol,
                "the request is too long for a proxy",
            ))
        })?;
        let mut rest = rewritten.as_slice();
        while !rest.is_empty() {
            let output = self.inner.buffers().output();
            let (part, remaining) = rest.split_at(rest.len().min(output.len()));
            output[..part.len()].copy_from_slice(part);
            self.inner.transmit_output(part.len(), timeout)?;
            rest = remaining;
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.at_start = true;
        self.inner.is_open()
    }
}
