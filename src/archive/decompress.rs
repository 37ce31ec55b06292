//! Gzip decompression that counts, hashes and limits the uncompressed bytes.

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use super::Limits;
use crate::error::{Error, Result};
use crate::fs::BUFFER_BYTES;
use crate::limits::Limit;
use crate::oci::{Algorithm, Digest, Hasher};

/// Reads a gzip stream of one or more members. Each [`io::Error`] contains a library error.
pub(super) struct Decompressor<R> {
    gzip: MultiGzDecoder<BufReader<CountingReader<R>>>,
    hasher: Hasher,
    plain_bytes: u64,
    max_plain_bytes: u64,
    max_ratio: u64,
    ratio_free_bytes: u64,
}

impl<R: Read> Decompressor<R> {
    pub(super) fn new(compressed: R, limits: &Limits) -> Self {
        let source = CountingReader {
            inner: compressed,
            bytes: 0,
            failed: false,
        };
        Self {
            gzip: MultiGzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, source)),
            hasher: Hasher::new(Algorithm::Sha256),
            plain_bytes: 0,
            max_plain_bytes: limits.max_unpacked_bytes,
            max_ratio: limits.max_ratio,
            ratio_free_bytes: limits.ratio_free_bytes,
        }
    }

    /// Reads to the end and returns the digest of all uncompressed bytes.
    pub(super) fn finish(mut self, buffer: &mut [u8]) -> io::Result<Digest> {
        while self.read(buffer)? > 0 {}
        Ok(self.hasher.finish())
    }

    fn check_limits(&self) -> Result<()> {
        let too_large =
            |limit, kind| Error::too_large("unpacked content", self.plain_bytes, kind, limit);
        if self.plain_bytes > self.max_plain_bytes {
            return Err(too_large(self.max_plain_bytes, Limit::UnpackedBytes));
        }
        let allowed = self
            .source()
            .bytes
            .saturating_mul(self.max_ratio)
            .max(self.ratio_free_bytes);
        if self.plain_bytes > allowed {
            return Err(too_large(allowed, Limit::Ratio));
        }
        Ok(())
    }

    fn source(&self) -> &CountingReader<R> {
        self.gzip.get_ref().get_ref()
    }

    /// Returns read errors of the source unchanged. Any other error means that the bytes are not
    /// gzip.
    fn classify(&self, error: io::Error) -> io::Error {
        if self.source().failed {
            return error;
        }
        let reason = match error.to_string() {
            text if text == "invalid gzip header" => "invalid header".to_owned(),
            _ if error.kind() == io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
            text => text,
        };
        Error::malformed("gzip", reason).into_io()
    }
}

impl<R: Read> Read for Decompressor<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = loop {
            match self.gzip.read(buffer) {
                Ok(count) => break count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.classify(error)),
            }
        };
        self.hasher.update(&buffer[..count]);
        self.plain_bytes += count as u64;
        self.check_limits().map_err(Error::into_io)?;
        Ok(count)
    }
}

/// Counts the compressed bytes.
struct CountingReader<R> {
    inner: R,
    bytes: u64,
    /// Whether the last error came from `inner`.
    failed: bool,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Ok(count) => {
                self.bytes += count as u64;
                Ok(count)
            }
            Err(error) => {
                self.failed = error.kind() != io::ErrorKind::Interrupted;
                Err(error)
            }
        }
    }
}
