//! Faults between a registry and its client, as data: *on* (method, path, n-th time) *do*.
//!
//! Faults change correct responses. If several match a request, their edits apply in the order in
//! which they were added.

use std::time::Duration;

use super::TestRegistry;
use super::request::Request;
use super::response::{Body, Framing, Response};

/// A fault for requests with a method (`*` for any) and a path. `*` in the path matches any
/// characters. A pattern with `?` matches path and query.
///
/// A new fault changes nothing; add effects. It applies to each match, except as limited by
/// [`Fault::nth`] or [`Fault::times`]. Requests that the registry rejects with 401 count only with
/// [`Fault::before_authorization`].
pub fn on(method: &str, path: &str) -> Fault {
    Fault {
        method: method.to_owned(),
        path: path.to_owned(),
        first: 1,
        count: None,
        seen: 0,
        stage: Stage::Authorized,
        effects: Effects::default(),
    }
}

/// See [`on`].
#[derive(Clone, Debug)]
pub struct Fault {
    method: String,
    path: String,
    first: usize,
    count: Option<usize>,
    seen: usize,
    stage: Stage,
    effects: Effects,
}

/// The stage at which a fault applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Arrived,
    Authorized,
}

/// The combined effects of the faults of one request.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// Respond with this status instead of handling the request.
    pub status: Option<u16>,
    pub body: BodyHandling,
    pub connection: ConnectionOutcome,
    edits: Vec<Edit>,
}

/// Handling of the request body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyHandling {
    #[default]
    ReadAll,
    /// Do not read the body: send the response, then close the connection.
    Ignore,
    /// Read so many bytes, then close the connection.
    CloseAfter(u64),
}

/// The outcome of the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnectionOutcome {
    /// The response is sent.
    #[default]
    Responds,
    /// Closed without handling the request.
    ClosedBefore,
    /// Closed after handling the request, without a response.
    ClosedAfter,
}

#[derive(Clone, Debug)]
enum Edit {
    Ignore(String),
    Header(String, String),
    WithoutHeader(String),
    Body(Vec<u8>),
    Framing(Framing),
    CutAfter(u64),
    Flip(u64),
    Pause(Duration),
    Delay(Duration),
    Version(String),
    HangUp,
    Endless,
    BeforeHead(String),
    RawLines(String),
    /// `Location`: the same target at another origin.
    RedirectTo(String),
    /// `Location` of the registry with another origin.
    LocationAt(String),
    /// `Link` of the registry with another origin.
    LinkAt(String),
    DropPage,
}

/// Conditions.
impl Fault {
    /// Applies only the `n`-th time, counted from 1.
    pub fn nth(mut self, n: usize) -> Self {
        self.first = n;
        self.count = Some(1);
        self
    }

    /// Applies the first `count` times.
    pub fn times(mut self, count: usize) -> Self {
        self.first = 1;
        self.count = Some(count);
        self
    }

    /// Applies after the first `n` times.
    pub fn after(mut self, n: usize) -> Self {
        self.first = n + 1;
        self.count = None;
        self
    }

    /// Applies also to requests without the necessary authorization.
    pub fn before_authorization(mut self) -> Self {
        self.stage = Stage::Arrived;
        self
    }
}

/// Effects instead of the response.
impl Fault {
    /// Responds with this status and an empty body instead of handling the request. Combine with
    /// [`Fault::header`] and [`Fault::body`].
    pub fn status(mut self, status: u16) -> Self {
        self.effects.status = Some(status);
        self
    }

    /// Responds with this status and one error in the format of the specification.
    pub fn error(self, status: u16, code: &str, message: &str) -> Self {
        let errors = serde_json::json!({ "errors": [{ "code": code, "message": message }] });
        self.status(status)
            .header("Content-Type", "application/json")
            .body(errors.to_string())
    }

    /// Responds with a login page and status 200.
    pub fn html_page(self) -> Self {
        self.status(200)
            .header("Content-Type", "text/html; charset=utf-8")
            .body("<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>")
    }

    /// Redirects with 307 to the same path and query at another registry.
    pub fn redirect_to(self, other: &TestRegistry) -> Self {
        self.status(307).edit(Edit::RedirectTo(other.url()))
    }

    /// Redirects to the same path and query at another origin.
    pub fn redirect_to_origin(self, origin: &str) -> Self {
        self.status(307).edit(Edit::RedirectTo(origin.to_owned()))
    }

    /// Redirects with this status and this `Location`.
    pub fn redirect(self, status: u16, location: &str) -> Self {
        self.status(status).header("Location", location)
    }

    /// Responds without reading the body, and closes. The client may not receive the response.
    pub fn before_body(mut self) -> Self {
        self.effects.body = BodyHandling::Ignore;
        self
    }

    /// Closes the connection after so many bytes of the request body.
    pub fn close_after_receiving(mut self, bytes: u64) -> Self {
        self.effects.body = BodyHandling::CloseAfter(bytes);
        self
    }

    /// Closes the connection without handling the request.
    pub fn close(mut self) -> Self {
        self.effects.connection = ConnectionOutcome::ClosedBefore;
        self
    }

    /// Handles the request and closes the connection without a response.
    pub fn lose_response(mut self) -> Self {
        self.effects.connection = ConnectionOutcome::ClosedAfter;
        self
    }
}

/// Effects on the response.
impl Fault {
    /// Sets a header field. `{header:name}` in the value is replaced by that field of the request,
    /// as in [`Fault::body`].
    pub fn header(self, name: &str, value: &str) -> Self {
        self.edit(Edit::Header(name.to_owned(), value.to_owned()))
    }

    /// Removes a header field.
    pub fn without_header(self, name: &str) -> Self {
        self.edit(Edit::WithoutHeader(name.to_owned()))
    }

    /// Sends `Retry-After`.
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header("Retry-After", &seconds.to_string())
    }

    /// Sends a valid but wrong `Docker-Content-Digest`.
    pub fn wrong_digest_header(self) -> Self {
        self.header(
            "Docker-Content-Digest",
            &format!("sha256:{}", "0".repeat(64)),
        )
    }

    /// Removes `Docker-Content-Digest`.
    pub fn no_digest_header(self) -> Self {
        self.without_header("Docker-Content-Digest")
    }

    /// Replaces the body.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        self.edit(Edit::Body(body.into()))
    }

    /// Closes the connection after so many bytes of the response body.
    pub fn close_after(self, bytes: u64) -> Self {
        self.edit(Edit::CutAfter(bytes))
    }

    /// Inverts the byte of the body at this offset.
    pub fn flip_byte(self, offset: u64) -> Self {
        self.edit(Edit::Flip(offset))
    }

    /// Adds `by` to `Content-Length`.
    pub fn wrong_length(self, by: i64) -> Self {
        self.edit(Edit::Framing(Framing::WrongLength(by)))
    }

    /// Sends the body in chunks, without `Content-Length`.
    pub fn chunked(self) -> Self {
        self.edit(Edit::Framing(Framing::Chunked))
    }

    /// Removes `Content-Length`; the body ends with the connection.
    pub fn no_length(self) -> Self {
        self.edit(Edit::Framing(Framing::UntilClose))
    }

    /// Appends spaces to the body without end.
    pub fn endless_body(self) -> Self {
        self.edit(Edit::Endless)
    }

    /// Waits before every 16 KiB of the body.
    pub fn slow_body(self, pause: Duration) -> Self {
        self.edit(Edit::Pause(pause))
    }

    /// Waits before the response.
    pub fn delay(self, delay: Duration) -> Self {
        self.edit(Edit::Delay(delay))
    }

    /// Sends this version in the status line.
    pub fn version(self, version: &str) -> Self {
        self.edit(Edit::Version(version.to_owned()))
    }

    /// Closes the connection after the response, without saying so in it.
    pub fn hang_up(self) -> Self {
        self.edit(Edit::HangUp)
    }

    /// Sends these bytes before the status line, for example an interim response.
    pub fn before_head(self, bytes: &str) -> Self {
        self.edit(Edit::BeforeHead(bytes.to_owned()))
    }

    /// Sends these header lines as they are. Each must have its end.
    pub fn raw_lines(self, lines: &str) -> Self {
        self.edit(Edit::RawLines(lines.to_owned()))
    }

    /// Ignores a header field of the request.
    pub fn ignoring(self, header: &str) -> Self {
        self.edit(Edit::Ignore(header.to_owned()))
    }

    /// Sends this `Location`.
    pub fn location(self, location: &str) -> Self {
        self.header("Location", location)
    }

    /// Replaces the origin of `Location` by that of another registry, as for uploads to a storage
    /// host.
    pub fn location_at(self, other: &TestRegistry) -> Self {
        self.edit(Edit::LocationAt(other.url()))
    }

    /// Sends this `Link`.
    pub fn link(self, link: &str) -> Self {
        self.header("Link", link)
    }

    /// Replaces the origin of `Link` by that of another registry.
    pub fn link_at(self, other: &TestRegistry) -> Self {
        self.edit(Edit::LinkAt(other.url()))
    }

    /// Empties the list of this page. `Link` stays.
    pub fn drop_page(self) -> Self {
        self.edit(Edit::DropPage)
    }

    fn edit(mut self, edit: Edit) -> Self {
        self.effects.edits.push(edit);
        self
    }
}

/// All faults of a registry.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Adds a fault.
    pub fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Removes all faults.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Counts the request and adds the effects of matching faults.
    pub fn apply(&mut self, stage: Stage, request: &Request, effects: &mut Effects) {
        for fault in self.0.iter_mut().filter(|fault| fault.stage == stage) {
            if !fault.matches(request) {
                continue;
            }
            fault.seen += 1;
            let since = fault.seen.checked_sub(fault.first);
            if since.is_some_and(|since| fault.count.is_none_or(|count| since < count)) {
                effects.add(&fault.effects);
            }
        }
    }
}

impl Fault {
    fn matches(&self, request: &Request) -> bool {
        let subject = if self.path.contains('?') {
            &request.target
        } else {
            &request.path
        };
        (self.method == "*" || self.method == request.method) && glob(&self.path, subject)
    }
}

impl Effects {
    /// Returns whether the request is not handled.
    pub fn replaces(&self) -> bool {
        self.status.is_some() || self.connection == ConnectionOutcome::ClosedBefore
    }

    /// Changes the request before it is handled.
    pub fn edit_request(&self, request: &mut Request) {
        for edit in &self.edits {
            if let Edit::Ignore(name) = edit {
                request.headers.remove(name);
            }
        }
    }

    /// Changes the response.
    pub fn edit_response(&self, request: &Request, response: &mut Response) {
        for edit in &self.edits {
            edit.apply(request, response);
        }
    }

    fn add(&mut self, other: &Self) {
        self.status = self.status.or(other.status);
        if self.body == BodyHandling::ReadAll {
            self.body = other.body;
        }
        if self.connection == ConnectionOutcome::Responds {
            self.connection = other.connection;
        }
        self.edits.extend(other.edits.iter().cloned());
    }
}

impl Edit {
    fn apply(&self, request: &Request, response: &mut Response) {
        let delivery = &mut response.delivery;
        match self {
            Self::Ignore(_) => {}
            Self::Header(name, value) => {
                response.headers.set(name, &expand_headers(value, request));
            }
            Self::WithoutHeader(name) => response.headers.remove(name),
            Self::Body(bytes) => {
                response.body = Body::Bytes(match std::str::from_utf8(bytes) {
                    Ok(text) => expand_headers(text, request).into_bytes(),
                    Err(_) => bytes.clone(),
                });
            }
            Self::Framing(framing) => delivery.framing = *framing,
            Self::CutAfter(bytes) => delivery.cut_after = Some(*bytes),
            Self::Flip(offset) => delivery.flip = Some(*offset),
            Self::Pause(pause) => delivery.pause = Some(*pause),
            Self::Delay(delay) => delivery.delay = Some(*delay),
            Self::Version(version) => delivery.version = Some(version.clone()),
            Self::HangUp => delivery.hangs_up = true,
            Self::Endless => delivery.endless = true,
            Self::BeforeHead(bytes) => delivery.before_head.push_str(bytes),
            Self::RawLines(lines) => delivery.raw_lines.push_str(lines),
            Self::RedirectTo(origin) => {
                response
                    .headers
                    .set("Location", &format!("{origin}{}", request.target));
            }
            Self::LocationAt(origin) => {
                if let Some(location) = response.headers.get("Location") {
                    let moved = format!("{origin}{}", path_of(location));
                    response.headers.set("Location", &moved);
                }
            }
            Self::LinkAt(origin) => {
                if let Some(link) = response.headers.get("Link") {
                    let target = link.trim_start_matches('<');
                    let moved = format!("<{origin}{}", path_of(target));
                    response.headers.set("Link", &moved);
                }
            }
            Self::DropPage => drop_page(response),
        }
    }
}

/// Replaces `{header:name}` by the value of that field of the request.
fn expand_headers(text: &str, request: &Request) -> String {
    let mut parts = text.split("{header:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| match part.split_once('}') {
        Some((name, rest)) => all + request.headers.get(name).unwrap_or_default() + rest,
        None => all + "{header:" + part,
    })
}

fn drop_page(response: &mut Response) {
    let Body::Bytes(bytes) = &response.body else {
        return;
    };
    let Ok(mut page) = serde_json::from_slice::<serde_json::Value>(bytes) else {
        return;
    };
    for member in ["tags", "repositories", "manifests"] {
        if let Some(list) = page.get_mut(member) {
            *list = serde_json::json!([]);
        }
    }
    response.body = Body::Bytes(page.to_string().into_bytes());
}

/// The path of a URL.
fn path_of(url: &str) -> &str {
    match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |slash| &rest[slash..]),
        None => url,
    }
}

/// Returns whether `text` matches `pattern`. `*` matches any characters.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(start) else {
        return false;
    };
    // The shortest run first; tests have short patterns, so trying them all is fine.
    text.char_indices()
        .map(|(index, _)| index)
        .chain([text.len()])
        .any(|index| glob(rest, &text[index..]))
}
