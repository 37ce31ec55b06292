//! The bodies of the fuzz targets: each one passes input to the library and checks what must hold
//! for any input.
//!
//! `tests/fuzz` runs them with cargo-fuzz, and the test above this module with mutations of
//! `fixtures/fuzz`. The body of the target `template` is here, but not in the table, because the
//! template engine belongs to the command.

mod archive;
mod client;
mod credentials;
mod layout;
mod manifests;
mod mock;
mod names;
mod raw_http;

/// Passes input to the library, and checks the result.
type Body = fn(&[u8]);

/// The name and body of each target.
pub(crate) const BODIES: [(&str, Body); 10] = [
    ("references", |input| with_text(input, names::references)),
    ("urls", |input| with_text(input, names::urls)),
    ("challenges", |input| with_text(input, client::challenges)),
    ("links", |input| with_text(input, client::links)),
    ("manifests", manifests::manifests),
    ("credentials", credentials::credentials),
    ("archive", archive::archive),
    ("layout", layout::layout),
    ("client", client::client),
    ("raw_http", raw_http::raw_http),
];

/// The line that separates the parts of an input.
const SEPARATOR: &[u8] = b"\n---\n";

/// Passes input that is text to `body`.
fn with_text(input: &[u8], body: fn(&str)) {
    if let Ok(text) = std::str::from_utf8(input) {
        body(text);
    }
}

/// Splits an input at its separators.
fn parts(mut input: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let is_separator = |window: &[u8]| window == SEPARATOR;
    while let Some(end) = input.windows(SEPARATOR.len()).position(is_separator) {
        parts.push(&input[..end]);
        input = &input[end + SEPARATOR.len()..];
    }
    parts.push(input);
    parts
}

/// The longest displayed error, in characters, as `hostile/untrusted_text.rs` requires.
const MAX_ERROR_CHARS: usize = 8 * 1024;

/// Checks that an error fits on one line of a terminal.
#[track_caller]
fn check_error(error: &oras::Error) {
    let text = error.chain().to_string();
    assert!(!text.contains(char::is_control), "{text:?}");
    assert!(text.chars().count() <= MAX_ERROR_CHARS, "{text}");
}
