//! Content on its way: sources that can be opened again, and the one verifier.
//!
//! No byte leaves the library unverified. Whatever the source (a registry, a layout, an archive, embedded data), it is read
//! through a [`VerifyReader`], which checks size and digest and reports a difference no later than with the last byte.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Mismatch, Result};
use crate::fs::fingerprint::FileFingerprint;
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::{Algorithm, Digest, Hasher};
use crate::oci::media_type::MediaType;

/// How much is read and written at a time, in bytes: large enough that system calls cost little, small enough for small
/// machines.
pub const BUFFER_BYTES: usize = 64 * 1024;

/// Content that can be opened more than once, because a 401, a redirect or a retry may ask for it again. One that cannot,
/// such as a [`StreamContent`], says when it [is spent](Self::is_spent).
pub trait Content {
    /// Opens the content at its start.
    ///
    /// # Errors
    ///
    /// When the content is no longer there, or cannot be read.
    fn open(&mut self) -> Result<Box<dyn Read + '_>>;

    /// Opens the content at its start, to be verified against `expected` while it is read.
    ///
    /// Content that comes from a store is verified by that store already, once.
    ///
    /// # Errors
    ///
    /// As of [`open`](Self::open). That the content is not what is expected shows while it is read.
    fn open_verified(&mut self, expected: &Descriptor) -> Result<VerifyReader<'_>> {
        Ok(VerifyReader::new(self.open()?, expected.clone()))
    }

    /// Whether the content was read and cannot be read again. Then no failure is worth another attempt.
    fn is_spent(&self) -> bool {
        false
    }
}

/// Content in memory.
impl Content for &[u8] {
    fn open(&mut self) -> Result<Box<dyn Read + '_>> {
        Ok(Box::new(*self))
    }
}

/// Content in a file.
#[derive(Clone, Debug)]
pub struct FileContent {
    path: PathBuf,
    /// Fingerprint of the file before its digest was computed; `None` if it was not computed.
    fingerprint: Option<FileFingerprint>,
}

impl FileContent {
    /// Reads the file once to describe it as content of type `media_type`, with its SHA-256 digest.
    ///
    /// ```
    /// use oras::MediaType;
    /// use oras::store::content::FileContent;
    /// # let path = std::env::temp_dir().join(format!("oras-doc-content-{}", std::process::id()));
    /// # std::fs::write(&path, "hello").unwrap();
    ///
    /// let (descriptor, content) = FileContent::describe(&path, MediaType::OCTET_STREAM)?;
    /// assert_eq!(descriptor.size, 5);
    /// # drop(content);
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok::<(), oras::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Io`] naming the file.
    pub fn describe(path: impl Into<PathBuf>, media_type: MediaType) -> Result<(Descriptor, Self)> {
        Self::describe_watched(path, media_type, &mut |_, _| Ok(()))
    }

    /// As [`describe`](Self::describe). Tells `watch` how many bytes were read so far, and how many there are.
    ///
    /// # Errors
    ///
    /// As of [`describe`](Self::describe), and of `watch`.
    pub fn describe_watched(
        path: impl Into<PathBuf>,
        media_type: MediaType,
        watch: &mut dyn FnMut(u64, u64) -> Result<()>,
    ) -> Result<(Descriptor, Self)> {
        let path = path.into();
        let mut file = File::open(&path).map_err(Error::io("open", &path))?;
        // Before reading: what is written meanwhile counts as a change.
        let metadata = file.metadata().map_err(Error::io("stat", &path))?;
        let fingerprint = FileFingerprint::from_metadata(&metadata);
        let size = fingerprint.size();
        let mut reader = Told {
            inner: &mut file,
            done: 0,
            // A file may grow while it is read.
            tell: &mut |done| watch(done, size.max(done)),
        };
        let (digest, size) = copy_digested(&mut reader, &path, &mut io::sink(), &path)?;
        let descriptor = Descriptor::new(media_type, digest, size);
        let fingerprint = Some(fingerprint);
        Ok((descriptor, Self { path, fingerprint }))
    }

    /// Describes the file as content of type `media_type` with a digest that somebody else computed. The file is not read
    /// for that; whether the digest is its own shows when it is.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] naming the file.
    pub fn describe_as(
        path: impl Into<PathBuf>,
        media_type: MediaType,
        digest: Digest,
    ) -> Result<(Descriptor, Self)> {
        let path = path.into();
        // Opened as well, so that what cannot be read is known before anything is asked for.
        let file = File::open(&path).map_err(Error::io("open", &path))?;
        let metadata = file.metadata().map_err(Error::io("stat", &path))?;
        if metadata.is_dir() {
            return Err(Error::io("read", &path)(io::ErrorKind::IsADirectory.into()));
        }
        let descriptor = Descriptor::new(media_type, digest, metadata.len());
        Ok((
            descriptor,
            Self {
                path,
                fingerprint: None,
            },
        ))
    }

    /// Opens the file, to be verified against `expected` while it is read.
    pub(crate) fn reader(&self, expected: &Descriptor) -> Result<VerifyReader<'static>> {
        let file = File::open(&self.path).map_err(Error::io("open", &self.path))?;
        let Some(before) = self.fingerprint else {
            return Ok(VerifyReader::new(file, expected.clone()));
        };
        let same = file.try_clone().map_err(Error::io("open", &self.path))?;
        let is_unchanged = move || {
            same.metadata()
                .is_ok_and(|metadata| FileFingerprint::from_metadata(&metadata) == before)
        };
        Ok(VerifyReader::new(file, expected.clone()).known_unless_changed(is_unchanged))
    }
}

impl Content for FileContent {
    fn open(&mut self) -> Result<Box<dyn Read + '_>> {
        let file = File::open(&self.path).map_err(Error::io("open", &self.path))?;
        Ok(Box::new(file))
    }

    fn open_verified(&mut self, expected: &Descriptor) -> Result<VerifyReader<'_>> {
        self.reader(expected)
    }
}

/// Copies everything from `reader`, which is called `from`, to `writer`, which is called `to`, and returns what it was: its
/// SHA-256 digest and size.
pub(crate) fn copy_digested(
    reader: &mut dyn Read,
    from: &Path,
    writer: &mut dyn Write,
    to: &Path,
) -> Result<(Digest, u64)> {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut size = 0;
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => return Ok((hasher.finish(), size)),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::io("read", from)(error)),
        };
        hasher.update(&buffer[..count]);
        size += count as u64;
        writer
            .write_all(&buffer[..count])
            .map_err(Error::io("write", to))?;
    }
}

/// Tells how much was read.
pub(crate) struct Told<'t> {
    pub(crate) inner: &'t mut dyn Read,
    pub(crate) done: u64,
    pub(crate) tell: &'t mut dyn FnMut(u64) -> Result<()>,
}

impl Read for Told<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if count > 0 {
            self.done += count as u64;
            (self.tell)(self.done).map_err(Error::into_io)?;
        }
        Ok(count)
    }
}

/// What a stream is called that cannot be read.
pub(crate) const STREAM: &str = "stream";

/// Content that comes once and is gone, such as standard input.
#[derive(Debug)]
pub struct StreamContent<R> {
    stream: R,
    is_spent: bool,
}

impl<R: Read> StreamContent<R> {
    /// What `stream` brings until it ends.
    pub const fn new(stream: R) -> Self {
        Self {
            stream,
            is_spent: false,
        }
    }
}

impl<R: Read> Content for StreamContent<R> {
    /// As long as nothing was read, the stream can be opened again.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] when something was.
    fn open(&mut self) -> Result<Box<dyn Read + '_>> {
        if self.is_spent {
            return Err(Error::unsupported("reading a stream for a second time"));
        }
        Ok(Box::new(Spending(self)))
    }

    fn is_spent(&self) -> bool {
        self.is_spent
    }
}

/// Remembers that a stream was read.
struct Spending<'s, R>(&'s mut StreamContent<R>);

impl<R: Read> Read for Spending<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.is_spent = true;
        self.0.stream.read(buffer)
    }
}

/// Reads content and checks it against its descriptor.
///
/// The check happens when the last expected byte arrives, before it is handed on, so even a caller that reads exactly the
/// expected number of bytes cannot miss it. The failure is an [`io::Error`] that holds [`Error::Verification`]; give it to
/// [`Error::io`] to get that out again.
pub struct VerifyReader<'a> {
    inner: Box<dyn Read + 'a>,
    expected: Descriptor,
    /// None once the content was checked, or if its digest need not be computed again.
    hasher: Option<Hasher>,
    /// Whether the content is still what it was when its digest was computed, if that was done before.
    is_unchanged: Option<Box<dyn Fn() -> bool + 'a>>,
    is_checked: bool,
    remaining: u64,
    explain: Option<Explain<'a>>,
    watches: Vec<Box<Watch<'a>>>,
    keepers: Vec<Box<dyn Keeper + 'a>>,
}

/// Is handed what a [`VerifyReader`] reads, and told when all of it was found to be right. Otherwise it is dropped: when the
/// content is wrong, cannot be read, or is not read to its end.
pub(crate) trait Keeper {
    /// More of the content, in order.
    fn more(&mut self, bytes: &[u8]);

    /// The content is complete and verified.
    fn verified(self: Box<Self>);
}

/// Is told how many bytes of content were read so far. An error stops the reading.
pub type Watch<'a> = dyn FnMut(u64) -> Result<()> + 'a;

/// Says more about a failure.
type Explain<'a> = Box<dyn Fn(Error) -> Error + 'a>;

impl<'a> VerifyReader<'a> {
    /// Reads `inner`, which should be what `expected` describes.
    pub fn new(inner: impl Read + 'a, expected: Descriptor) -> Self {
        Self {
            inner: Box::new(inner),
            hasher: Some(Hasher::new(expected.digest.algorithm())),
            is_unchanged: None,
            is_checked: false,
            remaining: expected.size,
            explain: None,
            watches: Vec::new(),
            keepers: Vec::new(),
            expected,
        }
    }

    /// Hands what is read to `keeper` too, beside those it has. To be called before anything is read.
    pub(crate) fn kept_by(mut self, keeper: impl Keeper + 'a) -> Self {
        self.keepers.push(Box::new(keeper));
        self
    }

    /// Says more about whatever fails while this is read.
    pub(crate) fn explaining(mut self, explain: impl Fn(Error) -> Error + 'a) -> Self {
        self.explain = Some(Box::new(explain));
        self
    }

    /// Tells `watch` how far it has come after each read, beside those who are told already: bytes that are verified as far
    /// as that is possible, and about to be used.
    #[must_use]
    pub fn watched(mut self, watch: impl FnMut(u64) -> Result<()> + 'a) -> Self {
        self.watches.push(Box::new(watch));
        self
    }

    /// Says that the digest of this content was computed before, and how to tell whether it is unchanged since.
    pub(crate) fn known_unless_changed(mut self, is_unchanged: impl Fn() -> bool + 'a) -> Self {
        self.is_unchanged = Some(Box::new(is_unchanged));
        self
    }

    /// Leaves the digest to the receiver, which computes it in any case, if it was computed here before and the content is
    /// unchanged at the end of reading.
    pub(crate) fn for_receiver_that_verifies(mut self) -> Self {
        let is_untouched = self.remaining == self.expected.size;
        // What is kept must be verified here: the receiver tells nobody what it finds.
        if self.is_unchanged.is_some() && is_untouched && self.keepers.is_empty() {
            self.hasher = None;
        }
        self
    }

    /// What the content should be.
    pub const fn descriptor(&self) -> &Descriptor {
        &self.expected
    }

    /// Reads everything into memory.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] before anything is read when the descriptor's size is over `limit` bytes, and
    /// [`Error::Verification`].
    pub fn read_all(mut self, limit: u64) -> Result<Vec<u8>> {
        let size = self.expected.size;
        let too_large = || Error::TooLarge {
            what: "content".to_owned(),
            size,
            limit,
            limit_name: "MaxBytes",
        };
        if size > limit {
            return Err(too_large());
        }
        // The size is only a claim until the bytes are here, so it does not decide how much is allocated.
        let mut bytes = Vec::with_capacity(
            usize::try_from(size)
                .map_err(|_| too_large())?
                .min(BUFFER_BYTES),
        );
        self.read_to_end(&mut bytes)
            .map_err(Error::io("read", self.expected.digest.as_str()))?;
        Ok(bytes)
    }

    /// Writes everything to `writer`.
    ///
    /// # Errors
    ///
    /// [`Error::Verification`], or [`Error::Io`] naming `path` when writing fails. What was written until then is not to be
    /// trusted.
    pub fn copy_to(mut self, writer: &mut dyn Write, path: &Path) -> Result<()> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let count = match self.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::io("read", self.expected.digest.as_str())(error)),
            };
            writer
                .write_all(&buffer[..count])
                .map_err(Error::io("write", path))?;
        }
    }

    fn check(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.is_checked, true) {
            return Ok(());
        }
        match (self.hasher.take().map(Hasher::finish), &self.is_unchanged) {
            (Some(digest), _) if digest == self.expected.digest => {}
            (None, Some(is_unchanged)) if is_unchanged() => {}
            (Some(_), _) => return Err(self.mismatch(Mismatch::Digest)),
            (None, _) => return Err(self.mismatch(Mismatch::Changed)),
        }
        let mut excess = [0];
        loop {
            match self.inner.read(&mut excess) {
                Ok(0) => {
                    for keeper in self.keepers.drain(..) {
                        keeper.verified();
                    }
                    return Ok(());
                }
                Ok(_) => return Err(self.mismatch(Mismatch::Trailing)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // Whether there is more will never be known, so nothing more is handed out.
                    self.mismatch(Mismatch::Trailing);
                    return Err(error);
                }
            }
        }
    }

    fn mismatch(&mut self, mismatch: Mismatch) -> io::Error {
        // Whoever goes on reading after a failure gets the failure again, never the rest.
        self.is_checked = true;
        self.remaining = 0;
        self.keepers.clear();
        self.inner = Box::new(Failed(self.expected.clone(), mismatch));
        verification(&self.expected, mismatch)
    }
}

impl VerifyReader<'_> {
    fn read_verified(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.remaining == 0 {
            self.check()?;
            // After the check this is the end; after a failure it is the failure.
            return self.inner.read(buffer);
        }
        let wanted = usize::try_from(self.remaining)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let count = self.inner.read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(self.mismatch(Mismatch::Truncated));
        }
        self.remaining -= count as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..count]);
        }
        for keeper in &mut self.keepers {
            keeper.more(&buffer[..count]);
        }
        if self.remaining == 0 {
            self.check()?;
        }
        Ok(count)
    }
}

impl Read for VerifyReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self
            .read_verified(buffer)
            .map_err(|error| match &self.explain {
                Some(explain) if error.kind() != io::ErrorKind::Interrupted => {
                    explain(Error::io("read", self.expected.digest.as_str())(error)).into_io()
                }
                _ => error,
            })?;
        if count > 0 {
            let done = self.expected.size - self.remaining;
            for watch in &mut self.watches {
                watch(done).map_err(Error::into_io)?;
            }
        }
        Ok(count)
    }
}

/// What is left to read of content that failed verification.
struct Failed(Descriptor, Mismatch);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(verification(&self.0, self.1))
    }
}

fn verification(expected: &Descriptor, mismatch: Mismatch) -> io::Error {
    Error::Verification {
        digest: expected.digest.to_string(),
        mismatch,
    }
    .into_io()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(content: &'static [u8], claimed: &[u8]) -> VerifyReader<'static> {
        VerifyReader::new(content, Descriptor::of(MediaType::OCTET_STREAM, claimed))
    }

    fn mismatch(error: io::Error) -> Mismatch {
        match Error::io("read", "")(error) {
            Error::Verification { mismatch, .. } => mismatch,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn good_content_passes_whole() {
        assert_eq!(reader(b"hello", b"hello").read_all(5).unwrap(), b"hello");
        assert_eq!(reader(b"", b"").read_all(0).unwrap(), b"");
    }

    #[test]
    fn every_difference_is_found() {
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
    fn the_last_byte_is_not_handed_over_before_the_check() {
        let mut reader = reader(b"hellO", b"hello");
        let mut buffer = [0; 5];
        assert_eq!(
            mismatch(reader.read_exact(&mut buffer).unwrap_err()),
            Mismatch::Digest
        );
    }

    #[test]
    fn known_content_is_hashed_again_only_for_those_who_do_not() {
        let known = |unchanged| reader(b"hellO", b"hello").known_unless_changed(move || unchanged);
        let mut got = Vec::new();
        known(true)
            .for_receiver_that_verifies()
            .read_to_end(&mut got)
            .unwrap();
        assert_eq!(got, b"hellO", "the receiver finds the difference");
        let changed = known(false)
            .for_receiver_that_verifies()
            .read_to_end(&mut got);
        assert_eq!(mismatch(changed.unwrap_err()), Mismatch::Changed);
        assert_eq!(
            mismatch(known(true).read_to_end(&mut got).unwrap_err()),
            Mismatch::Digest
        );
        let unknown = reader(b"hellO", b"hello")
            .for_receiver_that_verifies()
            .read_to_end(&mut got);
        assert_eq!(mismatch(unknown.unwrap_err()), Mismatch::Digest);
    }

    #[test]
    fn a_stream_is_read_once() {
        let mut stream = StreamContent::new(&b"hello"[..]);
        drop(stream.open().unwrap());
        assert!(!stream.is_spent(), "nothing was read");
        let expected = Descriptor::of(MediaType::OCTET_STREAM, b"hello");
        let bytes = stream.open_verified(&expected).unwrap().read_all(5);
        assert_eq!(bytes.unwrap(), b"hello");
        assert!(stream.is_spent());
        let again = stream.open().map(drop).unwrap_err();
        assert_eq!(
            again.to_string(),
            "reading a stream for a second time: unsupported"
        );
    }

    #[test]
    fn a_digest_that_was_not_computed_here_is_checked_for_everybody() {
        let file = crate::fs::testing::TempDir::new();
        let path = file.path().join("f");
        std::fs::write(&path, "hello").unwrap();
        let claimed = Digest::of(b"hellO");
        let (descriptor, mut content) =
            FileContent::describe_as(&path, MediaType::OCTET_STREAM, claimed.clone()).unwrap();
        assert_eq!((descriptor.size, &descriptor.digest), (5, &claimed));
        let read = content
            .open_verified(&descriptor)
            .unwrap()
            .for_receiver_that_verifies()
            .read_to_end(&mut Vec::new());
        assert_eq!(mismatch(read.unwrap_err()), Mismatch::Digest);
    }

    /// What a keeper was handed, and whether it was told that it is right.
    #[derive(Default)]
    struct Kept {
        bytes: Vec<u8>,
        is_verified: bool,
    }

    impl Keeper for &std::cell::RefCell<Kept> {
        fn more(&mut self, bytes: &[u8]) {
            self.borrow_mut().bytes.extend(bytes);
        }

        fn verified(self: Box<Self>) {
            self.borrow_mut().is_verified = true;
        }
    }

    #[test]
    fn a_keeper_is_told_only_of_content_that_is_complete_and_right() {
        for (got, claimed, is_right) in [
            (&b"hello"[..], &b"hello"[..], true),
            (b"", b"", true),
            (b"hellO", b"hello", false),
            (b"hell", b"hello", false),
            (b"hello!", b"hello", false),
        ] {
            let kept = std::cell::RefCell::new(Kept::default());
            let mut reader = reader(got, claimed).kept_by(&kept);
            let _ = reader.read_to_end(&mut Vec::new());
            let kept = kept.borrow();
            assert_eq!(kept.is_verified, is_right, "{got:?}");
            assert!(!is_right || kept.bytes == got, "{got:?}");
        }
        let kept = std::cell::RefCell::new(Kept::default());
        let mut reader = reader(b"hello", b"hello").kept_by(&kept);
        reader.read_exact(&mut [0; 4]).unwrap();
        drop(reader);
        assert!(!kept.borrow().is_verified, "it was not read to its end");
    }

    #[test]
    fn what_is_kept_is_verified_even_if_the_receiver_verifies_too() {
        let kept = std::cell::RefCell::new(Kept::default());
        let read = reader(b"hellO", b"hello")
            .known_unless_changed(|| true)
            .kept_by(&kept)
            .for_receiver_that_verifies()
            .read_to_end(&mut Vec::new());
        assert_eq!(mismatch(read.unwrap_err()), Mismatch::Digest);
        assert!(!kept.borrow().is_verified);
    }

    #[test]
    fn a_size_over_the_limit_is_refused_before_reading() {
        match reader(b"hello", b"hello").read_all(4) {
            Err(Error::TooLarge {
                size: 5, limit: 4, ..
            }) => {}
            other => panic!("{other:?}"),
        }
    }
}
