//! Which command takes which flags: the matrix of the interface, against the tables.

use std::collections::BTreeSet;

use super::ALL;
use crate::cli::groups::{
    Annotations, Concurrency, Debugging, Descriptor, Distribution, Force, Format, Layout, Pack,
    Platform, Pretty, Quiet, Remote, Title, Tty, Verbose,
};
use crate::cli::table::Listed;
use crate::cli::{FlagTable, Side, Stage};

/// Commands, the groups of flags they take, and the flags that are their own. Those of upper-case groups are given twice, for
/// both sides. Flags that the reference client has not are behind the bar.
const MATRIX: &[(&str, &str, &str)] = &[
    (
        "oras push",
        "debug remote layout title tty format verbose annotation pack concurrency",
        "artifact-platform artifact-type config image-spec | force",
    ),
    (
        "oras pull",
        "debug remote layout tty format platform verbose concurrency",
        "T/allow-path-traversal config include-subject k/keep-old-files o/output | exclude include unnamed",
    ),
    (
        "oras attach",
        "debug remote layout distribution title tty format platform verbose annotation pack concurrency",
        "artifact-type config |",
    ),
    (
        "oras discover",
        "debug remote layout distribution tty format platform verbose",
        "artifact-type depth o/output |",
    ),
    (
        "oras cp",
        "debug REMOTE LAYOUT DISTRIBUTION tty platform verbose concurrency",
        "r/recursive resolve | force",
    ),
    (
        "oras backup",
        "debug remote distribution tty concurrency",
        "include-referrers o/output |",
    ),
    (
        "oras restore",
        "debug remote distribution tty concurrency",
        "dry-run exclude-referrers input |",
    ),
    ("oras tag", "debug remote layout verbose concurrency", "|"),
    (
        "oras resolve",
        "debug remote layout platform verbose",
        "l/full-reference |",
    ),
    ("oras login", "debug remote verbose", "|"),
    ("oras logout", "debug", "registry-config |"),
    ("oras version", "", "|"),
    ("oras repo ls", "debug remote format verbose", "last |"),
    (
        "oras repo tags",
        "debug remote layout format verbose",
        "exclude-digest-tags last |",
    ),
    (
        "oras manifest fetch",
        "debug remote layout format platform verbose descriptor pretty",
        "media-type o/output |",
    ),
    (
        "oras manifest fetch-config",
        "debug remote layout platform verbose descriptor pretty",
        "o/output |",
    ),
    (
        "oras manifest push",
        "debug remote layout distribution verbose descriptor pretty concurrency",
        "media-type |",
    ),
    (
        "oras manifest delete",
        "debug remote layout distribution verbose descriptor pretty force",
        "|",
    ),
    (
        "oras manifest index create",
        "debug remote layout pretty annotation",
        "artifact-type o/output |",
    ),
    (
        "oras manifest index update",
        "debug remote layout pretty",
        "add artifact-type merge o/output remove tag |",
    ),
    (
        "oras blob fetch",
        "debug remote layout tty verbose descriptor pretty",
        "o/output |",
    ),
    (
        "oras blob push",
        "debug remote layout tty verbose descriptor pretty",
        "media-type size |",
    ),
    (
        "oras blob delete",
        "debug remote layout verbose descriptor pretty force",
        "|",
    ),
    ("oras completion bash", "", "no-descriptions |"),
    ("oras completion zsh", "", "no-descriptions |"),
    ("oras completion fish", "", "no-descriptions |"),
    ("oras completion powershell", "", "no-descriptions |"),
];

fn listed<T: FlagTable + Default>(sides: bool) -> Vec<Listed> {
    let mut table = T::default();
    if sides {
        let mut flags = table.side(Side::Source).listed();
        flags.extend(table.side(Side::Destination).listed());
        flags
    } else {
        table.group().listed()
    }
}

fn group(name: &str) -> Vec<Listed> {
    let sides = name.chars().all(char::is_uppercase);
    match name.to_lowercase().as_str() {
        "annotation" => listed::<Annotations>(sides),
        "concurrency" => listed::<Concurrency>(sides),
        "debug" => listed::<Debugging>(sides),
        "descriptor" => listed::<Descriptor>(sides),
        "distribution" => listed::<Distribution>(sides),
        "force" => listed::<Force>(sides),
        "format" => listed::<Format>(sides),
        "layout" => listed::<Layout>(sides),
        "pack" => listed::<Pack>(sides),
        "platform" => listed::<Platform>(sides),
        "pretty" => listed::<Pretty>(sides),
        "remote" => listed::<Remote>(sides),
        "title" => listed::<Title>(sides),
        "tty" => listed::<Tty>(sides),
        "verbose" => listed::<Verbose>(sides),
        other => panic!("no group is called {other}"),
    }
}

/// `o/output`, or `output` where there is no short form.
fn spelled(flag: &Listed) -> String {
    match flag.short() {
        Some(short) => format!("{short}/{}", flag.long()),
        None => flag.long(),
    }
}

#[test]
fn every_command_takes_the_flags_of_its_row_and_quiet() {
    for entry in ALL {
        let path = entry.spec.path;
        let (_, groups, own) = MATRIX
            .iter()
            .find(|(known, ..)| *known == path)
            .unwrap_or_else(|| panic!("{path} has no row"));
        let mut wanted: BTreeSet<_> = groups
            .split_whitespace()
            .flat_map(group)
            .map(|flag| spelled(&flag))
            .collect();
        wanted.extend(listed::<Quiet>(false).iter().map(spelled));
        wanted.extend(
            own.split_whitespace()
                .filter(|word| *word != "|")
                .map(str::to_owned),
        );
        let got: BTreeSet<_> = (entry.flags)().iter().map(spelled).collect();
        assert_eq!(got, wanted, "{path}");
    }
    assert_eq!(ALL.len(), MATRIX.len(), "every row has its command");
}

#[test]
fn what_is_not_settled_says_so() {
    for entry in ALL {
        let wanted = match entry.spec.path {
            "oras discover" | "oras resolve" => Stage::Preview,
            "oras backup"
            | "oras restore"
            | "oras manifest index create"
            | "oras manifest index update" => Stage::Experimental,
            _ => Stage::Stable,
        };
        assert_eq!(entry.spec.stage, wanted, "{}", entry.spec.path);
    }
}

#[test]
fn everything_is_described() {
    for entry in ALL {
        let spec = entry.spec;
        let is_sentence = |text: &str| {
            text.starts_with(|c: char| c.is_uppercase()) && text.trim() == text && !text.is_empty()
        };
        assert!(
            is_sentence(spec.about) && !spec.about.ends_with('.'),
            "{}",
            spec.path
        );
        assert!(!spec.examples.is_empty(), "{}: no example", spec.path);
        for (caption, line) in spec.examples {
            assert!(is_sentence(caption) && !caption.ends_with('.'), "{caption}");
            assert!(line.contains(spec.path), "{line}");
        }
    }
}
