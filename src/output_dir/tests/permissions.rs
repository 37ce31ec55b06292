//! Read-only directories, as a user without root's privileges.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use super::{Fixture, mode};
use crate::error::Result;
use crate::fs::testing::TempDir;

/// Returns whether the process obeys permissions. As root, runs the test `name` of this module
/// again as an unprivileged user and returns false.
fn is_unprivileged(name: &str) -> bool {
    let temp = TempDir::new();
    if fs::metadata(temp.path()).unwrap().uid() != 0 {
        return true;
    }
    // That user may not have access to the build directory.
    let program = temp.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let ids = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
    let run = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        let command = command.args(ids).arg(&program).args(arguments);
        command.current_dir(temp.path()).output()
    };
    if !run(&["--list"]).is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no way to become another user");
        return false;
    }
    let name = format!("output_dir::tests::permissions::{name}");
    let output = run(&["--exact", &name]).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    false
}

/// Writes a directory with `locked` and `file`, and sets the modes of some of its directories.
fn write(fixture: &Fixture, title: &str, modes: &[(&str, u32)]) -> Result<()> {
    let directory = fixture.output.create_directory(title)?;
    super::fill(
        directory.dir(),
        &["file", "locked/file", "locked/deep/file"],
    );
    for (name, mode) in modes {
        use cap_std::fs::{Permissions, PermissionsExt};
        directory
            .dir()
            .set_permissions(name, Permissions::from_mode(*mode))
            .unwrap();
    }
    directory.commit().map(drop)
}

fn make_owner_writable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_read_only_directory_is_written_repeatedly() {
    if !is_unprivileged("a_read_only_directory_is_written_repeatedly") {
        return;
    }
    let modes = [("locked/deep", 0o500), ("locked", 0o555), (".", 0o555)];
    let mut fixture = Fixture::new();
    for _ in 0..3 {
        fixture = fixture.reopen();
        write(&fixture, "dir", &modes).unwrap();
        let dir = fixture.path("dir");
        assert_eq!(mode(&dir), 0o555);
        assert_eq!(mode(&dir.join("locked")), 0o555);
        assert_eq!(mode(&dir.join("locked/deep")), 0o500);
        assert_eq!(
            fixture.tree(),
            [
                "dir/",
                "dir/file",
                "dir/locked/",
                "dir/locked/deep/",
                "dir/locked/deep/file",
                "dir/locked/file"
            ]
        );
    }
    for name in ["dir", "dir/locked", "dir/locked/deep"] {
        make_owner_writable(&fixture.path(name));
    }
}

#[test]
fn a_read_only_directory_is_moved_into_an_existing_one() {
    if !is_unprivileged("a_read_only_directory_is_moved_into_an_existing_one") {
        return;
    }
    for title in [".", "dir"] {
        let fixture = Fixture::new().existing("dir/x", "old");
        write(&fixture, title, &[("locked", 0o555)]).unwrap();
        let locked = fixture.path(title).join("locked");
        assert_eq!(mode(&locked), 0o555);
        make_owner_writable(&locked);
        assert_eq!(fs::read_to_string(locked.join("file")).unwrap(), "new");
        assert!(!fixture.tree().iter().any(|name| name.contains(".oras-")));
    }
}

#[test]
fn a_directory_is_staged_inside_if_the_parent_is_read_only() {
    if !is_unprivileged("a_directory_is_staged_inside_if_the_parent_is_read_only") {
        return;
    }
    let fixture = Fixture::new().existing("dir/x", "old");
    let out = fixture.path("");
    fs::set_permissions(&out, fs::Permissions::from_mode(0o555)).unwrap();
    fixture.write_directory("dir", &["x", "y"]).unwrap();
    assert_eq!(fixture.read("dir/x"), "new");
    assert_eq!(fixture.tree(), ["dir/", "dir/x", "dir/y"]);
    make_owner_writable(&out);
}

#[test]
fn errors_for_directories_and_for_parents_of_files_are_alike() {
    if !is_unprivileged("errors_for_directories_and_for_parents_of_files_are_alike") {
        return;
    }
    let fixture = Fixture::new();
    let out = fixture.path("");
    fs::set_permissions(&out, fs::Permissions::from_mode(0o555)).unwrap();
    let file = fixture.write("dir/x", "new").unwrap_err();
    let directory = fixture.write_directory("dir", &["x"]).unwrap_err();
    for error in [&file, &directory] {
        assert_eq!(
            error.chain().to_string(),
            format!(
                "failed to ensure directories of the target path: mkdir {}: permission denied",
                fixture.path("dir").display()
            )
        );
    }
    make_owner_writable(&out);
}

#[test]
fn a_writable_file_in_a_read_only_directory_is_overwritten() {
    if !is_unprivileged("a_writable_file_in_a_read_only_directory_is_overwritten") {
        return;
    }
    let fixture = Fixture::new()
        .existing("dir/file", "the old content")
        .existing("dir/protected", "old");
    let protected = fixture.path("dir/protected");
    fs::set_permissions(&protected, fs::Permissions::from_mode(0o444)).unwrap();
    let dir = fixture.path("dir");
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o555)).unwrap();
    let dropped = fixture.output.create_file("dir/file").unwrap();
    drop(dropped);
    assert_eq!(fixture.read("dir/file"), "the old content");
    let written = fixture.write("dir/file", "new");
    let errors = ["dir/protected", "dir/missing"].map(|title| fixture.write(title, "new"));
    make_owner_writable(&dir);
    written.unwrap();
    assert_eq!(fixture.read("dir/file"), "new");
    assert_eq!(fixture.read("dir/protected"), "old");
    for error in errors {
        let error = error.unwrap_err().chain().to_string();
        assert!(error.starts_with("create "), "{error}");
        assert!(error.ends_with(": permission denied"), "{error}");
    }
    assert_eq!(fixture.tree(), ["dir/", "dir/file", "dir/protected"]);
}
