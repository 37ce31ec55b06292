//! Comparison of files on disk with an artifact.

use std::fs;
use std::os::unix::fs::symlink;

use oras::check::{CheckOptions, Checked, FileState, check};
use oras::layout::LayoutStore;
use oras::progress::Event;
use oras::push::{PushFile, PushOptions, push};
use oras::{Error, Result};

use crate::observers::stopping;
use crate::pull::{downloaded, filter, registry_with};
use crate::setup::client;
use crate::support::registry::TestRegistry;
use crate::support::tempdir::TempDir;

fn run(registry: &TestRegistry, options: CheckOptions, local: &TempDir) -> Result<Checked> {
    let client = client();
    let repository = client.repository(&registry.reference("a"))?;
    let options = updated!(CheckOptions {
        directory: local.join("local"),
        ..options
    });
    check(&repository, "v1", options)
}

/// A directory `local` with these files.
fn local(files: &[(&str, &str)]) -> TempDir {
    let local = TempDir::new();
    fs::create_dir(local.join("local")).unwrap();
    for (name, content) in files {
        let path = local.join("local").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    local
}

fn states(checked: &Checked) -> Vec<FileState> {
    checked.files.iter().map(|file| file.state).collect()
}

/// The names of additional files, below the directory.
fn additional(checked: &Checked) -> Vec<String> {
    let additional = checked.additional.iter();
    let relative = additional.map(|path| path.strip_prefix(&checked.directory).unwrap());
    relative
        .map(|path| path.to_string_lossy().into_owned())
        .collect()
}

#[test]
fn every_difference_is_found_with_manifests_alone() {
    let registry = registry_with(&[
        ("a", "same"),
        ("b/c", "content"),
        ("d", "size"),
        ("e", "gone"),
    ]);
    let local = local(&[
        ("a", "same"),
        ("b/c", "CONTENT"),
        ("d", "larger"),
        ("b/more", ""),
        ("more/x/y", ""),
        ("z", ""),
        (".oras-ffffffff-0123456789abcdef.tmp", "not complete"),
    ]);

    let checked = run(&registry, CheckOptions::default(), &local).unwrap();

    assert_eq!(
        states(&checked),
        [
            FileState::Equal,
            FileState::OtherContent,
            FileState::OtherSize(6),
            FileState::Missing
        ]
    );
    assert_eq!(additional(&checked), ["b/more", "more", "z"]);
    assert!(!checked.is_equal());
    assert_eq!(downloaded(&registry), [""; 0]);
    assert_eq!(registry.log().len(), 1, "{:?}", registry.log());
}

#[test]
fn only_selected_files_are_compared_and_others_are_not_additional() {
    let registry = registry_with(&[("a", "a"), ("b", "b")]);
    let local = local(&[("a", "a"), ("b", "changed")]);
    let options = updated!(CheckOptions {
        filter: filter(&[], &["b"]),
        ..CheckOptions::default()
    });
    let checked = run(&registry, options, &local).unwrap();
    assert!(checked.is_equal(), "{checked:?}");
    assert_eq!(checked.unselected, ["b"]);
}

#[test]
fn entries_of_another_kind_are_changed_and_links_are_not_followed() {
    let registry = registry_with(&[("dir", "x"), ("link", "x"), ("file/below", "x")]);
    let local = local(&[("dir/x", "x"), ("file", "x")]);
    fs::write(local.join("outside"), "x").unwrap();
    symlink("../outside", local.join("local/link")).unwrap();

    let checked = run(&registry, CheckOptions::default(), &local).unwrap();

    let wanted = [
        FileState::OtherKind,
        FileState::OtherKind,
        FileState::Missing,
    ];
    assert_eq!(states(&checked), wanted);
    assert_eq!(additional(&checked), [""; 0]);
}

#[test]
fn titles_that_a_pull_refuses_are_errors() {
    for (files, wanted) in [
        (&[("../x", "x")][..], "path traversal"),
        (&[("/etc/hostname", "x")], "path traversal"),
        (&[("link/x", "x")], "path traversal"),
        (&[("a\0b", "x")], "NUL"),
        (&[("a", "x"), ("./a", "y")], "duplicate name"),
    ] {
        let registry = registry_with(files);
        let local = local(&[("a", "x")]);
        symlink("..", local.join("local/link")).unwrap();
        let error = run(&registry, CheckOptions::default(), &local).unwrap_err();
        let text = error.chain().to_string();
        assert!(text.contains(wanted), "{files:?}: {text}");
    }
}

#[test]
fn a_missing_directory_is_not_created() {
    let registry = registry_with(&[("a", "a")]);
    let local = TempDir::new();
    let error = run(&registry, CheckOptions::default(), &local).unwrap_err();
    assert!(matches!(error.root(), Error::Io { .. }), "{error:?}");
    assert!(!local.join("local").exists());
}

#[test]
fn a_directory_is_equal_if_its_archive_is() {
    let local = local(&[("d/a", "a"), ("d/b/c", "c")]);
    symlink("a", local.join("local/d/link")).unwrap();
    let layout = LayoutStore::create_or_open(local.join("layout")).unwrap();
    let mut directory = PushFile::from(local.join("local/d"));
    directory.title = Some("d".to_owned());
    let options = updated!(PushOptions {
        files: vec![directory],
        artifact_type: Some("a/b".into()),
        ..PushOptions::default()
    });
    push(&layout, Some("v1"), options).unwrap();
    let run = || {
        let options = updated!(CheckOptions {
            directory: local.join("local"),
            ..CheckOptions::default()
        });
        check(&layout, "v1", options).unwrap()
    };
    assert!(run().is_equal());

    fs::write(local.join("local/d/b/c"), "C").unwrap();
    assert_eq!(states(&run()), [FileState::OtherTree]);
    fs::remove_dir_all(local.join("local/d")).unwrap();
    assert_eq!(states(&run()), [FileState::Missing]);
    symlink("nowhere", local.join("local/d")).unwrap();
    assert_eq!(states(&run()), [FileState::OtherKind]);
}

#[test]
fn a_comparison_can_be_cancelled() {
    let registry = registry_with(&[("a", "a")]);
    let local = local(&[("a", "a"), ("b", "b")]);
    for count in [0, 1] {
        let mut events = 0;
        let observer = stopping(move |event| {
            let is_reading = matches!(event, Event::Reading { .. });
            events += usize::from(is_reading);
            is_reading && events > count
        });
        let options = updated!(CheckOptions {
            observer: Some(observer),
            ..CheckOptions::default()
        });
        let error = run(&registry, options, &local).unwrap_err();
        assert!(matches!(error, Error::Cancelled { .. }), "{error:?}");
    }
}
