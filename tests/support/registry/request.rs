//! HTTP/1.1 requests: a head, then a body with a length or in chunks (RFC 9112).

use std::io::{self, BufRead, Read, Write as _};

use super::content::Spool;

/// Maximum size of a head, far above the needs of any client here.
const MAX_HEAD_BYTES: u64 = 256 * 1024;

/// A request. The body is empty until it has been read.
#[derive(Debug)]
pub struct Request {
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// The path, percent-decoded.
    pub path: String,
    /// The query's members, percent-decoded, in order.
    pub query: Vec<(String, String)>,
    pub headers: Headers,
    pub body: Spool,
}

/// The reason that a head could not be read.
#[derive(Debug)]
pub enum HeadError {
    /// The connection failed.
    Io(io::Error),
    /// The head is not HTTP/1.1.
    Malformed(String),
}

/// The received part of a body.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    Complete,
    /// The peer stopped, or the caller's limit was reached.
    Partial,
}

impl Request {
    /// Reads a head. Returns `None` if the peer closed the connection between requests.
    pub fn read_head(reader: &mut impl BufRead) -> Result<Option<Self>, HeadError> {
        let mut head = reader.take(MAX_HEAD_BYTES);
        let Some(line) = read_line(&mut head)? else {
            return Ok(None);
        };
        let malformed =
            |what: &str| HeadError::Malformed(format!("{what} in \"{}\"", line.escape_debug()));
        let mut words = line.split(' ');
        let (Some(method), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(malformed("no request line"));
        };
        if !target.starts_with('/') {
            return Err(malformed("no path"));
        }
        let mut headers = Headers::default();
        loop {
            let field = read_line(&mut head)?.ok_or_else(|| malformed("a head without end"))?;
            if field.is_empty() {
                break;
            }
            let (name, value) = field
                .split_once(':')
                .ok_or_else(|| malformed("a field without a colon"))?;
            headers.push(name, value.trim());
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Ok(Some(Self {
            method: method.to_owned(),
            target: target.to_owned(),
            path: percent_decode(path, false),
            query: parse_form(query),
            headers,
            body: Spool::default(),
        }))
    }

    /// Reads at most `limit` bytes of the body. A broken connection is a partial arrival, not an
    /// error.
    pub fn read_body(&mut self, reader: &mut impl BufRead, limit: u64) -> Arrival {
        let result = if self.is_chunked() {
            read_chunks(reader, &mut self.body, limit)
        } else {
            let length = self.announced_bytes().unwrap_or(0);
            copy(reader, &mut self.body, length.min(limit)).map(|()| length <= limit)
        };
        match result {
            Ok(true) => Arrival::Complete,
            Ok(false) | Err(_) => Arrival::Partial,
        }
    }

    /// Returns whether a body follows the head.
    pub fn has_body(&self) -> bool {
        self.is_chunked() || self.announced_bytes().is_some_and(|length| length > 0)
    }

    /// Returns whether the peer waits for `100 Continue`.
    pub fn expects_continue(&self) -> bool {
        self.headers
            .get("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    }

    /// Returns whether the peer wants the connection closed.
    pub fn closes(&self) -> bool {
        self.headers
            .get("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// `Content-Length`.
    pub fn announced_bytes(&self) -> Option<u64> {
        self.headers.get("content-length")?.parse().ok()
    }

    /// The first query member `name`.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// All query members `name`.
    pub fn query_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn is_chunked(&self) -> bool {
        self.headers
            .get("transfer-encoding")
            .is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
    }
}

/// Header fields in the order received. Names are case-insensitive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The first value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// All values of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Adds a field and keeps others of the same name.
    pub fn push(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// Replaces all fields of this name.
    pub fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.push(name, value);
    }

    /// Removes all fields of this name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
    }
}

/// Splits a query or form: `a=1&b=2`.
pub fn parse_form(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|member| !member.is_empty())
        .map(|member| {
            let (name, value) = member.split_once('=').unwrap_or((member, ""));
            (percent_decode(name, true), percent_decode(value, true))
        })
        .collect()
}

/// Decodes percent-encoding. Malformed escapes stay unchanged.
fn percent_decode(text: &str, plus_is_space: bool) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escape = match (first, tail) {
            (b'%', [high, low, ..]) => std::str::from_utf8(&[*high, *low])
                .ok()
                .and_then(|hex| u8::from_str_radix(hex, 16).ok()),
            _ => None,
        };
        rest = escape.map_or(tail, |_| &tail[2..]);
        decoded.push(match (escape, first) {
            (Some(byte), _) => byte,
            (None, b'+') if plus_is_space => b' ',
            (None, byte) => *byte,
        });
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn read_line(reader: &mut impl BufRead) -> Result<Option<String>, HeadError> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).map_err(HeadError::Io)?;
    match line
        .strip_suffix(b"\r\n")
        .or_else(|| line.strip_suffix(b"\n"))
    {
        Some(text) => Ok(Some(String::from_utf8_lossy(text).into_owned())),
        None if line.is_empty() => Ok(None),
        None => Err(HeadError::Malformed("a line without end".to_owned())),
    }
}

/// Reads chunks into `body`. Returns true after the last chunk, false at `limit` bytes.
fn read_chunks(reader: &mut impl BufRead, body: &mut Spool, limit: u64) -> io::Result<bool> {
    let line = |reader: &mut _| match read_line(reader) {
        Ok(Some(line)) => Ok(line),
        Ok(None) => Err(io::ErrorKind::UnexpectedEof.into()),
        Err(HeadError::Io(error)) => Err(error),
        Err(HeadError::Malformed(what)) => Err(io::Error::other(what)),
    };
    loop {
        let size = line(reader)?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
        if size == 0 {
            while !line(reader)?.is_empty() {} // Trailers.
            return Ok(true);
        }
        let left = limit - body.len();
        copy(reader, body, size.min(left))?;
        if size > left {
            return Ok(false);
        }
        line(reader)?;
    }
}

/// Copies exactly `length` bytes. Bytes received before an error stay in `body`.
fn copy(reader: &mut impl BufRead, body: &mut Spool, length: u64) -> io::Result<()> {
    let mut left = length;
    while left > 0 {
        let piece = reader.fill_buf()?;
        if piece.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let count = usize::try_from(left).map_or(piece.len(), |left| left.min(piece.len()));
        body.write_all(&piece[..count])?;
        reader.consume(count);
        left -= count as u64;
    }
    Ok(())
}
