//! Writing into an existing file that a rename cannot replace: a mount point, a file in a read-only
//! directory or on a read-only file system that is mounted writable, or the file of another user in
//! a directory with the sticky bit.
//!
//! Unlike a rename, this is not atomic. Content is verified first, but a process that is killed
//! leaves a part of it.

use std::fs::File;
use std::io::{self, Seek};
use std::path::Path;

use cap_std::fs::{Dir, OpenOptions};

use super::staging;
use crate::fs::free_space::{allocated_bytes, free_bytes};
use crate::fs::sparse_writer::copy_sparse;

/// Whether an error means that files cannot be created or replaced in the directory, although an
/// existing file may be writable.
pub(super) fn is_alternative(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ResourceBusy
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::CrossesDevices
    )
}

/// Opens an existing file for writing. Does not follow a symbolic link.
pub(super) fn open(dir: &Dir, name: &Path) -> io::Result<File> {
    staging::open_file(dir, name, OpenOptions::new().write(true))
}

/// Replaces the content of an existing file with all of `source`. The file keeps its permissions.
pub(super) fn overwrite(mut source: &File, dir: &Dir, name: &Path) -> io::Result<()> {
    let file = open(dir, name)?;
    check_room(source, &file)?;
    source.rewind()?;
    file.set_len(0)?;
    copy_sparse(&mut source, &file)
}

/// Checks that the file system has room for the data of `source` in place of that of `file`. After
/// an error, `file` has its old content.
fn check_room(source: &File, file: &File) -> io::Result<()> {
    let Some(free) = free_bytes(file) else {
        return Ok(());
    };
    let needed = allocated_bytes(source)?;
    let room = free.saturating_add(allocated_bytes(file)?);
    if needed <= room {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::StorageFull,
        format!("{needed} bytes are needed, and {room} are free"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_of_the_directory_are_an_alternative() {
        for (kind, wanted) in [
            (io::ErrorKind::ResourceBusy, true),
            (io::ErrorKind::PermissionDenied, true),
            (io::ErrorKind::ReadOnlyFilesystem, true),
            (io::ErrorKind::CrossesDevices, true),
            (io::ErrorKind::NotFound, false),
            (io::ErrorKind::StorageFull, false),
            (io::ErrorKind::IsADirectory, false),
        ] {
            assert_eq!(is_alternative(&kind.into()), wanted, "{kind}");
        }
    }
}
