//! Copies of files that share their blocks, on file systems such as Btrfs and XFS.

use std::fs::File;

/// Makes an empty file share the blocks of `from`, until one of them is changed. Returns `false`,
/// and leaves the file empty, if they are not on one file system, or it cannot share blocks.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn reflink(from: &File, to: &File) -> bool {
    rustix::fs::ioctl_ficlone(to, from).is_ok()
}

/// Returns `false`, because the system call is not available.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) const fn reflink(_: &File, _: &File) -> bool {
    false
}
