//! The matrix of commands and flags, compared with the flag tables.

use std::collections::BTreeSet;

use super::ALL;
use crate::cli::flag::specs;
use crate::cli::groups::{
    Annotations, Concurrency, Debugging, Descriptor, Distribution, Force, Format, Layout, Pack,
    Platform, Pretty, Quiet, Remote, Requests, Title, Tty, Verbose,
};
use crate::cli::{FlagSpec, FlagTable, Side, Stage};

/// Commands, their groups of flags, and their other flags. Upper-case groups exist twice, once per
/// side. Flags after the bar do not exist in the reference client.
const MATRIX: &[(&str, &str, &str)] = &[
    (
        "oras push",
        "debug remote layout title tty format verbose annotation pack concurrency",
        "artifact-platform artifact-type config image-spec | force if-absent preserve-mode",
    ),
    (
        "oras pull",
        "debug remote layout tty format platform verbose concurrency",
        "T/allow-path-traversal config include-subject k/keep-old-files o/output | artifact-type \
         exclude include max-depth max-unpacked-size referrers unnamed",
    ),
    (
        "oras check",
        "debug remote layout tty format platform",
        "| T/allow-path-traversal exclude ignore-additional include include-subject unnamed",
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
        "debug REMOTE requests LAYOUT DISTRIBUTION tty platform verbose concurrency",
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
    (
        "oras tag",
        "debug remote layout verbose concurrency",
        "| if-absent",
    ),
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

fn flags<T: FlagTable>(sides: bool) -> Vec<FlagSpec> {
    if !sides {
        return specs::<T>();
    }
    let (mut source, mut destination) = (T::default(), T::default());
    let mut flags = Side::Source.prefixed(source.flags());
    flags.extend(Side::Destination.prefixed(destination.flags()));
    flags.iter().map(|flag| flag.spec).collect()
}

fn group(name: &str) -> Vec<FlagSpec> {
    let sides = name.chars().all(char::is_uppercase);
    match name.to_lowercase().as_str() {
        "annotation" => flags::<Annotations>(sides),
        "concurrency" => flags::<Concurrency>(sides),
        "debug" => flags::<Debugging>(sides),
        "descriptor" => flags::<Descriptor>(sides),
        "distribution" => flags::<Distribution>(sides),
        "force" => flags::<Force>(sides),
        "format" => flags::<Format>(sides),
        "layout" => flags::<Layout>(sides),
        "pack" => flags::<Pack>(sides),
        "platform" => flags::<Platform>(sides),
        "pretty" => flags::<Pretty>(sides),
        "remote" => flags::<Remote>(sides),
        "requests" => flags::<Requests>(sides),
        "title" => flags::<Title>(sides),
        "tty" => flags::<Tty>(sides),
        "verbose" => flags::<Verbose>(sides),
        other => panic!("no group is called {other}"),
    }
}

/// `o/output`, or `output` without a short name.
fn spelled(flag: &FlagSpec) -> String {
    match flag.short {
        Some(short) => format!("{short}/{}", flag.long_name()),
        None => flag.long_name(),
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
        wanted.extend(flags::<Quiet>(false).iter().map(spelled));
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
fn unstable_commands_have_their_stage() {
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
fn every_command_is_described() {
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
        for (caption, line) in spec.examples() {
            assert!(is_sentence(caption) && !caption.ends_with('.'), "{caption}");
            assert!(line.contains(spec.path), "{line}");
        }
    }
}
