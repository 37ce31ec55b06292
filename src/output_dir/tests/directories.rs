//! Directories: whole, merged, or not at all.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{Setting, fill, mode};
use crate::error::Error;

#[test]
fn a_directory_appears_whole() {
    let setting = Setting::new();
    let directory = setting.output.create_directory("a/dir").unwrap();
    fill(directory.dir(), &["x", "sub/y", "link -> x"]);
    assert_eq!(directory.path(), setting.path("a/dir"));
    assert!(!setting.path("a/dir").exists());
    assert_eq!(directory.commit().unwrap(), setting.path("a/dir"));
    assert_eq!(
        setting.tree(),
        [
            "a/",
            "a/dir/",
            "a/dir/link -> x",
            "a/dir/sub/",
            "a/dir/sub/y",
            "a/dir/x"
        ]
    );
}

#[test]
fn a_dropped_directory_leaves_nothing() {
    for title in ["dir", "existing", "."] {
        let setting = Setting::new().existing("existing/x", "old");
        let directory = setting.output.create_directory(title).unwrap();
        fill(directory.dir(), &["x", "sub/y"]);
        drop(directory);
        assert_eq!(setting.tree(), ["existing/", "existing/x"]);
    }
}

#[test]
fn a_directory_is_merged_into_an_existing_one() {
    let setting = Setting::new()
        .existing("dir/same", "old")
        .existing("dir/other", "old")
        .existing("dir/sub/same", "old")
        .existing("dir/sub/other", "old");
    symlink("../../outside/secret", setting.path("dir/link-file")).unwrap();
    symlink("../../outside", setting.path("dir/link-dir")).unwrap();
    fs::set_permissions(setting.path("dir/sub"), fs::Permissions::from_mode(0o711)).unwrap();
    let content = [
        "same",
        "new",
        "sub/same",
        "sub/new",
        "fresh/x",
        "link-file",
        "link-dir/x",
        "link -> same",
    ];
    setting.write_directory("dir", &content).unwrap();
    assert_eq!(
        setting.tree(),
        [
            "dir/",
            "dir/fresh/",
            "dir/fresh/x",
            "dir/link -> same",
            "dir/link-dir/",
            "dir/link-dir/x",
            "dir/link-file",
            "dir/new",
            "dir/other",
            "dir/same",
            "dir/sub/",
            "dir/sub/new",
            "dir/sub/other",
            "dir/sub/same",
        ]
    );
    for (name, content) in [
        ("dir/same", "new"),
        ("dir/other", "old"),
        ("dir/sub/same", "new"),
        ("dir/sub/other", "old"),
    ] {
        assert_eq!(setting.read(name), content);
    }
    assert_eq!(mode(&setting.path("dir/sub")), 0o711);
}

#[test]
fn the_output_directory_itself_can_be_a_title() {
    for title in [".", "./", "a/.."] {
        let setting = Setting::new().existing("x", "old").existing("y", "old");
        let path = setting.write_directory(title, &["x", "z"]).unwrap();
        assert_eq!(path, setting.output.path());
        assert_eq!(setting.tree(), ["x", "y", "z"]);
        assert_eq!(setting.read("x"), "new");
    }
}

#[test]
fn a_merge_that_cannot_succeed_moves_nothing() {
    for (existing, content) in [
        ("dir/z/file", ["a", "z"]),
        ("dir/z", ["a", "z/file"]),
        ("dir/sub/z", ["a", "sub/z/file"]),
    ] {
        let setting = Setting::new().existing(existing, "old");
        let before = setting.tree();
        let error = setting.write_directory("dir", &content).unwrap_err();
        assert!(matches!(error, Error::Io { .. }));
        assert_eq!(setting.tree(), before);
    }
}
