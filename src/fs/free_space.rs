//! Free space of file systems.

use std::fs::File;
use std::io;

/// Returns the bytes that the process may write to the file system of a file or directory, or
/// `None` if the system does not report them.
#[cfg(unix)]
pub(crate) fn free_bytes(file: &impl std::os::fd::AsFd) -> Option<u64> {
    let found = rustix::fs::fstatvfs(file).ok()?;
    from_blocks(found.f_blocks, found.f_bavail, found.f_frsize)
}

/// Returns `None`, because the system call is not available.
#[cfg(not(unix))]
pub(crate) fn free_bytes<F>(_: &F) -> Option<u64> {
    None
}

/// Returns the bytes that a file occupies, without its holes.
pub(crate) fn allocated_bytes(file: &File) -> io::Result<u64> {
    let metadata = file.metadata()?;
    #[cfg(unix)]
    let bytes = std::os::unix::fs::MetadataExt::blocks(&metadata) * 512;
    #[cfg(not(unix))]
    let bytes = metadata.len();
    Ok(bytes)
}

/// Computes bytes from the number of all blocks, the number of available blocks and their size.
/// Some file systems in user space do not know their size and report 0 blocks.
#[cfg(any(unix, test))]
fn from_blocks(all: u64, available: u64, block_bytes: u64) -> Option<u64> {
    (all > 0 && block_bytes > 0).then(|| available.saturating_mul(block_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_without_blocks_has_no_known_size() {
        for (all, available, block_bytes, wanted) in [
            (100, 50, 4096, Some(204_800)),
            (100, 0, 4096, Some(0)),
            (u64::MAX, u64::MAX, 4096, Some(u64::MAX)),
            (0, 0, 4096, None),
            (0, 0, 0, None),
            (100, 50, 0, None),
        ] {
            assert_eq!(from_blocks(all, available, block_bytes), wanted);
        }
    }
}
