//! Resolution of titles, and titles that are refused.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;

use super::{ANYWHERE, Fixture};
use crate::error::{Conflict, Error};
use crate::fs::testing::{TempDir, beginning_name, leftover_name};
use crate::output_dir::{OutputDir, OutputOptions};

#[test]
fn a_title_is_a_path_below_the_output_directory() {
    for (title, path) in [
        ("x", "x"),
        ("./x", "x"),
        ("a//b", "a/b"),
        ("a/", "a"),
        ("a/../b", "b"),
        ("../out/x", "x"),
        ("ü ü", "ü ü"),
        ("..x", "..x"),
        ("-", "-"),
        ("a\\b", "a\\b"),
    ] {
        let fixture = Fixture::new();
        let written = fixture.write(title, "content").unwrap();
        assert_eq!(written, fixture.path(path), "{title}");
        assert_eq!(fixture.output.path_of(title), written);
        assert_eq!(fixture.read(path), "content");
    }
    let fixture = Fixture::new();
    let absolute = fixture.path("x").display().to_string();
    assert_eq!(fixture.write(&absolute, "").unwrap(), fixture.path("x"));
}

#[test]
fn control_characters_are_part_of_a_title() {
    let fixture = Fixture::new();
    for title in [
        "Icon\r", "a\nb", "a\tb", "\x1b[2J", "a\u{85}", "\u{7f}", " ", "d\n/f",
    ] {
        fixture.write(title, title).unwrap();
        assert_eq!(fixture.read(title), title);
    }
}

#[test]
fn titles_that_no_file_system_accepts_are_refused() {
    for title in ["", "a\0b", "\0"] {
        let error = Fixture::new().write(title, "").unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{title:?}");
        assert!(!error.to_string().contains(char::is_control));
    }
    let long = "x".repeat(300);
    for title in [".", &long] {
        let error = Fixture::new().write(title, "").unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
    }
}

#[test]
fn a_title_that_leads_out_is_refused() {
    for title in [
        "../x",
        "..",
        "a/../../x",
        "/x",
        "/",
        "../outside/secret",
        "../out2/x",
    ] {
        let fixture = Fixture::new();
        for error in [
            fixture.write(title, "gotcha").unwrap_err(),
            fixture.write_directory(title, &[]).unwrap_err(),
            fixture.output.read_file(title).unwrap_err(),
        ] {
            assert_eq!(
                error.to_string(),
                format!("\"{title}\" leads out of the output directory: path traversal disallowed")
            );
        }
        assert!(fixture.tree().is_empty());
    }
}

#[test]
fn a_parent_that_links_outside_is_refused() {
    for target in ["../outside", "/", "inner", "up/outside"] {
        let fixture = Fixture::new();
        symlink("../outside", fixture.path("inner")).unwrap();
        symlink("..", fixture.path("up")).unwrap();
        symlink(target, fixture.path("link")).unwrap();
        for title in ["link/x", "link/a/b/x", "./link//secret"] {
            let error = fixture.write(title, "gotcha").unwrap_err();
            assert!(matches!(error, Error::PathTraversal { .. }), "{target}");
            let error = fixture.write_directory(title, &["x"]).unwrap_err();
            assert!(matches!(error, Error::PathTraversal { .. }), "{target}");
        }
        assert_eq!(fixture.tree().len(), 3);
    }
}

#[test]
fn a_parent_that_links_inside_is_followed() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.path("real")).unwrap();
    symlink("real", fixture.path("relative")).unwrap();
    symlink(fixture.path("real"), fixture.path("absolute")).unwrap();
    fixture.write("relative/a", "a").unwrap();
    fixture.write("absolute/sub/b", "b").unwrap();
    assert_eq!(fixture.read("real/a"), "a");
    assert_eq!(fixture.read("real/sub/b"), "b");
}

#[test]
fn a_link_at_the_final_name_is_replaced_and_not_followed() {
    let fixture = Fixture::new();
    symlink("../outside/secret", fixture.path("file")).unwrap();
    symlink("../outside", fixture.path("dir")).unwrap();
    symlink("nowhere", fixture.path("dangling")).unwrap();
    fixture.write("file", "content").unwrap();
    fixture.write("dangling", "content").unwrap();
    fixture.write_directory("dir", &["x"]).unwrap();
    assert_eq!(fixture.tree(), ["dangling", "dir/", "dir/x", "file"]);
}

#[test]
fn with_traversal_allowed_titles_lead_anywhere() {
    let fixture = Fixture::with(ANYWHERE);
    let outside = fixture.temp.path().join("outside");
    symlink("../outside", fixture.path("link")).unwrap();
    let absolute = outside.join("new/c").display().to_string();
    for (title, path) in [
        ("../outside/a", outside.join("a")),
        ("link/b", fixture.path("link/b")),
        (absolute.as_str(), outside.join("new/c")),
        ("plain", fixture.path("plain")),
    ] {
        assert_eq!(fixture.write(title, title).unwrap(), path);
        assert_eq!(fs::read_to_string(path).unwrap(), title);
    }
    fixture.write_directory("../outside", &["d"]).unwrap();
    assert_eq!(fs::read_to_string(outside.join("d")).unwrap(), "new");
    let error = fixture.write("link/a", "").unwrap_err();
    assert!(matches!(
        error,
        Error::Conflict {
            conflict: Conflict::DuplicateName,
            ..
        }
    ));
}

#[test]
fn titles_of_the_same_file_are_duplicates() {
    for (first, second) in [
        ("x", "x"),
        ("x", "./x"),
        ("a/b", "a//b"),
        ("x", "x/"),
        ("x", "a/../x"),
        ("real/x", "link/x"),
    ] {
        let fixture = Fixture::new();
        fs::create_dir(fixture.path("real")).unwrap();
        symlink("real", fixture.path("link")).unwrap();
        fixture.write(first, "first").unwrap();
        for error in [
            fixture.write(second, "second").unwrap_err(),
            fixture.write_directory(second, &[]).unwrap_err(),
        ] {
            assert_eq!(error.to_string(), format!("{second}: duplicate name"));
        }
        assert_eq!(fixture.read(first), "first");
    }
}

#[test]
fn a_title_is_reserved_until_writing_fails() {
    let fixture = Fixture::new();
    let pending = fixture.output.create_file("x").unwrap();
    assert!(matches!(
        fixture.output.create_file("x"),
        Err(Error::Conflict {
            conflict: Conflict::DuplicateName,
            ..
        })
    ));
    drop(pending);
    fixture.write("x", "content").unwrap();
    assert_eq!(fixture.tree(), ["x"]);
}

/// Simulates a file system that ignores case, where `y` and `Y` are one file.
#[test]
fn names_that_the_file_system_considers_equal_are_duplicates() {
    let fixture = Fixture::new();
    fixture.write("y", "first").unwrap();
    let mut pending = fixture.output.create_file("Y").unwrap();
    pending.write_all(b"second").unwrap();
    fs::hard_link(fixture.path("y"), fixture.path("Y")).unwrap();
    let error = pending.commit().unwrap_err();
    assert_eq!(error.to_string(), "Y: duplicate name");
    assert_eq!(fixture.read("y"), "first");
}

/// Simulates another process that replaces a written file, whose inode the file system then reuses
/// for a file with the next name.
#[test]
fn a_reused_inode_is_not_a_duplicate() {
    let fixture = Fixture::new();
    fixture.write("y", "first").unwrap();
    let mut pending = fixture.output.create_file("z").unwrap();
    pending.write_all(b"second").unwrap();
    fs::rename(fixture.path("y"), fixture.path("z")).unwrap();
    fs::write(fixture.path("y"), "of another process").unwrap();
    pending.commit().unwrap();
    assert_eq!(fixture.read("z"), "second");
}

#[test]
fn a_title_may_be_inside_the_directory_of_another_title() {
    let fixture = Fixture::new();
    fixture.write("dir/file", "from a file").unwrap();
    fixture.write_directory("dir", &["file", "other"]).unwrap();
    assert_eq!(fixture.read("dir/file"), "new");
    fixture.write("dir/other", "from a file").unwrap();
    assert_eq!(fixture.read("dir/other"), "from a file");
    let error = fixture.write("dir/file", "").unwrap_err();
    assert!(matches!(
        error,
        Error::Conflict {
            conflict: Conflict::DuplicateName,
            ..
        }
    ));
}

#[test]
fn the_output_directory_is_created_and_may_be_a_link() {
    let temp = TempDir::new();
    OutputDir::open(temp.path().join("a/b/../c/"), OutputOptions::default()).unwrap();
    assert_eq!(temp.tree(), ["a/", "a/c/"]);
    fs::create_dir(temp.path().join("real")).unwrap();
    symlink("real", temp.path().join("link")).unwrap();
    let output = OutputDir::open(temp.path().join("link"), OutputOptions::default()).unwrap();
    assert_eq!(output.path, temp.path().join("link"));
    let path = output.create_file("x").unwrap().commit().unwrap();
    assert_eq!(path, temp.path().join("link/x"));
    assert!(temp.path().join("real/x").is_file());

    fs::write(temp.path().join("file"), "").unwrap();
    let error = OutputDir::open(temp.path().join("file"), OutputOptions::default()).unwrap_err();
    assert!(matches!(error.root(), Error::Io { .. }));
}

#[test]
fn titles_of_temporary_files_are_refused() {
    let (local, part) = (leftover_name(), beginning_name());
    let credentials = ".oras-credentials-00000000-0123456789abcdef.tmp";
    for title in [
        local.clone(),
        part,
        credentials.into(),
        format!("./{local}"),
        format!("a/../{local}"),
        format!("{local}/x"),
        format!("a/{local}/b/c"),
        format!("{local}/"),
    ] {
        let fixture = Fixture::new();
        for error in [
            fixture.write(&title, "").unwrap_err(),
            fixture.write_directory(&title, &["x"]).unwrap_err(),
        ] {
            assert_eq!(
                error.to_string(),
                format!("invalid file name {title:?}: the name is reserved for temporary files")
            );
        }
        assert_eq!(fixture.tree(), [""; 0]);
    }
    let fixture = Fixture::new();
    for title in [
        format!("{local}2"),
        format!("x{local}"),
        format!("{local}/../x"),
    ] {
        fixture.write(&title, "content").unwrap();
    }
}
