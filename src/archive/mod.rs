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
mod number;
mod pack;
mod pax;
mod sparse;
mod symlink_policy;
mod tar_reader;
mod unpack;

#[cfg(test)]
mod tests;

pub use pack::{PackOptions, Times, pack};
pub(crate) use pack::{pack_named, pack_tar};
pub use unpack::{UnpackOptions, unpack};

use crate::limits;

/// Limits for unpacking. The defaults fit any archive that was not made to exhaust resources.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of all files in the archive, holes of sparse files included. By default, the files may
    /// have any size, and their data, without holes, must fit into the free space of the file
    /// system.
    pub max_unpacked_bytes: Option<u64>,
    /// Entries; by default 1,000,000.
    pub max_entries: u64,
    /// Bytes of one entry's name or link target; by default 4,096, the longest path that Linux
    /// accepts.
    pub max_path_bytes: u64,
    /// Directories below each other; by default 2,048.
    pub max_depth: u64,
    /// Bytes of the extended headers of one entry; by default 1 MiB.
    pub max_record_bytes: u64,
    /// Bytes of memory for work done at the end, such as setting modes and times of directories,
    /// and for the map of a sparse file; by default 64 MiB.
    pub max_pending_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_unpacked_bytes: None,
            max_entries: limits::MAX_ENTRIES,
            max_path_bytes: limits::MAX_PATH_BYTES,
            max_depth: limits::MAX_ARCHIVE_DEPTH,
            max_record_bytes: limits::MAX_RECORD_BYTES,
            max_pending_bytes: limits::MAX_PENDING_BYTES,
        }
    }
}
