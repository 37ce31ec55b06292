//! Packing a directory as a reproducible `tar.gz` archive, and unpacking.
//!
//! [`pack()`] makes equal archives of equal trees. The tar equals the output of Go's `archive/tar`
//! byte for byte: USTAR headers, and PAX records for values that USTAR cannot hold. [`unpack()`]
//! does not trust the archive: every write goes through a directory handle, none through a symbolic
//! link, and every size is limited.
//!
//! This module knows no descriptors and no annotations. [`output_dir`](crate::output_dir) decides
//! on the final path of a directory.

mod decompress;
mod entry_name;
mod fs_ops;
pub(crate) mod header;
mod pack;
mod symlink_policy;
mod tar_reader;
mod unpack;

#[cfg(test)]
mod tests;

pub use pack::{PackOptions, Times, pack, pack_with_progress};
pub use unpack::{UnpackOptions, unpack};

use crate::limits;

/// Limits for unpacking. The defaults fit any archive that was not made to exhaust resources.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of the whole uncompressed archive: [`MAX_UNPACKED_BYTES`](limits::MAX_UNPACKED_BYTES).
    pub max_unpacked_bytes: u64,
    /// Uncompressed bytes for each compressed byte: [`MAX_RATIO`](limits::MAX_RATIO).
    pub max_ratio: u64,
    /// Uncompressed bytes before the ratio applies: [`RATIO_FREE_BYTES`](limits::RATIO_FREE_BYTES).
    pub ratio_free_bytes: u64,
    /// Entries: [`MAX_ENTRIES`](limits::MAX_ENTRIES).
    pub max_entries: u64,
    /// Bytes of one entry's name or link target: [`MAX_PATH_BYTES`](limits::MAX_PATH_BYTES).
    pub max_path_bytes: u64,
    /// Directories below each other: [`MAX_ARCHIVE_DEPTH`](limits::MAX_ARCHIVE_DEPTH).
    pub max_depth: u64,
    /// Bytes of the extended headers of one entry: [`MAX_RECORD_BYTES`](limits::MAX_RECORD_BYTES).
    pub max_record_bytes: u64,
    /// Bytes of memory for work done at the end, such as setting modes and times of directories:
    /// [`MAX_PENDING_BYTES`](limits::MAX_PENDING_BYTES).
    pub max_pending_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_unpacked_bytes: limits::MAX_UNPACKED_BYTES,
            max_ratio: limits::MAX_RATIO,
            ratio_free_bytes: limits::RATIO_FREE_BYTES,
            max_entries: limits::MAX_ENTRIES,
            max_path_bytes: limits::MAX_PATH_BYTES,
            max_depth: limits::MAX_ARCHIVE_DEPTH,
            max_record_bytes: limits::MAX_RECORD_BYTES,
            max_pending_bytes: limits::MAX_PENDING_BYTES,
        }
    }
}
