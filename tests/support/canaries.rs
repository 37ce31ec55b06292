//! Secrets that are looked for wherever they must not be, in every form that servers and programs give them.
//!
//! A canary is found plain, percent-encoded, in JSON, in hexadecimal digits, and in base64 of either alphabet, be it alone or
//! in the middle of something longer, such as a password in Basic credentials.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::proxy::TestProxy;
use super::registry::{Recorded, TestRegistry};

/// A secret, and who may have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Canary {
    /// Of the user: for the registry that asks for Basic, and for its token service.
    Password,
    /// Of the user: for the token service.
    IdentityToken,
    /// Given by the token service, or by the user: for the registry.
    AccessToken,
    /// The value of a custom header: for the registry.
    Header,
    /// For the proxy.
    ProxyPassword,
    /// In the query of an address: for the storage that the address leads to.
    Signature,
}

use Canary::{AccessToken, Header, IdentityToken, Password, ProxyPassword, Signature};

impl Canary {
    /// All there are.
    pub const ALL: [Self; 6] = [
        Password,
        IdentityToken,
        AccessToken,
        Header,
        ProxyPassword,
        Signature,
    ];

    /// The secret. What encodings write differently is in those that can have it.
    pub const fn value(self) -> &'static str {
        match self {
            Password => "canary/password:with+odd~characters?&=%",
            IdentityToken => "canary-identity.token+and/slash==",
            AccessToken => "canary-access.token_and~dash-",
            Header => "canary header; with=\"quotes\"",
            ProxyPassword => "canary-proxy-p@ss:word",
            Signature => "canary-signature",
        }
    }

    /// Whether it is somewhere in this text, in whatever form.
    pub fn is_in(self, text: &str) -> bool {
        found_in(text.as_bytes()).contains(&self)
    }

    fn needles(self) -> Vec<String> {
        let plain = self.value();
        let mut hexadecimal = String::new();
        for byte in plain.bytes() {
            let _ = write!(hexadecimal, "{byte:02x}");
        }
        let mut needles = vec![plain.to_owned(), hexadecimal];
        // Whatever stands in front of it moves its bits by none, two or four.
        for before in 0..3 {
            let shifted = [&b"\0\0"[..before], plain.as_bytes()].concat();
            let encoded = STANDARD_NO_PAD.encode(&shifted);
            // What shares a character with what is in front or behind is left out.
            let start = (before * 8).div_ceil(6);
            let end = shifted.len() * 8 / 6;
            let encoded = &encoded[start..end];
            needles.push(encoded.replace('+', "-").replace('/', "_"));
            needles.push(encoded.to_owned());
        }
        needles
            .into_iter()
            .map(|needle| needle.to_ascii_lowercase())
            .collect()
    }
}

/// What to look for, without regard to case: headers may lose theirs.
static NEEDLES: LazyLock<Vec<(Canary, Vec<String>)>> = LazyLock::new(|| {
    Canary::ALL
        .map(|canary| (canary, canary.needles()))
        .to_vec()
});

/// Every canary in these bytes, in whatever form.
fn found_in(bytes: &[u8]) -> Vec<Canary> {
    let views = views(bytes);
    NEEDLES
        .iter()
        .filter(|(_, needles)| {
            needles
                .iter()
                .any(|needle| views.iter().any(|view| view.contains(needle)))
        })
        .map(|(canary, _)| *canary)
        .collect()
}

/// The bytes as they are, and without one or two layers of what others wrap texts in, in lower case.
fn views(bytes: &[u8]) -> Vec<String> {
    let mut views = vec![bytes.to_vec()];
    for _ in 0..2 {
        match views.last() {
            Some(last) if last.contains(&b'%') => views.push(without_percents(last)),
            _ => break,
        }
    }
    for index in 0..views.len() {
        if views[index].contains(&b'\\') {
            views.push(without_backslashes(&views[index]));
        }
    }
    views
        .iter()
        .map(|view| String::from_utf8_lossy(view).to_ascii_lowercase())
        .collect()
}

fn without_percents(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => std::str::from_utf8(&[*high, *low])
                .ok()
                .and_then(|digits| u8::from_str_radix(digits, 16).ok()),
            _ => None,
        };
        out.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    out
}

/// Undoes the escapes of JSON and of Rust's debug output, as far as canaries need it.
fn without_backslashes(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes).replace("\\u0026", "&");
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        out.extend(match character {
            '\\' => characters.next(),
            other => Some(other),
        });
    }
    out.into_bytes()
}

/// Canaries that were found, with the place.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Canaries(BTreeSet<(Canary, String)>);

impl Canaries {
    /// Those in something that was printed.
    pub fn in_text(text: &str) -> Self {
        let mut found = Self::default();
        // What a line break divides is found in the whole, and the line is what helps to find the place.
        let whole = found_in(text.replace(['\r', '\n'], "").as_bytes());
        if !whole.is_empty() {
            for line in text.lines() {
                found.look_in(line.as_bytes(), line);
            }
        }
        for canary in whole {
            if !found.0.iter().any(|(other, _)| *other == canary) {
                found.0.insert((canary, "across lines".to_owned()));
            }
        }
        found
    }

    /// Those in everything that a server was sent: targets, headers and bodies.
    pub fn sent_to(server: &TestRegistry) -> Self {
        let mut found = Self::default();
        for request in server.requests() {
            found.extend(Self::in_request(&request));
        }
        found
    }

    /// Those in one request.
    pub fn in_request(request: &Recorded) -> Self {
        let mut found = Self::default();
        let line = request.line();
        found.look_in(request.target.as_bytes(), &format!("target of {line}"));
        for (name, value) in request.headers.iter() {
            let place = format!("{name} of {line}");
            found.look_in(name.as_bytes(), &place);
            found.look_in(value.as_bytes(), &place);
        }
        found.look_in(&request.body, &format!("body of {line}"));
        found
    }

    /// Those in everything that a proxy was sent and could read.
    pub fn sent_to_proxy(proxy: &TestProxy) -> Self {
        let mut found = Self::default();
        for head in proxy.heads() {
            found.extend(Self::in_text(&head));
        }
        found
    }

    /// Fails unless exactly these were found: those which must be there prove that the others would have been seen.
    #[track_caller]
    pub fn are(&self, expected: &[Canary], who: &str) {
        let found: BTreeSet<_> = self.0.iter().map(|(canary, _)| *canary).collect();
        let expected: BTreeSet<_> = expected.iter().copied().collect();
        assert!(
            found == expected,
            "{who} has {found:?} instead of {expected:?}: {self:#?}"
        );
    }

    /// Fails if any was found.
    #[track_caller]
    pub fn are_absent(&self, who: &str) {
        self.are(&[], who);
    }

    fn look_in(&mut self, bytes: &[u8], place: &str) {
        for canary in found_in(bytes) {
            self.0.insert((canary, place.to_owned()));
        }
    }

    fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }
}

impl fmt::Debug for Canaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(&self.0).finish()
    }
}
