//! What was asked, in order: the evidence for *these requests, and no credentials at the second host*.

use super::content::Spool;
use super::request::{Headers, Request};

/// Bodies are kept up to this size.
const KEPT_BODY_BYTES: usize = 64 * 1024;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Which connection carried it, counted from 1: equal numbers mean that it was used again.
    pub connection: usize,
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    pub headers: Headers,
    /// The size of the body as far as it was read.
    pub body_bytes: u64,
    /// The body, up to 64 KiB.
    pub body: Vec<u8>,
    /// The status it was answered with, unless the connection was closed on it.
    pub status: Option<u16>,
}

impl Recorded {
    /// The first value of a header field.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// `GET /v2/a/blobs/sha256:… (bearer)`. Escapes of `:` and `/` are undone: how a client writes them is its own affair.
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

/// All requests, and those that no registry would know.
#[derive(Debug, Default)]
pub struct Log {
    pub requests: Vec<Recorded>,
    pub unexpected: Vec<String>,
    /// How many requests were forgotten, so that indices stay right.
    forgotten: usize,
}

impl Log {
    /// Notes a head, and returns the number by which the rest is added.
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
        self.forgotten + self.requests.len() - 1
    }

    /// Adds the body.
    pub fn body(&mut self, number: usize, body: &Spool) {
        if let Some(recorded) = self.entry(number) {
            recorded.body_bytes = body.len();
            recorded.body = body.beginning(KEPT_BODY_BYTES).to_vec();
        }
    }

    /// Adds the status of the answer.
    pub fn status(&mut self, number: usize, status: u16) {
        if let Some(recorded) = self.entry(number) {
            recorded.status = Some(status);
        }
    }

    /// Forgets all requests so far.
    pub fn clear(&mut self) {
        self.forgotten += self.requests.len();
        self.requests.clear();
    }

    fn entry(&mut self, number: usize) -> Option<&mut Recorded> {
        self.requests.get_mut(number.checked_sub(self.forgotten)?)
    }
}
