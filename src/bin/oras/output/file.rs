//! Writing results to a file.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use oras::error::IoOp;
use oras::internal::{OutputDir, OutputOptions};
use oras::internal::{has_beginning_in, write_file};
use oras::store::content::Content;
use oras::{Descriptor, Error};

use crate::cli::quote;
use crate::error::CliError;

/// Writes `bytes` to the file at `path`. See [`write_with`].
pub(crate) fn write(path: &str, bytes: &[u8]) -> Result<(), Error> {
    write_with(path, |file| {
        file.write_all(bytes).map_err(Error::io(IoOp::Write, path))
    })
}

/// Writes a file at `path` with the output of `fill`. The file appears, or is replaced, when it is
/// complete. If `path` is not a regular file, such as a pipe or a terminal, it is opened for
/// writing.
pub(crate) fn write_with(
    path: &str,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), Error>,
) -> Result<(), Error> {
    match Output::open(path)? {
        Output::Special(mut file) => fill(&mut file),
        Output::Regular(directory, name) => {
            let mut file = directory.create_file(&name)?;
            fill(&mut file)?;
            file.commit().map(|_| ())
        }
    }
}

/// Same as [`write_with`], for content whose beginning is kept if its transfer is interrupted, and
/// then continued.
pub(crate) fn write_content(
    path: &str,
    expected: &Descriptor,
    content: &mut dyn Content,
) -> Result<(), Error> {
    match Output::open(path)? {
        Output::Special(mut file) => {
            let reader = content.open_verified(expected)?;
            reader.copy_to(&mut file, path)
        }
        Output::Regular(directory, name) => {
            write_file(&directory, &name, expected, content).map(drop)
        }
    }
}

/// Whether [`write_content`] can continue content with this digest.
pub(crate) fn has_beginning(path: &str, digest: &str) -> bool {
    let (parent, _) = split(&resolve(path));
    digest
        .parse()
        .is_ok_and(|digest| has_beginning_in(&parent, &digest))
}

/// An output file of the user.
enum Output {
    /// A pipe, device or terminal.
    Special(File),
    /// The directory and name of a file that can be replaced.
    Regular(Box<OutputDir>, String),
}

impl Output {
    fn open(path: &str) -> Result<Self, Error> {
        let open = |error| Error::io(IoOp::Open, path)(error);
        let resolved = resolve(path);
        if fs::metadata(&resolved).is_ok_and(|metadata| !metadata.is_file()) {
            let file = OpenOptions::new().write(true).open(&resolved);
            return file.map(Self::Special).map_err(open);
        }
        let (parent, name) = split(&resolved);
        // `OutputDir::open` would create the directory.
        fs::metadata(&parent).map_err(open)?;
        let directory = OutputDir::open(parent, OutputOptions::default())?;
        Ok(Self::Regular(Box::new(directory), name))
    }
}

/// Follows a symbolic link, as `open` does.
fn resolve(path: &str) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path))
}

/// Returns the directory and the name of a file.
fn split(path: &Path) -> (PathBuf, String) {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    (parent.to_owned(), name.to_owned())
}

/// Rejects `--descriptor` together with content on stdout.
pub(crate) fn check_descriptor(output: &str, descriptor: bool) -> Result<(), CliError> {
    if output == "-" && descriptor {
        return Err(CliError::usage(
            "`--output -` cannot be used with `--descriptor` at the same time",
        ));
    }
    Ok(())
}

/// Same as [`write()`], for the file of `--output`.
pub(crate) fn write_output(path: &str, bytes: &[u8]) -> Result<(), CliError> {
    write(path, bytes).map_err(|error| {
        let doing = match &error {
            Error::Io {
                operation: IoOp::Open,
                ..
            } => "open",
            _ => "write",
        };
        CliError::from(&error).context(&format!("failed to {doing} {}", quote::double(path)))
    })
}
