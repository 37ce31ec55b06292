//! The verifying reader.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read, Write};
use std::path::Path;

use super::hashing::for_each_chunk;
use super::resumed_reader::ResumedReader;
use crate::error::{Error, IoOp, Mismatch, Result};
use crate::fs::BUFFER_BYTES;
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
            expected,
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
        let read = self.inner.read(buffer);
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
        self.outcome = Some(Err(mismatch));
        self.reject_sinks();
        self.verification_error(mismatch)
    }

    fn reject_sinks(&mut self) {
        self.sinks.drain(..).for_each(|sink| sink.reject());
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
        Ok(count)
    }
}

#[cfg(test)]
mod tests {

    use super::super::file::FileContent;
    use super::super::openable::{Content, StreamContent};
    use super::*;
    use crate::oci::digest::Digest;
    use crate::oci::media_type::MediaType;
    use crate::sync::Lock;

    fn reader(content: &'static [u8], claimed: &[u8]) -> VerifyReader<'static> {
        VerifyReader::new(content, Descriptor::of(MediaType::OCTET_STREAM, claimed))
    }

    fn mismatch(error: io::Error) -> Mismatch {
        let mut error = Error::io(IoOp::Read, "")(error);
        while let Error::Context { source, .. } = error {
            error = *source;
        }
        match error {
            Error::Verification { mismatch, .. } => mismatch,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn correct_content_is_returned_completely() {
        assert_eq!(reader(b"hello", b"hello").read_all(5).unwrap(), b"hello");
        assert_eq!(reader(b"", b"").read_all(0).unwrap(), b"");
    }

    #[test]
    fn every_difference_is_reported_by_each_further_read() {
        for (got, claimed, wanted) in [
            (&b"hellO"[..], &b"hello"[..], Mismatch::Digest),
            (b"hell", b"hello", Mismatch::Truncated),
            (b"hello!", b"hello", Mismatch::Trailing),
            (b"", b"hello", Mismatch::Truncated),
            (b"x", b"", Mismatch::Trailing),
        ] {
            let mut reader = reader(got, claimed);
            let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
            assert_eq!(mismatch(error), wanted);
            let again = reader.read(&mut [0; 8]).unwrap_err();
            assert_eq!(mismatch(again), wanted, "reading on after a failure");
        }
    }

    #[test]
    fn the_check_precedes_the_last_byte() {
        let mut reader = reader(b"hellO", b"hello");
        let mut buffer = [0; 5];
        assert_eq!(
            mismatch(reader.read_exact(&mut buffer).unwrap_err()),
            Mismatch::Digest
        );
    }

    #[test]
    fn trusted_content_skips_hashing_when_the_receiver_verifies() {
        let trusted = |unchanged| reader(b"hellO", b"hello").trusted_while(move || unchanged);
        let mut got = Vec::new();
        trusted(true)
            .skip_digest_if_trusted()
            .read_to_end(&mut got)
            .unwrap();
        assert_eq!(got, b"hellO", "the receiver finds the difference");
        let changed = trusted(false)
            .skip_digest_if_trusted()
            .read_to_end(&mut got);
        assert_eq!(mismatch(changed.unwrap_err()), Mismatch::Changed);
        assert_eq!(
            mismatch(trusted(true).read_to_end(&mut got).unwrap_err()),
            Mismatch::Digest
        );
        let untrusted = reader(b"hellO", b"hello")
            .skip_digest_if_trusted()
            .read_to_end(&mut got);
        assert_eq!(mismatch(untrusted.unwrap_err()), Mismatch::Digest);
    }

    #[test]
    fn a_stream_is_consumed_by_the_first_read() {
        let mut stream = StreamContent::new(&b"hello"[..]);
        drop(stream.open().unwrap());
        assert!(!stream.is_consumed(), "nothing was read");
        let expected = Descriptor::of(MediaType::OCTET_STREAM, b"hello");
        let bytes = stream.open_verified(&expected).unwrap().read_all(5);
        assert_eq!(bytes.unwrap(), b"hello");
        assert!(stream.is_consumed());
        let again = stream.open().map(drop).unwrap_err();
        assert_eq!(
            again.to_string(),
            "reading a stream for a second time: unsupported"
        );
    }

    #[test]
    fn a_digest_from_the_caller_is_always_checked() {
        let directory = crate::fs::testing::TempDir::new();
        let path = directory.path().join("f");
        std::fs::write(&path, "hello").unwrap();
        let claimed = Digest::of(b"hellO");
        let (descriptor, mut content) =
            FileContent::describe_with_digest(&path, MediaType::OCTET_STREAM, claimed.clone())
                .unwrap();
        assert_eq!((descriptor.size, &descriptor.digest), (5, &claimed));
        let read = content
            .open_verified(&descriptor)
            .unwrap()
            .skip_digest_if_trusted()
            .read_to_end(&mut Vec::new());
        assert_eq!(mismatch(read.unwrap_err()), Mismatch::Digest);
    }

    /// A sink that records what it receives.
    #[derive(Default)]
    struct RecordingSink {
        bytes: Vec<u8>,
        is_committed: bool,
    }

    impl ContentSink for &Lock<RecordingSink> {
        fn write(&mut self, bytes: &[u8]) {
            self.lock().bytes.extend(bytes);
        }

        fn commit(self: Box<Self>) {
            self.lock().is_committed = true;
        }
    }

    #[test]
    fn a_sink_commits_only_complete_and_verified_content() {
        for (got, claimed, is_correct) in [
            (&b"hello"[..], &b"hello"[..], true),
            (b"", b"", true),
            (b"hellO", b"hello", false),
            (b"hell", b"hello", false),
            (b"hello!", b"hello", false),
        ] {
            let sink = Lock::new(RecordingSink::default());
            let mut reader = reader(got, claimed).tee_to(&sink);
            let _ = reader.read_to_end(&mut Vec::new());
            let sink = sink.lock();
            assert_eq!(sink.is_committed, is_correct, "{got:?}");
            assert!(!is_correct || sink.bytes == got, "{got:?}");
        }
        let sink = Lock::new(RecordingSink::default());
        let mut reader = reader(b"hello", b"hello").tee_to(&sink);
        reader.read_exact(&mut [0; 4]).unwrap();
        drop(reader);
        assert!(
            !sink.lock().is_committed,
            "the content was not read to its end"
        );
    }

    #[test]
    fn cached_content_is_hashed_locally() {
        let sink = Lock::new(RecordingSink::default());
        let read = reader(b"hellO", b"hello")
            .trusted_while(|| true)
            .tee_to(&sink)
            .skip_digest_if_trusted()
            .read_to_end(&mut Vec::new());
        assert_eq!(mismatch(read.unwrap_err()), Mismatch::Digest);
        assert!(!sink.lock().is_committed);
    }

    #[test]
    fn a_size_over_the_limit_is_an_error_before_the_first_read() {
        match reader(b"hello", b"hello").read_all(4) {
            Err(Error::TooLarge {
                size: 5, limit: 4, ..
            }) => {}
            other => panic!("{other:?}"),
        }
    }
}
