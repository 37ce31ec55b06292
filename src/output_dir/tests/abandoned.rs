//! What killed processes leave, and that nothing else is taken for it.

use std::fs;
use std::os::unix::fs::symlink;

use super::{Setting, fill};

const FILE: &str = ".oras-1-0123456789abcdef.tmp";
const DIRECTORY: &str = ".oras-22-fedcba9876543210.tmp";

fn leave(setting: Setting, directory: &str) -> Setting {
    setting
        .existing(&format!("{directory}{FILE}"), "half")
        .existing(&format!("{directory}{DIRECTORY}/sub/x"), "half")
}

#[test]
fn what_killed_processes_left_is_removed() {
    let setting = leave(leave(Setting::new(), ""), "sub/");
    setting.write("sub/x", "new").unwrap();
    assert!(setting.path(FILE).exists(), "nothing is written beside it");
    setting.write("x", "new").unwrap();
    assert_eq!(setting.tree(), ["sub/", "sub/x", "x"]);

    for title in ["dir", ".", "sub/dir"] {
        let setting = leave(leave(Setting::new(), "dir/"), "sub/");
        let setting = leave(setting, "");
        setting.write_directory(title, &["x"]).unwrap();
        setting.again().write("sub/x", "new").unwrap();
        setting.again().write("dir/x", "new").unwrap();
        setting.again().write("x", "new").unwrap();
        assert!(!setting.tree().iter().any(|name| name.contains(".oras-")));
    }
}

/// It would become part of what is pushed next.
#[test]
fn nothing_stays_in_a_directory_that_is_written_again() {
    let setting = leave(Setting::new(), "dir/");
    setting.write_directory("dir", &["x"]).unwrap();
    assert_eq!(setting.tree(), ["dir/", "dir/x"]);
}

#[test]
fn what_somebody_writes_is_not_abandoned() {
    let setting = Setting::new().existing("dir/old", "old");
    let directory = setting.output.create_directory("dir").unwrap();
    fill(directory.dir(), &["x", "sub/y"]);
    let file = setting.output.create_file("file").unwrap();
    let whole = setting.output.create_directory(".").unwrap();
    fill(whole.dir(), &["z"]);

    setting.again().write("a", "new").unwrap();
    setting.again().write_directory(".", &["b"]).unwrap();
    setting.again().write_directory("dir", &["c"]).unwrap();

    file.commit().unwrap();
    directory.commit().unwrap();
    whole.commit().unwrap();
    assert_eq!(
        setting.tree(),
        [
            "a",
            "b",
            "dir/",
            "dir/c",
            "dir/old",
            "dir/sub/",
            "dir/sub/y",
            "dir/x",
            "file",
            "z"
        ]
    );
}

#[test]
fn only_our_own_names_are_removed_and_no_links_are_followed() {
    let names = [
        ".oras-1-0123456789abcde.tmp",
        ".oras-1-0123456789ABCDEF.tmp",
        ".oras--0123456789abcdef.tmp",
        ".oras-1-0123456789abcdef.tmp2",
        ".oras-x-0123456789abcdef.tmp",
        ".oras-notes.tmp",
        "oras-1-0123456789abcdef.tmp",
    ];
    let mut setting = Setting::new();
    for name in names {
        setting = setting.existing(name, "mine");
    }
    symlink("../outside", setting.path(DIRECTORY)).unwrap();
    symlink("../outside/secret", setting.path(FILE)).unwrap();
    setting = setting.existing(".oras-3-0123456789abcdef.tmp/x", "half");
    symlink(
        "../../outside",
        setting.path(".oras-3-0123456789abcdef.tmp/link"),
    )
    .unwrap();
    setting.write("x", "new").unwrap();
    // The setting sees to it that nothing is missing outside.
    let left = setting.tree();
    assert_eq!(left.len(), names.len() + 3, "{left:?}");
}

/// A directory that is being filled is not in another one, where a push would find it.
#[test]
fn directories_are_filled_beside_existing_ones() {
    let setting = Setting::new().existing("dir/x", "old");
    let directory = setting.output.create_directory("dir").unwrap();
    let inside = fs::read_dir(setting.path("dir")).unwrap().count();
    assert_eq!(inside, 1);
    drop(directory);
}
