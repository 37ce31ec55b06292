//! Temporary files that leave nothing behind.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use crate::error::{Error, Result};
use crate::text::random;

/// How often another name is tried when one is taken.
const MAX_TRIES: usize = 16;

/// A file in `directory` that can be written and read and has no name, so that it is gone when the program is, however that
/// ends.
pub(crate) fn unnamed_file(directory: &Path) -> Result<File> {
    let mut tries = 0;
    loop {
        let path = directory.join(format!("oras_file_{}", random::name()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(file) => {
                std::fs::remove_file(&path).map_err(Error::io("remove", &path))?;
                return Ok(file);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < MAX_TRIES => {
                tries += 1;
            }
            Err(error) => return Err(Error::io("create", &path)(error)),
        }
    }
}
