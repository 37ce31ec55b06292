//! File system operations of unpacking. Each goes through the handle of a directory that was
//! reached without symbolic links. Modes are passed to the kernel, which applies the umask.

use std::fs::{File, FileTimes};
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, DirBuilder, OpenOptions};

/// Creates a file of any kind, replacing an existing one unless that is a directory.
pub(super) fn replace<T>(
    parent: &Dir,
    name: &Path,
    create: impl Fn() -> io::Result<T>,
) -> io::Result<T> {
    match create() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => return other,
    }
    remove_file(parent, name)?;
    create()
}

/// Removes an existing file.
///
/// # Errors
///
/// [`io::ErrorKind::IsADirectory`] for a directory.
pub(super) fn remove_file(parent: &Dir, name: &Path) -> io::Result<()> {
    match parent.symlink_metadata(name) {
        Ok(found) if found.is_dir() => Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "the archive has a directory of that name",
        )),
        Ok(_) => parent.remove_file(name),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

pub(super) fn create_file(parent: &Dir, name: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    set_mode(&mut options, mode);
    Ok(parent.open_with(name, &options)?.into_std())
}

pub(super) fn create_directory(parent: &Dir, name: &Path, mode: u32) -> io::Result<()> {
    #[cfg(unix)]
    let builder = {
        let mut builder = DirBuilder::new();
        cap_std::fs::DirBuilderExt::mode(&mut builder, mode & 0o777);
        builder
    };
    #[cfg(not(unix))]
    let (builder, _) = (DirBuilder::new(), mode);
    parent.create_dir_with(name, &builder)
}

/// Removes the permissions of a directory that are not in `mode`. Permissions in `mode` that the
/// directory lacks are not added: the umask removed them.
#[cfg(unix)]
pub(super) fn remove_permissions(parent: &Dir, name: &Path, mode: u32) -> io::Result<()> {
    use cap_std::fs::PermissionsExt;

    let metadata = parent.symlink_metadata(name)?;
    let actual = metadata.permissions().mode() & 0o7777;
    let wanted = actual & (mode | 0o7000);
    if wanted == actual {
        return Ok(());
    }
    parent.set_permissions(name, cap_std::fs::Permissions::from_mode(wanted))
}

#[cfg(unix)]
fn set_mode(options: &mut OpenOptions, mode: u32) {
    use cap_std::fs::OpenOptionsExt;

    options.mode(mode & 0o777);
}

/// A symbolic link to be created.
pub(super) struct NewSymlink {
    pub(super) path: PathBuf,
    /// The target.
    pub(super) link: PathBuf,
    /// Modification time in seconds and nanoseconds since 1970.
    pub(super) mtime: Option<(i64, u32)>,
}

/// Creates a symbolic link at `path` below `base`, with this modification time in seconds and
/// nanoseconds since 1970, if the file system supports it.
#[cfg(unix)]
pub(super) fn create_symlink(
    base: &Dir,
    link: &Path,
    path: &Path,
    mtime: Option<(i64, u32)>,
) -> io::Result<()> {
    use rustix::fs::{AtFlags, Timespec, Timestamps, utimensat};

    base.symlink_contents(link, path)?;
    let (Some((seconds, nanos)), Some(name)) = (mtime, path.file_name()) else {
        return Ok(());
    };
    // `utimensat` would follow symbolic links in a longer path.
    let parent = match path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        Some(parent) => base.open_dir(parent)?,
        None => base.try_clone()?,
    };
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: nanos.into(),
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    let _ = utimensat(&parent, name, &times, AtFlags::SYMLINK_NOFOLLOW);
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn remove_permissions(_: &Dir, _: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn set_mode(_: &mut OpenOptions, _: u32) {}

#[cfg(not(unix))]
pub(super) fn create_symlink(_: &Dir, _: &Path, _: &Path, _: Option<(i64, u32)>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Sets access and modification time. Errors are ignored: the file system may not support the time.
pub(super) fn set_times(file: &File, times: Option<FileTimes>) {
    if let Some(times) = times {
        let _ = file.set_times(times);
    }
}
