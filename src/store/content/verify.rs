//! The verifying reader.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read, Write};
use std::path::Path;
use std::sync::Arc;

use super::hashing::for_each_chunk;
use super::resumed_reader::ResumedReader;
use crate::error::{Error, IoOp, Mismatch, Result};
use crate::fs::{BUFFER_BYTES, read_within};
use crate::http::file_range::{self, FileRange};
use crate::limits::Limit;
use crate::oci::{Descriptor, Hasher, RawManifest};

/// Reads content and checks it against its descriptor.
///
/// The check happens when the last expected byte was read, before that byte is returned. A caller
/// that reads exactly the expected number of bytes therefore cannot skip the check. The failure is
/// an [`io::Error`] that contains [`Error::Verification`]; [`Error::io`] extracts it.
///
/// After a failure, every further read returns the same error.
pub struct VerifyReader<'a> {
    inner: Box<dyn Read + Send + 'a>,
    expected: Descriptor,
    /// The content as a whole, if it was verified earlier and is in memory.
    manifest: Option<RawManifest>,
    /// `None` after the check, or if the digest is known to be correct.
    hasher: Option<Hasher>,
    /// Whether the content is unchanged since its digest was computed; `None` if it was not
    /// computed.
    is_unchanged: Option<Box<dyn Fn() -> bool + Send + 'a>>,
    /// Result of the check; `None` before it.
    outcome: Option<std::result::Result<(), Mismatch>>,
    /// Bytes left to read.
    remaining: u64,
    map_error: Option<Box<dyn Fn(Error) -> Error + Send + 'a>>,
    progress: Vec<Box<ProgressFn<'a>>>,
    sinks: Vec<Box<dyn ContentSink + Send + 'a>>,
    is_resumed: bool,
    /// The file that `inner` reads from its beginning, if it does.
    file: Option<Arc<File>>,
    /// The range of the file that the current read stands for.
    range: Option<FileRange>,
}

/// Receives the bytes that a [`VerifyReader`] reads, and is notified once the content has been
/// verified or is wrong. It is dropped without notice if the content is unreadable or not read to
/// its end.
pub(crate) trait ContentSink {
    /// Receives the next bytes of the content, in order.
    fn write(&mut self, bytes: &[u8]);

    /// The content is complete and verified.
    fn commit(self: Box<Self>);

    /// The content is wrong. Same as dropping the sink, unless a part of the content is of use.
    fn reject(self: Box<Self>) {}
}

/// Receives the number of bytes of content that were read so far. An error stops the reading.
type ProgressFn<'a> = dyn FnMut(u64) -> Result<()> + Send + 'a;

impl fmt::Debug for VerifyReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyReader")
            .field("expected", &self.expected)
            .field("remaining", &self.remaining)
            .finish_non_exhaustive()
    }
}

impl<'a> VerifyReader<'a> {
    /// Verifies what is read from `inner` against `expected`.
    pub fn new(inner: impl Read + Send + 'a, expected: Descriptor) -> Self {
        Self {
            inner: Box::new(inner),
            manifest: None,
            hasher: Some(Hasher::new(expected.digest.algorithm())),
            is_unchanged: None,
            outcome: None,
            remaining: expected.size,
            map_error: None,
            progress: Vec::new(),
            sinks: Vec::new(),
            is_resumed: false,
            file: None,
            range: None,
            expected,
        }
    }

    /// Same as [`new`](Self::new), of a file. If its digest is known to be correct, it can be sent
    /// without being read into memory.
    pub(crate) fn new_in_file(file: Arc<File>, expected: Descriptor) -> Self {
        Self {
            file: Some(Arc::clone(&file)),
            ..Self::new(file, expected)
        }
    }

    /// Verifies content whose first `length` bytes are in the file `beginning`. `open_rest` opens
    /// the rest when the beginning was read.
    pub(crate) fn resuming(
        expected: &Descriptor,
        beginning: File,
        length: u64,
        open_rest: impl FnOnce() -> Result<Option<Box<dyn Read + Send + 'a>>> + Send + 'a,
    ) -> Self {
        let inner = ResumedReader::new(beginning, length, expected, open_rest);
        Self {
            is_resumed: true,
            ..Self::new(inner, expected.clone())
        }
    }

    /// Whether a part of the content comes from an earlier transfer. If it turns out to be wrong,
    /// the content can be right when it is opened again.
    pub(crate) const fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// Reads a manifest from memory. Its digest was computed or verified when it was created, so it
    /// is not hashed again if it is the expected one.
    pub fn from_manifest(manifest: RawManifest, expected: Descriptor) -> Self {
        let bytes = Cursor::new(manifest.clone());
        if !manifest.descriptor().is_same_bytes(&expected) {
            return Self::new(bytes, expected);
        }
        Self {
            manifest: Some(manifest.with_descriptor(expected.clone())),
            hasher: None,
            ..Self::new(bytes, expected).trusted_while(|| true)
        }
    }

    /// Verifies the content against `expected`, even if a store returned a reader of other content.
    pub(crate) fn against(self, expected: &Descriptor) -> Self {
        if self.expected.is_same_bytes(expected) {
            self
        } else {
            Self::new(self, expected.clone())
        }
    }

    /// Copies the content to a further sink. Must be called before the first read.
    pub(crate) fn tee_to(mut self, sink: impl ContentSink + Send + 'a) -> Self {
        self.sinks.push(Box::new(sink));
        self
    }

    /// Maps the errors of reading and of the check, for example to add which side of a copy failed.
    /// An earlier function is applied first.
    pub(crate) fn map_read_error(mut self, map: impl Fn(Error) -> Error + Send + 'a) -> Self {
        self.map_error = Some(match self.map_error.take() {
            None => Box::new(map),
            Some(earlier) => Box::new(move |error| map(earlier(error))),
        });
        self
    }

    /// Adds a function that receives the number of bytes read so far after each read. An error of
    /// it ends the read.
    ///
    /// [`Source::fetch`](crate::store::Source::fetch) reports no progress of its own. This reports
    /// it to the current [observer](crate::progress):
    ///
    /// ```
    /// use oras::progress::{self, Event};
    /// # use oras::store::memory::MemoryStore;
    /// # use oras::store::{Source, Target};
    /// # use oras::{Descriptor, MediaType};
    /// # let store = MemoryStore::new();
    /// # let blob = Descriptor::of(MediaType::OCTET_STREAM, b"hello");
    /// # store.push(&blob, &mut &b"hello"[..])?;
    ///
    /// let content = store.fetch(&blob)?;
    /// let content =
    ///     content.with_progress(|done| progress::report(&Event::transferring(&blob, done)));
    /// assert_eq!(content.read_all(5)?, b"hello");
    /// # Ok::<(), oras::Error>(())
    /// ```
    #[must_use]
    pub fn with_progress(mut self, progress: impl FnMut(u64) -> Result<()> + Send + 'a) -> Self {
        self.progress.push(Box::new(progress));
        self
    }

    /// Declares that the expected digest was computed from this content earlier. `is_unchanged`
    /// tells whether the content is still the same.
    pub(crate) fn trusted_while(mut self, is_unchanged: impl Fn() -> bool + Send + 'a) -> Self {
        self.is_unchanged = Some(Box::new(is_unchanged));
        self
    }

    /// Skips hashing if the digest was computed earlier and the content is unchanged at the end.
    /// For receivers that verify the digest themselves, as registries do.
    ///
    /// If a cache is attached, the content is always hashed: the registry does not report its own
    /// verification result to the cache.
    pub(crate) fn skip_digest_if_trusted(mut self) -> Self {
        let is_at_start = self.remaining == self.expected.size;
        if self.is_unchanged.is_some() && is_at_start && self.sinks.is_empty() {
            self.hasher = None;
        }
        self
    }

    /// The expected descriptor.
    pub const fn descriptor(&self) -> &Descriptor {
        &self.expected
    }

    /// Reads everything into memory.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] before the first read if the descriptor's size exceeds `limit` bytes,
    /// and [`Error::Verification`].
    pub fn read_all(mut self, limit: u64) -> Result<Vec<u8>> {
        self.check_size(limit)?;
        // The size is a claim until all bytes were read, so it does not decide the allocation.
        let capacity = self.expected.size.min(BUFFER_BYTES as u64);
        let mut bytes = Vec::with_capacity(usize::try_from(capacity).unwrap_or(BUFFER_BYTES));
        self.read_to_end(&mut bytes)
            .map_err(Error::io(IoOp::Read, self.expected.digest.as_str()))?;
        Ok(bytes)
    }

    /// Reads everything into memory as a manifest. If the content already is a manifest in memory,
    /// the result shares its bytes.
    ///
    /// # Errors
    ///
    /// Same as [`read_all`](Self::read_all).
    pub fn read_manifest(mut self, limit: u64) -> Result<RawManifest> {
        let is_at_start = self.remaining == self.expected.size;
        let Some(manifest) = self.manifest.take().filter(|_| is_at_start) else {
            let expected = self.expected.clone();
            return Ok(RawManifest::verified(expected, self.read_all(limit)?));
        };
        self.check_size(limit)?;
        for mut sink in self.sinks.drain(..) {
            sink.write(manifest.bytes());
            sink.commit();
        }
        for progress in &mut self.progress {
            progress(self.expected.size)?;
        }
        Ok(manifest)
    }

    fn check_size(&self, limit: u64) -> Result<()> {
        Error::check_limit("content", self.expected.size, Limit::ContentBytes, limit)
    }

    /// Writes everything to `writer`, which errors call `name`, for example a path.
    ///
    /// ```
    /// use oras::store::memory::MemoryStore;
    /// use oras::store::{Source, Target};
    /// use oras::{Descriptor, MediaType};
    ///
    /// let store = MemoryStore::new();
    /// let blob = Descriptor::of(MediaType::OCTET_STREAM, b"hello");
    /// store.push(&blob, &mut &b"hello"[..])?;
    /// store.fetch(&blob)?.copy_to(&mut std::io::stdout(), "standard output")?;
    /// # Ok::<(), oras::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Verification`], or [`Error::Io`] with `name` if writing fails. Bytes written before
    /// an error are not verified.
    pub fn copy_to(mut self, writer: &mut dyn Write, name: impl AsRef<Path>) -> Result<()> {
        let name = name.as_ref();
        let digest = self.expected.digest.clone();
        for_each_chunk(&mut self, digest.as_str(), |bytes| {
            writer
                .write_all(bytes)
                .map_err(Error::io(IoOp::Write, name))
        })
    }

    fn read_verified(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        match self.outcome {
            Some(Ok(())) => return Ok(0),
            Some(Err(mismatch)) => return Err(self.verification_error(mismatch)),
            None => {}
        }
        let mut count = 0;
        if self.remaining > 0 {
            let wanted = usize::try_from(self.remaining)
                .unwrap_or(usize::MAX)
                .min(buffer.len());
            count = self.read_inner(&mut buffer[..wanted])?;
            if count == 0 {
                return Err(self.fail(Mismatch::Truncated));
            }
            self.remaining -= count as u64;
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&buffer[..count]);
            }
            for sink in &mut self.sinks {
                sink.write(&buffer[..count]);
            }
        }
        if self.remaining == 0 {
            self.check()?;
        }
        Ok(count)
    }

    /// Reads from the content. A beginning that cannot be continued is like a wrong one.
    fn read_inner(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let (None, true, Some(file)) = (&self.hasher, self.sinks.is_empty(), &self.file) {
            let offset = self.expected.size - self.remaining;
            self.range = FileRange::next(self, file, offset, buffer.len());
            if self.range.is_some() {
                return Ok(buffer.len());
            }
        }
        let read = read_within(&mut self.inner, buffer);
        if self.is_resumed
            && let Err(error) = &read
            && let Some(Error::Verification { mismatch, .. }) =
                error.get_ref().and_then(|error| error.downcast_ref())
        {
            return Err(self.fail(*mismatch));
        }
        read
    }

    /// Checks the digest, and that nothing follows the expected bytes.
    fn check(&mut self) -> io::Result<()> {
        match (self.hasher.take().map(Hasher::finish), &self.is_unchanged) {
            (Some(digest), _) if digest == self.expected.digest => {}
            (None, Some(is_unchanged)) if is_unchanged() => {}
            (Some(_), _) => return Err(self.fail(Mismatch::Digest)),
            (None, _) => return Err(self.fail(Mismatch::Changed)),
        }
        let mut excess = [0];
        loop {
            match self.inner.read(&mut excess) {
                Ok(0) => {
                    self.outcome = Some(Ok(()));
                    for sink in self.sinks.drain(..) {
                        sink.commit();
                    }
                    return Ok(());
                }
                Ok(_) => return Err(self.fail(Mismatch::Trailing)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // Excess bytes cannot be ruled out any more.
                    self.fail(Mismatch::Trailing);
                    return Err(error);
                }
            }
        }
    }

    fn fail(&mut self, mismatch: Mismatch) -> io::Error {
        let mismatch = if self.is_resumed {
            Mismatch::Beginning
        } else {
            mismatch
        };
        self.outcome = Some(Err(mismatch));
        self.reject_sinks();
        self.verification_error(mismatch)
    }

    fn reject_sinks(&mut self) {
        self.sinks.drain(..).for_each(ContentSink::reject);
    }

    fn verification_error(&self, mismatch: Mismatch) -> io::Error {
        Error::Verification {
            digest: self.expected.digest.to_string(),
            mismatch,
        }
        .into_io()
    }
}

impl Read for VerifyReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self
            .read_verified(buffer)
            .map_err(|error| match &self.map_error {
                Some(map) if error.kind() != io::ErrorKind::Interrupted => {
                    map(Error::io(IoOp::Read, self.expected.digest.as_str())(error)).into_io()
                }
                _ => error,
            })?;
        if count > 0 {
            let done = self.expected.size - self.remaining;
            for progress in &mut self.progress {
                progress(done).map_err(Error::into_io)?;
            }
        }
        if let Some(range) = self.range.take() {
            file_range::announce(range);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
