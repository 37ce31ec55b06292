//! Tunnels through proxies: `CONNECT` (RFC 9110 §9.3.6) and SOCKS 5 (RFC 1928, RFC 1929).

use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::sync::Arc;

use ureq::unversioned::transport::{ConnectionDetails, Transport, TransportAdapter};

use super::super::{Proxy, TransportError};
use super::tcp::handshake_timeout;
use crate::error::{TransportKind, status_text};
use crate::limits::MAX_PROXY_HEADER_BYTES;
use crate::text::url::without_brackets;

/// Requests a connection to a host from an HTTP proxy.
pub(super) fn connect(
    connection: Box<dyn Transport>,
    details: &ConnectionDetails,
    proxy: &Proxy,
    host: &str,
    port: u16,
) -> Result<Box<dyn Transport>, TransportError> {
    let mut stream = stream(connection, details);
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(authorization) = proxy.authorization() {
        request.push_str("Proxy-Authorization: ");
        request.push_str(&authorization.expose());
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes())?;
    let header = read_header(&mut stream)?;
    match status(&header) {
        Some(200..=299) => Ok(stream.into_inner()),
        Some(status) => Err(TransportError::new(
            TransportKind::Connect,
            format!(
                "proxy {proxy} refuses to connect to {host}:{port}: {status} {}",
                status_text(status)
            )
            .trim_end(),
        )),
        None => Err(not_a_proxy(proxy)),
    }
}

fn stream(connection: Box<dyn Transport>, details: &ConnectionDetails) -> TransportAdapter {
    let mut stream = TransportAdapter::new(connection, Arc::clone(&details.current_time));
    stream.set_timeout(handshake_timeout(details));
    stream
}

/// Reads up to the empty line. The bytes after it belong to the host.
fn read_header(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut header = Vec::new();
    while !header.ends_with(b"\r\n\r\n") && header.len() < MAX_PROXY_HEADER_BYTES {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        header.extend(byte);
    }
    Ok(header)
}

/// Parses the status of `HTTP/1.1 200 OK`.
fn status(header: &[u8]) -> Option<u16> {
    let line = header.split(|&byte| byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.strip_prefix("HTTP/1.")?.split(' ');
    words.nth(1)?.parse().ok()
}

fn not_a_proxy(proxy: &Proxy) -> TransportError {
    TransportError::new(
        TransportKind::Protocol,
        format!("proxy {proxy} does not answer as one"),
    )
}

/// Requests a connection to a host from a SOCKS 5 proxy, which resolves the name.
pub(super) fn socks(
    connection: Box<dyn Transport>,
    details: &ConnectionDetails,
    proxy: &Proxy,
    host: &str,
    port: u16,
) -> Result<Box<dyn Transport>, TransportError> {
    let mut stream = stream(connection, details);
    agree_on_authentication(&mut stream, proxy)?;
    stream.write_all(&socks_request(proxy, host, port)?)?;
    let mut reply = [0; 4];
    stream.read_exact(&mut reply)?;
    match reply {
        [VERSION, 0, _, _] => {}
        [VERSION, code, _, _] => {
            return Err(TransportError::new(
                TransportKind::Connect,
                format!(
                    "proxy {proxy} refuses to connect to {host}:{port}: {}",
                    reply_text(code)
                ),
            ));
        }
        _ => return Err(not_a_proxy(proxy)),
    }
    // The bound address and port of the proxy, which are not needed.
    let length = match reply[3] {
        IPV4 => 4,
        IPV6 => 16,
        NAME => usize::from(read_byte(&mut stream)?),
        _ => return Err(not_a_proxy(proxy)),
    };
    stream.read_exact(&mut vec![0; length + 2])?;
    Ok(stream.into_inner())
}

const VERSION: u8 = 5;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;
const NO_AUTHENTICATION: u8 = 0;
const USERNAME_AND_PASSWORD: u8 = 2;

fn agree_on_authentication(
    stream: &mut (impl Read + Write),
    proxy: &Proxy,
) -> Result<(), TransportError> {
    match proxy.credential() {
        Some(_) => stream.write_all(&[VERSION, 2, NO_AUTHENTICATION, USERNAME_AND_PASSWORD])?,
        None => stream.write_all(&[VERSION, 1, NO_AUTHENTICATION])?,
    }
    let mut choice = [0; 2];
    stream.read_exact(&mut choice)?;
    match (choice, proxy.credential()) {
        ([VERSION, NO_AUTHENTICATION], _) => Ok(()),
        ([VERSION, USERNAME_AND_PASSWORD], Some((username, password))) => {
            let mut message = vec![1];
            for secret in [username, password] {
                message.push(length_byte(secret.expose_bytes(), proxy)?);
                message.extend_from_slice(secret.expose_bytes());
            }
            stream.write_all(&message)?;
            let mut answer = [0; 2];
            stream.read_exact(&mut answer)?;
            match answer {
                [_, 0] => Ok(()),
                _ => Err(TransportError::new(
                    TransportKind::Connect,
                    format!("proxy {proxy} accepts neither this user name nor this password"),
                )),
            }
        }
        ([VERSION, _], _) => Err(TransportError::new(
            TransportKind::Connect,
            format!("proxy {proxy} wants an authentication that it cannot be given"),
        )),
        _ => Err(not_a_proxy(proxy)),
    }
}

fn socks_request(proxy: &Proxy, host: &str, port: u16) -> Result<Vec<u8>, TransportError> {
    // Version, command "connect", reserved.
    let mut request = vec![VERSION, 1, 0];
    let bare = without_brackets(host);
    match bare.parse() {
        Ok(IpAddr::V4(address)) => {
            request.push(IPV4);
            request.extend(address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(IPV6);
            request.extend(address.octets());
        }
        Err(_) => {
            request.push(NAME);
            request.push(length_byte(host.as_bytes(), proxy)?);
            request.extend_from_slice(host.as_bytes());
        }
    }
    request.extend(port.to_be_bytes());
    Ok(request)
}

fn length_byte(text: &[u8], proxy: &Proxy) -> Result<u8, TransportError> {
    u8::try_from(text.len()).map_err(|_| {
        TransportError::new(
            TransportKind::Protocol,
            format!("proxy {proxy} takes no names or passwords of more than 255 bytes"),
        )
    })
}

fn read_byte(stream: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    Ok(byte[0])
}

/// Returns the meaning of a SOCKS 5 reply code (RFC 1928 §6).
const fn reply_text(code: u8) -> &'static str {
    match code {
        1 => "general failure",
        2 => "not allowed",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "TTL expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => "unknown failure",
    }
}
