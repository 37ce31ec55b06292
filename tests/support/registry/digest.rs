//! Digests, computed independently of the library under test.

use std::fmt::Write as _;
use std::io::{self, Read};

use sha2::{Digest, Sha256, Sha384, Sha512};

/// The digest algorithms that the registry accepts (image-spec, "Digests", and the registered
/// `sha384`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    /// Finds an algorithm by name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "sha256" => Some(Self::Sha256),
            "sha384" => Some(Self::Sha384),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// The algorithm of a valid digest: a known name, and lower-case hexadecimal of the right
    /// length.
    pub fn of_digest(digest: &str) -> Option<Self> {
        let (name, encoded) = digest.split_once(':')?;
        let algorithm = Self::named(name)?;
        let wanted = match algorithm {
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        };
        let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (encoded.len() == wanted && encoded.bytes().all(hexadecimal)).then_some(algorithm)
    }

    /// The digest of the content of `reader`.
    pub fn digest(self, reader: impl Read) -> io::Result<String> {
        match self {
            Self::Sha256 => encode::<Sha256>("sha256", reader),
            Self::Sha384 => encode::<Sha384>("sha384", reader),
            Self::Sha512 => encode::<Sha512>("sha512", reader),
        }
    }

    /// The digest of `bytes`.
    pub fn digest_bytes(self, bytes: &[u8]) -> String {
        self.digest(bytes).expect("reading a slice does not fail")
    }
}

/// The sha256 digest of `bytes`.
pub fn sha256(bytes: &[u8]) -> String {
    Algorithm::Sha256.digest_bytes(bytes)
}

fn encode<D: Digest>(name: &str, mut reader: impl Read) -> io::Result<String> {
    let mut hasher = D::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer)? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    let mut digest = format!("{name}:");
    for byte in hasher.finalize() {
        // Writing to a string does not fail.
        let _ = write!(digest, "{byte:02x}");
    }
    Ok(digest)
}
