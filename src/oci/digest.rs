//! Digests of content (image spec v1.1, "Digests").
//!
//! A [`Digest`] always holds a valid value of a supported algorithm, so functions that take one do
//! not check it again.

use std::fmt;
use std::io::{self, Write};
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest as _;

use crate::error::{Error, Result};

/// A digest algorithm that this library can verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Algorithm {
    /// SHA-256: 64 hexadecimal digits. This library uses it for all new content.
    Sha256,
    /// SHA-384: 96 hexadecimal digits.
    Sha384,
    /// SHA-512: 128 hexadecimal digits.
    Sha512,
}

impl Algorithm {
    /// Returns the registered name, such as `sha256`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// Returns the number of hexadecimal digits.
    pub const fn encoded_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }

    /// All supported algorithms.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The digest of content, formatted as `algorithm:hex`.
///
/// ```
/// use oras::Digest;
///
/// let digest = Digest::of(b"{}");
/// assert!(digest.as_str().starts_with("sha256:44136fa355b3678a"));
/// assert_eq!(digest.short(), "44136fa355b3");
/// assert!("sha256:cafe".parse::<Digest>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: Algorithm,
    /// Shared by clones: a manifest with many layers is held in several places.
    text: Arc<str>,
}

impl Digest {
    /// Computes the SHA-256 digest of `content`.
    pub fn of(content: &[u8]) -> Self {
        Self::with(Algorithm::Sha256, content)
    }

    /// Computes the digest of `content` with `algorithm`.
    pub fn with(algorithm: Algorithm, content: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(content);
        hasher.finish()
    }

    /// Returns the algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the hexadecimal digits after the colon.
    pub fn encoded(&self) -> &str {
        &self.text[self.algorithm.name().len() + 1..]
    }

    /// Returns the digest as `algorithm:hex`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the form in status lines: the first 12 digits of a SHA-256 digest, or the whole
    /// digest of another algorithm.
    pub fn short(&self) -> &str {
        match self.algorithm {
            Algorithm::Sha256 => &self.encoded()[..12],
            _ => self.as_str(),
        }
    }

    /// Whether `content` has this digest.
    pub fn matches(&self, content: &[u8]) -> bool {
        Self::with(self.algorithm, content) == *self
    }

    fn from_hash(algorithm: Algorithm, hash: &[u8]) -> Self {
        let mut text = String::with_capacity(algorithm.name().len() + 1 + algorithm.encoded_len());
        text.push_str(algorithm.name());
        text.push(':');
        for byte in hash {
            for nibble in [byte >> 4, byte & 0xf] {
                text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
            }
        }
        Self {
            algorithm,
            text: text.into(),
        }
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = |reason| Error::invalid_digest(text, reason);
        let (name, encoded) = text
            .split_once(':')
            .ok_or_else(|| invalid(INVALID_FORMAT))?;
        if !is_algorithm_name(name) || encoded.is_empty() {
            return Err(invalid(INVALID_FORMAT));
        }
        let Some(algorithm) = Algorithm::from_name(name) else {
            return Err(invalid(if encoded.bytes().all(is_encoded_byte) {
                UNSUPPORTED_ALGORITHM
            } else {
                INVALID_FORMAT
            }));
        };
        if encoded.len() != algorithm.encoded_len() {
            return Err(invalid(INVALID_LENGTH));
        }
        if !encoded
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        {
            return Err(invalid(INVALID_FORMAT));
        }
        Ok(Self {
            algorithm,
            text: text.into(),
        })
    }
}

/// `algorithm-component *(separator algorithm-component)`, with `+._-` as separators.
fn is_algorithm_name(name: &str) -> bool {
    name.split(['+', '.', '_', '-']).all(|part| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'))
    })
}

fn is_encoded_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'=' | b'_' | b'-')
}

const INVALID_FORMAT: &str = "invalid checksum digest format";
const INVALID_LENGTH: &str = "invalid checksum digest length";
const UNSUPPORTED_ALGORITHM: &str = "unsupported digest algorithm";

impl Deref for Digest {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.text)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// An incremental digest computation.
#[derive(Clone)]
pub(crate) struct Hasher(State);

#[derive(Clone)]
enum State {
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl Hasher {
    /// Creates a hasher without input.
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            Algorithm::Sha384 => State::Sha384(sha2::Sha384::new()),
            Algorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
        })
    }

    /// Adds the next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(state) => state.update(bytes),
            State::Sha384(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    /// Returns the digest of all added bytes.
    pub(crate) fn finish(self) -> Digest {
        match self.0 {
            State::Sha256(state) => Digest::from_hash(Algorithm::Sha256, &state.finalize()),
            State::Sha384(state) => Digest::from_hash(Algorithm::Sha384, &state.finalize()),
            State::Sha512(state) => Digest::from_hash(Algorithm::Sha512, &state.finalize()),
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").finish_non_exhaustive()
    }
}

/// A writer that counts the written bytes and computes their SHA-256 digest.
pub(crate) struct HashingWriter<W> {
    inner: W,
    hasher: Hasher,
    size: u64,
}

impl<W> HashingWriter<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self {
            inner,
            hasher: Hasher::new(Algorithm::Sha256),
            size: 0,
        }
    }

    /// Returns the inner writer, the digest, and the number of bytes.
    pub(crate) fn finish(self) -> (W, Digest, u64) {
        (self.inner, self.hasher.finish(), self.size)
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Input;

    #[test]
    fn the_empty_string_has_its_well_known_digests() {
        assert_eq!(
            Digest::of(b"").as_str(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            Digest::with(Algorithm::Sha384, b"").as_str(),
            "sha384:38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b"
        );
        assert!(
            Digest::with(Algorithm::Sha512, b"")
                .as_str()
                .starts_with("sha512:cf83e1357eefb8bd")
        );
    }

    #[test]
    fn every_algorithm_round_trips_through_text() {
        for algorithm in Algorithm::ALL {
            let digest = Digest::with(algorithm, b"hello");
            assert_eq!(digest.as_str().parse::<Digest>().unwrap(), digest);
            assert_eq!(digest.encoded().len(), algorithm.encoded_len());
        }
    }

    #[test]
    fn an_invalid_digest_says_what_is_wrong() {
        let upper = format!("sha256:{}", "A".repeat(64));
        let wide = format!("sha256:{}", "0".repeat(63) + "é");
        for (text, reason) in [
            ("", INVALID_FORMAT),
            ("sha256", INVALID_FORMAT),
            ("sha256:", INVALID_FORMAT),
            (":0000", INVALID_FORMAT),
            ("SHA256:0000", INVALID_FORMAT),
            ("sha256+:0000", INVALID_FORMAT),
            ("sha1:zz/..", INVALID_FORMAT),
            ("sha256:0000", INVALID_LENGTH),
            ("sha256:zz/..", INVALID_LENGTH),
            (
                "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709",
                UNSUPPORTED_ALGORITHM,
            ),
            (&upper, INVALID_FORMAT),
            (&wide, INVALID_LENGTH),
        ] {
            match text.parse::<Digest>() {
                Err(Error::InvalidInput {
                    input: Input::Digest,
                    reason: got,
                    ..
                }) => assert_eq!(got, reason, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
