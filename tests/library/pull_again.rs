//! Pulling to a directory that has some of the files already.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use oras::Error;
use oras::progress::{Event, Observer};
use oras::pull::{PullOptions, Pulled};

use crate::observers::{collecting, stopping};
use crate::pull::{downloaded, registry_with, run};
use crate::support::registry::TestRegistry;
use crate::support::tempdir::TempDir;
use crate::support::tree::{assert_tree, file};

fn pull(registry: &TestRegistry, output: &TempDir) -> oras::Result<Pulled> {
    run(registry, "v1", PullOptions::default(), output)
}

fn observed(registry: &TestRegistry, output: &TempDir, observer: Observer) -> oras::Result<Pulled> {
    let options = updated!(PullOptions {
        observer: Some(observer),
        ..PullOptions::default()
    });
    run(registry, "v1", options, output)
}

/// The titles of files that were not downloaded.
fn reused(pulled: &Pulled) -> Vec<&str> {
    let files = pulled.files.iter().filter(|file| file.is_reused);
    files.filter_map(|file| file.descriptor.title()).collect()
}

#[test]
fn two_hundred_unchanged_files_take_one_request_and_stay_as_they_are() {
    let files: Vec<_> = (0..200)
        .map(|number| {
            (
                format!("d{}/f{number}", number % 3),
                format!("content {number}"),
            )
        })
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(title, content)| (&**title, &**content))
        .collect();
    let registry = registry_with(&files);
    let output = TempDir::new();
    assert_eq!(reused(&pull(&registry, &output).unwrap()), [""; 0]);
    let first = output.join("out/d0/f0");
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let handle = File::options().write(true).open(&first).unwrap();
    handle.set_modified(modified).unwrap();
    fs::set_permissions(&first, fs::Permissions::from_mode(0o400)).unwrap();
    let inode = fs::metadata(&first).unwrap().ino();
    registry.clear_log();

    let pulled = pull(&registry, &output).unwrap();

    assert_eq!(registry.log().len(), 1, "{:?}", registry.log());
    assert_eq!(reused(&pulled).len(), 200);
    let metadata = fs::metadata(&first).unwrap();
    assert_eq!(metadata.ino(), inode);
    assert_eq!(metadata.modified().unwrap(), modified);
    assert_eq!(metadata.mode() & 0o777, 0o400);

    // Costs grow with the number of changes.
    fs::write(output.join("out/d1/f1"), "content !").unwrap();
    fs::remove_file(output.join("out/d2/f2")).unwrap();
    registry.clear_log();
    assert_eq!(reused(&pull(&registry, &output).unwrap()).len(), 198);
    assert_eq!(downloaded(&registry), ["content 1", "content 2"]);
}

#[test]
fn a_file_with_other_content_is_downloaded() {
    // Before the pull: what is at the place of the file `f` with the content `hello`.
    type Prepare<'a> = &'a dyn Fn(&Path);
    let cases: [(&str, Prepare<'_>); 8] = [
        ("nothing", &|_| ()),
        ("same size", &|path| fs::write(path, "HELLO").unwrap()),
        ("its beginning", &|path| fs::write(path, "hell").unwrap()),
        ("more", &|path| fs::write(path, "hello\n").unwrap()),
        ("an empty file", &|path| fs::write(path, "").unwrap()),
        ("a hole", &|path| {
            File::create(path).unwrap().set_len(5).unwrap();
        }),
        ("a huge hole", &|path| {
            File::create(path).unwrap().set_len(1 << 40).unwrap();
        }),
        ("a link to such a file", &|path| {
            let real = path.with_extension("real");
            fs::write(&real, "hello").unwrap();
            symlink(real, path).unwrap();
        }),
    ];
    for (name, prepare) in cases {
        let registry = registry_with(&[("f", "hello")]);
        let output = TempDir::new();
        fs::create_dir(output.join("out")).unwrap();
        let path = output.join("out/f");
        prepare(&path);

        let pulled = pull(&registry, &output).unwrap();

        assert_eq!(reused(&pulled), [""; 0], "{name}");
        assert_eq!(downloaded(&registry), ["hello"], "{name}");
        assert!(fs::symlink_metadata(&path).unwrap().is_file(), "{name}");
        assert_eq!(fs::read(&path).unwrap(), b"hello", "{name}");
    }
}

#[test]
fn entries_that_are_no_files_are_errors_as_before() {
    let fifo = |path: &Path| {
        let status = std::process::Command::new("mkfifo").arg(path).status();
        assert!(status.unwrap().success());
    };
    for (name, prepare) in [
        (
            "a directory",
            &(|path: &Path| fs::create_dir(path).unwrap()) as &dyn Fn(&Path),
        ),
        ("a pipe", &fifo),
        ("a socket", &|path| {
            drop(std::os::unix::net::UnixListener::bind(path).unwrap());
        }),
    ] {
        let registry = registry_with(&[("f", "")]);
        let output = TempDir::new();
        fs::create_dir(output.join("out")).unwrap();
        prepare(&output.join("out/f"));
        let error = pull(&registry, &output).unwrap_err();
        assert!(
            error.chain().to_string().contains("has that name"),
            "{name}: {error}"
        );
    }
}

#[test]
fn an_existing_file_is_an_error_if_old_files_are_kept() {
    let registry = registry_with(&[("f", "hello")]);
    let output = TempDir::new();
    pull(&registry, &output).unwrap();
    let options = updated!(PullOptions {
        keep_old_files: true,
        ..PullOptions::default()
    });
    let error = run(&registry, "v1", options, &output).unwrap_err();
    assert!(matches!(error.root(), Error::Conflict { .. }), "{error}");
}

#[test]
fn a_file_that_changes_while_it_is_compared_is_downloaded() {
    type Change<'a> = fn(&Path);
    let changes: [(&str, Change<'_>); 4] = [
        ("rewritten", |path| fs::write(path, "HELLO").unwrap()),
        ("appended", |path| {
            let mut file = File::options().append(true).open(path).unwrap();
            file.write_all(b"!").unwrap();
        }),
        ("replaced", |path| {
            fs::write(path.with_extension("new"), "HELLO").unwrap();
            fs::rename(path.with_extension("new"), path).unwrap();
        }),
        ("removed", |path| fs::remove_file(path).unwrap()),
    ];
    for (name, change) in changes {
        let registry = registry_with(&[("f", "hello")]);
        let output = TempDir::new();
        pull(&registry, &output).unwrap();
        registry.clear_log();
        let path = output.join("out/f");
        let changed = path.clone();
        let observer = Observer::new(move |event| {
            if let Event::Reading { .. } = event {
                change(&changed);
            }
            Ok(())
        });

        let pulled = observed(&registry, &output, observer).unwrap();

        assert_eq!(reused(&pulled), [""; 0], "{name}");
        assert_eq!(downloaded(&registry), ["hello"], "{name}");
        assert_eq!(fs::read(&path).unwrap(), b"hello", "{name}");
    }
}

#[test]
fn a_comparison_is_reported_and_can_be_cancelled() {
    let registry = registry_with(&[("f", "hello")]);
    let output = TempDir::new();
    pull(&registry, &output).unwrap();

    let (observer, events) = collecting(|event| match event {
        Event::Reading {
            name, done, total, ..
        } => Some(format!("{name} {done}/{total:?}")),
        Event::Exists(node) => Some(format!("exists {}", node.title()?)),
        Event::Started(node) | Event::Transferred(node) => node.title().map(str::to_owned),
        _ => None,
    });
    observed(&registry, &output, observer).unwrap();
    assert_eq!(events.take(), ["f 5/Some(5)", "exists f"]);

    registry.clear_log();
    let observer = stopping(|event| matches!(event, Event::Reading { .. }));
    let error = observed(&registry, &output, observer).unwrap_err();
    assert!(matches!(error, Error::Cancelled { .. }), "{error:?}");
    assert_eq!(downloaded(&registry), [""; 0]);
    assert_tree(&output.join("out"), &[file("f", "hello")]);
}

#[test]
fn the_same_content_under_several_titles_is_compared_for_each() {
    let files = [("a", "same"), ("b", "same"), ("c", "same")];
    let registry = registry_with(&files);
    for (existing, wanted, downloads) in [
        (&["a", "b", "c"][..], &["a", "b", "c"][..], 0),
        (&["a", "c"], &["a", "c"], 0),
        (&["b"], &["b"], 1),
        (&[], &[], 1),
    ] {
        let output = TempDir::new();
        fs::create_dir(output.join("out")).unwrap();
        for title in existing {
            fs::write(output.join("out").join(title), "same").unwrap();
        }
        registry.clear_log();

        let pulled = pull(&registry, &output).unwrap();

        assert_eq!(reused(&pulled), wanted);
        assert_eq!(downloaded(&registry).len(), downloads, "{existing:?}");
        assert_tree(
            &output.join("out"),
            &files.map(|(title, content)| file(title, content)),
        );
    }
}

#[test]
fn names_of_one_file_are_compared_and_replaced_one_by_one() {
    for (second, wanted) in [("same", &["a", "b"][..]), ("diff", &["a"])] {
        let registry = registry_with(&[("a", "same"), ("b", second)]);
        let output = TempDir::new();
        fs::create_dir(output.join("out")).unwrap();
        fs::write(output.join("out/a"), "same").unwrap();
        fs::hard_link(output.join("out/a"), output.join("out/b")).unwrap();

        let pulled = pull(&registry, &output).unwrap();

        assert_eq!(reused(&pulled), wanted);
        assert_tree(&output.join("out"), &[file("a", "same"), file("b", second)]);
    }
}

#[test]
fn titles_of_one_file_are_still_duplicates() {
    for second in ["f", "./f", "d/../f"] {
        let registry = registry_with(&[("f", "hello"), (second, "other")]);
        let output = TempDir::new();
        fs::create_dir(output.join("out")).unwrap();
        fs::write(output.join("out/f"), "hello").unwrap();
        let error = pull(&registry, &output).unwrap_err();
        assert!(
            error.chain().to_string().contains("duplicate name"),
            "{second}: {error}"
        );
        assert_tree(&output.join("out"), &[file("f", "hello")]);
    }
}

#[test]
fn a_directory_is_downloaded_each_time() {
    let temp = TempDir::new();
    fs::create_dir(temp.join("d")).unwrap();
    fs::write(temp.join("d/f"), "hello").unwrap();
    let registry = TestRegistry::start();
    let client = crate::setup::client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let mut directory = oras::push::PushFile::from(temp.join("d"));
    (directory.annotations).insert("org.opencontainers.image.title".to_owned(), "d".to_owned());
    let options = updated!(oras::push::PushOptions {
        files: vec![directory],
        artifact_type: Some("a/b".into()),
        ..oras::push::PushOptions::default()
    });
    oras::push::push(&repository, Some("v1"), options).unwrap();
    let output = TempDir::new();
    for _ in 0..2 {
        registry.clear_log();
        let pulled = pull(&registry, &output).unwrap();
        assert_eq!(reused(&pulled), [""; 0]);
        let blobs = registry
            .log()
            .iter()
            .filter(|line| line.contains("/blobs/"))
            .count();
        assert_eq!(blobs, 1);
        assert_tree(&output.join("out"), &[file("d/f", "hello")]);
    }
}

#[test]
fn leftovers_are_removed_though_nothing_is_downloaded() {
    let registry = registry_with(&[("f", "hello")]);
    let output = TempDir::new();
    let pulled = pull(&registry, &output).unwrap();
    let digest = pulled.files[0].descriptor.digest.clone();
    let host = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let (algorithm, encoded, host) = (digest.algorithm(), digest.encoded(), &host[..8]);
    let beginning = format!(".oras-{algorithm}-{encoded}-{host}-0123456789abcdef.part");
    let stale = format!(".oras-{host}-0123456789abcdef.tmp");
    for name in [beginning, stale] {
        fs::write(output.join("out").join(name), "hel").unwrap();
    }

    assert_eq!(reused(&pull(&registry, &output).unwrap()), ["f"]);

    assert_tree(&output.join("out"), &[file("f", "hello")]);
}
