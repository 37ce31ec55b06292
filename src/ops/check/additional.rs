//! Files that are not in an artifact.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, IoOp, Result};
use crate::fs::temp_name::TempName;
use crate::limits::{Limit, MAX_ADDITIONAL_FILES};
use crate::progress::{Event, report};

/// Returns the entries below `directory` that are neither `known` nor in one of the `trees`,
/// sorted. Does not follow symbolic links, and leaves out files that a pull has not completed.
pub(super) fn find_additional(
    directory: &Path,
    known: &HashSet<PathBuf>,
    trees: &HashSet<PathBuf>,
) -> Result<Vec<PathBuf>> {
    // The artifact is an archive of the directory itself, compared or not.
    if known.contains(directory) {
        return Ok(Vec::new());
    }
    // Directories that contain known paths.
    let mut parents = HashSet::new();
    for path in known {
        for parent in path.ancestors().skip(1) {
            if !parent.starts_with(directory) || !parents.insert(parent.to_owned()) {
                break;
            }
        }
    }
    let root = directory.to_string_lossy();
    report(&Event::Preparing(&root))?;
    let mut additional = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(current) = open.pop() {
        if trees.contains(&current) {
            continue;
        }
        let name = current.to_string_lossy();
        report(&Event::Reading {
            name: &name,
            done: 0,
            total: None,
        })?;
        let read_error = |error: io::Error| Error::io(IoOp::ReadDirectory, &current)(error);
        for entry in fs::read_dir(&current).map_err(read_error)? {
            let entry = entry.map_err(read_error)?;
            let name = entry.file_name();
            if name.to_str().and_then(TempName::parse).is_some() {
                continue;
            }
            let path = entry.path();
            let is_directory = entry.file_type().map_err(read_error)?.is_dir();
            match (parents.contains(&path), is_directory) {
                (true, true) => open.push(path),
                // A link in the way to a file of the artifact.
                (true, false) => {}
                (false, _) if known.contains(&path) => {}
                (false, _) => additional.push(path),
            }
            let (found, kind) = (additional.len() as u64, Limit::AdditionalFiles);
            Error::check_limit(directory.display(), found, kind, MAX_ADDITIONAL_FILES)?;
        }
    }
    report(&Event::Prepared(&root))?;
    additional.sort_unstable();
    Ok(additional)
}
