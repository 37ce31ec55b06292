//! Gzip decompression that hashes the uncompressed bytes.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

use crate::error::{Error, Reworded};
use crate::fs::BUFFER_BYTES;
use crate::oci::{Algorithm, Digest, Hasher};

type CompressedReader<R> = BufReader<SourceReader<R>>;

/// Reads a gzip stream of one or more members. Each [`io::Error`] contains a library error.
///
/// Zeros may follow the last member: tapes and `dd` pad files with them, and gzip ignores them.
pub(super) struct Decompressor<R> {
    /// The current member; `None` at the end.
    member: Option<GzDecoder<CompressedReader<R>>>,
    hasher: Hasher,
}

impl<R: Read> Decompressor<R> {
    pub(super) fn new(compressed: R) -> Self {
        let source = SourceReader {
            inner: compressed,
            failed: false,
        };
        let source = BufReader::with_capacity(BUFFER_BYTES, source);
        Self {
            member: Some(GzDecoder::new(source)),
            hasher: Hasher::new(Algorithm::Sha256),
        }
    }

    /// Returns the digest of all uncompressed bytes that were read.
    pub(super) fn into_digest(self) -> Digest {
        self.hasher.finish()
    }

    /// Reads uncompressed bytes, across the ends of members.
    fn read_members(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(member) = &mut self.member else {
                return Ok(0);
            };
            let source_failed =
                |member: &GzDecoder<CompressedReader<R>>| member.get_ref().get_ref().failed;
            match member.read(buffer) {
                Ok(0) if !buffer.is_empty() => {}
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if source_failed(member) => return Err(error),
                Err(error) => return Err(malformed(error)),
            }
            if let Some(member) = self.member.take() {
                let mut source = member.into_inner();
                if has_member(&mut source)? {
                    self.member = Some(GzDecoder::new(source));
                }
            }
        }
    }
}

impl<R: Read> Read for Decompressor<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.read_members(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

/// Whether another member follows. Reads zeros up to the end.
fn has_member(source: &mut impl BufRead) -> io::Result<bool> {
    let mut is_padded = false;
    loop {
        let available = match source.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let length = available.len();
        match available.iter().position(|&byte| byte != 0) {
            Some(0) if !is_padded => return Ok(true),
            Some(_) => {
                let reason = "data after the padding of the last member";
                return Err(Error::malformed("gzip", reason).into_io());
            }
            None if length == 0 => return Ok(false),
            None => is_padded = true,
        }
        source.consume(length);
    }
}

/// The error for bytes that are not gzip.
fn malformed(error: io::Error) -> io::Error {
    let reason = match error.to_string() {
        text if text == "invalid gzip header" => "invalid header".to_owned(),
        _ if error.kind() == io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
        text => text,
    };
    Error::malformed_by(Reworded::new(reason, error), "gzip").into_io()
}

/// The compressed bytes. Tells errors of the source from errors of gzip.
struct SourceReader<R> {
    inner: R,
    /// Whether the last error came from `inner`.
    failed: bool,
}

impl<R: Read> Read for SourceReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = self.inner.read(buffer);
        if let Err(error) = &result {
            self.failed = error.kind() != io::ErrorKind::Interrupted;
        }
        result
    }
}
