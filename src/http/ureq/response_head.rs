//! Response heads that ureq cannot read: interim responses, folded header lines, many headers.
//!
//! ureq compares its whole input buffer with the limit for a head, so an interim response before a
//! large body fails. It refuses folded lines (RFC 9112 §5.2), which nginx writes for an
//! `add_header` over several lines, more than 128 headers, and lines that are not headers. A
//! [`HeadReader`] therefore reads each head completely and hands ureq a rewritten one. Bodies pass
//! through without a copy.
//!
//! | Received | Handed to ureq |
//! |---|---|
//! | empty lines before the status line | nothing |
//! | 100, 102 to 199 | nothing; 100 if the request waits for it |
//! | a folded line | one line, joined by a space |
//! | a line without a valid name | nothing |
//! | a control character | a space |
//! | one Content-Length several times | one line |
//! | more than 120 lines or 64 KiB | the headers that this library reads |
//! | another version than HTTP/1.0 | HTTP/1.1 |

#![expect(clippy::disallowed_types, reason = "this is the adapter to ureq")]

use std::fmt;
use std::sync::Arc;

use ureq::unversioned::transport::time::{self, Instant};
use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport};

use super::super::{NO_RESPONSE, SilentServer, TransportError};
use super::error::ureq_error;
use super::tcp::passed;
use crate::error::TransportKind;
use crate::limits::{HEAD_TIMEOUTS, MAX_INTERIM_RESPONSES, MAX_RESPONSE_HEAD_BYTES};

/// Bytes of the buffer for request bodies that ureq fills after it waited for `100 Continue`.
const OUTPUT_BYTES: usize = 16 * 1024;
/// Bytes of a head that is handed on.
const HANDED_ON_BYTES: usize = 64 * 1024;
/// Header lines that are handed on. ureq parses 128 at most.
const MAX_HEADERS: usize = 120;
/// Headers that stay in a head with too many lines or bytes: the prefixes of all names that this
/// library reads or HTTP needs.
const NEEDED: [&str; 14] = [
    "accept-ranges",
    "connection",
    "content-",
    "date",
    "docker-",
    "link",
    "location",
    "oci-",
    "range",
    "retry-after",
    "server",
    "transfer-encoding",
    "warning",
    "www-authenticate",
];

type CurrentTime = Arc<dyn Fn() -> Instant + Send + Sync>;

/// A connection whose response heads are rewritten before ureq parses them.
pub(super) struct HeadReader {
    inner: Box<dyn Transport>,
    /// Host and port of the server, for errors.
    host: String,
    current_time: CurrentTime,
    /// The received part of the next head.
    received: Vec<u8>,
    /// The time at which `received` was found to have the beginning of a head.
    head_start: Option<Instant>,
    /// The offset in `received` of a line whose end has not been found.
    line_start: usize,
    /// The rewritten head, and the output that ureq fills while a head is read.
    head: LazyBuffers,
    state: State,
    interim_responses: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The head of a request, or its body, is being sent.
    Sending { awaits_continue: bool },
    /// ureq waits for the head of a response.
    Receiving { awaits_continue: bool },
    /// ureq has the head of the final response, and reads its body or sends the next request.
    Body,
}

/// The decision about the bytes received so far.
#[derive(Debug, PartialEq, Eq)]
enum Head {
    /// The head is not complete.
    Incomplete,
    /// The bytes are not an HTTP/1 response: ureq reports that.
    Foreign,
    /// An interim response of so many bytes, with its status.
    Interim(usize, u16),
    /// A final response whose head has so many bytes.
    Final(usize),
}

impl HeadReader {
    pub(super) fn new(inner: Box<dyn Transport>, host: &str, current_time: CurrentTime) -> Self {
        Self {
            inner,
            host: host.to_owned(),
            current_time,
            received: Vec::new(),
            head_start: None,
            line_start: 0,
            head: LazyBuffers::new(HANDED_ON_BYTES, OUTPUT_BYTES),
            state: State::Body,
            interim_responses: 0,
        }
    }

    /// Takes the received bytes up to the end of a head. Returns whether ureq has something to
    /// read.
    fn take_head(&mut self, awaits_continue: bool) -> Result<bool, ureq::Error> {
        loop {
            let input = self.inner.buffers().input();
            let before = self.received.len();
            self.received.extend_from_slice(input);
            let arrived = input.len();
            let decision = examine(&self.received, &mut self.line_start);
            if let Head::Interim(len, _) | Head::Final(len) = decision {
                self.inner.buffers().input_consume(len - before);
                self.received.truncate(len);
            } else if decision == Head::Incomplete {
                self.inner.buffers().input_consume(arrived);
            }
            if decision != Head::Foreign && self.received.len() > MAX_RESPONSE_HEAD_BYTES {
                return Err(too_large(self.received.len()));
            }
            match decision {
                Head::Incomplete => return Ok(false),
                Head::Foreign => {
                    self.state = State::Body;
                    self.received.truncate(before);
                    let start = std::mem::take(&mut self.received);
                    return self.hand_on(&start);
                }
                Head::Interim(_, status) => {
                    self.start_head();
                    self.interim_responses += 1;
                    if self.interim_responses > MAX_INTERIM_RESPONSES {
                        return Err(ureq::Error::Io(std::io::Error::new(
                            std::io::ErrorKind::InvalidData,
                            format!("more than {MAX_INTERIM_RESPONSES} interim responses"),
                        )));
                    }
                    if status == 100 && awaits_continue {
                        self.state = State::Sending {
                            awaits_continue: false,
                        };
                        return self.hand_on(b"HTTP/1.1 100 Continue\r\n\r\n");
                    }
                }
                Head::Final(_) => {
                    let head = rewritten(&self.received);
                    self.start_head();
                    self.state = State::Body;
                    return self.hand_on(&head);
                }
            }
        }
    }

    fn start_head(&mut self) {
        self.received.clear();
        self.line_start = 0;
        self.head_start = None;
    }

    fn hand_on(&mut self, head: &[u8]) -> Result<bool, ureq::Error> {
        let buffer = self.head.input_append_buf();
        let len = head.len();
        buffer
            .get_mut(..len)
            .ok_or_else(|| too_large(len))?
            .copy_from_slice(head);
        self.head.input_appended(len);
        Ok(true)
    }

    /// The timeout of the next read of a head that has begun: silence as in a transfer. The error
    /// is that of a head that takes too long.
    fn in_head(&mut self, timeout: NextTimeout) -> Result<NextTimeout, ureq::Error> {
        let now = (self.current_time)();
        let start = *self.head_start.get_or_insert(now);
        if let Some(time::Duration::Exact(silence)) = timeout.per_write {
            let limit = silence.saturating_mul(HEAD_TIMEOUTS);
            if passed(start, now) >= limit {
                let silent = SilentServer {
                    missing: NO_RESPONSE,
                    host: self.host.clone(),
                    limit,
                };
                return Err(ureq_error(TransportError::new(
                    TransportKind::Timeout,
                    silent,
                )));
            }
        }
        Ok(in_transfer(timeout))
    }

    /// Whether ureq works with the buffers of this type, and not with those of the connection.
    fn uses_own_buffers(&self) -> bool {
        matches!(self.state, State::Receiving { .. }) || !self.head.input().is_empty()
    }
}

impl Transport for HeadReader {
    fn buffers(&mut self) -> &mut dyn Buffers {
        if self.uses_own_buffers() {
            &mut self.head
        } else {
            self.inner.buffers()
        }
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        if self.uses_own_buffers() {
            // ureq gave up waiting for `100 Continue`, and filled the buffer that it was handed.
            let mut rest = &self.head.output()[..amount];
            while !rest.is_empty() {
                let output = self.inner.buffers().output();
                let (part, behind) = rest.split_at(rest.len().min(output.len()));
                output[..part.len()].copy_from_slice(part);
                self.inner.transmit_output(part.len(), timeout)?;
                rest = behind;
            }
            self.state = State::Sending {
                awaits_continue: false,
            };
            return Ok(());
        }
        if self.state == State::Body {
            self.interim_responses = 0;
            self.state = State::Sending {
                awaits_continue: awaits_continue(&self.inner.buffers().output()[..amount]),
            };
        }
        self.inner.transmit_output(amount, timeout)
    }

    fn maybe_await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        if !self.head.input().is_empty() {
            return Ok(true);
        }
        if self.state == State::Body {
            return self.inner.maybe_await_input(in_transfer(timeout));
        }
        self.await_input(timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let awaits_continue = match self.state {
            State::Body => return self.inner.await_input(in_transfer(timeout)),
            State::Sending { awaits_continue } | State::Receiving { awaits_continue } => {
                awaits_continue
            }
        };
        self.state = State::Receiving { awaits_continue };
        let start = (self.current_time)();
        loop {
            if self.take_head(awaits_continue)? {
                return Ok(true);
            }
            let passed = passed(start, (self.current_time)());
            let Some(after) = timeout.after.checked_sub(passed) else {
                return Err(ureq::Error::Timeout(timeout.reason));
            };
            let remaining = NextTimeout {
                after: match timeout.after {
                    time::Duration::NotHappening => time::Duration::NotHappening,
                    time::Duration::Exact(_) => time::Duration::Exact(after),
                },
                ..timeout
            };
            let remaining = if self.received.is_empty() {
                remaining
            } else {
                self.in_head(remaining)?
            };
            if !self.inner.await_input(remaining)? {
                // ureq reports what is wrong with an incomplete head.
                self.state = State::Body;
                let rest = std::mem::take(&mut self.received);
                self.hand_on(&rest[..rest.len().min(HANDED_ON_BYTES)])?;
                return Ok(false);
            }
        }
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

impl fmt::Debug for HeadReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeadReader")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// The timeout of a read of a body: silence as while a body is sent, and not as before a response.
fn in_transfer(timeout: NextTimeout) -> NextTimeout {
    NextTimeout {
        per_read: timeout.per_write,
        ..timeout
    }
}

fn too_large(len: usize) -> ureq::Error {
    ureq::Error::LargeResponseHeader(len, MAX_RESPONSE_HEAD_BYTES)
}

/// Whether the head of a request waits for `100 Continue` before its body.
fn awaits_continue(request: &[u8]) -> bool {
    lines(request)
        .take_while(|line| !line.is_empty())
        .any(|line| is_named(line, "expect"))
}

/// Decides what the received bytes begin with. Searching continues at `line_start`, so that a head
/// that arrives in many pieces is read once.
fn examine(received: &[u8], line_start: &mut usize) -> Head {
    const START: &[u8] = b"HTTP/";
    let blank = received.iter().take_while(|it| b"\r\n".contains(it));
    let begin = blank.count();
    let known = (received.len() - begin).min(START.len());
    if received[begin..begin + known] != START[..known] {
        return Head::Foreign;
    }
    *line_start = (*line_start).max(begin);
    let len = loop {
        let line = &received[*line_start..];
        let Some(end) = line.iter().position(|&byte| byte == b'\n') else {
            return Head::Incomplete;
        };
        *line_start += end + 1;
        if matches!(&line[..end], b"" | b"\r") {
            break *line_start;
        }
    };
    let mut words = received[begin..len].split(|&byte| byte == b' ').skip(1);
    let status = words.next().and_then(|it| it.get(..3));
    let status = status.and_then(|it| std::str::from_utf8(it).ok());
    match status.and_then(|it| it.parse().ok()) {
        // 101 changes the protocol, and is final.
        Some(status @ (100 | 102..=199)) => Head::Interim(len, status),
        _ => Head::Final(len),
    }
}

/// The lines of a head without their ends.
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// Whether the name of a header line begins with `prefix`.
fn is_named(line: &[u8], prefix: &str) -> bool {
    line.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

/// The head of a final response as ureq can parse it.
fn rewritten(head: &[u8]) -> Vec<u8> {
    let mut lines = lines(head.trim_ascii_start()).take_while(|line| !line.is_empty());
    let status_line = lines.next().unwrap_or_default();
    let mut headers: Vec<Vec<u8>> = Vec::new();
    for line in lines {
        match headers.last_mut() {
            Some(last) if b" \t".contains(&line[0]) => {
                last.push(b' ');
                last.extend_from_slice(line.trim_ascii());
            }
            _ => headers.push(line.to_vec()),
        }
    }
    headers.retain(|line| has_valid_name(line));
    for byte in headers.iter_mut().flatten() {
        if byte.is_ascii_control() && *byte != b'\t' {
            *byte = b' ';
        }
    }
    merge_lengths(&mut headers);
    if headers.len() > MAX_HEADERS || head.len() > HANDED_ON_BYTES {
        headers.retain(|line| NEEDED.iter().any(|name| is_named(line, name)));
        headers.truncate(MAX_HEADERS);
    }
    let mut rewritten = Vec::with_capacity(head.len());
    // A server may name HTTP/2 on a connection that speaks HTTP/1.
    let (version, rest) = status_line.split_at(status_line.len().min(8));
    let is_known = matches!(version, b"HTTP/1.0" | b"HTTP/1.1") || version.len() < 8;
    rewritten.extend_from_slice(if is_known { version } else { b"HTTP/1.1" });
    rewritten.extend_from_slice(rest);
    rewritten.extend_from_slice(b"\r\n");
    for line in headers {
        rewritten.extend_from_slice(&line);
        rewritten.extend_from_slice(b"\r\n");
    }
    rewritten.extend_from_slice(b"\r\n");
    rewritten
}

/// Whether a header line has a name (RFC 9110 §5.6.2). Other lines say nothing.
fn has_valid_name(line: &[u8]) -> bool {
    let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
    let is_token = |&byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    name.len() < line.len() && !name.is_empty() && name.iter().all(is_token)
}

/// Leaves one line of a Content-Length that a server or proxy repeats (RFC 9110 §8.6). Lengths that
/// differ stay, and are an error.
fn merge_lengths(headers: &mut Vec<Vec<u8>>) {
    const NAME: &str = "content-length:";
    let values: Vec<Vec<u8>> = headers
        .iter()
        .filter(|line| is_named(line, NAME))
        .flat_map(|line| line[NAME.len()..].split(|&byte| byte == b','))
        .map(|value| value.trim_ascii().to_vec())
        .collect();
    let Some((first, others)) = values.split_first() else {
        return;
    };
    if !others.is_empty() && others.iter().all(|it| it == first) {
        headers.retain(|line| !is_named(line, NAME));
        headers.push([b"Content-Length: ", first.as_slice()].concat());
    }
}

#[cfg(test)]
mod tests;
