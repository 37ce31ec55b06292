//! Interrupted commands: killed, disk full, closed pipe. A file with its final name is always
//! complete.
#![expect(
    clippy::disallowed_methods,
    reason = "the product asks others for time; its tests are those others"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::support::cli::{Oras, Outcome};
use crate::support::mounted::Mounted;
use crate::support::registry::{RegistryProfile, TestRegistry, on, sha256};
use crate::support::rng::Rng;
use crate::support::tree::{self, file};

/// Size of a file that is larger than all buffers, in bytes.
const LARGE_BYTES: usize = 4 * 1024 * 1024;

/// A registry with an artifact of a small and a large file, and a working directory with an old
/// large file in `out`.
fn setting() -> (TestRegistry, Oras, Vec<u8>) {
    let registry = TestRegistry::start();
    let large = Rng::new(1).bytes(LARGE_BYTES);
    registry.seed_artifact("a", "v1", &[("small.txt", b"small\n"), ("large", &large)]);
    let oras = Oras::new();
    oras.write("out/large", "old\n");
    (registry, oras, large)
}

fn arguments(registry: &TestRegistry) -> [String; 5] {
    let plain = ["pull", "--plain-http", "-o", "out"].map(str::to_owned);
    let [pull, http, output, out] = plain;
    [pull, http, output, out, registry.reference("a:v1")]
}

#[test]
fn a_killed_pull_leaves_complete_files_and_hidden_ones() {
    let (registry, oras, large) = setting();
    let path = format!("/v2/a/blobs/{}", sha256(&large));
    registry.inject(on("GET", &path).slow_body(Duration::from_millis(50)));
    let out = oras.directory().join("out");
    let mut pull = oras.command(arguments(&registry)).spawn();
    wait_until(|| out.join("small.txt").exists() && hidden_bytes(&out) > 0);

    pull.kill().expect("a child can be killed");
    pull.wait().expect("a child can be waited for");

    let visible: Vec<_> = names(&out)
        .into_iter()
        .filter(|name| !is_hidden(name))
        .collect();
    assert_eq!(visible, ["large", "small.txt"]);
    assert_eq!(oras.read("out/large"), b"old\n");
    assert_eq!(oras.read("out/small.txt"), b"small\n");

    registry.heal();
    oras.run(arguments(&registry)).success();
    assert_eq!(oras.read("out/large"), large);
}

#[test]
fn an_interrupted_push_to_a_layout_can_be_repeated() {
    let oras = Oras::new();
    let large = Rng::new(2).bytes(16 * LARGE_BYTES);
    oras.write("large", &large);
    let push = ["push", "--oci-layout", "layout:v1", "large"];
    let ingest = oras.directory().join("layout/ingest");
    let mut child = oras.command(push).spawn();
    wait_until(|| ingest.is_dir() && !names(&ingest).is_empty());

    child.kill().expect("a child can be killed");
    child.wait().expect("a child can be waited for");

    oras.run(push).success();
    oras.run(["pull", "--oci-layout", "-o", "out", "layout:v1"])
        .success();
    assert!(oras.read("out/large") == large);
}

/// Limits the size of files, which fails like a full disk but needs no privileges.
#[test]
fn a_file_that_cannot_grow_leaves_the_old_one() {
    let (registry, oras, _) = setting();

    // The unit is 512 bytes or 1 KiB, depending on the shell. The trap ignores SIGXFSZ.
    let outcome = oras.shell(&format!(
        "trap '' XFSZ; ulimit -f 1000; exec oras {}",
        arguments(&registry).join(" ")
    ));

    assert_only_complete_files(&oras, outcome.fails_with(1).complains("file too large"));
}

#[test]
fn a_full_disk_leaves_the_old_file() {
    let (registry, oras, _) = setting();
    let out = oras.directory().join("out");
    let Some(_disk) = mount_disk(&out, "size=1m") else {
        return;
    };
    fs::write(out.join("large"), "old\n").expect("a new disk can be written");

    let outcome = oras.run(arguments(&registry));

    assert_only_complete_files(
        &oras,
        (outcome.fails_with(1))
            .complains("no space left on device")
            .complains(&format!("{LARGE_BYTES} bytes are needed")),
    );
}

fn backup(registry: &TestRegistry, output: &str) -> [String; 5] {
    let plain = ["backup", "--plain-http", "-o", output].map(str::to_owned);
    let [backup, http, flag, output] = plain;
    [backup, http, flag, output, registry.reference("a")]
}

#[test]
fn a_killed_backup_leaves_no_archive_that_looks_complete() {
    let (registry, oras, large) = setting();
    oras.write("backup/old.tar", "old\n");
    let directory = oras.directory().join("backup");
    let path = format!("/v2/a/blobs/{}", sha256(&large));
    registry.inject(on("GET", &path).slow_body(Duration::from_millis(50)));
    for output in ["backup/new.tar", "backup/old.tar"] {
        let mut child = oras.command(backup(&registry, output)).spawn();
        wait_until(|| hidden_bytes(&directory) > 100_000);

        child.kill().expect("a child can be killed");
        child.wait().expect("a child can be waited for");

        let (hidden, visible): (Vec<_>, Vec<_>) = names(&directory)
            .into_iter()
            .partition(|name| is_hidden(name));
        assert_eq!(visible, ["old.tar"]);
        assert_eq!(oras.read("backup/old.tar"), b"old\n");
        // The hidden file is not a backup: it has no index and is truncated.
        let [hidden] = &hidden[..] else {
            panic!("{hidden:?}");
        };
        let hidden = format!("backup/{hidden}");
        fs::rename(
            oras.directory().join(&hidden),
            oras.directory().join("part.tar"),
        )
        .expect("it can be moved");
        oras.run(["repo", "tags", "--oci-layout", "part.tar"])
            .fails_with(1);
        fs::rename(
            oras.directory().join("part.tar"),
            oras.directory().join(&hidden),
        )
        .expect("it can be moved");
    }

    registry.heal();
    oras.run(backup(&registry, "backup/new.tar")).success();
    assert_eq!(names(&directory), ["new.tar", "old.tar"]);
    oras.run(["pull", "--oci-layout", "-o", "out", "backup/new.tar:v1"])
        .success();
    assert!(oras.read("out/large") == large);
}

#[test]
fn a_backup_killed_at_any_time_leaves_a_complete_archive() {
    let (registry, oras, _) = setting();
    oras.run(backup(&registry, "whole.tar")).success();
    let whole = oras.read("whole.tar");
    let started = Instant::now();
    oras.run(backup(&registry, "whole.tar")).success();
    let usual = started.elapsed();
    for step in 0..20 {
        let mut child = oras.command(backup(&registry, "backup.tar")).spawn();
        thread::sleep(usual * step / 16);
        // The process may have ended already.
        let _ = child.kill();
        child.wait().expect("a child can be waited for");
        if oras.directory().join("backup.tar").exists() {
            assert!(oras.read("backup.tar") == whole, "killed in step {step}");
            fs::remove_file(oras.directory().join("backup.tar")).expect("it can be removed");
        }
    }
}

#[test]
fn a_killed_backup_to_a_directory_can_be_repeated() {
    let (registry, oras, large) = setting();
    let path = format!("/v2/a/blobs/{}", sha256(&large));
    registry.inject(on("GET", &path).slow_body(Duration::from_millis(50)));
    let mut child = oras.command(backup(&registry, "backup")).spawn();
    let ingest = oras.directory().join("backup/ingest");
    wait_until(|| {
        ingest.is_dir()
            && names(&ingest)
                .iter()
                .any(|name| fs::metadata(ingest.join(name)).is_ok_and(|file| file.len() > 100_000))
    });

    child.kill().expect("a child can be killed");
    child.wait().expect("a child can be waited for");

    // The layout has no tag yet, so that it does not look complete.
    oras.run(["repo", "tags", "--oci-layout", "backup"])
        .success()
        .prints("");
    registry.heal();
    oras.run(backup(&registry, "backup")).success();
    assert_eq!(
        names(&oras.directory().join("backup")),
        ["blobs", "index.json", "oci-layout"]
    );
    oras.run(["pull", "--oci-layout", "-o", "out", "backup:v1"])
        .success();
    assert!(oras.read("out/large") == large);
}

#[test]
fn a_backup_that_cannot_grow_leaves_the_old_one() {
    let (registry, oras, _) = setting();
    oras.write("backup/a.tar", "old\n");

    let outcome = oras.shell(&format!(
        "trap '' XFSZ; ulimit -f 1000; exec oras {}",
        backup(&registry, "backup/a.tar").join(" ")
    ));

    drop(outcome.fails_with(1).complains("file too large"));
    tree::assert_tree(&oras.directory().join("backup"), &[file("a.tar", "old\n")]);
}

#[test]
fn a_full_disk_leaves_the_old_backup() {
    let (registry, oras, _) = setting();
    oras.write("backup/.keep", "");
    let directory = oras.directory().join("backup");
    let Some(_disk) = mount_disk(&directory, "size=1m") else {
        return;
    };
    fs::write(directory.join("a.tar"), "old\n").expect("a new disk can be written");

    let outcome = oras.run(backup(&registry, "backup/a.tar"));

    drop(outcome.fails_with(1).complains("no space left on device"));
    tree::assert_tree(&directory, &[file("a.tar", "old\n")]);
}

#[test]
fn a_killed_restore_can_be_repeated() {
    let (registry, oras, large) = setting();
    oras.run(backup(&registry, "a.tar")).success();
    let target = registry.reference("b");
    let restore = ["restore", "--plain-http", "--input", "a.tar", &target];
    let mut child = oras.command(restore).spawn();
    wait_until(|| {
        let log = registry.log();
        log.iter().any(|line| line.contains("/v2/b/blobs/uploads"))
    });

    child.kill().expect("a child can be killed");
    child.wait().expect("a child can be waited for");

    oras.run(restore).success();
    let pulled = registry.reference("b:v1");
    oras.run(["pull", "--plain-http", "-o", "out", &pulled])
        .success();
    assert!(oras.read("out/large") == large);
}

#[test]
fn a_killed_copy_of_many_referrers_can_be_repeated() {
    let source = TestRegistry::start();
    let digest = source.seed_artifact("a", "v1", &[("a.txt", b"a")]);
    for number in 0..20 {
        source.seed_referrer("a", &digest, &format!("sig/{number}"));
    }
    let target = TestRegistry::start_as(RegistryProfile::distribution());
    let oras = Oras::new();
    let (from, to) = (source.reference("a:v1"), target.reference("b:v1"));
    let copy = [
        "cp",
        "-r",
        "--from-plain-http",
        "--to-plain-http",
        &from,
        &to,
    ];
    let mut child = oras.command(copy).spawn();
    let is_sent = |line: &&String| line.starts_with("PUT /v2/b/manifests/sha256:");
    wait_until(|| target.log().iter().filter(is_sent).count() >= 8);

    child.kill().expect("a child can be killed");
    child.wait().expect("a child can be waited for");

    assert!(!target.tags("b").contains(&"v1".to_owned()));
    oras.run(copy).success();
    let print = "--format=go-template={{len .referrers}}";
    let discover = ["discover", "--plain-http", print, &to];
    oras.run(discover).success().prints("20");
}

#[test]
fn a_copy_killed_at_any_time_leaves_a_consistent_layout() {
    let registry = TestRegistry::start();
    let names: Vec<_> = (0..30).map(|number| format!("v{number:02}")).collect();
    for name in &names {
        registry.seed_artifact("a", name, &[("a.txt", name.as_bytes())]);
    }
    let oras = Oras::new();
    let tags = |layout: &str| oras.run(["repo", "tags", "--oci-layout", layout]).success();
    let started = Instant::now();
    oras.run(backup(&registry, "usual")).success();
    let usual = started.elapsed();
    for step in 0..16 {
        let mut child = oras.command(backup(&registry, "layout")).spawn();
        thread::sleep(usual * step / 12);
        // The process may have ended already.
        let _ = child.kill();
        child.wait().expect("a child can be waited for");
        // The last round removed the index. A round that was killed early has not written its own.
        if !oras.directory().join("layout/index.json").exists() {
            continue;
        }
        assert!(
            oras.directory().join("layout/oci-layout").exists(),
            "a directory with an index is a layout at every moment"
        );
        for tag in tags("layout").stdout().lines() {
            let name = format!("layout:{tag}");
            let copy = [
                "cp",
                "--from-oci-layout",
                "--to-oci-layout",
                &name,
                "whole:v1",
            ];
            oras.run(copy).success();
        }
        fs::remove_file(oras.directory().join("layout/index.json")).expect("it can be removed");
    }

    oras.run(backup(&registry, "layout")).success();
    tags("layout").prints(&(names.join("\n") + "\n"));
}

#[test]
fn a_full_temporary_directory_fails_a_push_of_a_directory() {
    let registry = TestRegistry::start();
    let oras = Oras::new();
    oras.write("d/large", Rng::new(3).bytes(LARGE_BYTES));
    oras.write("tmp/.keep", "");
    let temporary = oras.directory().join("tmp");
    let Some(_disk) = mount_disk(&temporary, "size=1m") else {
        return;
    };
    let target = registry.reference("a:v1");

    let push = ["push", "--plain-http", &target, "d"];
    let outcome = oras.command(push).env("TMPDIR", &temporary).run();

    let outcome = outcome.fails_with(1).complains("no space left on device");
    drop(outcome.complains(&temporary.display().to_string()));
    assert!(names(&temporary).is_empty());
    assert_eq!(registry.log(), [""; 0]);
}

#[test]
fn a_closed_pipe_ends_the_command() {
    let (registry, oras, _) = setting();
    let target = registry.reference("a:v1");
    for command in ["resolve", "pull -o new", "manifest fetch"] {
        // A pipe whose reading end is closed before the first write.
        let line = format!("sleep 0.2; oras {command} --plain-http {target}; echo $? > code");
        let outcome = oras.shell(&format!("{{ {line}; }} | true; cat code"));
        let outcome = outcome.success().prints("141\n");
        assert_eq!(outcome.stderr(), "");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let (registry, oras, _) = setting();
    let target = registry.reference("a:v1");
    for command in [
        format!("oras resolve --plain-http {target}"),
        format!("oras manifest fetch --plain-http {target}"),
        format!("oras repo tags --plain-http {target}"),
        format!("oras pull --plain-http -o new {target}"),
        format!("oras pull --plain-http -o new --format json {target}"),
        "oras version".to_owned(),
        "oras --help".to_owned(),
    ] {
        let outcome = oras.shell(&format!("{command} > /dev/full"));
        outcome.fails_with(1).complains("no space left on device");
    }
}

/// Checks that `out` contains the small file, the old large file and nothing else, not even hidden
/// files.
fn assert_only_complete_files(oras: &Oras, outcome: Outcome) {
    let out = oras.directory().join("out");
    drop(outcome.complains("failed to copy content to"));
    tree::assert_tree(
        &out,
        &[file("large", "old\n"), file("small.txt", "small\n")],
    );
}

/// Mounts a small file system. Returns `None` without the privilege to mount.
fn mount_disk(path: &Path, options: &str) -> Option<Mounted> {
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", options, "tmpfs"])
        .arg(path)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if mounted.is_ok_and(|status| status.success()) {
        return Some(Mounted(path.to_owned()));
    }
    crate::support::skip("no small disk can be mounted");
    None
}

fn wait_until(condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "it does not come"
        );
        thread::sleep(Duration::from_millis(1));
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("the directory is there");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("it can be listed").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn is_hidden(name: &str) -> bool {
    name.starts_with(".oras-")
}

/// Returns the number of bytes in hidden files.
fn hidden_bytes(directory: &Path) -> u64 {
    let hidden = names(directory).into_iter().filter(|name| is_hidden(name));
    hidden
        .filter_map(|name| fs::metadata(directory.join(name)).ok())
        .map(|metadata| metadata.len())
        .sum()
}
