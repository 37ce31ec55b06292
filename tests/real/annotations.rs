//! Annotations in the output of both commands.

use std::collections::BTreeSet;

use oras::layout::LayoutStore;
use oras::pack::{PackOptions, pack};
use oras::store::Target;
use oras::{Annotations, Descriptor, MediaType};

use crate::round_trips::Program;
use crate::support::rng::Rng;
use crate::support::tempdir::TempDir;

/// Parts of strings that a YAML parser could read as another type.
const PIECES: &[&str] = &[
    " ",
    "\n",
    "\t",
    ":",
    "-",
    "?",
    "#",
    ",",
    "[",
    "]",
    "{",
    "}",
    "&",
    "*",
    "!",
    "|",
    ">",
    "'",
    "\"",
    "%",
    "@",
    "`",
    "~",
    ".",
    "+",
    "_",
    "=",
    "<",
    "/",
    "\\",
    "0",
    "1",
    "2",
    "7",
    "8",
    "9",
    "a",
    "b",
    "e",
    "E",
    "f",
    "n",
    "o",
    "T",
    "x",
    "y",
    "Z",
    "é",
    "💩",
    "\r",
    "\u{1}",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "true",
    "no",
    "null",
    "inf",
    ".nan",
    "0x",
    "0b",
    "0o",
    "1e",
    "12:3",
    "2000-01-0",
    "T1:2:3",
    "---",
    "...",
    ": ",
    " #",
    "\n\n",
    "\n ",
    " \n",
];
const TEXTS: u64 = 2000;

#[test]
fn both_commands_print_all_kinds_of_annotations_alike() {
    let Some(theirs) = Program::reference() else {
        return;
    };
    let directory = TempDir::new();
    let layout = LayoutStore::create_or_open(directory.join("layout")).expect("it can be made");
    let mut rng = Rng::new(7);
    let mut text = |most: u64| -> String {
        let count = 1 + rng.below(most);
        let piece = |rng: &mut Rng| {
            PIECES[usize::try_from(rng.below(PIECES.len() as u64)).expect("it is small")]
        };
        (0..count).map(|_| piece(&mut rng)).collect()
    };
    let annotations: Annotations = (0..TEXTS)
        .map(|number| (format!("key {number}:"), text(1 + number % 6)))
        .collect();
    let subject = attach(&layout, Annotations::new(), None);
    layout.tag(&subject, "v1").expect("it is there");
    attach(&layout, annotations, Some(subject));

    let [ours, theirs] = [&Program::ours(), &theirs].map(|program| shown(program, &directory));

    assert_eq!(ours.len() as u64, TEXTS + 1);
    let differences: Vec<_> = ours.symmetric_difference(&theirs).collect();
    assert!(differences.is_empty(), "{differences:#?}");
}

/// Packs an artifact with annotations.
fn attach(store: &dyn Target, annotations: Annotations, subject: Option<Descriptor>) -> Descriptor {
    let options = updated!(PackOptions {
        artifact_type: Some(MediaType::new("test/attached")),
        annotations,
        subject,
        ..PackOptions::default()
    });
    let packed = pack(store, options, std::time::UNIX_EPOCH).expect("it can be stored");
    packed.descriptor().plain()
}

/// Returns the printed annotations. The original prints them in any order, and draws another edge
/// before the last one.
fn shown(program: &Program, directory: &TempDir) -> BTreeSet<String> {
    let discover = ["discover", "--oci-layout", "layout:v1"];
    let tree = program.run(directory.path(), &discover);
    let tree = String::from_utf8(tree).expect("it is text");
    let (_, annotations) = tree.split_once("[annotations]\n").expect("there are some");
    annotations
        .replace("            └── ", "            ├── ")
        .split("            ├── ")
        .filter(|shown| !shown.is_empty())
        .map(str::to_owned)
        .collect()
}
