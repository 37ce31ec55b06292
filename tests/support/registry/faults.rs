//! Everything that goes wrong between a registry and its client, as data: *on* (method, path, n-th time) *do*.
//!
//! Faults lie over correct answers. Several may meet in one request: all their edits apply, in the order they were given.

use std::time::Duration;

use super::TestRegistry;
use super::request::Request;
use super::response::{Body, Framing, Response};

/// A fault for requests with this method (`*` for any) whose path matches, in which `*` stands for any run of characters.
/// A pattern with `?` is compared with path and query.
///
/// On its own it changes nothing. Every time it matches, it applies, unless [`Fault::nth`] or [`Fault::times`] say otherwise;
/// requests that the registry answers with 401 do not count, unless [`Fault::before_authorization`] says so.
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

/// When a fault is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Arrived,
    Authorized,
}

/// What the faults of one request add up to.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// Answer with this status instead of doing what was asked.
    pub status: Option<u16>,
    pub reading: Reading,
    pub fate: Fate,
    edits: Vec<Edit>,
}

/// How much of a request's body is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    #[default]
    Whole,
    /// Nothing: the answer comes first, and then the connection ends.
    Nothing,
    /// So much, and then the connection ends.
    UpTo(u64),
}

/// What becomes of the connection instead of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    #[default]
    Answered,
    /// Closed; what was asked is not done.
    Dropped,
    /// Closed; what was asked is done.
    Lost,
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
    Endless,
    /// `Location`: the same target at another origin.
    RedirectTo(String),
    /// A `Location` the registry gave, moved to another origin.
    LocationAt(String),
    /// A `Link` the registry gave, moved to another origin.
    LinkAt(String),
    DropPage,
}

/// When.
impl Fault {
    /// Only the `n`-th time, counted from 1.
    pub fn nth(mut self, n: usize) -> Self {
        self.first = n;
        self.count = Some(1);
        self
    }

    /// The first `count` times.
    pub fn times(mut self, count: usize) -> Self {
        self.first = 1;
        self.count = Some(count);
        self
    }

    /// Every time but the first `n`.
    pub fn after(mut self, n: usize) -> Self {
        self.first = n + 1;
        self.count = None;
        self
    }

    /// Also for requests without the authorization they need.
    pub fn before_authorization(mut self) -> Self {
        self.stage = Stage::Arrived;
        self
    }
}

/// Instead of an answer.
impl Fault {
    /// Answers with this status and an empty body instead of doing what was asked. Add [`Fault::header`] and [`Fault::body`].
    pub fn status(mut self, status: u16) -> Self {
        self.effects.status = Some(status);
        self
    }

    /// Answers with this status and one error in the specification's form.
    pub fn error(self, status: u16, code: &str, message: &str) -> Self {
        let errors = serde_json::json!({ "errors": [{ "code": code, "message": message }] });
        self.status(status)
            .header("Content-Type", "application/json")
            .body(errors.to_string())
    }

    /// Answers with a login page and status 200.
    pub fn html_page(self) -> Self {
        self.status(200)
            .header("Content-Type", "text/html; charset=utf-8")
            .body("<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>")
    }

    /// Redirects with 307 to the same path and query at another registry.
    pub fn redirect_to(self, other: &TestRegistry) -> Self {
        self.status(307).edit(Edit::RedirectTo(other.url()))
    }

    /// Redirects with this status and this `Location`.
    pub fn redirect(self, status: u16, location: &str) -> Self {
        self.status(status).header("Location", location)
    }

    /// Answers without reading the body, and closes: the client may never see the answer.
    pub fn before_body(mut self) -> Self {
        self.effects.reading = Reading::Nothing;
        self
    }

    /// Closes the connection after so many bytes of the request's body.
    pub fn close_after_receiving(mut self, bytes: u64) -> Self {
        self.effects.reading = Reading::UpTo(bytes);
        self
    }

    /// Closes the connection instead of answering; nothing was done.
    pub fn close(mut self) -> Self {
        self.effects.fate = Fate::Dropped;
        self
    }

    /// Does what was asked, and closes the connection instead of saying so.
    pub fn lose_answer(mut self) -> Self {
        self.effects.fate = Fate::Lost;
        self
    }
}

/// In the answer.
impl Fault {
    /// Replaces a header field. `{header:name}` in it stands for what the request has in that field, as in
    /// [`Fault::body`].
    pub fn header(self, name: &str, value: &str) -> Self {
        self.edit(Edit::Header(name.to_owned(), value.to_owned()))
    }

    /// Leaves a header field out.
    pub fn without_header(self, name: &str) -> Self {
        self.edit(Edit::WithoutHeader(name.to_owned()))
    }

    /// Sends `Retry-After`.
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header("Retry-After", &seconds.to_string())
    }

    /// Sends a `Docker-Content-Digest` that is well-formed and wrong.
    pub fn wrong_digest_header(self) -> Self {
        self.header(
            "Docker-Content-Digest",
            &format!("sha256:{}", "0".repeat(64)),
        )
    }

    /// Sends no `Docker-Content-Digest`.
    pub fn no_digest_header(self) -> Self {
        self.without_header("Docker-Content-Digest")
    }

    /// Replaces the body.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        self.edit(Edit::Body(body.into()))
    }

    /// Closes the connection after so many bytes of the body.
    pub fn close_after(self, bytes: u64) -> Self {
        self.edit(Edit::CutAfter(bytes))
    }

    /// Inverts the byte of the body at this offset.
    pub fn flip_byte(self, offset: u64) -> Self {
        self.edit(Edit::Flip(offset))
    }

    /// Sends a `Content-Length` that is off by so much.
    pub fn wrong_length(self, by: i64) -> Self {
        self.edit(Edit::Framing(Framing::WrongLength(by)))
    }

    /// Sends no `Content-Length` but chunks.
    pub fn chunked(self) -> Self {
        self.edit(Edit::Framing(Framing::Chunked))
    }

    /// Sends no `Content-Length`; the body ends with the connection.
    pub fn no_length(self) -> Self {
        self.edit(Edit::Framing(Framing::UntilClose))
    }

    /// Follows the body with blanks, for ever.
    pub fn endless_body(self) -> Self {
        self.edit(Edit::Endless)
    }

    /// Waits before every 16 KiB of the body.
    pub fn slow_body(self, pause: Duration) -> Self {
        self.edit(Edit::Pause(pause))
    }

    /// Does as if the request had not this header field.
    pub fn ignoring(self, header: &str) -> Self {
        self.edit(Edit::Ignore(header.to_owned()))
    }

    /// Sends this `Location`.
    pub fn location(self, location: &str) -> Self {
        self.header("Location", location)
    }

    /// Sends the `Location` with the origin of another registry, as for uploads that go to a storage host.
    pub fn location_at(self, other: &TestRegistry) -> Self {
        self.edit(Edit::LocationAt(other.url()))
    }

    /// Sends this `Link`.
    pub fn link(self, link: &str) -> Self {
        self.header("Link", link)
    }

    /// Sends the `Link` with the origin of another registry.
    pub fn link_at(self, other: &TestRegistry) -> Self {
        self.edit(Edit::LinkAt(other.url()))
    }

    /// Empties the list of this page; its `Link` stays.
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
    /// Adds one.
    pub fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Removes all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Counts this request, and adds what applies to it.
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
    /// Whether what was asked is left undone.
    pub fn replaces(&self) -> bool {
        self.status.is_some() || self.fate == Fate::Dropped
    }

    /// Changes the request before it is handled.
    pub fn edit_request(&self, request: &mut Request) {
        for edit in &self.edits {
            if let Edit::Ignore(name) = edit {
                request.headers.remove(name);
            }
        }
    }

    /// Changes the answer.
    pub fn edit_response(&self, request: &Request, response: &mut Response) {
        for edit in &self.edits {
            edit.apply(request, response);
        }
    }

    fn add(&mut self, other: &Self) {
        self.status = self.status.or(other.status);
        if self.reading == Reading::Whole {
            self.reading = other.reading;
        }
        if self.fate == Fate::Answered {
            self.fate = other.fate;
        }
        self.edits.extend(other.edits.iter().cloned());
    }
}

impl Edit {
    fn apply(&self, request: &Request, response: &mut Response) {
        let delivery = &mut response.delivery;
        match self {
            Self::Ignore(_) => {}
            Self::Header(name, value) => response.headers.set(name, &repeat(value, request)),
            Self::WithoutHeader(name) => response.headers.remove(name),
            Self::Body(bytes) => {
                response.body = Body::Bytes(match std::str::from_utf8(bytes) {
                    Ok(text) => repeat(text, request).into_bytes(),
                    Err(_) => bytes.clone(),
                });
            }
            Self::Framing(framing) => delivery.framing = *framing,
            Self::CutAfter(bytes) => delivery.cut_after = Some(*bytes),
            Self::Flip(offset) => delivery.flip = Some(*offset),
            Self::Pause(pause) => delivery.pause = Some(*pause),
            Self::Endless => delivery.endless = true,
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

/// Puts the values of the request's header fields where `{header:name}` stands.
fn repeat(text: &str, request: &Request) -> String {
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

/// A URL without scheme and host.
fn path_of(url: &str) -> &str {
    match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |slash| &rest[slash..]),
        None => url,
    }
}

/// Whether `text` is `pattern`, in which `*` stands for any run of characters.
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
