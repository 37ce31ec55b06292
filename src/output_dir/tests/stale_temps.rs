//! Removal of temporary files that killed processes left, and of no other files.

use std::fs;
use std::os::unix::fs::symlink;

use super::{Fixture, fill};
use crate::fs::testing::leftover_name;

/// Returns a name as a process of this host chooses it.
fn temporary(random: &str) -> String {
    let name = leftover_name();
    let (start, _) = name.rsplit_once('-').unwrap();
    format!("{start}-{random}.tmp")
}

fn file() -> String {
    temporary("0123456789abcdef")
}

fn directory() -> String {
    temporary("fedcba9876543210")
}

fn leave(fixture: Fixture, parent: &str) -> Fixture {
    fixture
        .existing(&format!("{parent}{}", file()), "half")
        .existing(&format!("{parent}{}/sub/x", directory()), "half")
}

#[test]
fn temporary_files_of_killed_processes_are_removed() {
    let fixture = leave(leave(Fixture::new(), ""), "sub/");
    fixture.write("sub/x", "new").unwrap();
    assert!(
        fixture.path(&file()).exists(),
        "nothing is written beside it"
    );
    fixture.write("x", "new").unwrap();
    assert_eq!(fixture.tree(), ["sub/", "sub/x", "x"]);

    for title in ["dir", ".", "sub/dir"] {
        let fixture = leave(leave(Fixture::new(), "dir/"), "sub/");
        let fixture = leave(fixture, "");
        fixture.write_directory(title, &["x"]).unwrap();
        fixture.reopen().write("sub/x", "new").unwrap();
        fixture.reopen().write("dir/x", "new").unwrap();
        fixture.reopen().write("x", "new").unwrap();
        assert!(!fixture.tree().iter().any(|name| name.contains(".oras-")));
    }
}

/// A stale file would become part of the next push.
#[test]
fn a_rewritten_directory_contains_no_stale_files() {
    let fixture = leave(Fixture::new(), "dir/");
    fixture.write_directory("dir", &["x"]).unwrap();
    assert_eq!(fixture.tree(), ["dir/", "dir/x"]);
}

#[test]
fn files_in_use_are_not_stale() {
    let fixture = Fixture::new().existing("dir/old", "old");
    let directory = fixture.output.create_directory("dir").unwrap();
    fill(directory.dir(), &["x", "sub/y"]);
    let file = fixture.output.create_file("file").unwrap();
    let whole = fixture.output.create_directory(".").unwrap();
    fill(whole.dir(), &["z"]);

    fixture.reopen().write("a", "new").unwrap();
    fixture.reopen().write_directory(".", &["b"]).unwrap();
    fixture.reopen().write_directory("dir", &["c"]).unwrap();

    file.commit().unwrap();
    directory.commit().unwrap();
    whole.commit().unwrap();
    assert_eq!(
        fixture.tree(),
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
fn other_names_and_link_targets_are_not_removed() {
    let names = [
        ".oras-00000000-0123456789abcdef.tmp", // of another host
        ".oras-00000000-0123456789ABCDEF.tmp",
        ".oras--0123456789abcdef.tmp",
        ".oras-00000000-0123456789abcdef.tmp2",
        ".oras-x-0123456789abcdef.tmp",
        ".oras-notes.tmp",
        "oras-00000000-0123456789abcdef.tmp",
    ];
    let mut fixture = Fixture::new();
    for name in names {
        fixture = fixture.existing(name, "mine");
    }
    symlink("../outside", fixture.path(&directory())).unwrap();
    symlink("../outside/secret", fixture.path(&file())).unwrap();
    let other = temporary("0000000000000003");
    fixture = fixture.existing(&format!("{other}/x"), "half");
    symlink("../../outside", fixture.path(&format!("{other}/link"))).unwrap();
    fixture.write("x", "new").unwrap();
    // `tree` checks that nothing outside is missing.
    let left = fixture.tree();
    assert_eq!(left.len(), names.len() + 3, "{left:?}");
}

/// An unfinished directory is not inside the existing one, where a push would find it.
#[test]
fn directories_are_staged_next_to_existing_ones() {
    let fixture = Fixture::new().existing("dir/x", "old");
    let directory = fixture.output.create_directory("dir").unwrap();
    let inside = fs::read_dir(fixture.path("dir")).unwrap().count();
    assert_eq!(inside, 1);
    drop(directory);
}
