//! The trait [`Content`], and content in memory or from a stream.

use std::fs::File;
use std::io::Read;

use super::verify::VerifyReader;
use crate::error::{Error, Result};
use crate::oci::{Descriptor, RawManifest};

/// Name used in I/O errors for a stream that has no path.
pub(crate) const STREAM: &str = "stream";

/// Unverified bytes of content, from a position on.
pub type ContentReader<'a> = Box<dyn Read + Send + 'a>;

/// Content that can be opened more than once, because a 401, a redirect or a retry may require it
/// to be sent again. Content that cannot be read again, such as a [`StreamContent`], [is
/// consumed](Self::is_consumed).
pub trait Content {
    /// Opens the content at its start.
    ///
    /// # Errors
    ///
    /// If the content is missing or cannot be read.
    fn open(&mut self) -> Result<Box<dyn Read + Send + '_>>;

    /// Opens the content at its start, to be verified against `expected` while it is read.
    ///
    /// Content from a store is verified once, by that store.
    ///
    /// # Errors
    ///
    /// Same as [`open`](Self::open). A difference from `expected` is reported while the content is
    /// read.
    fn open_verified(&mut self, expected: &Descriptor) -> Result<VerifyReader<'_>> {
        Ok(VerifyReader::new(self.open()?, expected.clone()))
    }

    /// Opens the content at `offset` bytes from its start, to be read without verification.
    ///
    /// Returns `None` if the content cannot be opened in the middle, which is the default.
    ///
    /// # Errors
    ///
    /// Same as [`open`](Self::open).
    fn open_from(&mut self, offset: u64) -> Result<Option<ContentReader<'_>>> {
        let _ = offset;
        Ok(None)
    }

    /// Opens the content at its start, to be verified against `expected` while it is read. The
    /// first `length` bytes are read from the file `beginning`, and only the rest from the content.
    ///
    /// If the content cannot be opened there, the bytes do not match `expected`.
    ///
    /// # Errors
    ///
    /// Same as [`open_verified`](Self::open_verified).
    fn open_resumed(
        &mut self,
        expected: &Descriptor,
        beginning: File,
        length: u64,
    ) -> Result<VerifyReader<'_>> {
        let rest = self.open_from(length)?;
        Ok(VerifyReader::resuming(
            expected,
            beginning,
            length,
            move || Ok(rest),
        ))
    }

    /// Opens the file that has the content, and nothing else, if there is one. Its bytes are not
    /// verified. A copy of the content may share the blocks of the file on the disk.
    ///
    /// By default `None`.
    fn open_file(&mut self) -> Option<File> {
        None
    }

    /// Whether the content was read and cannot be read again, so that a retry cannot succeed.
    fn is_consumed(&self) -> bool {
        false
    }
}

impl Content for &[u8] {
    fn open(&mut self) -> Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(*self))
    }

    fn open_from(&mut self, offset: u64) -> Result<Option<ContentReader<'_>>> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.get(offset..));
        Ok(rest.map(|rest| Box::new(rest) as Box<dyn Read + Send>))
    }
}

/// A manifest in memory. Stores that keep it in memory share its bytes.
impl Content for &RawManifest {
    fn open(&mut self) -> Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(self.bytes()))
    }

    fn open_verified(&mut self, expected: &Descriptor) -> Result<VerifyReader<'_>> {
        let manifest = RawManifest::clone(self);
        Ok(VerifyReader::from_manifest(manifest, expected.clone()))
    }
}

/// Content that can be read once, such as standard input.
#[derive(Debug)]
pub struct StreamContent<R> {
    stream: R,
    is_consumed: bool,
}

impl<R: Read> StreamContent<R> {
    /// Wraps a stream. The content is everything up to the end of the stream.
    pub const fn new(stream: R) -> Self {
        Self {
            stream,
            is_consumed: false,
        }
    }
}

impl<R: Read + Send> Content for StreamContent<R> {
    /// Opens the stream. It can be opened again until the first read.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] after the first read.
    fn open(&mut self) -> Result<Box<dyn Read + Send + '_>> {
        if self.is_consumed {
            return Err(Error::unsupported("reading a stream for a second time"));
        }
        Ok(Box::new(OneShotReader(self)))
    }

    fn is_consumed(&self) -> bool {
        self.is_consumed
    }
}

/// Reads a [`StreamContent`] and marks it as consumed.
struct OneShotReader<'s, R>(&'s mut StreamContent<R>);

impl<R: Read> Read for OneShotReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.is_consumed = true;
        self.0.stream.read(buffer)
    }
}
