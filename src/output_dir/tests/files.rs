//! Files: complete at their final names, and the entries that they replace.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{Fixture, KEEP, mode};
use crate::error::{Conflict, Error};

#[test]
fn a_file_gets_its_name_when_it_is_complete() {
    let fixture = Fixture::new().existing("a/x", "old");
    let mut file = fixture.output.create_file("a/x").unwrap();
    file.write_all(b"new").unwrap();
    assert_eq!(fixture.read("a/x"), "old");
    let hidden: Vec<String> = fixture.tree();
    assert_eq!(hidden.len(), 3, "{hidden:?}");
    assert!(hidden[1].starts_with("a/.oras-"));
    assert_eq!(file.path(), fixture.path("a/x"));
    drop(file);
    assert_eq!(fixture.tree(), ["a/", "a/x"]);
    fixture.write("a/x", "new").unwrap();
    assert_eq!(fixture.read("a/x"), "new");
    assert_eq!(fixture.tree(), ["a/", "a/x"]);
}

#[test]
fn an_existing_file_keeps_its_permissions_and_a_new_one_gets_the_default() {
    let fixture = Fixture::new().existing("x", "old");
    fs::set_permissions(fixture.path("x"), fs::Permissions::from_mode(0o4751)).unwrap();
    fixture.write("x", "new").unwrap();
    fixture.write("y", "new").unwrap();
    assert_eq!(mode(&fixture.path("x")), 0o751);
    let usual = fixture.path("usual");
    fs::write(&usual, "").unwrap();
    assert_eq!(mode(&fixture.path("y")), mode(&usual));
}

#[test]
fn keep_old_files_keeps_existing_files() {
    let fixture = Fixture::with(KEEP).existing("file", "old");
    fs::create_dir(fixture.path("dir")).unwrap();
    symlink("nowhere", fixture.path("link")).unwrap();
    for name in ["file", "dir", "link", "."] {
        let path = fixture.output.path_of(name);
        let wanted = format!("{}: overwrite disallowed", path.display());
        let error = fixture.write(name, "new").unwrap_err();
        assert_eq!(error.to_string(), wanted);
        let error = fixture.write_directory(name, &["x"]).unwrap_err();
        assert_eq!(error.to_string(), wanted);
    }
    fixture.write("new", "new").unwrap();
    fixture.write_directory("new-dir", &["x"]).unwrap();
    assert_eq!(
        fixture.tree(),
        [
            "dir/",
            "file",
            "link -> nowhere",
            "new",
            "new-dir/",
            "new-dir/x"
        ]
    );
}

#[test]
fn keep_old_files_keeps_files_created_during_the_write() {
    let fixture = Fixture::with(KEEP);
    let file = fixture.output.create_file("file").unwrap();
    let directory = fixture.output.create_directory("dir").unwrap();
    fs::write(fixture.path("file"), "old").unwrap();
    fs::create_dir(fixture.path("dir")).unwrap();
    assert!(matches!(
        file.commit(),
        Err(Error::Conflict {
            conflict: Conflict::Exists,
            ..
        })
    ));
    assert!(matches!(
        directory.commit(),
        Err(Error::Conflict {
            conflict: Conflict::Exists,
            ..
        })
    ));
    assert_eq!(fixture.read("file"), "old");
    assert_eq!(fixture.tree(), ["dir/", "file"]);
}

#[test]
fn files_directories_and_special_files_do_not_replace_each_other() {
    let fixture = Fixture::new()
        .existing("file", "old")
        .existing("dir/x", "old");
    let _socket = std::os::unix::net::UnixListener::bind(fixture.path("socket")).unwrap();
    for (result, name) in [
        (fixture.write("dir", "new"), "dir"),
        (fixture.write("socket", "new"), "socket"),
        (fixture.write("file/x", "new"), "file"),
        (fixture.write_directory("file", &[]), "file"),
        (fixture.write_directory("file/x", &[]), "file"),
        (fixture.write_directory("socket", &[]), "socket"),
    ] {
        let error = result.unwrap_err();
        let path = fixture.path(name);
        assert!(
            matches!(error.root(), Error::Io { path: at, .. } if at.starts_with(&path)),
            "{}",
            error.chain()
        );
    }
    assert_eq!(fixture.tree(), ["dir/", "dir/x", "file", "socket"]);
}

#[test]
fn a_file_can_be_read_again() {
    let fixture = Fixture::new();
    fixture.write("a", "content").unwrap();
    let read = std::io::read_to_string(fixture.output.read_file("./a").unwrap());
    assert_eq!(read.unwrap(), "content");

    fixture.write("sub/b", "").unwrap();
    symlink("a", fixture.path("link")).unwrap();
    for title in ["link", "missing", "missing/x", "sub", "."] {
        let error = fixture.output.read_file(title).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{title}");
    }
    assert_eq!(fixture.tree(), ["a", "link -> a", "sub/", "sub/b"]);
}
