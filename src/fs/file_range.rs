//! Reading and writing at positions of a file that several threads use.

use std::fs::File;
use std::io::{self, Read};
use std::ops::{Deref, Range};

/// Reads a range of a file. Several ranges can be read at the same time.
#[derive(Clone, Debug)]
pub(crate) struct FileRange<F> {
    file: F,
    /// The range that is not read yet.
    range: Range<u64>,
}

impl<F: Deref<Target = File>> FileRange<F> {
    pub(crate) const fn new(file: F, range: Range<u64>) -> Self {
        Self { file, range }
    }
}

impl<F: Deref<Target = File>> Read for FileRange<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.range.end - self.range.start).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        let count = read_at(&self.file, &mut buffer[..wanted], self.range.start)?;
        self.range.start += count as u64;
        Ok(count)
    }
}

/// Reads at a position of a file.
#[cfg(unix)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, position)
}

/// Reads at a position of a file.
#[cfg(windows)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, position)
}

/// Reads at a position of a file. Other systems have no threads, or no positioned reads.
#[cfg(not(any(unix, windows)))]
pub(crate) fn read_at(mut file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    io::Seek::seek(&mut file, io::SeekFrom::Start(position))?;
    file.read(buffer)
}

/// Writes at a position of a file.
#[cfg(all(feature = "archive", unix))]
pub(crate) fn write_at(file: &File, bytes: &[u8], position: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::write_at(file, bytes, position)
}

/// Writes at a position of a file.
#[cfg(all(feature = "archive", windows))]
pub(crate) fn write_at(file: &File, bytes: &[u8], position: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, bytes, position)
}

/// Writes at a position of a file.
#[cfg(all(feature = "archive", not(any(unix, windows))))]
pub(crate) fn write_at(mut file: &File, bytes: &[u8], position: u64) -> io::Result<usize> {
    io::Seek::seek(&mut file, io::SeekFrom::Start(position))?;
    io::Write::write(&mut file, bytes)
}
