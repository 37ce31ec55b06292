//! Operations on directories.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::Path;

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

/// Flushes the names in a directory to the disk. Some file systems do not support that and do not
/// need it.
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
