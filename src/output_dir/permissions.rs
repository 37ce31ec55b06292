//! Adding owner permissions to read-only directories and files, and restoring them.

use std::io;
use std::path::Path;

use cap_std::fs::{Dir, Metadata, Permissions};

/// Removes a directory with its content, even if it is read-only.
pub(super) fn remove_tree(parent: &Dir, name: &Path) -> io::Result<()> {
    parent.remove_dir_all(name).or_else(|_| {
        make_tree_writable(parent, name);
        parent.remove_dir_all(name)
    })
}

/// Makes all directories of a tree writable. Ignores errors.
fn make_tree_writable(parent: &Dir, name: &Path) {
    make_owner_writable(parent, name);
    let Ok(dir) = parent.open_dir(name) else {
        return;
    };
    for entry in dir.entries().into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_tree_writable(&dir, Path::new(&entry.file_name()));
        }
    }
}

/// Makes a directory writable for its owner. Returns the previous permissions if they were changed.
pub(super) fn make_owner_writable(parent: &Dir, name: &Path) -> Option<Permissions> {
    let found = parent.symlink_metadata(name).ok()?;
    found
        .is_dir()
        .then(|| add_mode(parent, name, &found, 0o700))?
}

/// Makes a file readable for its owner. Ignores errors.
pub(super) fn make_owner_readable(parent: &Dir, name: &Path) {
    if let Ok(found) = parent.symlink_metadata(name)
        && found.is_file()
    {
        add_mode(parent, name, &found, 0o400);
    }
}

#[cfg(unix)]
fn add_mode(parent: &Dir, name: &Path, found: &Metadata, extra: u32) -> Option<Permissions> {
    use cap_std::fs::PermissionsExt;

    let mode = found.permissions().mode() & 0o7777;
    if mode & extra == extra {
        return None;
    }
    parent
        .set_permissions(name, Permissions::from_mode(mode | extra))
        .ok()?;
    Some(Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn add_mode(_: &Dir, _: &Path, _: &Metadata, _: u32) -> Option<Permissions> {
    None
}

/// Restores the permissions that [`make_owner_writable`] returned.
pub(super) fn restore_permissions(parent: &Dir, name: &Path, permissions: Option<Permissions>) {
    if let Some(permissions) = permissions {
        let _ = parent.set_permissions(name, permissions);
    }
}
