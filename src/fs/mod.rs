//! File operations that several stores share: paths, unique names, temporary files, locks and
//! fingerprints.

pub(crate) mod directory;
pub(crate) mod file_range;
pub(crate) mod fingerprint;
#[cfg(feature = "archive")]
pub(crate) mod free_space;
pub(crate) mod input_kind;
pub(crate) mod leftovers;
pub(crate) mod lock;
pub(crate) mod path_clean;
pub(crate) mod private_file;
pub(crate) mod reflink;
#[cfg(feature = "archive")]
pub(crate) mod sparse_writer;
pub(crate) mod temp_file;
pub(crate) mod temp_name;
#[cfg(test)]
pub(crate) mod testing;

use std::io::{self, Read};

/// Reads once. A reader of a caller that returns more bytes than the buffer has is an error.
pub(crate) fn read_within(
    reader: &mut (impl Read + ?Sized),
    buffer: &mut [u8],
) -> io::Result<usize> {
    let count = reader.read(buffer)?;
    if count > buffer.len() {
        let message = "the reader returned more bytes than it was asked for";
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(count)
}

/// Size of read and write buffers in bytes: large enough that system calls cost little, small
/// enough for small machines.
pub(crate) const BUFFER_BYTES: usize = 64 * 1024;
