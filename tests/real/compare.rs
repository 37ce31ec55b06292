//! Every transcript, run with the original too.

use std::path::Path;

use crate::known_differences::TABLE;
use crate::support::golden;
use crate::support::transcript::{self, Seen, Transcript};

#[test]
fn the_original_prints_the_same_transcripts() {
    let Some(reference) = crate::prerequisites::reference() else {
        return;
    };
    let mut surprises = Vec::new();
    let mut used = vec![false; TABLE.len()];
    for name in transcript::all() {
        let transcript = Transcript::read(&name);
        let ours = transcript.play(Path::new(env!("CARGO_BIN_EXE_oras")));
        let theirs = transcript.play(&reference);
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let both_fail = ours.code != 0 && theirs.code != 0;
            let (ours, theirs) = (comparable(ours, both_fail), comparable(theirs, both_fail));
            if ours == theirs {
                continue;
            }
            let row = TABLE
                .iter()
                .position(|row| row.transcript == name && ours.command.contains(row.command));
            match row {
                Some(row) => used[row] = true,
                None => surprises.push(format!(
                    "{name}: $ {}\n{}",
                    ours.command,
                    golden::difference(&theirs.to_string(), &ours.to_string())
                )),
            }
        }
    }
    for (row, used) in TABLE.iter().zip(used) {
        if !used && !row.sometimes {
            surprises.push(format!(
                "no difference any more: {}, \"{}\" ({})",
                row.transcript, row.command, row.reason
            ));
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n\n"));
}

/// Returns the comparable part of an outcome. The original has one exit status for all failures,
/// and gives less advice. It works concurrently, so that its status lines are in any order, and
/// their number varies if the command fails. Its `pull` downloads files that exist with the right
/// content.
fn comparable(seen: &Seen, both_fail: bool) -> Seen {
    let stdout = seen.stdout.replace(EXISTS_AT_PULL, "Downloading ");
    let mut lines: Vec<&str> = stdout.split_inclusive('\n').collect();
    let is_status = |line: &&str| STATUS.iter().any(|verb| line.starts_with(verb));
    if both_fail {
        lines.retain(|line| !is_status(line));
    }
    for run in lines.chunk_by_mut(|one, next| is_status(one) && is_status(next)) {
        run.sort_unstable();
    }
    let is_advice = |line: &&str| ADVICE.iter().any(|start| line.starts_with(start));
    let errors = seen.stderr.split_inclusive('\n');
    Seen {
        stdout: lines.concat(),
        stderr: errors.filter(|line| !is_advice(line)).collect(),
        code: i32::from(seen.code != 0),
        ..seen.clone()
    }
}

/// The beginning of the status line of a file that `pull` finds unchanged. Other commands pad their
/// words to other widths.
const EXISTS_AT_PULL: &str = "Exists      ";

/// Beginnings of lines that only this command prints below an error: what the user may have meant.
const ADVICE: &[&str] = &[
    "A reference has no scheme ",
    "Did you mean --",
    "Not every registry lists ",
    "Repository names are lower case. ",
    "The directory ",
    "The layout ",
    "To log in to ",
];

/// Beginnings of status lines that are printed concurrently.
const STATUS: &[&str] = &[
    "Uploading ",
    "Uploaded ",
    "Exists ",
    "Tagged ",
    "Downloading ",
    "Processing ",
    "Downloaded ",
    "Restored ",
    "Copying ",
    "Copied  ",
    "Mounted ",
    "Skipped ",
    "Pulling ",
    "Pulled  ",
    "Pushing ",
    "Pushed  ",
];
