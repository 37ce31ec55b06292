//! How the content of a directory gets into an existing one.

use std::ffi::OsString;
use std::fs::FileTimes;
use std::io;
use std::path::Path;

use cap_std::fs::Dir;

use super::copy_across_devices::Copy;
use super::entry::{in_the_way, not_renamed};
use super::permissions::{lock, unlock};
use super::staging::remove_abandoned;
use crate::error::{Error, Result};

/// What becomes of something that is moved into an existing directory.
enum Meeting {
    /// Nothing has its name, or something that a rename replaces.
    Move,
    /// A directory meets a symbolic link, which no rename replaces.
    ReplaceLink,
    /// A directory meets a directory.
    Merge(Dir, Dir),
}

/// Looks for what cannot be merged.
pub(super) fn check_merge(staged: &Dir, existing: &Dir, path: &Path) -> Result<()> {
    for (name, is_directory) in content(staged, path)? {
        let path = path.join(&name);
        if let Meeting::Merge(staged, existing) =
            meet(staged, existing, &name, is_directory, &path)?
        {
            check_merge(&staged, &existing, &path)?;
        }
    }
    Ok(())
}

/// Moves all content of `staged` to `existing`, one entry at a time.
pub(super) fn merge(staged: &Dir, existing: &Dir, path: &Path) -> Result<()> {
    let modified = staged.dir_metadata().and_then(|found| found.modified());
    // A file system may be mounted anywhere in the existing directory.
    let mut crosses = false;
    for (name, is_directory) in content(staged, path)? {
        let path = path.join(&name);
        let meeting = meet(staged, existing, &name, is_directory, &path)?;
        let name = Path::new(&name);
        let replace_link = || {
            existing
                .remove_file(name)
                .map_err(Error::io("replace", &path))
        };
        let is_link = match meeting {
            Meeting::Merge(from, into) => {
                let old = unlock(existing, name);
                let merged = merge(&from, &into, &path);
                lock(existing, name, old);
                merged?;
                continue;
            }
            Meeting::ReplaceLink => true,
            Meeting::Move => false,
        };
        // It gets another parent, and that is a change of the directory too.
        let old = unlock(staged, name);
        let moved = match staged.rename(name, existing, name) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                lock(staged, name, old);
                if !crosses {
                    crosses = true;
                    remove_abandoned(existing);
                }
                let copy =
                    Copy::create(staged, name, existing).map_err(Error::io("copy", &path))?;
                if is_link {
                    replace_link()?;
                }
                copy.rename(name)
            }
            Err(_) if is_link => {
                replace_link()?;
                staged
                    .rename(name, existing, name)
                    .map(|()| lock(existing, name, old))
            }
            moved => moved.map(|()| lock(existing, name, old)),
        };
        moved.map_err(|error| not_renamed(error, &path))?;
    }
    // As if it had been filled in place. That the time is right is not worth a failure.
    if let (Ok(modified), Ok(existing)) = (modified, existing.open(".")) {
        let times = FileTimes::new().set_modified(modified.into_std());
        let _ = existing.into_std().set_times(times);
    }
    Ok(())
}

fn meet(
    staged: &Dir,
    existing: &Dir,
    name: &OsString,
    is_directory: bool,
    path: &Path,
) -> Result<Meeting> {
    let found = match existing.symlink_metadata(name) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Meeting::Move),
        Err(error) => return Err(Error::io("stat", path)(error)),
    };
    match (is_directory, found.is_dir()) {
        (true, true) => {
            // It is about to be emptied, and then removed.
            unlock(staged, Path::new(name));
            let open = |dir: &Dir| {
                dir.open_dir(name)
                    .map_err(Error::io("open directory", path))
            };
            Ok(Meeting::Merge(open(staged)?, open(existing)?))
        }
        (true, false) if found.is_symlink() => Ok(Meeting::ReplaceLink),
        (true, false) => Err(in_the_way(path, "a file has the name of a directory")),
        (false, true) => Err(in_the_way(path, "a directory has the name of a file")),
        (false, false) if found.is_file() || found.is_symlink() => Ok(Meeting::Move),
        (false, false) => Err(in_the_way(path, "a special file has that name")),
    }
}

/// Names, and whether they are directories. Collected, because what is listed changes next.
fn content(dir: &Dir, path: &Path) -> Result<Vec<(OsString, bool)>> {
    dir.entries()
        .and_then(|entries| {
            entries
                .map(|entry| {
                    let entry = entry?;
                    Ok((entry.file_name(), entry.file_type()?.is_dir()))
                })
                .collect()
        })
        .map_err(Error::io("read directory", path))
}
