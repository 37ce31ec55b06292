//! `ORAS_CACHE`.
#![expect(
    clippy::disallowed_methods,
    reason = "the product asks others for time; its tests are those others"
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::support::cli::{Invocation, Oras};
use crate::support::registry::{TestRegistry, on, sha256};
use crate::support::rng::Rng;

transcripts! {
    "cache":
    broken,
    commands,
    layouts,
    registries,
    unusable,
}

/// Size of a file that is larger than all buffers, in bytes.
const LARGE_BYTES: usize = 4 * 1024 * 1024;

/// A registry with an artifact of a small and a large file, and a working directory.
fn setting() -> (TestRegistry, Oras, Vec<u8>) {
    let registry = TestRegistry::start();
    let large = Rng::new(1).bytes(LARGE_BYTES);
    registry.seed_artifact("a", "v1", &[("small.txt", b"small\n"), ("large", &large)]);
    (registry, Oras::new(), large)
}

fn cached<'a>(oras: &Oras, arguments: impl IntoIterator<Item = &'a str>) -> Invocation {
    oras.command(arguments).env("ORAS_CACHE", "cache")
}

fn cache(oras: &Oras) -> PathBuf {
    oras.directory().join("cache")
}

/// Returns the unfinished files of the cache.
fn scratch(oras: &Oras) -> Vec<PathBuf> {
    let entries = fs::read_dir(cache(oras).join("ingest"));
    let entries = entries.into_iter().flatten();
    entries
        .map(|entry| entry.expect("it can be listed").path())
        .collect()
}

/// Checks that each blob matches its digest. Returns the number of blobs.
fn whole_blobs(oras: &Oras) -> usize {
    let blobs = fs::read_dir(cache(oras).join("blobs/sha256"));
    let paths = blobs
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("it can be listed").path());
    let broken = |path: &PathBuf| {
        let content = fs::read(path).expect("it can be read");
        let name = path.file_name().expect("it has a name").to_string_lossy();
        sha256(&content) != format!("sha256:{name}")
    };
    let (broken, whole): (Vec<_>, Vec<_>) = paths.partition(broken);
    assert_eq!(broken, [""; 0].map(PathBuf::from));
    whole.len()
}

#[test]
fn cached_content_costs_one_request() {
    let (registry, _, large) = setting();
    let manifest = registry.resolve("a", "v1").expect("it was seeded");
    let (small, large) = (sha256(b"small\n"), sha256(&large));
    registry.seed_index("a", "all", &[&manifest]);
    let empty = sha256(b"{}");
    let (tag, all, digest, blob) = (
        registry.reference("a:v1"),
        registry.reference("a:all"),
        registry.reference(&format!("a@{manifest}")),
        registry.reference(&format!("a@{large}")),
    );
    let get_tag = "GET /v2/a/manifests/v1".to_owned();
    let get_all = "GET /v2/a/manifests/all".to_owned();
    let head_tag = "HEAD /v2/a/manifests/v1".to_owned();
    let manifest_by = |method: &str| format!("{method} /v2/a/manifests/{manifest}");
    let blob_by = |method: &str, digest: &str| format!("{method} /v2/a/blobs/{digest}");
    let files = [blob_by("GET", &small), blob_by("GET", &large)];
    let [get_small, get_large] = files;

    for (line, cold, warm) in [
        (
            vec!["pull", "-o", "out", &tag],
            vec![get_tag.clone(), get_small.clone(), get_large.clone()],
            get_tag.clone(),
        ),
        (
            vec!["pull", "-o", "out", &digest],
            vec![manifest_by("GET"), get_small.clone(), get_large.clone()],
            manifest_by("HEAD"),
        ),
        (
            vec!["pull", "-o", "out", &all],
            vec![
                get_all.clone(),
                manifest_by("GET"),
                get_small,
                get_large.clone(),
            ],
            get_all,
        ),
        (
            vec!["manifest", "fetch", &tag],
            vec![get_tag.clone()],
            get_tag.clone(),
        ),
        (
            vec!["manifest", "fetch", &digest],
            vec![manifest_by("GET")],
            manifest_by("HEAD"),
        ),
        (
            vec!["manifest", "fetch", "--descriptor", &tag],
            vec![head_tag.clone()],
            head_tag,
        ),
        (
            vec!["manifest", "fetch-config", &tag],
            vec![get_tag.clone(), blob_by("GET", &empty)],
            get_tag,
        ),
        (
            vec!["manifest", "fetch-config", &digest],
            vec![manifest_by("GET"), blob_by("GET", &empty)],
            manifest_by("HEAD"),
        ),
        (
            vec!["blob", "fetch", "-o", "-", &blob],
            vec![get_large],
            blob_by("HEAD", &large),
        ),
        (
            vec!["blob", "fetch", "--descriptor", &blob],
            vec![blob_by("HEAD", &large)],
            blob_by("HEAD", &large),
        ),
    ] {
        // Each command starts with an empty cache.
        let oras = Oras::new();
        let run = || {
            registry.clear_log();
            let plain = line.iter().copied().chain(["--plain-http"]);
            let outcome = cached(&oras, plain).run().success();
            assert_eq!(outcome.stderr(), "", "{outcome}");
            let log = registry.log().into_iter();
            let requests: Vec<_> = log
                .map(|line| line.replace(" (no authorization)", ""))
                .collect();
            (requests, outcome.stdout_bytes)
        };

        let (requests, printed) = run();
        assert_eq!(requests, cold, "{line:?}");
        // Files that exist are not read from the cache.
        let _ = fs::remove_dir_all(oras.directory().join("out"));
        let (requests, printed_again) = run();
        assert_eq!(requests, [warm], "{line:?}");
        assert!(printed_again == printed, "{line:?}");
        whole_blobs(&oras);
    }
}

#[test]
fn concurrent_pulls_share_a_cache() {
    let (registry, oras, large) = setting();
    let target = registry.reference("a:v1");
    let outputs: Vec<_> = (0..8).map(|number| format!("out{number}")).collect();
    thread::scope(|scope| {
        for output in &outputs {
            let line = ["pull", "--plain-http", "-o", output, &target];
            let oras = &oras;
            scope.spawn(move || {
                let outcome = cached(oras, line).run().success();
                assert_eq!(outcome.stderr(), "", "{outcome}");
            });
        }
    });

    for output in &outputs {
        assert!(oras.read(&format!("{output}/large")) == large);
    }
    assert_eq!(whole_blobs(&oras), 3);
    assert!(scratch(&oras).is_empty());
    let manifest = registry.resolve("a", "v1").expect("it was seeded");
    let index = String::from_utf8(oras.read("cache/index.json")).expect("it is text");
    assert_eq!(index.matches(&manifest).count(), 1, "{index}");
}

#[test]
fn a_killed_pull_leaves_no_blob_that_looks_complete() {
    let (registry, oras, large) = setting();
    let target = registry.reference("a:v1");
    let path = format!("/v2/a/blobs/{}", sha256(&large));
    registry.inject(on("GET", &path).slow_body(Duration::from_millis(50)));
    let line = ["pull", "--plain-http", "-o", "out", &target];
    let written = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    for _ in 0..3 {
        let mut pull = cached(&oras, line).spawn();
        wait_until(|| scratch(&oras).iter().any(|path| written(path) > 100_000));

        pull.kill().expect("a child can be killed");
        pull.wait().expect("a child can be waited for");

        assert_eq!(whole_blobs(&oras), 2, "the manifest, and the small file");
        assert_eq!(scratch(&oras).len(), 1, "what the one before left is gone");
    }

    registry.heal();
    registry.clear_log();
    cached(&oras, line).run().success();
    assert!(oras.read("out/large") == large);
    assert_eq!(registry.log().len(), 2, "the small file was there already");
    assert_eq!(whole_blobs(&oras), 3);
    assert!(scratch(&oras).is_empty());
}

/// Limits the size of files, which fails like a full disk but needs no privileges. The limit does
/// not apply to pipes.
#[test]
fn a_full_disk_is_a_warning_and_the_pull_succeeds() {
    let (registry, oras, large) = setting();
    let blob = registry.reference(&format!("a@{}", sha256(&large)));

    // The unit is 512 bytes or 1 KiB, depending on the shell. The trap ignores SIGXFSZ.
    let outcome = oras.shell(&format!(
        "trap '' XFSZ; ulimit -f 1000; ORAS_CACHE=cache oras blob fetch --plain-http -o - {blob} | cat"
    ));

    let outcome = outcome.success();
    assert!(outcome.stdout_bytes == large);
    let path = cache(&oras).display().to_string();
    let warning = format!("Warning: the cache cannot be written: write {path}: file too large\n");
    assert_eq!(outcome.stderr(), warning);
    assert_eq!(whole_blobs(&oras), 0);
    assert!(scratch(&oras).is_empty());
}

#[test]
fn a_failed_pull_keeps_complete_blobs_in_the_cache() {
    let (registry, oras, large) = setting();
    let target = registry.reference("a:v1");
    let path = format!("/v2/a/blobs/{}", sha256(&large));
    registry.inject(on("GET", &path).flip_byte(4000));
    let line = ["pull", "--plain-http", "-o", "out", &target];

    let outcome = cached(&oras, line).run().fails_with(6);

    assert!(!outcome.stderr().contains("cache"), "{outcome}");
    assert_eq!(whole_blobs(&oras), 2);
    assert!(scratch(&oras).is_empty());
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
