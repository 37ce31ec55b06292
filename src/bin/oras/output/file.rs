//! Writing results to a file.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use oras::Error;
use oras::error::IoOp;
use oras::output_dir::{OutputDir, OutputOptions};

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
    let typed = Path::new(path);
    let open = |error| Error::io(IoOp::Open, typed)(error);
    // Follows a symbolic link, as `open` does.
    let resolved = fs::canonicalize(typed).unwrap_or_else(|_| typed.to_owned());
    if fs::metadata(&resolved).is_ok_and(|metadata| !metadata.is_file()) {
        let mut file = OpenOptions::new()
            .write(true)
            .open(&resolved)
            .map_err(open)?;
        return fill(&mut file);
    }
    let parent = resolved
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let name = resolved
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    // `OutputDir::open` would create the directory.
    fs::metadata(parent).map_err(open)?;
    let directory = OutputDir::open(parent, OutputOptions::default())?;
    let mut file = directory.create_file(name)?;
    fill(&mut file)?;
    file.commit().map(|_| ())
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
