//! Continuing content whose beginning an earlier process wrote to a file.

use std::error::Error as StdError;
use std::io::{self, Write};
use std::iter::successors;
use std::path::Path;

use super::openable::Content;
use crate::error::{Error, IoOp, Result};
use crate::fs::BUFFER_BYTES;
use crate::fs::temp_file::BeginningFile;
use crate::limits::RESUMABLE_BYTES;
use crate::oci::Descriptor;

/// Bytes of content that is worth a reflink. Less is read and written at once.
const MIN_REFLINK_BYTES: u64 = BUFFER_BYTES as u64;

/// Returns the content if its beginning is to be kept when its transfer is interrupted: it is large
/// enough, and can be opened in the middle.
pub(crate) fn if_resumable<'d>(
    content: &mut dyn Content,
    expected: &'d Descriptor,
) -> Option<&'d Descriptor> {
    // Nothing follows the last byte, so that no store needs a request to open content there.
    let is_resumable =
        expected.size >= RESUMABLE_BYTES && matches!(content.open_from(expected.size), Ok(Some(_)));
    is_resumable.then_some(expected)
}

/// Writes content to a file, after the beginning that the file has. If the content does not match
/// its digest then, the beginning may be wrong, and all of the content is written.
///
/// After an error, dropping the file keeps what it contains, unless that is of no use.
///
/// # Errors
///
/// [`Error::Verification`], or [`Error::Io`] naming `path` if writing fails. Errors after the
/// content was opened are mapped by `map_error`.
pub(crate) fn copy_resuming(
    content: &mut dyn Content,
    expected: &Descriptor,
    file: &mut dyn BeginningFile,
    path: &Path,
    map_error: &dyn Fn(Error) -> Error,
) -> Result<()> {
    if expected.size >= MIN_REFLINK_BYTES
        && file.kept_bytes() == 0
        && let Some(source) = content.open_file()
    {
        // The shared blocks are verified like a beginning that an earlier process wrote.
        file.reflink(&source);
    }
    let mut is_repeated = false;
    loop {
        let beginning = file.beginning().map_err(Error::io(IoOp::Write, path))?;
        let skip = file.kept_bytes();
        let reader = match beginning {
            None => content.open_verified(expected)?,
            Some((beginning, length)) => content.open_resumed(expected, beginning, length)?,
        };
        let is_resumed = reader.is_resumed();
        let mut writer = SkippingWriter {
            file,
            skip,
            is_failed: false,
        };
        let Err(error) = reader.copy_to(&mut writer, path) else {
            return Ok(());
        };
        let is_wrong = error.is_verification();
        if is_wrong && is_resumed && !is_repeated {
            is_repeated = true;
            file.clear().map_err(Error::io(IoOp::Write, path))?;
            continue;
        }
        let is_failed = writer.is_failed;
        if is_wrong || is_failed {
            file.keep_nothing();
        }
        let error = map_error(error);
        return Err(if is_failed {
            name_needed(error, expected.size)
        } else {
            error
        });
    }
}

/// Adds how many bytes are needed to the error of a full disk, or of a limit on the size of files.
pub(crate) fn name_needed(error: Error, bytes: u64) -> Error {
    let causes = successors(Some(&error as &(dyn StdError + 'static)), |&error| {
        error.source()
    });
    let is_full = |cause: &io::Error| {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};

        matches!(cause.kind(), StorageFull | QuotaExceeded | FileTooLarge)
    };
    if causes.filter_map(|cause| cause.downcast_ref()).any(is_full) {
        error.context(format!("{bytes} bytes are needed"))
    } else {
        error
    }
}

/// Writes to a file that has the first bytes already.
struct SkippingWriter<'f> {
    file: &'f mut dyn BeginningFile,
    /// Number of bytes that the file has.
    skip: u64,
    is_failed: bool,
}

impl Write for SkippingWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let new = unwritten(&mut self.skip, bytes);
        self.file
            .write_all(new)
            .inspect_err(|_| self.is_failed = true)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns `bytes` without the first `left`, and reduces `left` by the number of bytes left out.
pub(crate) fn unwritten<'b>(left: &mut u64, bytes: &'b [u8]) -> &'b [u8] {
    let count = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
    *left -= count as u64;
    &bytes[count..]
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::fs::temp_file::TempFile;
    use crate::fs::testing::TempDir;
    use crate::oci::MediaType;

    /// A file with a beginning that cannot be read.
    struct Unreadable(Vec<u8>);

    impl Write for Unreadable {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl BeginningFile for Unreadable {
        fn kept_bytes(&self) -> u64 {
            self.0.len() as u64
        }

        fn reopen(&mut self) -> io::Result<File> {
            Err(io::ErrorKind::Other.into())
        }

        fn clear(&mut self) -> io::Result<()> {
            self.0.clear();
            Ok(())
        }

        fn keep_nothing(&mut self) {}
    }

    #[test]
    fn content_after_a_beginning_that_cannot_be_read_is_written_from_its_start() {
        let bytes = b"hello world";
        let expected = Descriptor::of(MediaType::OCTET_STREAM, bytes);
        let mut file = Unreadable(b"hello".to_vec());

        let mut content = &bytes[..];
        copy_resuming(
            &mut content,
            &expected,
            &mut file,
            Path::new("x"),
            &|error| error,
        )
        .unwrap();

        assert_eq!(file.0, bytes);
    }

    /// A file on a file system that shares blocks.
    struct Sharing(TempFile);

    impl Write for Sharing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl BeginningFile for Sharing {
        fn kept_bytes(&self) -> u64 {
            self.0.kept_bytes()
        }

        fn reopen(&mut self) -> io::Result<File> {
            self.0.reopen()
        }

        fn reflink(&mut self, from: &File) -> bool {
            self.0.copy_as_kept(from)
        }

        fn clear(&mut self) -> io::Result<()> {
            self.0.clear()
        }

        fn keep_nothing(&mut self) {
            self.0.keep_nothing();
        }
    }

    /// Content in a file that may have other bytes.
    struct InFile<'b>(File, &'b [u8]);

    impl Content for InFile<'_> {
        fn open(&mut self) -> Result<Box<dyn io::Read + Send + '_>> {
            Ok(Box::new(self.1))
        }

        fn open_file(&mut self) -> Option<File> {
            self.0.try_clone().ok()
        }
    }

    #[test]
    fn shared_blocks_are_verified() {
        let good = vec![7; BUFFER_BYTES * 2];
        let mut bad = good.clone();
        bad[5] = 8;
        let expected = Descriptor::of(MediaType::OCTET_STREAM, &good);
        // The bytes of the file, and those that a read of the content returns.
        for (in_file, read, wanted) in [
            (&good, &bad, Ok(())),
            (&bad, &good, Ok(())),
            (&bad, &bad, Err(())),
            (&good[..9].to_vec(), &good, Ok(())),
        ] {
            let directory = TempDir::new();
            let path = directory.path().join("source");
            std::fs::write(&path, in_file).unwrap();
            let mut content = InFile(File::open(path).unwrap(), read);
            let mut file = Sharing(TempFile::create_in(directory.path()).unwrap());
            let copied = copy_resuming(
                &mut content,
                &expected,
                &mut file,
                Path::new("x"),
                &|error| error,
            );
            assert_eq!(copied.map_err(|_| ()), wanted);
            if wanted.is_ok() {
                let to = directory.path().join("copy");
                file.0.persist(&to).unwrap();
                assert!(std::fs::read(to).unwrap() == good);
            }
        }
    }
}
