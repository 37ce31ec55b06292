//! A minimal HTTP client, so that tests see the bytes of the test registry without a client
//! library.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::registry::TestRegistry;

/// A connection to the test registry.
pub(super) struct Wire {
    pub(super) reader: BufReader<TcpStream>,
}

#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// Whether the body ended before its Content-Length.
    pub(super) broken: bool,
}

impl Wire {
    pub(super) fn to(registry: &TestRegistry) -> Self {
        let stream = TcpStream::connect(registry.host()).expect("the registry listens");
        // Without a timeout a failing test would hang.
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a timeout can be set");
        Self {
            reader: BufReader::new(stream),
        }
    }

    /// Sends a request such as `GET /v2/`, and reads the response.
    pub(super) fn send(&mut self, ask: &str, headers: &[&str], body: &[u8]) -> Reply {
        let mut head = format!("{ask} HTTP/1.1\r\nHost: test\r\n");
        for header in headers {
            head.extend([header, "\r\n"]);
        }
        let is_read = ask.starts_with("GET") || ask.starts_with("HEAD");
        if !is_read || !body.is_empty() {
            head.extend(["Content-Length: ", &body.len().to_string(), "\r\n"]);
        }
        self.write(&[head.as_bytes(), b"\r\n", body].concat());
        self.reply(ask.starts_with("HEAD"))
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.reader
            .get_mut()
            .write_all(bytes)
            .expect("the registry reads");
    }

    /// Reads a response. A response to `HEAD` has no body.
    pub(super) fn reply(&mut self, head_only: bool) -> Reply {
        let status = self
            .line()
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let mut reply = Reply {
            status: status.expect("a status line"),
            headers: Vec::new(),
            body: Vec::new(),
            broken: false,
        };
        loop {
            let line = self.line();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(": ").expect("a header field");
            reply.headers.push((name.to_owned(), value.to_owned()));
        }
        if head_only || matches!(reply.status, 204 | 304) {
            return reply;
        }
        if reply.header("Transfer-Encoding").is_some() {
            loop {
                let size = u64::from_str_radix(&self.line(), 16).expect("the size of a chunk");
                self.take(size, &mut reply.body);
                self.line();
                if size == 0 {
                    return reply;
                }
            }
        }
        let length = reply
            .header("Content-Length")
            .map(|length| length.parse().expect("a length"));
        let count = self.take(length.unwrap_or(u64::MAX), &mut reply.body);
        reply.broken = length.is_some_and(|length| count < length);
        reply
    }

    /// Whether the registry closed the connection.
    pub(super) fn is_closed(&mut self) -> bool {
        // A reset also ends the connection.
        self.reader.fill_buf().map_or(true, <[u8]>::is_empty)
    }

    fn take(&mut self, count: u64, into: &mut Vec<u8>) -> u64 {
        let count = (&mut self.reader)
            .take(count)
            .read_to_end(into)
            .expect("a body");
        count as u64
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        let named = |header: &&(String, String)| header.0.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .filter(named)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
