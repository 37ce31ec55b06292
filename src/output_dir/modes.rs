//! Directories that their own permissions protect from their owner.

use std::io;
use std::path::Path;

use cap_std::fs::{Dir, Permissions};

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
#[cfg(unix)]
pub(super) fn unlock(parent: &Dir, name: &Path) -> Option<Permissions> {
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
pub(super) fn unlock(_: &Dir, _: &Path) -> Option<Permissions> {
    None
}

/// Gives a directory its permissions back.
pub(super) fn lock(parent: &Dir, name: &Path, permissions: Option<Permissions>) {
    if let Some(permissions) = permissions {
        let _ = parent.set_permissions(name, permissions);
    }
}
