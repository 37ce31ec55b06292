//! What titles mean, and where they do not lead.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;

use super::{ANYWHERE, Setting};
use crate::error::Error;
use crate::fs::testing::TempDir;
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
        let setting = Setting::new();
        let written = setting.write(title, "content").unwrap();
        assert_eq!(written, setting.path(path), "{title}");
        assert_eq!(setting.output.path_of(title), written);
        assert_eq!(setting.read(path), "content");
    }
    let setting = Setting::new();
    let absolute = setting.path("x").display().to_string();
    assert_eq!(setting.write(&absolute, "").unwrap(), setting.path("x"));
}

#[test]
fn a_title_that_is_no_name_is_refused() {
    for title in ["", "a\0b", "a\nb", "\x1b[2J", "a\u{85}"] {
        let error = Setting::new().write(title, "").unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{title:?}");
        assert!(!error.to_string().contains(char::is_control));
    }
    let error = Setting::new().write(".", "").unwrap_err();
    assert!(matches!(error, Error::Io { .. }));
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
        let setting = Setting::new();
        for error in [
            setting.write(title, "gotcha").unwrap_err(),
            setting.write_directory(title, &[]).unwrap_err(),
            setting.output.read_file(title).unwrap_err(),
        ] {
            assert_eq!(
                error.to_string(),
                format!("\"{title}\" leads out of the output directory: path traversal disallowed")
            );
        }
        assert!(setting.tree().is_empty());
    }
}

#[test]
fn a_parent_that_is_a_link_to_elsewhere_is_refused() {
    for target in ["../outside", "/", "inner", "up/outside"] {
        let setting = Setting::new();
        symlink("../outside", setting.path("inner")).unwrap();
        symlink("..", setting.path("up")).unwrap();
        symlink(target, setting.path("link")).unwrap();
        for title in ["link/x", "link/a/b/x", "./link//secret"] {
            let error = setting.write(title, "gotcha").unwrap_err();
            assert!(matches!(error, Error::PathTraversal { .. }), "{target}");
            let error = setting.write_directory(title, &["x"]).unwrap_err();
            assert!(matches!(error, Error::PathTraversal { .. }), "{target}");
        }
        assert_eq!(setting.tree().len(), 3);
    }
}

#[test]
fn a_parent_that_is_a_link_to_inside_is_followed() {
    let setting = Setting::new();
    fs::create_dir(setting.path("real")).unwrap();
    symlink("real", setting.path("relative")).unwrap();
    symlink(setting.path("real"), setting.path("absolute")).unwrap();
    setting.write("relative/a", "a").unwrap();
    setting.write("absolute/sub/b", "b").unwrap();
    assert_eq!(setting.read("real/a"), "a");
    assert_eq!(setting.read("real/sub/b"), "b");
}

#[test]
fn a_link_at_the_final_name_is_replaced_and_not_followed() {
    let setting = Setting::new();
    symlink("../outside/secret", setting.path("file")).unwrap();
    symlink("../outside", setting.path("dir")).unwrap();
    symlink("nowhere", setting.path("dangling")).unwrap();
    setting.write("file", "content").unwrap();
    setting.write("dangling", "content").unwrap();
    setting.write_directory("dir", &["x"]).unwrap();
    assert_eq!(setting.tree(), ["dangling", "dir/", "dir/x", "file"]);
}

#[test]
fn with_traversal_allowed_titles_lead_anywhere() {
    let setting = Setting::with(ANYWHERE);
    let outside = setting.temp.path().join("outside");
    symlink("../outside", setting.path("link")).unwrap();
    let absolute = outside.join("new/c").display().to_string();
    for (title, path) in [
        ("../outside/a", outside.join("a")),
        ("link/b", setting.path("link/b")),
        (absolute.as_str(), outside.join("new/c")),
        ("plain", setting.path("plain")),
    ] {
        assert_eq!(setting.write(title, title).unwrap(), path);
        assert_eq!(fs::read_to_string(path).unwrap(), title);
    }
    setting.write_directory("../outside", &["d"]).unwrap();
    assert_eq!(fs::read_to_string(outside.join("d")).unwrap(), "new");
    let error = setting.write("link/a", "").unwrap_err();
    assert!(matches!(error, Error::DuplicateName { .. }));
}

#[test]
fn titles_that_mean_the_same_file_are_duplicates() {
    for (first, second) in [
        ("x", "x"),
        ("x", "./x"),
        ("a/b", "a//b"),
        ("x", "x/"),
        ("x", "a/../x"),
        ("real/x", "link/x"),
    ] {
        let setting = Setting::new();
        fs::create_dir(setting.path("real")).unwrap();
        symlink("real", setting.path("link")).unwrap();
        setting.write(first, "first").unwrap();
        for error in [
            setting.write(second, "second").unwrap_err(),
            setting.write_directory(second, &[]).unwrap_err(),
        ] {
            assert_eq!(error.to_string(), format!("{second}: duplicate name"));
        }
        assert_eq!(setting.read(first), "first");
    }
}

#[test]
fn a_title_is_taken_as_soon_as_writing_starts_and_free_again_if_it_fails() {
    let setting = Setting::new();
    let pending = setting.output.create_file("x").unwrap();
    assert!(matches!(
        setting.output.create_file("x"),
        Err(Error::DuplicateName { .. })
    ));
    drop(pending);
    setting.write("x", "content").unwrap();
    assert_eq!(setting.tree(), ["x"]);
}

/// As on a file system that ignores case, where `y` and `Y` are one file.
#[test]
fn names_that_only_the_file_system_knows_to_be_the_same_are_duplicates() {
    let setting = Setting::new();
    setting.write("y", "first").unwrap();
    let mut pending = setting.output.create_file("Y").unwrap();
    pending.write_all(b"second").unwrap();
    fs::hard_link(setting.path("y"), setting.path("Y")).unwrap();
    let error = pending.commit().unwrap_err();
    assert_eq!(error.to_string(), "Y: duplicate name");
    assert_eq!(setting.read("y"), "first");
}

#[test]
fn a_title_may_lie_in_the_directory_of_another() {
    let setting = Setting::new();
    setting.write("dir/file", "from a file").unwrap();
    setting.write_directory("dir", &["file", "other"]).unwrap();
    assert_eq!(setting.read("dir/file"), "new");
    setting.write("dir/other", "from a file").unwrap();
    assert_eq!(setting.read("dir/other"), "from a file");
    let error = setting.write("dir/file", "").unwrap_err();
    assert!(matches!(error, Error::DuplicateName { .. }));
}

#[test]
fn the_output_directory_is_created_and_may_be_a_link() {
    let temp = TempDir::new();
    OutputDir::open(temp.path().join("a/b/../c/"), OutputOptions::default()).unwrap();
    assert_eq!(temp.tree(), ["a/", "a/c/"]);
    fs::create_dir(temp.path().join("real")).unwrap();
    symlink("real", temp.path().join("link")).unwrap();
    let output = OutputDir::open(temp.path().join("link"), OutputOptions::default()).unwrap();
    assert_eq!(output.path(), temp.path().join("link"));
    let path = output.create_file("x").unwrap().commit().unwrap();
    assert_eq!(path, temp.path().join("link/x"));
    assert!(temp.path().join("real/x").is_file());

    fs::write(temp.path().join("file"), "").unwrap();
    let error = OutputDir::open(temp.path().join("file"), OutputOptions::default()).unwrap_err();
    assert!(matches!(error.root(), Error::Io { .. }));
}
