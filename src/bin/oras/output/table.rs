//! Referrers of an artifact as a table.

use std::borrow::Cow;

use oras::discover::Discovered;

use super::format::print_json;
use super::text::one_line;
use crate::error::CliError;
use crate::process::Process;

/// Heading of the first column.
const TYPE: &str = "Artifact Type";
/// Spaces between the longest entry of the first column and the second column.
const GAP: usize = 3;

/// Prints the referrers of the artifact that the user typed as `raw`, optionally each with its
/// descriptor.
pub(crate) fn print(
    raw: &str,
    found: &Discovered,
    with_descriptors: bool,
    process: &mut Process,
) -> Result<(), CliError> {
    let referrers = &found.referrers;
    let noun = if referrers.len() == 1 {
        "artifact"
    } else {
        "artifacts"
    };
    process.print_line(&format!(
        "Discovered {} {noun} referencing {raw}",
        referrers.len()
    ))?;
    process.print_line(&format!("Digest: {}", found.descriptor.digest))?;
    if referrers.is_empty() {
        return Ok(());
    }
    let longest = referrers
        .iter()
        .map(|referrer| artifact_type(referrer).len())
        .fold(TYPE.len(), usize::max);
    let row = |artifact_type: &str, digest: &str| {
        let gap = " ".repeat(longest + GAP - artifact_type.len());
        format!("{artifact_type}{gap}{digest}")
    };
    process.print_line("")?;
    process.print_line(&row(TYPE, "Digest"))?;
    for referrer in referrers {
        let descriptor = &referrer.descriptor;
        process.print_line(&row(&artifact_type(referrer), descriptor.digest.as_str()))?;
        if with_descriptors {
            print_json(&oras::internal::json::to_vec(descriptor), true, process)?;
        }
    }
    Ok(())
}

/// The artifact type of a referrer, or empty.
fn artifact_type(referrer: &Discovered) -> Cow<'_, str> {
    match &referrer.descriptor.artifact_type {
        Some(artifact_type) => one_line(artifact_type.as_str()),
        None => Cow::Borrowed(""),
    }
}
