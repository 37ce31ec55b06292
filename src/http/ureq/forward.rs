//! Plain http through a proxy: requests in absolute form (RFC 9112 §3.2.2), as `GET http://host/path HTTP/1.1`.
//!
//! ureq knows no such requests; it would ask the proxy for a tunnel, which most allow for port 443 only. So what it writes is
//! changed on its way: the first line, and a header for the proxy behind it.

use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};

use super::super::Proxy;
use super::error::ConnectError;
use crate::error::TransportKind;
use crate::text::secret::Secret;
use crate::text::url::Url;

/// A connection to a proxy that passes requests on to one host.
#[derive(Debug)]
pub(super) struct ForwardedConnection {
    inner: Box<dyn Transport>,
    /// What the target of a request lacks: `http://host:port`.
    origin: String,
    /// For the proxy.
    authorization: Option<Secret>,
    /// Whether what is written next is the start of a request.
    ///
    /// ureq asks whether a connection is still open when an answer has been read to its end, and at no other time than
    /// between two requests.
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

    /// The start of a request as the proxy wants it.
    fn changed(&self, start: &[u8]) -> Option<Vec<u8>> {
        let target = start.iter().position(|&byte| byte == b' ')? + 1;
        let headers = start.windows(2).position(|pair| pair == b"\r\n")? + 2;
        let mut changed = Vec::with_capacity(start.len() + self.origin.len() + 128);
        changed.extend_from_slice(&start[..target]);
        changed.extend_from_slice(self.origin.as_bytes());
        changed.extend_from_slice(start.get(target..headers)?);
        if let Some(authorization) = &self.authorization {
            let header = format!("Proxy-Authorization: {}\r\n", authorization.expose());
            changed.extend_from_slice(header.as_bytes());
        }
        changed.extend_from_slice(&start[headers..]);
        Some(changed)
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
        let changed = self.changed(&start).ok_or_else(|| {
            ConnectError::new(
                TransportKind::Protocol,
                "the request is too long for a proxy",
            )
        })?;
        let mut rest = changed.as_slice();
        while !rest.is_empty() {
            let output = self.inner.buffers().output();
            let (part, behind) = rest.split_at(rest.len().min(output.len()));
            output[..part.len()].copy_from_slice(part);
            self.inner.transmit_output(part.len(), timeout)?;
            rest = behind;
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
