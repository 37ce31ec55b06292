//! Encodings and untrusted text: JSON, times, URLs, name patterns, and the sanitizing of text for
//! messages.

pub(crate) mod glob;
pub mod go_time;
pub mod json;
pub(crate) mod percent;
pub(crate) mod random;
pub(crate) mod redact;
pub(crate) mod sanitize;
pub(crate) mod secret;
pub mod time;
pub mod url;
