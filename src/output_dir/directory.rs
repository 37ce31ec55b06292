//! Directories that are not complete yet.

use std::ffi::OsString;
use std::fs::FileTimes;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, Metadata, Permissions};

use super::OutputDir;
use super::place::{Claim, Parents, Place, create_temporary, in_the_way};
use crate::error::{Error, Result};

/// A directory on its way to its name. It gets there with [`commit`](Self::commit), and vanishes if it is dropped before.
#[derive(Debug)]
pub struct PendingDirectory<'a> {
    staged: Staged,
    place: Place,
    claim: Claim<'a>,
    keep_old_files: bool,
}

impl<'a> PendingDirectory<'a> {
    pub(super) fn create(owner: &'a OutputDir, title: &str) -> Result<Self> {
        let place = owner.locate(title, Parents::Create)?;
        let claim = Claim::new(owner, title, &place)?;
        let keep_old_files = owner.options.keep_old_files;
        let existing = place.metadata()?;
        check(&place, existing.as_ref(), keep_old_files)?;
        // What exists may be a file system of its own, and nothing can be renamed into it from outside. But it may be
        // read-only, and then what is beside it will do.
        let inside = existing.is_some_and(|existing| existing.is_dir());
        let staged = match inside.then(|| place.open().and_then(Staged::create)) {
            Some(Ok(staged)) => Ok(staged),
            _ => place.dir.try_clone().and_then(Staged::create),
        }
        .map_err(Error::io("create directory", &place.path))?;
        Ok(Self {
            staged,
            place,
            claim,
            keep_old_files,
        })
    }

    /// The absolute path that the directory will have.
    pub fn path(&self) -> &Path {
        &self.place.path
    }

    /// The directory to fill.
    pub const fn dir(&self) -> &Dir {
        &self.staged.dir
    }

    /// Gives the directory its name, and returns its absolute path.
    ///
    /// If a directory has that name, its content is kept, and each file is replaced that also is in this one. Symbolic links
    /// in the way are replaced, not followed.
    ///
    /// # Errors
    ///
    /// [`Error::Overwrite`] when something has the name and old files are kept. [`Error::Io`] naming the path; where a file
    /// meets a directory, before anything is moved.
    pub fn commit(self) -> Result<PathBuf> {
        let Self {
            mut staged,
            place,
            claim,
            keep_old_files,
        } = self;
        let existing = place.metadata()?;
        check(&place, existing.as_ref(), keep_old_files)?;
        if existing.as_ref().is_some_and(Metadata::is_dir) {
            let existing = place
                .open()
                .map_err(Error::io("open directory", &place.path))?;
            check_merge(&staged.dir, &existing, &place.path)?;
            let old = unlock_one(&place.dir, place.own_name());
            let merged = merge(&staged.dir, &existing, &place.path);
            lock(&place.dir, place.own_name(), old);
            merged?;
        } else {
            if existing.is_some() {
                place
                    .dir
                    .remove_file(&place.name)
                    .map_err(Error::io("replace", &place.path))?;
            }
            staged
                .home
                .rename(&staged.name, &place.dir, &place.name)
                .map_err(Error::io("rename", &place.path))?;
            staged.is_moved = true;
        }
        claim.keep_directory();
        Ok(place.path)
    }
}

/// The directory under its hidden name, which is removed with all content when this is dropped.
#[derive(Debug)]
struct Staged {
    /// The directory that it is in.
    home: Dir,
    name: PathBuf,
    dir: Dir,
    is_moved: bool,
}

impl Staged {
    /// Creates a directory with mode 0777 less the umask.
    fn create(home: Dir) -> io::Result<Self> {
        let (name, ()) = create_temporary(|name| home.create_dir(name))?;
        let dir = home.open_dir(&name)?;
        Ok(Self {
            home,
            name,
            dir,
            is_moved: false,
        })
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.is_moved || self.home.remove_dir_all(&self.name).is_ok() {
            return;
        }
        // Perhaps for lack of permissions that the content asked for.
        unlock(&self.home, Path::new(&self.name));
        let _ = self.home.remove_dir_all(&self.name);
    }
}

/// Whether a directory may take a name that `existing` has.
fn check(place: &Place, existing: Option<&Metadata>, keep_old_files: bool) -> Result<()> {
    match existing {
        None => Ok(()),
        Some(_) if keep_old_files => Err(Error::Overwrite {
            path: place.path.clone(),
        }),
        Some(existing) if existing.is_dir() || existing.is_symlink() => Ok(()),
        Some(_) => Err(place.in_the_way("a file has that name")),
    }
}

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
fn check_merge(staged: &Dir, existing: &Dir, path: &Path) -> Result<()> {
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
fn merge(staged: &Dir, existing: &Dir, path: &Path) -> Result<()> {
    let modified = staged.dir_metadata().and_then(|found| found.modified());
    for (name, is_directory) in content(staged, path)? {
        let path = path.join(&name);
        match meet(staged, existing, &name, is_directory, &path)? {
            Meeting::Merge(from, into) => {
                let old = unlock_one(existing, Path::new(&name));
                let merged = merge(&from, &into, &path);
                lock(existing, Path::new(&name), old);
                merged?;
                continue;
            }
            Meeting::ReplaceLink => existing
                .remove_file(&name)
                .map_err(Error::io("replace", &path))?,
            Meeting::Move => {}
        }
        staged
            .rename(&name, existing, &name)
            .map_err(Error::io("rename", &path))?;
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
            unlock_one(staged, Path::new(name));
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

/// Makes a tree removable, as far as that is possible.
fn unlock(parent: &Dir, name: &Path) {
    unlock_one(parent, name);
    let Ok(dir) = parent.open_dir(name) else {
        return;
    };
    for (name, is_directory) in content(&dir, name).unwrap_or_default() {
        if is_directory {
            unlock(&dir, Path::new(&name));
        }
    }
}

/// Lets the owner change a directory, if he may do that, and returns the permissions it had before.
#[cfg(unix)]
fn unlock_one(parent: &Dir, name: &Path) -> Option<Permissions> {
    use cap_std::fs::PermissionsExt;

    let metadata = parent.symlink_metadata(name).ok()?;
    let mode = metadata.permissions().mode() & 0o7777;
    if !metadata.is_dir() || mode & 0o700 == 0o700 {
        return None;
    }
    parent
        .set_permissions(name, Permissions::from_mode(mode | 0o700))
        .ok()?;
    Some(Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn unlock_one(_: &Dir, _: &Path) -> Option<Permissions> {
    None
}

/// Gives a directory its permissions back.
fn lock(parent: &Dir, name: &Path, permissions: Option<Permissions>) {
    if let Some(permissions) = permissions {
        let _ = parent.set_permissions(name, permissions);
    }
}
