#![cfg(unix)]

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::*;
use crate::fs::testing::TempDir;
use crate::http::clock::SystemClock;

fn replace(path: &Path, content: &[u8]) -> Result<()> {
    PrivateFile::lock(path, &SystemClock)?.replace(content)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn new_files_and_directories_are_accessible_only_to_the_owner() {
    let directory = TempDir::new();
    let path = directory.path().join("a/b/config.json");
    replace(&path, b"{}").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"{}");
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&directory.path().join("a")), 0o700);
    assert_eq!(mode(&directory.path().join("a/b")), 0o700);
}

#[test]
fn rights_are_removed_and_never_added() {
    for (before, after) in [
        (0o644, 0o600),
        (0o600, 0o600),
        (0o400, 0o400),
        (0o777, 0o600),
    ] {
        let directory = TempDir::new();
        let path = directory.path().join("config.json");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(before)).unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(mode(&path), after, "{before:o}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}

#[test]
fn links_stay_and_their_target_is_replaced() {
    for exists in [true, false] {
        let directory = TempDir::new();
        let [first, second, file] =
            ["first", "d/second", "d/file"].map(|name| directory.path().join(name));
        fs::create_dir(directory.path().join("d")).unwrap();
        symlink("d/second", &first).unwrap();
        symlink("file", &second).unwrap();
        if exists {
            fs::write(&file, "old").unwrap();
        }
        replace(&first, b"new").unwrap();
        assert!(first.is_symlink() && second.is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }
}

#[test]
fn a_cycle_of_links_is_an_error() {
    let directory = TempDir::new();
    let path = directory.path().join("a");
    symlink("a", &path).unwrap();
    assert!(replace(&path, b"new").is_err());
}

#[test]
fn a_failure_leaves_no_temporary_file() {
    let directory = TempDir::new();
    let path = directory.path().join("a");
    fs::create_dir(&path).unwrap();
    let error = replace(&path, b"new").unwrap_err().to_string();
    assert_eq!(error, format!("write {}", path.display()));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_file_is_overwritten_only_if_its_directory_is_the_obstacle() {
    use io::ErrorKind::{
        CrossesDevices, NotFound, PermissionDenied, ReadOnlyFilesystem, ResourceBusy, StorageFull,
    };
    for (kind, wanted) in [
        (ResourceBusy, true),
        (CrossesDevices, true),
        (PermissionDenied, true),
        (ReadOnlyFilesystem, true),
        (StorageFull, false),
        (NotFound, false),
    ] {
        assert_eq!(needs_overwrite(kind), wanted, "{kind}");
    }
}

#[test]
fn an_overwritten_file_keeps_its_identity_and_nothing_of_its_old_content() {
    let directory = TempDir::new();
    let path = directory.path().join("config.json");
    for (old, new) in [
        ("a longer text", "new"),
        ("old", "a longer text"),
        ("", "new"),
    ] {
        fs::write(&path, old).unwrap();
        let before = fs::metadata(&path).unwrap();
        let file = OpenOptions::new().read(true).write(true).open(&path);
        overwrite(file.unwrap(), new.as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), new);
        assert_eq!(fs::metadata(&path).unwrap().ino(), before.ino());
    }
}

#[test]
fn an_overwrite_that_fails_restores_the_old_content() {
    let directory = TempDir::new();
    let path = directory.path().join("config.json");
    fs::write(&path, "old").unwrap();
    overwrite(File::open(&path).unwrap(), b"new").unwrap_err();
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
}
