//! Random access to content.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};

use super::Source;
use crate::error::{Error, IoOp, Mismatch, Result};
use crate::fs::read_within;
use crate::limits::MAX_SKIPPED_BYTES;
use crate::oci::Descriptor;

/// A blob with random access, for formats whose readers seek, such as zip or `SQLite`.
///
/// **The bytes are not verified**, because a digest covers all of a blob: only
/// [`fetch`](Source::fetch) verifies. A damaged store or a malicious registry can return other
/// bytes. The number of bytes is that of the descriptor: content that ends before is an error, and
/// bytes after it are not returned.
///
/// Nothing is requested before the first read. Each read at a position that is not shortly after
/// the end of the previous read opens the content again, which is one request at a registry. Small
/// reads should go through a [`BufReader`](io::BufReader). If the store cannot start in the middle,
/// the content is read and discarded up to the position.
///
/// ```
/// use std::io::{Read, Seek, SeekFrom};
///
/// use oras::store::memory::MemoryStore;
/// use oras::store::{SeekableBlob, Target};
/// use oras::{Descriptor, MediaType};
///
/// let store = MemoryStore::new();
/// let blob = Descriptor::of(MediaType::OCTET_STREAM, b"hello world");
/// store.push(&blob, &mut &b"hello world"[..])?;
///
/// let mut reader = SeekableBlob::new(&store, blob);
/// let mut end = String::new();
/// reader.seek(SeekFrom::End(-5)).unwrap();
/// reader.read_to_string(&mut end).unwrap();
/// assert_eq!(end, "world");
/// # Ok::<(), oras::Error>(())
/// ```
pub struct SeekableBlob<'s> {
    source: &'s dyn Source,
    target: Descriptor,
    position: u64,
    /// The open content, and its position.
    open: Option<(Box<dyn Read + Send + 's>, u64)>,
}

impl<'s> SeekableBlob<'s> {
    /// Creates a reader at the start of `target`.
    pub const fn new(source: &'s dyn Source, target: Descriptor) -> Self {
        Self {
            source,
            target,
            position: 0,
            open: None,
        }
    }

    /// Returns the descriptor of the blob.
    pub const fn descriptor(&self) -> &Descriptor {
        &self.target
    }

    /// The error of content that ends before its size.
    fn truncated(&self) -> io::Error {
        Error::Verification {
            digest: self.target.digest.to_string(),
            mismatch: Mismatch::Truncated,
        }
        .into_io()
    }

    /// Reads at the position, with the open content if that is not far behind it.
    fn read_open(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (mut content, at) = match self.open.take() {
            Some((content, at))
                if (at..=at.saturating_add(MAX_SKIPPED_BYTES)).contains(&self.position) =>
            {
                (content, at)
            }
            _ => {
                let opened = open_at(self.source, &self.target, self.position);
                (opened.map_err(Error::into_io)?, self.position)
            }
        };
        skip(&mut content, self.position - at)?;
        let count = read_within(&mut content, buffer)?;
        self.open = Some((content, self.position + count as u64));
        Ok(count)
    }
}

impl Read for SeekableBlob<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.target.size.saturating_sub(self.position);
        let length = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if length == 0 {
            return Ok(0);
        }
        let count = self.read_open(&mut buffer[..length]).map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof && error.get_ref().is_none() {
                self.truncated()
            } else {
                error
            }
        })?;
        if count == 0 {
            return Err(self.truncated());
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for SeekableBlob<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.target.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "seek before the start");
        self.position = position.ok_or_else(invalid)?;
        Ok(self.position)
    }
}

impl fmt::Debug for SeekableBlob<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeekableBlob")
            .field("target", &self.target)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// Opens content at `offset` bytes from its start, also if the store cannot start in the middle.
fn open_at<'s>(
    source: &'s dyn Source,
    target: &Descriptor,
    offset: u64,
) -> Result<Box<dyn Read + Send + 's>> {
    if offset > 0
        && let Some(content) = source.fetch_from(target, offset)?
    {
        return Ok(content);
    }
    fetch_and_skip(source, target, offset)
}

/// Opens content at its start, and discards the bytes before `offset`.
pub(crate) fn fetch_and_skip<'s>(
    source: &'s dyn Source,
    target: &Descriptor,
    offset: u64,
) -> Result<Box<dyn Read + Send + 's>> {
    let mut content = source.fetch(target)?.against(target);
    skip(&mut content, offset).map_err(Error::io(IoOp::Read, target.digest.as_str()))?;
    Ok(Box::new(content))
}

/// Reads and discards `count` bytes.
pub(crate) fn skip(content: &mut dyn Read, count: u64) -> io::Result<()> {
    let skipped = io::copy(&mut content.take(count), &mut io::sink())?;
    if skipped == count {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
