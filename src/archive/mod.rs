//! Directories as reproducible `tar.gz` archives, and back.
//!
//! [`pack()`] always makes the same archive of the same tree, byte for byte the tar of the Go library's writer: USTAR, and PAX
//! for what USTAR cannot hold. [`unpack()`] trusts nothing: every write goes through a directory handle, none through a
//! symbolic link, and every size is limited.
//!
//! This module knows names, readers and writers. It must not know what an archive is for: no descriptor, no annotation, no
//! place where a directory finally goes (that is [`output_dir`](crate::output_dir)).

mod decompress;
mod entries;
pub(crate) mod header;
mod links;
mod pack;
mod tree;
mod unpack;

#[cfg(test)]
mod tests;

pub use pack::{PackOptions, Times, pack};
pub use unpack::{UnpackOptions, unpack};

/// How much an archive may make of itself. The defaults fit any archive that was not made to do harm.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of the whole uncompressed archive: [`MAX_UNPACKED_BYTES`](Self::MAX_UNPACKED_BYTES).
    pub max_unpacked_bytes: u64,
    /// Uncompressed bytes for each compressed byte: [`MAX_RATIO`](Self::MAX_RATIO).
    pub max_ratio: u64,
    /// Uncompressed bytes before the ratio matters: [`RATIO_FREE_BYTES`](Self::RATIO_FREE_BYTES).
    pub ratio_free_bytes: u64,
    /// Entries: [`MAX_ENTRIES`](Self::MAX_ENTRIES).
    pub max_entries: u64,
    /// Bytes of one entry's name or link target: [`MAX_PATH_BYTES`](Self::MAX_PATH_BYTES).
    pub max_path_bytes: u64,
    /// Directories below each other: [`MAX_DEPTH`](Self::MAX_DEPTH).
    pub max_depth: u64,
    /// Bytes of the extended headers of one entry: [`MAX_RECORD_BYTES`](Self::MAX_RECORD_BYTES).
    pub max_record_bytes: u64,
    /// Bytes of memory for what is done at the end, such as setting modes and times of directories:
    /// [`MAX_PENDING_BYTES`](Self::MAX_PENDING_BYTES).
    pub max_pending_bytes: u64,
}

impl Limits {
    /// 1 TiB: more than the largest artifacts there are, less than what fills a large disk unnoticed.
    pub const MAX_UNPACKED_BYTES: u64 = 1 << 40;
    /// 250: text rarely packs better than 1:20 and logs than 1:100; deflate ends at 1:1032, which is what bombs use.
    pub const MAX_RATIO: u64 = 250;
    /// 1 GiB: what any archive may unpack to whatever its ratio, so that disk images full of zeros pass.
    pub const RATIO_FREE_BYTES: u64 = 1 << 30;
    /// One million: ten times the entries of the Linux kernel's tree.
    pub const MAX_ENTRIES: u64 = 1_000_000;
    /// 4096 bytes: the longest path Linux takes.
    pub const MAX_PATH_BYTES: u64 = 4096;
    /// 256: each level takes an open file while trees are merged or removed, of which a process often has 1024.
    pub const MAX_DEPTH: u64 = 256;
    /// 1 MiB: what Go's reader takes, and far more than names need. They are held in memory.
    pub const MAX_RECORD_BYTES: u64 = 1 << 20;
    /// 64 MiB: half a million directories with usual names.
    pub const MAX_PENDING_BYTES: u64 = 64 << 20;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_unpacked_bytes: Self::MAX_UNPACKED_BYTES,
            max_ratio: Self::MAX_RATIO,
            ratio_free_bytes: Self::RATIO_FREE_BYTES,
            max_entries: Self::MAX_ENTRIES,
            max_path_bytes: Self::MAX_PATH_BYTES,
            max_depth: Self::MAX_DEPTH,
            max_record_bytes: Self::MAX_RECORD_BYTES,
            max_pending_bytes: Self::MAX_PENDING_BYTES,
        }
    }
}

/// How much is read and written at a time, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;
