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

/// Size of read and write buffers in bytes: large enough that system calls cost little, small
/// enough for small machines.
pub(crate) const BUFFER_BYTES: usize = 64 * 1024;
