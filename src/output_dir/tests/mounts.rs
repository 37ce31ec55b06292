//! File systems that are mounted below the output directory. Skipped without the right to mount.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use cap_std::fs::{Permissions, PermissionsExt};

use super::{Fixture, fill, mode};
use crate::error::Result;
use crate::fs::testing::leftover_name;

/// A mount, unmounted on drop.
struct Mount(PathBuf);

impl Mount {
    fn new(arguments: &[&str], at: PathBuf) -> Option<Self> {
        let mut command = Command::new("mount");
        let command = command.args(arguments).arg(&at).stdin(Stdio::null());
        if command.output().is_ok_and(|output| output.status.success()) {
            return Some(Self(at));
        }
        eprintln!("skipped: nothing can be mounted");
        None
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a process that another test starts holds open files until it executes its
        // program.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Mounts an empty file system, or another directory of the same one.
fn mount(fixture: &Fixture, same: bool, at: &str) -> Option<Mount> {
    fs::create_dir_all(fixture.path(at)).unwrap();
    if same {
        let source = fixture.path("source");
        fs::create_dir_all(&source).unwrap();
        Mount::new(&["--bind", source.to_str().unwrap()], fixture.path(at))
    } else {
        Mount::new(&["-t", "tmpfs", "tmpfs"], fixture.path(at))
    }
}

fn time() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)
}

fn write(fixture: &Fixture, title: &str, below: &str) -> Result<PathBuf> {
    let directory = fixture.output.create_directory(title)?;
    let dir = directory.dir();
    dir.create_dir_all(below).unwrap();
    let into = dir.open_dir(below).unwrap();
    fill(
        &into,
        &[
            "file",
            "new/sub/deep",
            "new/link -> sub/deep",
            "link -> ../file",
            "was-link/x",
        ],
    );
    for name in ["file", "new/sub/deep", "new/sub", "new"] {
        let file = into.open(name).unwrap().into_std();
        file.set_modified(time()).unwrap();
    }
    into.set_permissions("file", Permissions::from_mode(0o640))
        .unwrap();
    into.set_permissions("new/sub/deep", Permissions::from_mode(0o400))
        .unwrap();
    into.set_permissions("new/sub", Permissions::from_mode(0o555))
        .unwrap();
    directory.commit()
}

#[test]
fn a_directory_is_merged_across_file_systems() {
    for same in [false, true] {
        for (title, below, at) in [
            ("dir", "a/b", "dir/a/b"),
            ("dir", ".", "dir"),
            (".", "dir", "dir"),
            ("dir", "b", "dir"),
        ] {
            let fixture = Fixture::new();
            let Some(mounted) = mount(&fixture, same, at) else {
                return;
            };
            let into = fixture.path(title).join(below);
            fs::create_dir_all(&into).unwrap();
            fs::write(into.join("file"), "old").unwrap();
            fs::write(into.join("other"), "old").unwrap();
            fs::create_dir(into.join(leftover_name())).unwrap();
            symlink("other", into.join("was-link")).unwrap();

            write(&fixture, title, below).unwrap();
            // A second time, onto the result.
            write(&fixture.reopen(), title, below).unwrap();

            let read = |name: &str| fs::read_to_string(into.join(name)).unwrap();
            assert_eq!(read("file"), "new");
            assert_eq!(read("other"), "old");
            assert_eq!(read("new/link"), "new");
            assert_eq!(read("was-link/x"), "new");
            let link = fs::read_link(into.join("link")).unwrap();
            assert_eq!(link, Path::new("../file"));
            for (name, wanted) in [("file", 0o640), ("new/sub/deep", 0o400), ("new/sub", 0o555)] {
                assert_eq!(mode(&into.join(name)), wanted, "{name}");
            }
            for name in ["file", "new/sub/deep", "new/sub", "new"] {
                let modified = fs::metadata(into.join(name)).unwrap().modified();
                assert_eq!(modified.unwrap(), time(), "{name}");
            }
            let tree = fixture.tree();
            if below != "b" {
                assert!(!tree.iter().any(|name| name.contains(".oras-")), "{tree:?}");
            }
            drop(mounted);
        }
    }
}

#[test]
fn a_mounted_file_is_overwritten_when_the_content_is_complete() {
    let fixture = Fixture::new()
        .existing("source", "mounted before, and longer")
        .existing("dir/file", "old");
    let source = fixture.path("source").display().to_string();
    let Some(mounted) = Mount::new(&["--bind", &source], fixture.path("dir/file")) else {
        return;
    };
    let dropped = fixture.output.create_file("dir/file").unwrap();
    drop(dropped);
    assert_eq!(fixture.read("dir/file"), "mounted before, and longer");
    fixture.write("dir/file", "new").unwrap();
    assert_eq!(fixture.read("source"), "new");
    fs::write(fixture.path("source"), "changed, and longer").unwrap();
    fixture.reopen().write_directory("dir", &["file"]).unwrap();
    assert_eq!(fixture.read("source"), "new");
    drop(mounted);
    assert_eq!(fixture.read("dir/file"), "old");
    assert_eq!(fixture.tree(), ["dir/", "dir/file", "source"]);
}

#[test]
fn a_file_that_is_overwritten_stays_if_there_is_no_room() {
    let fixture = Fixture::new().existing("dir/file", "");
    let small = fixture.path("small");
    fs::create_dir_all(&small).unwrap();
    let Some(_mounted) = Mount::new(&["-t", "tmpfs", "-o", "size=64k", "tmpfs"], small.clone())
    else {
        return;
    };
    // What the file occupies is free as soon as it is overwritten.
    fs::write(small.join("file"), vec![b'o'; 40_000]).unwrap();
    let source = small.join("file").display().to_string();
    let Some(_file) = Mount::new(&["--bind", &source], fixture.path("dir/file")) else {
        return;
    };

    let error = fixture.write("dir/file", &"n".repeat(1 << 20)).unwrap_err();
    assert_eq!(
        error.chain().to_string(),
        format!(
            "write {}: 1048576 bytes are needed, and 65536 are free",
            fixture.path("dir/file").display()
        )
    );
    assert_eq!(
        fs::read_to_string(small.join("file")).unwrap(),
        "o".repeat(40_000)
    );
    let directory = fixture.output.create_directory("dir").unwrap();
    directory.dir().write("file", vec![1; 1 << 20]).unwrap();
    directory.commit().unwrap_err();
    assert_eq!(
        fs::read_to_string(small.join("file")).unwrap(),
        "o".repeat(40_000)
    );
    fixture.write("dir/file", &"n".repeat(60_000)).unwrap();
    assert_eq!(
        fs::read_to_string(small.join("file")).unwrap(),
        "n".repeat(60_000)
    );
}

#[test]
fn a_mounted_directory_is_not_replaced_by_a_file() {
    let fixture = Fixture::new().existing("x", "");
    let Some(mounted) = mount(&fixture, false, "dir") else {
        return;
    };
    fixture.write("dir", "new").unwrap_err();
    drop(mounted);
    assert_eq!(fixture.tree(), ["dir/", "x"]);
}

#[test]
fn a_failed_copy_leaves_nothing() {
    let fixture = Fixture::new();
    let at = fixture.path("dir/small");
    fs::create_dir_all(&at).unwrap();
    let Some(mounted) = Mount::new(&["-t", "tmpfs", "-o", "size=64k", "tmpfs"], at.clone()) else {
        return;
    };
    fs::write(at.join("file"), "old").unwrap();
    symlink("file", at.join("big")).unwrap();
    for name in ["small/file", "small/big/file"] {
        let fixture = fixture.reopen();
        let directory = fixture.output.create_directory("dir").unwrap();
        fill(directory.dir(), &[name]);
        directory.dir().write(name, vec![1; 1 << 20]).unwrap();
        let error = directory.commit().unwrap_err();
        assert!(error.to_string().starts_with("copy "), "{error}");
        assert_eq!(fixture.read("dir/small/file"), "old");
        assert_eq!(
            fixture.tree(),
            [
                "dir/",
                "dir/small/",
                "dir/small/big -> file",
                "dir/small/file"
            ]
        );
    }
    drop(mounted);
}
