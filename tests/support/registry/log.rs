//! The log of requests, in order: evidence for *these requests, and no credentials at the second
//! host*.

use super::content::Spool;
use super::request::{Headers, Request};

/// Maximum size of a recorded body.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// A request as received.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Number of the connection, from 1. Equal numbers mean that the connection was reused.
    pub connection: usize,
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    pub headers: Headers,
    /// The number of body bytes that were read.
    pub body_bytes: u64,
    /// The body, up to 64 KiB.
    pub body: Vec<u8>,
    /// The status of the response; None if the connection was closed instead.
    pub status: Option<u16>,
}

impl Recorded {
    /// The first value of a header field.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// `GET /v2/a/blobs/sha256:… (bearer)`. Escaped `:` and `/` are decoded, because clients may or
    /// may not escape them.
    pub fn line(&self) -> String {
        let target = self
            .target
            .replace("%3A", ":")
            .replace("%3a", ":")
            .replace("%2F", "/")
            .replace("%2f", "/");
        let authorization = self.header("authorization");
        let scheme = authorization.map(|value| {
            value
                .split(' ')
                .next()
                .unwrap_or(value)
                .to_ascii_lowercase()
        });
        let mark = match scheme.as_deref() {
            None => "no authorization",
            Some("basic") => "basic",
            Some("bearer") => "bearer",
            Some(_) => "other authorization",
        };
        format!("{} {target} ({mark})", self.method)
    }
}

/// All requests, and those without an endpoint in the specification.
#[derive(Debug, Default)]
pub struct Log {
    pub requests: Vec<Recorded>,
    pub unexpected: Vec<String>,
    /// Number of cleared requests, so that numbers stay valid.
    cleared: usize,
}

impl Log {
    /// Records a head. Returns its number, for the body and status.
    pub fn begin(&mut self, connection: usize, request: &Request) -> usize {
        self.requests.push(Recorded {
            connection,
            method: request.method.clone(),
            target: request.target.clone(),
            headers: request.headers.clone(),
            body_bytes: 0,
            body: Vec::new(),
            status: None,
        });
        self.cleared + self.requests.len() - 1
    }

    /// Records the body.
    pub fn body(&mut self, number: usize, body: &Spool) {
        if let Some(recorded) = self.entry(number) {
            recorded.body_bytes = body.len();
            recorded.body = body.beginning(MAX_BODY_BYTES).to_vec();
        }
    }

    /// Records the status of the response.
    pub fn status(&mut self, number: usize, status: u16) {
        if let Some(recorded) = self.entry(number) {
            recorded.status = Some(status);
        }
    }

    /// Removes all requests.
    pub fn clear(&mut self) {
        self.cleared += self.requests.len();
        self.requests.clear();
    }

    fn entry(&mut self, number: usize) -> Option<&mut Recorded> {
        self.requests.get_mut(number.checked_sub(self.cleared)?)
    }
}
