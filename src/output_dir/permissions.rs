//! Directories that their own permissions protect from their owner.

use std::io;
use std::path::Path;

use cap_std::fs::{Dir, Metadata, Permissions};

/// Removes a directory with all content, whatever permissions that has.
pub(super) fn remove_tree(parent: &Dir, name: &Path) -> io::Result<()> {
    parent.remove_dir_all(name).or_else(|_| {
        unlock_all(parent, name);
        parent.remove_dir_all(name)
    })
}

/// Makes a tree removable, as far as that is possible.
fn unlock_all(parent: &Dir, name: &Path) {
    unlock(parent, name);
    let Ok(dir) = parent.open_dir(name) else {
        return;
    };
    for entry in dir.entries().into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            unlock_all(&dir, Path::new(&entry.file_name()));
        }
    }
}

/// Lets the owner change a directory, if he may do that, and returns the permissions it had before.
pub(super) fn unlock(parent: &Dir, name: &Path) -> Option<Permissions> {
    let found = parent.symlink_metadata(name).ok()?;
    found
        .is_dir()
        .then(|| permit(parent, name, &found, 0o700))?
}

/// Lets the owner read a file, if he may do that.
pub(super) fn unlock_file(parent: &Dir, name: &Path) {
    if let Ok(found) = parent.symlink_metadata(name)
        && found.is_file()
    {
        permit(parent, name, &found, 0o400);
    }
}

#[cfg(unix)]
fn permit(parent: &Dir, name: &Path, found: &Metadata, more: u32) -> Option<Permissions> {
    use cap_std::fs::PermissionsExt;

    let mode = found.permissions().mode() & 0o7777;
    if mode & more == more {
        return None;
    }
    parent
        .set_permissions(name, Permissions::from_mode(mode | more))
        .ok()?;
    Some(Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn permit(_: &Dir, _: &Path, _: &Metadata, _: u32) -> Option<Permissions> {
    None
}

/// Gives a directory its permissions back.
pub(super) fn lock(parent: &Dir, name: &Path, permissions: Option<Permissions>) {
    if let Some(permissions) = permissions {
        let _ = parent.set_permissions(name, permissions);
    }
}
