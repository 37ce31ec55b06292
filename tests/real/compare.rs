//! The same command lines through both commands: every transcript is played with the original too.

use std::path::Path;

use crate::support::golden;
use crate::support::transcript::{self, Seen, Transcript};

#[test]
fn transcripts_are_those_of_the_original() {
    let Some(reference) = crate::found::reference() else {
        return;
    };
    let mut differences = Vec::new();
    for name in transcript::all() {
        let transcript = Transcript::read(&name);
        let ours = transcript.play(Path::new(env!("CARGO_BIN_EXE_oras")));
        let theirs = transcript.play(&reference);
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let (ours, theirs) = (comparable(ours), comparable(theirs));
            if ours != theirs {
                differences.push(format!(
                    "{name}: $ {}\n{}",
                    ours.command,
                    golden::difference(&theirs.to_string(), &ours.to_string())
                ));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

/// What is compared: the original knows one exit code for all errors, and writes status lines in any order.
fn comparable(seen: &Seen) -> Seen {
    let mut lines: Vec<&str> = seen.stdout.split_inclusive('\n').collect();
    let is_status = |line: &&str| STATUS.iter().any(|verb| line.starts_with(verb));
    for run in lines.chunk_by_mut(|one, next| is_status(one) && is_status(next)) {
        run.sort_unstable();
    }
    Seen {
        stdout: lines.concat(),
        code: i32::from(seen.code != 0),
        ..seen.clone()
    }
}

/// How lines about one thing among several begin.
const STATUS: &[&str] = &[
    "Uploading ",
    "Uploaded ",
    "Exists ",
    "Tagged ",
    "Downloading ",
    "Processing ",
    "Downloaded ",
    "Restored ",
    "Skipped ",
];
