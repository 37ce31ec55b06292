//! Reading and copying content, whether its digest is known or computed.

use std::io::{self, Read, Write};
use std::path::Path;

use crate::error::{Error, IoOp, Result};
use crate::fs::{BUFFER_BYTES, read_within};
use crate::oci::{Digest, HashingWriter};
use crate::progress::{Event, report};

/// Copies everything from `reader` to `writer`, and returns the SHA-256 digest and the size. Errors
/// name the reader `from` and the writer `to`.
pub(crate) fn copy_hashing(
    reader: &mut dyn Read,
    from: &Path,
    writer: &mut dyn Write,
    to: &Path,
) -> Result<(Digest, u64)> {
    let mut writer = HashingWriter::new(writer);
    for_each_chunk(reader, from, |bytes| {
        writer.write_all(bytes).map_err(Error::io(IoOp::Write, to))
    })?;
    let (_, digest, size) = writer.finish();
    Ok((digest, size))
}

/// Reads everything from `reader` and passes it to `visit`. Errors name the reader `from`.
pub(super) fn for_each_chunk(
    reader: &mut dyn Read,
    from: impl AsRef<Path>,
    mut visit: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match read_within(reader, &mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => visit(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io(IoOp::Read, from.as_ref())(error)),
        }
    }
}

/// A reader that reports [`Event::Reading`] after every read.
pub(crate) struct ProgressReader<'p> {
    inner: &'p mut dyn Read,
    name: &'p str,
    done: u64,
    total: Option<u64>,
}

impl<'p> ProgressReader<'p> {
    pub(crate) fn new(inner: &'p mut dyn Read, name: &'p str, total: Option<u64>) -> Self {
        Self {
            inner,
            name,
            done: 0,
            total,
        }
    }
}

impl Read for ProgressReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = read_within(self.inner, buffer)?;
        if count > 0 {
            self.done += count as u64;
            let (name, done) = (self.name, self.done);
            // A file may grow while it is read.
            let total = self.total.map(|total| total.max(done));
            report(&Event::Reading { name, done, total }).map_err(Error::into_io)?;
        }
        Ok(count)
    }
}
