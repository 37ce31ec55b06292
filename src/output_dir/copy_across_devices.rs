//! Moving to another file system, where nothing can be renamed to.

use std::fs::{File, FileTimes};
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, Metadata, OpenOptions};

use super::permissions::{remove_tree, unlock, unlock_file};
use super::staging;

/// A copy under a hidden name, which is removed with all content when this is dropped.
pub(super) struct Copy<'a> {
    home: &'a Dir,
    /// None once it has its own name.
    hidden: Option<PathBuf>,
    is_directory: bool,
    /// Keeps others from taking it for abandoned.
    _lock: Option<File>,
}

impl<'a> Copy<'a> {
    /// Copies a file, a link, or a directory with all content, with modes and modification times. Names of one file become
    /// files of their own. The source may lose modes.
    pub(super) fn create(from: &Dir, name: &Path, home: &'a Dir) -> io::Result<Self> {
        let found = from.symlink_metadata(name)?;
        let new = |hidden, is_directory, lock| Self {
            home,
            hidden: Some(hidden),
            is_directory,
            _lock: lock,
        };
        if found.is_dir() {
            let (hidden, (dir, lock)) = staging::create_directory(home)?;
            let copy = new(hidden.clone(), true, lock);
            restrict(home, &hidden, &found)?;
            fill(from, name, &dir)?;
            finish(&dir, home, &hidden, &found)?;
            Ok(copy)
        } else if found.is_symlink() {
            let (hidden, ()) = staging::create(|hidden| copy_link(from, name, home, hidden))?;
            Ok(new(hidden, false, None))
        } else {
            let (hidden, file) = staging::create_file(home)?;
            let copy = new(hidden.clone(), false, file.try_clone().ok());
            copy_file(from, name, &found, file, home, &hidden)?;
            Ok(copy)
        }
    }

    /// Gives it its name.
    pub(super) fn rename(mut self, name: &Path) -> io::Result<()> {
        if let Some(hidden) = &self.hidden {
            self.home.rename(hidden, self.home, name)?;
            self.hidden = None;
        }
        Ok(())
    }
}

impl Drop for Copy<'_> {
    fn drop(&mut self) {
        if let Some(hidden) = &self.hidden {
            let _ = if self.is_directory {
                remove_tree(self.home, hidden)
            } else {
                self.home.remove_file(hidden)
            };
        }
    }
}

/// Copies the content of the directory `name`.
fn fill(parent: &Dir, name: &Path, into: &Dir) -> io::Result<()> {
    unlock(parent, name);
    let from = parent.open_dir(name)?;
    for entry in from.entries()? {
        let name = entry?.file_name();
        let name = Path::new(&name);
        let found = from.symlink_metadata(name)?;
        if found.is_dir() {
            into.create_dir(name)?;
            let dir = into.open_dir(name)?;
            restrict(into, name, &found)?;
            fill(&from, name, &dir)?;
            finish(&dir, into, name, &found)?;
        } else if found.is_symlink() {
            copy_link(&from, name, into, name)?;
        } else {
            let mut options = OpenOptions::new();
            let file = into.open_with(name, options.write(true).create_new(true))?;
            copy_file(&from, name, &found, file.into_std(), into, name)?;
        }
    }
    Ok(())
}

/// Keeps those out of a directory whom its mode will keep out, while it is filled.
fn restrict(parent: &Dir, name: &Path, found: &Metadata) -> io::Result<()> {
    parent.set_permissions(name, found.permissions())?;
    unlock(parent, name);
    Ok(())
}

/// Gives a directory that is filled its time and its mode.
fn finish(dir: &Dir, parent: &Dir, name: &Path, found: &Metadata) -> io::Result<()> {
    if let Ok(dir) = dir.open(".") {
        take_time(&dir.into_std(), found);
    }
    parent.set_permissions(name, found.permissions())
}

fn copy_file(
    from: &Dir,
    name: &Path,
    found: &Metadata,
    mut file: File,
    home: &Dir,
    hidden: &Path,
) -> io::Result<()> {
    if !found.is_file() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    // Before there is anything to read that others must not.
    home.set_permissions(hidden, found.permissions())?;
    unlock_file(from, name);
    io::copy(&mut from.open(name)?.into_std(), &mut file)?;
    take_time(&file, found);
    Ok(())
}

/// That the time is right is not worth a failure.
fn take_time(file: &File, found: &Metadata) {
    if let Ok(modified) = found.modified() {
        let _ = file.set_times(FileTimes::new().set_modified(modified.into_std()));
    }
}

#[cfg(not(windows))]
fn copy_link(from: &Dir, name: &Path, home: &Dir, hidden: &Path) -> io::Result<()> {
    home.symlink_contents(from.read_link_contents(name)?, hidden)
}

#[cfg(windows)]
fn copy_link(_: &Dir, _: &Path, _: &Dir, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
