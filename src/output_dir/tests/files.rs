//! Files: complete at their names, and what they replace.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{KEEP, Setting, mode};
use crate::error::Error;

#[test]
fn a_file_is_at_its_name_only_when_it_is_complete() {
    let setting = Setting::new().existing("a/x", "old");
    let mut file = setting.output.create_file("a/x").unwrap();
    file.write_all(b"new").unwrap();
    assert_eq!(setting.read("a/x"), "old");
    let hidden: Vec<String> = setting.tree();
    assert_eq!(hidden.len(), 3, "{hidden:?}");
    assert!(hidden[1].starts_with("a/.oras-"));
    assert_eq!(file.path(), setting.path("a/x"));
    drop(file);
    assert_eq!(setting.tree(), ["a/", "a/x"]);
    setting.write("a/x", "new").unwrap();
    assert_eq!(setting.read("a/x"), "new");
    assert_eq!(setting.tree(), ["a/", "a/x"]);
}

#[test]
fn an_existing_file_keeps_its_permissions_and_a_new_one_gets_the_usual() {
    let setting = Setting::new().existing("x", "old");
    fs::set_permissions(setting.path("x"), fs::Permissions::from_mode(0o4751)).unwrap();
    setting.write("x", "new").unwrap();
    setting.write("y", "new").unwrap();
    assert_eq!(mode(&setting.path("x")), 0o751);
    let usual = setting.path("usual");
    fs::write(&usual, "").unwrap();
    assert_eq!(mode(&setting.path("y")), mode(&usual));
}

#[test]
fn old_files_are_kept_if_asked() {
    let setting = Setting::with(KEEP).existing("file", "old");
    fs::create_dir(setting.path("dir")).unwrap();
    symlink("nowhere", setting.path("link")).unwrap();
    for name in ["file", "dir", "link", "."] {
        let path = setting.output.path_of(name);
        let wanted = format!("{}: overwrite disallowed", path.display());
        let error = setting.write(name, "new").unwrap_err();
        assert_eq!(error.to_string(), wanted);
        let error = setting.write_directory(name, &["x"]).unwrap_err();
        assert_eq!(error.to_string(), wanted);
    }
    setting.write("new", "new").unwrap();
    setting.write_directory("new-dir", &["x"]).unwrap();
    assert_eq!(
        setting.tree(),
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
fn what_appears_while_writing_is_kept_too() {
    let setting = Setting::with(KEEP);
    let file = setting.output.create_file("file").unwrap();
    let directory = setting.output.create_directory("dir").unwrap();
    fs::write(setting.path("file"), "old").unwrap();
    fs::create_dir(setting.path("dir")).unwrap();
    assert!(matches!(file.commit(), Err(Error::Overwrite { .. })));
    assert!(matches!(directory.commit(), Err(Error::Overwrite { .. })));
    assert_eq!(setting.read("file"), "old");
    assert_eq!(setting.tree(), ["dir/", "file"]);
}

#[test]
fn files_directories_and_special_files_do_not_replace_each_other() {
    let setting = Setting::new()
        .existing("file", "old")
        .existing("dir/x", "old");
    let _socket = std::os::unix::net::UnixListener::bind(setting.path("socket")).unwrap();
    for (result, name) in [
        (setting.write("dir", "new"), "dir"),
        (setting.write("socket", "new"), "socket"),
        (setting.write("file/x", "new"), "file"),
        (setting.write_directory("file", &[]), "file"),
        (setting.write_directory("file/x", &[]), "file"),
        (setting.write_directory("socket", &[]), "socket"),
    ] {
        let error = result.unwrap_err();
        let path = setting.path(name);
        assert!(
            matches!(error.root(), Error::Io { path: at, .. } if at.starts_with(&path)),
            "{}",
            error.chain()
        );
    }
    assert_eq!(setting.tree(), ["dir/", "dir/x", "file", "socket"]);
}

#[test]
fn a_file_can_be_read_again_and_copied() {
    let setting = Setting::new();
    setting.write("a", "content").unwrap();
    let copy = setting.output.copy_file("a", "sub/b").unwrap();
    assert_eq!(copy, setting.path("sub/b"));
    assert_eq!(setting.read("sub/b"), "content");
    let read = std::io::read_to_string(setting.output.read_file("./a").unwrap());
    assert_eq!(read.unwrap(), "content");

    symlink("a", setting.path("link")).unwrap();
    for title in ["link", "missing", "missing/x", "sub", "."] {
        let error = setting.output.read_file(title).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{title}");
        assert!(setting.output.copy_file(title, "c").is_err());
    }
    assert_eq!(setting.tree(), ["a", "link -> a", "sub/", "sub/b"]);
}
