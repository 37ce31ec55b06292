//! The rest of the test ground: what decides whether other tests pass must itself be right.

use std::io::Read as _;

use crate::support::golden::{difference, normalise};
use crate::support::rng::Rng;
use crate::support::tempdir::TempDir;
use crate::support::tree::{self, directory, file, symlink};

#[test]
fn what_varies_becomes_placeholders() {
    let cases = [
        (
            "a registry",
            "Pushed [registry] 127.0.0.1:40123/a:v1",
            "Pushed [registry] [REGISTRY]/a:v1",
        ),
        ("a known value", "see /tmp/x/work/out", "see [DIR]/out"),
        (
            "the longer known value first",
            "/tmp/x/work and /tmp/x",
            "[DIR] and [UP]",
        ),
        ("a time", "at 2026-01-31T23:59:59Z.", "at [TIME]."),
        (
            "a time with fraction and offset",
            "\"2026-01-31T23:59:59.123+02:00\"",
            "\"[TIME]\"",
        ),
        (
            "a duration",
            "took 1.25s or 30ms",
            "took [ELAPSED] or [ELAPSED]",
        ),
        (
            "words that look like durations",
            "v2s sha256 12seconds 3s4",
            "v2s sha256 12seconds 3s4",
        ),
        ("multi-byte text around", "é 5µs é", "é [ELAPSED] é"),
        ("half a time", "2026-01-31T23:59", "2026-01-31T23:59"),
    ];
    for (name, text, expected) in cases {
        let known = [("/tmp/x", "[UP]"), ("/tmp/x/work", "[DIR]")];
        assert_eq!(normalise(text, &known), expected, "{name}");
    }
}

#[test]
fn a_difference_shows_the_lines_between_equal_ones() {
    assert_eq!(
        difference("a\nb\nc\n", "a\nx\ny\nc\n"),
        "@@ after 1 equal lines, before 1 @@\n-b\n+x\n+y"
    );
    assert_eq!(difference("a\n", "a"), "only the ends of lines differ");
}

#[test]
fn a_tree_is_what_it_was_built_from() {
    let temporary = TempDir::new();
    let entries = [
        file("a.txt", "hello").mode(0o640),
        file("d/run.sh", "#!/bin/sh\n").mode(0o755),
        directory("d/empty").mode(0o700),
        symlink("d/link", "../a.txt"),
    ];
    let (left, right) = (temporary.join("left"), temporary.join("right"));
    tree::build(&left, &entries);
    tree::build(&right, &entries);
    tree::assert_tree(&left, &entries);
    tree::assert_same(&left, &right);

    let changed = [
        file("a.txt", "jello").mode(0o640),
        file("d/run.sh", "#!/bin/sh\n").mode(0o700),
        directory("d/empty").mode(0o700),
        file("new", ""),
    ];
    let differences = tree::differences(&changed, &entries);
    assert_eq!(
        differences,
        [
            "-a.txt \"jello\" 0640",
            "+a.txt \"hello\" 0640",
            "-d/run.sh \"#!/bin/sh\\n\" 0700",
            "+d/run.sh \"#!/bin/sh\\n\" 0755",
            "-new \"\"",
            "+d/link -> ../a.txt",
        ]
    );
}

#[test]
fn a_temporary_directory_goes_with_its_value() {
    let temporary = TempDir::new();
    temporary.write("a/b", "hello");
    assert_eq!(temporary.read("a/b"), b"hello");
    let path = temporary.path().to_owned();
    drop(temporary);
    assert!(!path.exists());
}

#[test]
fn a_seed_gives_the_same_content_for_ever() {
    // The reference values of splitmix64 for the seed 1234567.
    let mut rng = Rng::new(1_234_567);
    let numbers: Vec<_> = (0..3).map(|_| rng.next_u64()).collect();
    assert_eq!(
        numbers,
        [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423
        ]
    );

    let mut streamed = Vec::new();
    Rng::new(7)
        .stream(21)
        .read_to_end(&mut streamed)
        .expect("a generator does not fail");
    assert_eq!(streamed, Rng::new(7).bytes(21));
}
