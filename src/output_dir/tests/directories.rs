//! Directories: complete, merged or absent.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{Fixture, fill, mode};
use crate::error::Error;

#[test]
fn a_directory_appears_when_it_is_complete() {
    let fixture = Fixture::new();
    let directory = fixture.output.create_directory("a/dir").unwrap();
    fill(directory.dir(), &["x", "sub/y", "link -> x"]);
    assert_eq!(directory.path(), fixture.path("a/dir"));
    assert!(!fixture.path("a/dir").exists());
    assert_eq!(directory.commit().unwrap(), fixture.path("a/dir"));
    assert_eq!(
        fixture.tree(),
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
        let fixture = Fixture::new().existing("existing/x", "old");
        let directory = fixture.output.create_directory(title).unwrap();
        fill(directory.dir(), &["x", "sub/y"]);
        drop(directory);
        assert_eq!(fixture.tree(), ["existing/", "existing/x"]);
    }
}

#[test]
fn a_directory_is_merged_into_an_existing_one() {
    let fixture = Fixture::new()
        .existing("dir/same", "old")
        .existing("dir/other", "old")
        .existing("dir/sub/same", "old")
        .existing("dir/sub/other", "old");
    symlink("../../outside/secret", fixture.path("dir/link-file")).unwrap();
    symlink("../../outside", fixture.path("dir/link-dir")).unwrap();
    fs::set_permissions(fixture.path("dir/sub"), fs::Permissions::from_mode(0o711)).unwrap();
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
    fixture.write_directory("dir", &content).unwrap();
    assert_eq!(
        fixture.tree(),
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
        assert_eq!(fixture.read(name), content);
    }
    assert_eq!(mode(&fixture.path("dir/sub")), 0o711);
}

#[test]
fn the_output_directory_itself_can_be_a_title() {
    for title in [".", "./", "a/.."] {
        let fixture = Fixture::new().existing("x", "old").existing("y", "old");
        let path = fixture.write_directory(title, &["x", "z"]).unwrap();
        assert_eq!(path, fixture.output.path);
        assert_eq!(fixture.tree(), ["x", "y", "z"]);
        assert_eq!(fixture.read("x"), "new");
    }
}

#[test]
fn an_impossible_merge_moves_nothing() {
    for (existing, content) in [
        ("dir/z/file", ["a", "z"]),
        ("dir/z", ["a", "z/file"]),
        ("dir/sub/z", ["a", "sub/z/file"]),
    ] {
        let fixture = Fixture::new().existing(existing, "old");
        let before = fixture.tree();
        let error = fixture.write_directory("dir", &content).unwrap_err();
        assert!(matches!(error, Error::Io { .. }));
        assert_eq!(fixture.tree(), before);
    }
}
