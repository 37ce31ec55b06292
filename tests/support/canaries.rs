//! Known secrets, to be searched for in output and requests that must not contain them.
//!
//! A canary is found plain, percent-encoded, in JSON, in hexadecimal digits, and in base64 of
//! either alphabet, alone or inside a longer value, such as a password in Basic credentials.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::proxy::TestProxy;
use super::registry::{Recorded, TestRegistry};

/// A secret, by the servers that may receive it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Canary {
    /// The user's password: for a registry with Basic authentication and its token service.
    Password,
    /// The user's identity token: for the token service.
    IdentityToken,
    /// A registry token, from the token service or the user: for the registry.
    AccessToken,
    /// The value of a custom header: for the registry.
    Header,
    /// For the proxy.
    ProxyPassword,
    /// In the query of a signed URL: for the storage host of the URL.
    Signature,
}

use Canary::{AccessToken, Header, IdentityToken, Password, ProxyPassword, Signature};

impl Canary {
    /// All canaries.
    pub const ALL: [Self; 6] = [
        Password,
        IdentityToken,
        AccessToken,
        Header,
        ProxyPassword,
        Signature,
    ];

    /// The secret. Contains characters that encodings change, where the syntax allows them.
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

    /// Returns whether a text contains the secret in any encoding.
    pub fn is_in(self, text: &str) -> bool {
        find_canaries(text.as_bytes()).contains(&self)
    }

    fn needles(self) -> Vec<String> {
        let plain = self.value();
        let mut hexadecimal = String::new();
        for byte in plain.bytes() {
            let _ = write!(hexadecimal, "{byte:02x}");
        }
        let mut needles = vec![plain.to_owned(), hexadecimal];
        // A prefix shifts the bits of the secret in base64 by zero, two or four.
        for before in 0..3 {
            let shifted = [&b"\0\0"[..before], plain.as_bytes()].concat();
            let encoded = STANDARD_NO_PAD.encode(&shifted);
            // Skips characters that also encode bits of the text before or after.
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

/// Search strings in lower case: the case of headers may change.
static NEEDLES: LazyLock<Vec<(Canary, Vec<String>)>> = LazyLock::new(|| {
    Canary::ALL
        .map(|canary| (canary, canary.needles()))
        .to_vec()
});

/// Every canary in these bytes, in any encoding.
fn find_canaries(bytes: &[u8]) -> Vec<Canary> {
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

/// The bytes in lower case: unchanged, and with one or two layers of encoding removed.
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

/// Removes the escapes of JSON and of Rust's debug output that occur in canaries.
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

/// Canaries that were found, with the location.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Canaries(BTreeSet<(Canary, String)>);

impl Canaries {
    /// Canaries in printed output.
    pub fn in_text(text: &str) -> Self {
        let mut found = Self::default();
        // The whole text finds secrets across line breaks; the single line gives the location.
        let whole = find_canaries(text.replace(['\r', '\n'], "").as_bytes());
        if !whole.is_empty() {
            for line in text.lines() {
                found.search(line.as_bytes(), line);
            }
        }
        for canary in whole {
            if !found.0.iter().any(|(other, _)| *other == canary) {
                found.0.insert((canary, "across lines".to_owned()));
            }
        }
        found
    }

    /// Canaries in all requests to a server: targets, headers and bodies.
    pub fn sent_to(server: &TestRegistry) -> Self {
        let mut found = Self::default();
        for request in server.requests() {
            found.extend(Self::in_request(&request));
        }
        found
    }

    /// Canaries in one request.
    pub fn in_request(request: &Recorded) -> Self {
        let mut found = Self::default();
        let line = request.line();
        found.search(request.target.as_bytes(), &format!("target of {line}"));
        for (name, value) in request.headers.iter() {
            let place = format!("{name} of {line}");
            found.search(name.as_bytes(), &place);
            found.search(value.as_bytes(), &place);
        }
        found.search(&request.body, &format!("body of {line}"));
        found
    }

    /// Canaries in everything that a proxy received in plain text.
    pub fn sent_to_proxy(proxy: &TestProxy) -> Self {
        let mut found = Self::default();
        for head in proxy.heads() {
            found.extend(Self::in_text(&head));
        }
        found
    }

    /// Fails unless exactly these were found. Expected canaries prove that the search works.
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

    fn search(&mut self, bytes: &[u8], location: &str) {
        for canary in find_canaries(bytes) {
            self.0.insert((canary, location.to_owned()));
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
