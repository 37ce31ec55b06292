//! Executable files: what a push records, and what a pull makes of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use oras::descriptor::EXECUTABLE;
use oras::layout::LayoutStore;
use oras::pull::{PullOptions, pull};
use oras::push::{PushFile, PushOptions, PushStream, push};

use crate::support::tempdir::TempDir;

fn mode(path: impl AsRef<Path>) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn executable_files_are_annotated_if_the_options_ask_for_it() {
    for (source_mode, preserve_mode, wanted) in [
        (0o755, true, Some("true")),
        (0o700, true, Some("true")),
        (0o4755, true, Some("true")),
        (0o654, true, Some("true")),
        (0o644, true, None),
        (0o755, false, None),
    ] {
        let temp = TempDir::new();
        fs::write(temp.join("run"), "#!").unwrap();
        fs::create_dir(temp.join("directory")).unwrap();
        set_mode(temp.join("run"), source_mode);
        let options = updated!(PushOptions {
            files: vec![
                temp.join("run").into(),
                temp.join("directory").into(),
                PushFile::bytes("bytes", "x"),
            ],
            streams: vec![PushStream::new("stream", &b"x"[..])],
            artifact_type: Some("a/b".into()),
            preserve_mode,
            ..PushOptions::default()
        });
        let layout = LayoutStore::create_or_open(temp.join("layout")).unwrap();
        let manifest = push(&layout, Some("v1"), options).unwrap();
        let view = manifest.view().unwrap();
        let recorded: Vec<_> = view
            .entries()
            .iter()
            .map(|layer| layer.annotations.get(EXECUTABLE).map(String::as_str))
            .collect();
        assert_eq!(recorded, [wanted, None, None, None], "{source_mode:o}");
    }
}

#[test]
fn only_the_value_true_has_an_effect() {
    let huge = "7".repeat(100_000);
    for (value, wanted) in [
        ("true", 0o111),
        ("True", 0),
        ("1", 0),
        ("4755", 0),
        ("07777", 0),
        ("u+s", 0),
        ("", 0),
        (&huge, 0),
    ] {
        let temp = TempDir::new();
        let mut program = PushFile::bytes("run", "#!");
        program
            .annotations
            .insert(EXECUTABLE.to_owned(), value.to_owned());
        let options = updated!(PushOptions {
            files: vec![program],
            artifact_type: Some("a/b".into()),
            ..PushOptions::default()
        });
        let layout = LayoutStore::create_or_open(temp.join("layout")).unwrap();
        push(&layout, Some("v1"), options).unwrap();
        let options = || {
            updated!(PullOptions {
                output: temp.join("out"),
                ..PullOptions::default()
            })
        };
        pull(&layout, "v1", options()).unwrap();
        let found = mode(temp.join("out/run"));
        assert_eq!(found & 0o7111, wanted & found, "{value:.9}: {found:o}");
        assert_eq!(found & 0o100, wanted & 0o100, "{value:.9}: {found:o}");
        assert_eq!(found & !0o755, 0, "{found:o}");

        // A file that exists with the content, or with other content.
        for content in ["#!", "other"] {
            fs::write(temp.join("out/run"), content).unwrap();
            set_mode(temp.join("out/run"), 0o640);
            pull(&layout, "v1", options()).unwrap();
            let wanted = if wanted == 0 { 0o640 } else { 0o750 };
            assert_eq!(mode(temp.join("out/run")), wanted, "{value:.9}, {content}");
        }

        // A file with a further name outside of the directory.
        set_mode(temp.join("out/run"), 0o640);
        fs::hard_link(temp.join("out/run"), temp.join("outside")).unwrap();
        pull(&layout, "v1", options()).unwrap();
        let wanted = if wanted == 0 { 0o640 } else { 0o750 };
        assert_eq!(mode(temp.join("out/run")), wanted, "{value:.9}");
        assert_eq!(mode(temp.join("outside")), 0o640, "{value:.9}");
    }
}
