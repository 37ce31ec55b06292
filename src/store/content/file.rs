//! Files as content.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ContentReader;
use super::hashing::{ProgressReader, copy_hashing};
use super::openable::Content;
use super::verify::VerifyReader;
use crate::error::{Error, IoOp, Mismatch, Result};
use crate::fs::fingerprint::FileFingerprint;
use crate::fs::input_kind::InputKind;
use crate::oci::{Descriptor, Digest, MediaType};

/// Opens a file that can be read again.
fn open(path: &Path) -> Result<File> {
    let kind = InputKind::of_path(path).map_err(Error::io(IoOp::Open, path))?;
    match kind.reason() {
        None => File::open(path),
        Some(reason) => Err(io::Error::other(reason)),
    }
    .map_err(Error::io(IoOp::Open, path))
}

/// Content in a file.
#[derive(Clone, Debug)]
pub struct FileContent {
    path: PathBuf,
    /// Fingerprint of the file before its digest was computed; `None` if it was not computed.
    fingerprint: Option<FileFingerprint>,
}

impl FileContent {
    /// Reads the file once and returns its descriptor, with media type `media_type` and a SHA-256
    /// digest.
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
    /// [`Error::Io`] naming the file. A pipe, FIFO, socket or device cannot be read twice.
    pub fn describe(path: impl Into<PathBuf>, media_type: MediaType) -> Result<(Descriptor, Self)> {
        let path = path.into();
        let name = path.to_string_lossy().into_owned();
        Self::describe_by(path, media_type, &name, &mut |reader, _| hash(reader))
    }

    /// Same as [`describe`](Self::describe). The file is read by `hash`, which receives its size as
    /// well, and returns its digest and the number of bytes read. Events call the file `name`.
    ///
    /// A file that is truncated while it is read ends early. Content that the file had at no time
    /// is [`Error::Verification`].
    pub(crate) fn describe_by(
        path: PathBuf,
        media_type: MediaType,
        name: &str,
        hash: HashFile<'_>,
    ) -> Result<(Descriptor, Self)> {
        let mut file = open(&path)?;
        // Taken before reading, so that a concurrent write counts as a change.
        let metadata = file.metadata().map_err(Error::io(IoOp::Stat, &path))?;
        let fingerprint = FileFingerprint::from_metadata(&metadata);
        let mut named = NamedReader(&mut file, &path);
        let mut reader = ProgressReader::new(&mut named, name, Some(fingerprint.size()));
        let (digest, size) = hash(&mut reader, fingerprint.size())?;
        let descriptor = Descriptor::new(media_type, digest, size);
        if !is_unchanged(&file, &fingerprint, &descriptor) {
            let changed = Error::Verification {
                digest: descriptor.digest.to_string(),
                mismatch: Mismatch::Changed,
            };
            return Err(changed.context(path.display().to_string()));
        }
        let fingerprint = Some(fingerprint);
        Ok((descriptor, Self { path, fingerprint }))
    }

    /// Returns a descriptor of the file with a digest that the caller knows. The file is not read:
    /// a wrong digest is reported when the content is read.
    ///
    /// # Errors
    ///
    /// Same as [`describe`](Self::describe).
    pub fn describe_with_digest(
        path: impl Into<PathBuf>,
        media_type: MediaType,
        digest: Digest,
    ) -> Result<(Descriptor, Self)> {
        let path = path.into();
        // Opened so that an unreadable file is reported before the first request.
        let file = open(&path)?;
        let metadata = file.metadata().map_err(Error::io(IoOp::Stat, &path))?;
        if metadata.is_dir() {
            return Err(Error::io(IoOp::Read, &path)(
                io::ErrorKind::IsADirectory.into(),
            ));
        }
        let descriptor = Descriptor::new(media_type, digest, metadata.len());
        let content = Self {
            path,
            fingerprint: None,
        };
        Ok((descriptor, content))
    }

    /// Opens the file, to be verified against `expected` while it is read.
    ///
    /// The error of other content names the file if the file changed. Where the caller knew the
    /// digest, the error is that of a wrong digest.
    pub(crate) fn reader(&self, expected: &Descriptor) -> Result<VerifyReader<'static>> {
        let file = File::open(&self.path).map_err(Error::io(IoOp::Open, &self.path))?;
        let Some(before) = self.fingerprint else {
            return Ok(VerifyReader::new(file, expected.clone()));
        };
        let file = Arc::new(file);
        let path = self.path.clone();
        let reader = VerifyReader::new_in_file(Arc::clone(&file), expected.clone()).map_read_error(
            move |error| match error {
                Error::Verification { .. } => error.context(path.display().to_string()),
                other => other,
            },
        );
        let expected = expected.clone();
        Ok(reader.trusted_while(move || is_unchanged(&file, &before, &expected)))
    }
}

/// A function that reads a file of this size, and returns its digest and the number of bytes read.
pub(crate) type HashFile<'h> = &'h mut dyn FnMut(&mut dyn Read, u64) -> Result<(Digest, u64)>;

/// Computes the digest of everything that `reader` returns, and the number of bytes.
pub(crate) fn hash(reader: &mut dyn Read) -> Result<(Digest, u64)> {
    copy_hashing(reader, Path::new(""), &mut io::sink(), Path::new(""))
}

/// A file whose read errors name it, whatever reads it.
struct NamedReader<'f>(&'f mut File, &'f Path);

impl Read for NamedReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => Error::io(IoOp::Read, self.1)(error).into_io(),
        })
    }
}

/// Whether an open file, which was read to its end, has the content it had when its digest was
/// computed.
///
/// A change of mode, owner, name or number of links changes the fingerprint too, and so does the
/// replacement of the file by a rename. Then the content is hashed again.
fn is_unchanged(mut file: &File, before: &FileFingerprint, expected: &Descriptor) -> bool {
    let is_same = file
        .metadata()
        .is_ok_and(|metadata| FileFingerprint::from_metadata(&metadata) == *before);
    is_same
        || (file.rewind().is_ok()
            && hash(&mut file).is_ok_and(|found| found == (expected.digest.clone(), expected.size)))
}

impl Content for FileContent {
    fn open(&mut self) -> Result<Box<dyn Read + Send + '_>> {
        let file = File::open(&self.path).map_err(Error::io(IoOp::Open, &self.path))?;
        Ok(Box::new(file))
    }

    fn open_verified(&mut self, expected: &Descriptor) -> Result<VerifyReader<'_>> {
        self.reader(expected)
    }

    fn open_from(&mut self, offset: u64) -> Result<Option<ContentReader<'_>>> {
        let mut file = File::open(&self.path).map_err(Error::io(IoOp::Open, &self.path))?;
        file.seek(SeekFrom::Start(offset))
            .map_err(Error::io(IoOp::Seek, &self.path))?;
        Ok(Some(Box::new(file)))
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A change of a file, with its name.
    type Change<'a> = (&'a str, &'a dyn Fn(&Path));

    /// Changes a file after its first byte was read for a receiver that verifies the digest.
    /// Returns the bytes that were read.
    fn read_while(change: impl FnOnce(&Path)) -> Result<Vec<u8>> {
        let directory = crate::fs::testing::TempDir::new();
        let path = directory.path().join("f");
        fs::write(&path, "hello").unwrap();
        let (descriptor, content) = FileContent::describe(&path, MediaType::OCTET_STREAM).unwrap();
        let mut reader = content
            .reader(&descriptor)
            .unwrap()
            .skip_digest_if_trusted();
        let mut bytes = vec![0];
        reader.read_exact(&mut bytes).unwrap();
        change(&path);
        reader
            .read_to_end(&mut bytes)
            .map_err(Error::io(IoOp::Read, ""))?;
        Ok(bytes)
    }

    /// Same as [`read_while`], while the digest is computed.
    fn describe_while(change: impl FnOnce(&Path)) -> Result<Descriptor> {
        let directory = crate::fs::testing::TempDir::new();
        let path = directory.path().join("f");
        fs::write(&path, "hello").unwrap();
        let mut change = Some(change);
        let mut hash_changing = |reader: &mut dyn Read, _| {
            let mut first = [0];
            reader.read_exact(&mut first).unwrap();
            change.take().unwrap()(&path);
            hash(&mut first.chain(reader))
        };
        let media_type = MediaType::OCTET_STREAM;
        let described = FileContent::describe_by(path.clone(), media_type, "f", &mut hash_changing);
        described.map(|(descriptor, _)| descriptor)
    }

    #[test]
    fn a_file_with_other_metadata_is_unchanged() {
        let other = |path: &Path| path.with_extension("other");
        let changes: [Change<'_>; 7] = [
            ("chmod", &|path| {
                fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
            }),
            ("a time", &|path| {
                let file = File::options().write(true).open(path).unwrap();
                file.set_modified(std::time::UNIX_EPOCH).unwrap();
            }),
            ("a link", &|path| fs::hard_link(path, other(path)).unwrap()),
            ("a rename", &|path| fs::rename(path, other(path)).unwrap()),
            ("a replacement", &|path| {
                fs::write(other(path), "other").unwrap();
                fs::rename(other(path), path).unwrap();
            }),
            ("a removal", &|path| fs::remove_file(path).unwrap()),
            ("the same content", &|path| {
                fs::write(path, "hello").unwrap();
            }),
        ];
        for (name, change) in changes {
            assert_eq!(read_while(change).unwrap(), b"hello", "{name}");
            let descriptor = describe_while(change).unwrap();
            assert_eq!(descriptor.digest, Digest::of(b"hello"), "{name}");
        }
    }

    #[test]
    fn a_file_with_other_content_is_an_error_that_names_it() {
        let changes: [Change<'_>; 4] = [
            ("rewritten", &|path| fs::write(path, "HELLO").unwrap()),
            ("truncated", &|path| fs::write(path, "he").unwrap()),
            ("emptied", &|path| fs::write(path, "").unwrap()),
            ("appended", &|path| {
                let mut file = File::options().append(true).open(path).unwrap();
                file.write_all(b"!").unwrap();
            }),
        ];
        for (name, change) in changes {
            let error = read_while(change).unwrap_err();
            assert!(error.is_verification(), "{name}: {error:?}");
            assert!(error.to_string().ends_with("/f"), "{name}: {error}");
        }
        let truncated = describe_while(|path| fs::write(path, "").unwrap()).unwrap_err();
        assert!(truncated.is_verification(), "{truncated:?}");
        assert!(truncated.to_string().ends_with("/f"), "{truncated}");
    }
}
