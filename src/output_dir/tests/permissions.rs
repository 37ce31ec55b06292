//! Read-only directories, for users whom permissions bind.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use super::{Setting, mode};
use crate::error::Result;
use crate::fs::testing::TempDir;

/// Whether permissions bind us. If they do not, the test `name` of this module is run again as a user whom they bind.
fn are_bound(name: &str) -> bool {
    let temp = TempDir::new();
    if fs::metadata(temp.path()).unwrap().uid() != 0 {
        return true;
    }
    // That user may have no way to where the tests were built.
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

/// Writes a directory in which `locked` and `file` are, and gives some of its directories modes.
fn write(setting: &Setting, title: &str, modes: &[(&str, u32)]) -> Result<()> {
    let directory = setting.output.create_directory(title)?;
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

fn unlock(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_read_only_directory_is_written_again_and_again() {
    if !are_bound("a_read_only_directory_is_written_again_and_again") {
        return;
    }
    let modes = [("locked/deep", 0o500), ("locked", 0o555), (".", 0o555)];
    let mut setting = Setting::new();
    for _ in 0..3 {
        setting = setting.again();
        write(&setting, "dir", &modes).unwrap();
        let dir = setting.path("dir");
        assert_eq!(mode(&dir), 0o555);
        assert_eq!(mode(&dir.join("locked")), 0o555);
        assert_eq!(mode(&dir.join("locked/deep")), 0o500);
        assert_eq!(
            setting.tree(),
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
        unlock(&setting.path(name));
    }
}

#[test]
fn a_read_only_directory_is_moved_into_an_existing_one() {
    if !are_bound("a_read_only_directory_is_moved_into_an_existing_one") {
        return;
    }
    for title in [".", "dir"] {
        let setting = Setting::new().existing("dir/x", "old");
        write(&setting, title, &[("locked", 0o555)]).unwrap();
        let locked = setting.path(title).join("locked");
        assert_eq!(mode(&locked), 0o555);
        unlock(&locked);
        assert_eq!(fs::read_to_string(locked.join("file")).unwrap(), "new");
        assert!(!setting.tree().iter().any(|name| name.contains(".oras-")));
    }
}

#[test]
fn a_directory_is_filled_inside_if_nothing_can_be_beside_it() {
    if !are_bound("a_directory_is_filled_inside_if_nothing_can_be_beside_it") {
        return;
    }
    let setting = Setting::new().existing("dir/x", "old");
    let out = setting.path("");
    fs::set_permissions(&out, fs::Permissions::from_mode(0o555)).unwrap();
    setting.write_directory("dir", &["x", "y"]).unwrap();
    assert_eq!(setting.read("dir/x"), "new");
    assert_eq!(setting.tree(), ["dir/", "dir/x", "dir/y"]);
    unlock(&out);
}

#[test]
fn a_directory_that_cannot_be_made_says_so_like_the_parents_of_a_file() {
    if !are_bound("a_directory_that_cannot_be_made_says_so_like_the_parents_of_a_file") {
        return;
    }
    let setting = Setting::new();
    let out = setting.path("");
    fs::set_permissions(&out, fs::Permissions::from_mode(0o555)).unwrap();
    let file = setting.write("dir/x", "new").unwrap_err();
    let directory = setting.write_directory("dir", &["x"]).unwrap_err();
    for error in [&file, &directory] {
        assert_eq!(
            error.chain().to_string(),
            format!(
                "failed to ensure directories of the target path: mkdir {}: permission denied",
                setting.path("dir").display()
            )
        );
    }
    unlock(&out);
}
