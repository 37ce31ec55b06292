//! Responses, and faults in their transmission.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};

use super::content::Content;
use super::request::Headers;
use super::server::Stop;

/// Size of one write, and between pauses of a slow body.
const PIECE_BYTES: usize = 16 * 1024;

/// A response.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Headers,
    pub body: Body,
    pub delivery: Delivery,
}

/// The body of a response.
#[derive(Clone, Debug)]
pub enum Body {
    Bytes(Vec<u8>),
    /// `length` bytes of stored content from `start`.
    Stored {
        content: Content,
        start: u64,
        length: u64,
    },
}

/// Transmission of the body. The default is without faults.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    pub framing: Framing,
    /// Close the connection after so many bytes of the body.
    pub cut_after: Option<u64>,
    /// Invert the byte at this offset.
    pub flip: Option<u64>,
    /// Wait before every write.
    pub pause: Option<Duration>,
    /// Wait before the head.
    pub delay: Option<Duration>,
    /// The version in the status line, instead of HTTP/1.1.
    pub version: Option<String>,
    /// Close the connection after the response.
    pub hangs_up: bool,
    /// Append spaces to the body without end.
    pub endless: bool,
    /// Bytes before the status line, such as interim responses.
    pub before_head: String,
    /// Header lines as they are sent, each with its end.
    pub raw_lines: String,
}

/// Framing of a body.
#[derive(Clone, Copy, Debug, Default)]
pub enum Framing {
    /// `Content-Length`.
    #[default]
    Length,
    /// `Content-Length` plus this number.
    WrongLength(i64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// The body ends with the connection. Responses to `HEAD` have no `Content-Length`.
    UntilClose,
}

impl Response {
    /// An empty response.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Headers::default(),
            body: Body::Bytes(Vec::new()),
            delivery: Delivery::default(),
        }
    }

    /// A response with type `application/json`.
    pub fn json(status: u16, value: &Value) -> Self {
        Self::new(status)
            .header("Content-Type", "application/json")
            .bytes(value.to_string())
    }

    /// One error in the format of the specification (distribution-spec v1.1, "Error Codes").
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::errors(status, &[json!({ "code": code, "message": message })])
    }

    /// Several errors.
    pub fn errors(status: u16, errors: &[Value]) -> Self {
        Self::json(status, &json!({ "errors": errors }))
    }

    /// Sets a header field.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(name, value);
        self
    }

    /// Sets the body.
    pub fn bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Bytes(bytes.into());
        self
    }

    /// Sets the body to a range of stored content.
    pub fn stored(mut self, content: Content, start: u64, length: u64) -> Self {
        self.body = Body::Stored {
            content,
            start,
            length,
        };
        self
    }

    /// Writes the response. Returns whether the connection can be reused.
    pub fn send(
        &self,
        head_only: bool,
        closing: bool,
        stop: &Stop,
        out: &mut impl Write,
    ) -> io::Result<bool> {
        let bodyless = matches!(self.status, 100..200 | 204 | 304);
        let faithful = matches!(self.delivery.framing, Framing::Length | Framing::Chunked)
            && self.delivery.cut_after.is_none()
            && !self.delivery.endless;
        let keep = !closing && (faithful || head_only || bodyless);
        if let Some(delay) = self.delivery.delay {
            stop.pause(delay);
        }
        let before = &self.delivery.before_head;
        let version = self.delivery.version.as_deref().unwrap_or("HTTP/1.1");
        let mut head = format!(
            "{before}{version} {} {}\r\n",
            self.status,
            reason(self.status)
        );
        head.push_str(&self.delivery.raw_lines);
        for (name, value) in self.headers.iter() {
            head.extend([name, ": ", value, "\r\n"]);
        }
        if !bodyless {
            head.push_str(&self.framing_field());
        }
        if !keep {
            head.push_str("Connection: close\r\n");
        }
        head.push_str("\r\n");
        if head_only || bodyless {
            out.write_all(head.as_bytes())?;
        } else {
            self.send_body(head.into_bytes(), stop, out)?;
        }
        out.flush()?;
        Ok(keep && !self.delivery.hangs_up)
    }

    fn framing_field(&self) -> String {
        let length = self.body.len();
        match self.delivery.framing {
            _ if self.is_chunked() => "Transfer-Encoding: chunked\r\n".to_owned(),
            Framing::Length | Framing::Chunked => format!("Content-Length: {length}\r\n"),
            Framing::WrongLength(by) => {
                format!("Content-Length: {}\r\n", length.saturating_add_signed(by))
            }
            Framing::UntilClose => String::new(),
        }
    }

    /// An endless body cannot have a length.
    fn is_chunked(&self) -> bool {
        matches!(self.delivery.framing, Framing::Chunked)
            || (self.delivery.endless && matches!(self.delivery.framing, Framing::Length))
    }

    /// Sends the body. `head` is part of the first write, so that a small response is one segment.
    fn send_body(&self, head: Vec<u8>, stop: &Stop, out: &mut impl Write) -> io::Result<()> {
        let mut pending = head;
        let mut piece = vec![0; PIECE_BYTES];
        let mut offset = 0;
        let end = self.delivery.cut_after.unwrap_or(u64::MAX);
        loop {
            if let Some(pause) = self.delivery.pause {
                out.write_all(&pending)?;
                out.flush()?;
                pending.clear();
                stop.pause(pause);
            }
            if stop.is_set() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            let room =
                usize::try_from(end - offset).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
            let mut count = self.body.read_at(offset, &mut piece[..room])?;
            if count == 0 && self.delivery.endless {
                piece[..room].fill(b' ');
                count = room;
            }
            if let Some(flip) = self.delivery.flip
                && let Some(index) = flip.checked_sub(offset)
                && let Ok(index) = usize::try_from(index)
                && let Some(byte) = piece[..count].get_mut(index)
            {
                *byte = !*byte;
            }
            if self.is_chunked() && count > 0 {
                pending.extend_from_slice(format!("{count:x}\r\n").as_bytes());
                pending.extend_from_slice(&piece[..count]);
                pending.extend_from_slice(b"\r\n");
            } else {
                pending.extend_from_slice(&piece[..count]);
            }
            if count == 0 {
                if self.is_chunked() && offset < end {
                    pending.extend_from_slice(b"0\r\n\r\n");
                }
                return out.write_all(&pending);
            }
            out.write_all(&pending)?;
            pending.clear();
            offset += count as u64;
        }
    }
}

impl Body {
    /// The length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Stored { length, .. } => *length,
        }
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Bytes(bytes) => {
                let rest = usize::try_from(offset)
                    .ok()
                    .and_then(|start| bytes.get(start..))
                    .unwrap_or_default();
                let count = rest.len().min(buffer.len());
                buffer[..count].copy_from_slice(&rest[..count]);
                Ok(count)
            }
            Self::Stored {
                content,
                start,
                length,
            } => {
                let left = length.saturating_sub(offset);
                let room =
                    usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
                content.read_at(start + offset, &mut buffer[..room])
            }
        }
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Unnamed",
    }
}
