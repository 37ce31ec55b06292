//! Operations on directories.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::{Path, PathBuf};

use super::temp_name::{MAX_ATTEMPTS, is_concurrent_change};
use crate::error::{Error, IoOp, Result};

/// Returns the directory of a file; `.` for a bare name.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Creates a directory and its parents, even if other processes remove them concurrently.
pub(crate) fn ensure(path: &Path) -> Result<()> {
    let mut attempt = 1;
    loop {
        match fs::create_dir_all(path) {
            Err(error)
                if attempt < MAX_ATTEMPTS && is_concurrent_change(&error) && !path.is_file() =>
            {
                attempt += 1;
            }
            created => return created.map_err(Error::io(IoOp::Mkdir, path)),
        }
    }
}

/// Creates a directory and its parents. Directories that did not exist get mode 0700.
pub(crate) fn create_private(path: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(Error::io(IoOp::Mkdir, path))
}

/// Creates a directory and its parents. Returns the directories with new entries.
pub(crate) fn create(path: &Path) -> Result<Vec<PathBuf>> {
    let missing = path.ancestors().take_while(|path| !path.exists());
    let changed = missing.map(|path| parent(path).to_owned()).collect();
    fs::create_dir_all(path).map_err(Error::io(IoOp::Mkdir, path))?;
    Ok(changed)
}

/// Flushes all files of the file system of a directory to the disk, and returns the device. Returns
/// `None` if the system or the file system does not guarantee that.
///
/// The call is one write barrier of the disk, where flushing file by file is one for each. But it
/// waits for data of other programs too, and before Linux 5.8 it reports no errors of the disk.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn sync_file_system(path: &Path) -> Option<u64> {
    /// Magic numbers of ext4 (and ext2, ext3), XFS and Btrfs. A file system in user space or on a
    /// server need not pass the call on.
    const RELIABLE: [i128; 3] = [0xEF53, 0x5846_5342, 0x9123_683E];

    let directory = File::open(path).ok()?;
    let kind = rustix::fs::fstatfs(&directory).ok()?.f_type;
    if !RELIABLE.contains(&i128::from(kind)) {
        return None;
    }
    rustix::fs::syncfs(&directory).ok()?;
    device(path)
}

/// Returns `None`, because the system call is not available.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) const fn sync_file_system(_: &Path) -> Option<u64> {
    None
}

/// The device of a file or directory.
#[cfg(unix)]
pub(crate) fn device(path: &Path) -> Option<u64> {
    let metadata = fs::metadata(path).ok()?;
    Some(std::os::unix::fs::MetadataExt::dev(&metadata))
}

/// Returns `None`, because devices have no numbers.
#[cfg(not(unix))]
pub(crate) const fn device(_: &Path) -> Option<u64> {
    None
}

/// Flushes the names in a directory, or a complete file, to the disk. Some file systems do not
/// support that and do not need it.
pub(crate) fn sync(path: &Path) -> Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    match File::open(path).and_then(|directory| directory.sync_all()) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        synced => synced.map_err(Error::io(IoOp::Sync, path)),
    }
}
