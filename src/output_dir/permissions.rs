//! Adding owner permissions to read-only directories and files, and restoring them.

use std::fs::File;
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

/// Makes a file of the process executable for all who can read it, within mode 0755. A file that
/// its owner can execute keeps its permissions.
#[cfg(unix)]
pub(super) fn make_executable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = file.metadata()?.permissions().mode();
    match executable_mode(mode) {
        Some(mode) => file.set_permissions(std::fs::Permissions::from_mode(mode)),
        None => Ok(()),
    }
}

/// Whether making a file executable would not change its permissions.
#[cfg(unix)]
pub(super) fn is_executable(file: &Metadata) -> bool {
    use cap_std::fs::PermissionsExt as _;

    executable_mode(file.permissions().mode()).is_none()
}

/// The permissions of a file with this mode when it is made executable, if they change.
#[cfg(unix)]
const fn executable_mode(mode: u32) -> Option<u32> {
    if mode & 0o100 != 0 {
        return None;
    }
    Some((mode | (mode & 0o444) >> 2) & 0o755)
}

#[cfg(not(unix))]
pub(super) fn make_executable(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
pub(super) const fn is_executable(_: &Metadata) -> bool {
    true
}

/// Restores the permissions that [`make_owner_writable`] returned.
pub(super) fn restore_permissions(parent: &Dir, name: &Path, permissions: Option<Permissions>) {
    if let Some(permissions) = permissions {
        let _ = parent.set_permissions(name, permissions);
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::executable_mode;

    #[test]
    fn executable_files_stay_within_0755_and_have_no_special_bits() {
        for (mode, wanted) in [
            (0o100_644, Some(0o755)),
            (0o100_600, Some(0o700)),
            (0o100_640, Some(0o750)),
            (0o100_664, Some(0o755)),
            (0o100_666, Some(0o755)),
            (0o100_444, Some(0o555)),
            (0o106_644, Some(0o755)),
            (0o100_000, Some(0)),
            (0o100_755, None),
            (0o100_700, None),
            (0o100_775, None),
        ] {
            assert_eq!(executable_mode(mode), wanted, "{mode:o}");
        }
    }
}
