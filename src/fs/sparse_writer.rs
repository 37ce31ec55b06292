//! Writing files with holes instead of zeros.

use std::borrow::Borrow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::BUFFER_BYTES;

/// The unit of a hole: the block size of common file systems. A smaller run of zeros saves nothing.
const BLOCK_BYTES: usize = 4096;

const ZEROS: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];

/// Writes a file from its start or its end, and leaves blocks of zeros as holes. A file system
/// without holes stores zeros.
///
/// At any time, the file is a beginning of what was written: it ends before a hole.
///
/// [`finish`](Self::finish) must be called, because a hole at the end is not part of the file
/// before.
#[derive(Debug)]
pub(crate) struct SparseWriter<F> {
    file: F,
    /// Number of bytes received, including zeros.
    length: u64,
    /// Position of the file.
    position: u64,
    /// Number of bytes written to the file.
    data_bytes: u64,
}

impl<F: Borrow<File>> SparseWriter<F> {
    /// Creates a writer for an empty file.
    pub(crate) const fn new(file: F) -> Self {
        Self::after(file, 0)
    }

    /// Creates a writer for a file that has `length` bytes, and is positioned behind them.
    pub(crate) const fn after(file: F, length: u64) -> Self {
        Self {
            file,
            length,
            position: length,
            data_bytes: 0,
        }
    }

    /// The owner of the file.
    pub(crate) const fn owner(&self) -> &F {
        &self.file
    }

    /// Starts again with the file that `clear` made empty.
    pub(crate) fn restart(
        &mut self,
        clear: impl FnOnce(&mut F) -> io::Result<()>,
    ) -> io::Result<()> {
        (self.length, self.position) = (0, 0);
        clear(&mut self.file)
    }

    /// The file has `length` bytes now, and is positioned behind them.
    pub(crate) const fn continue_after(&mut self, length: u64) {
        (self.length, self.position) = (length, length);
    }

    /// Same as [`owner`](Self::owner). Position and content of the file must not be changed.
    pub(crate) const fn owner_mut(&mut self) -> &mut F {
        &mut self.file
    }

    /// Number of bytes written to the file, without holes.
    pub(crate) const fn data_bytes(&self) -> u64 {
        self.data_bytes
    }

    /// Leaves a hole up to `offset`.
    pub(crate) fn skip_to(&mut self, offset: u64) {
        self.length = self.length.max(offset);
    }

    /// The file.
    pub(crate) fn file(&self) -> &File {
        self.file.borrow()
    }

    /// Sets the length of the file if it ends with a hole.
    pub(crate) fn finish(&self) -> io::Result<()> {
        if self.position < self.length {
            self.file().set_len(self.length)?;
        }
        Ok(())
    }

    fn write_data(&mut self, data: &[u8]) -> io::Result<()> {
        let mut file = self.file.borrow();
        if self.position < self.length {
            self.position = file.seek(SeekFrom::Start(self.length))?;
        }
        file.write_all(data)?;
        self.length += data.len() as u64;
        self.position = self.length;
        self.data_bytes += data.len() as u64;
        Ok(())
    }
}

impl<F: Borrow<File>> Write for SparseWriter<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (holes, data) = split_run(rest, self.length);
            self.length += holes as u64;
            if data > 0 {
                self.write_data(&rest[holes..holes + data])?;
            }
            rest = &rest[holes + data..];
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the number of bytes in zero blocks at the start of `bytes`, and of those in the blocks
/// with data after them. `offset` is the position of `bytes` in the file.
fn split_run(bytes: &[u8], offset: u64) -> (usize, usize) {
    let block = BLOCK_BYTES as u64;
    let mut end = 0;
    let mut holes = None;
    while end < bytes.len() {
        let used = usize::try_from((offset + end as u64) % block).unwrap_or(0);
        let piece = &bytes[end..bytes.len().min(end + BLOCK_BYTES - used)];
        let is_zero = *piece == ZEROS[..piece.len()];
        match (is_zero, holes) {
            (true, Some(holes)) => return (holes, end - holes),
            (false, None) => holes = Some(end),
            _ => {}
        }
        end += piece.len();
    }
    let holes = holes.unwrap_or(end);
    (holes, end - holes)
}

/// Copies all of `source` to an empty file, with holes instead of zeros.
pub(crate) fn copy_sparse(source: &mut impl Read, file: &File) -> io::Result<()> {
    let mut writer = SparseWriter::new(file);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return writer.finish(),
            Ok(count) => writer.write_all(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::testing::TempDir;

    #[test]
    fn zero_blocks_and_data_are_told_apart() {
        let mut bytes = [0; 3 * BLOCK_BYTES];
        bytes[BLOCK_BYTES + 1] = 1;
        for (bytes, offset, wanted) in [
            (&bytes[..], 0, (BLOCK_BYTES, BLOCK_BYTES)),
            (&bytes[..10], 0, (10, 0)),
            (
                &bytes[..],
                1,
                (2 * BLOCK_BYTES - 1 - BLOCK_BYTES, BLOCK_BYTES),
            ),
            (&bytes[BLOCK_BYTES..], 0, (0, BLOCK_BYTES)),
            (&bytes[BLOCK_BYTES..][..2], 0, (0, 2)),
            (&b"x"[..], 4095, (0, 1)),
            (&b"\0x"[..], 4095, (1, 1)),
            (&b"x\0"[..], 4095, (0, 1)),
            (&b""[..], 7, (0, 0)),
        ] {
            assert_eq!(
                split_run(bytes, offset),
                wanted,
                "{} at {offset}",
                bytes.len()
            );
        }
    }

    #[test]
    fn a_file_has_the_bytes_that_were_written() {
        let directory = TempDir::new();
        let mut image = vec![0; 100_000];
        image[5000] = 1;
        image[70_000..80_000].fill(7);
        for (image, chunk) in [
            (&image[..], 1 << 20),
            (&image[..], 1000),
            (&image[..90_000], 4097),
            (&image[..3], 1),
            (&image[..0], 1),
        ] {
            let path = directory.path().join("file");
            let file = File::create(&path).unwrap();
            let mut writer = SparseWriter::new(&file);
            for chunk in image.chunks(chunk) {
                writer.write_all(chunk).unwrap();
            }
            assert!(writer.data_bytes() <= 20_000);
            writer.finish().unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), image);
        }
    }

    #[test]
    fn a_skipped_range_is_a_hole() {
        let directory = TempDir::new();
        let path = directory.path().join("file");
        let file = File::create(&path).unwrap();
        let mut writer = SparseWriter::new(&file);
        writer.skip_to(10);
        writer.write_all(b"x").unwrap();
        writer.skip_to(13);
        writer.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"\0\0\0\0\0\0\0\0\0\0x\0\0");
    }
}
