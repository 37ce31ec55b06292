//! Strings that do not print themselves.

use std::borrow::Cow;
use std::fmt;

/// A secret string, such as a password or a token. It has no `Display`, and its `Debug` is
/// redacted.
///
/// Passwords are bytes: HTTP and Docker's config files do not define their encoding.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Wraps a string or bytes.
    pub fn new(secret: impl Into<Vec<u8>>) -> Self {
        Self(secret.into())
    }

    /// Returns the secret as text. Bytes that are not UTF-8 are replaced by U+FFFD.
    pub fn expose(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Returns the bytes of the secret, to be written into a header or a file.
    pub fn expose_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether the secret is empty.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("*****")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}
