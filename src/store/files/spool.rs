//! The temporary file for packed directories.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, IoOp};

/// Writes to the temporary file. Errors name its directory: if a disk is full, it is that one, not
/// the one of the files that are packed.
pub(super) struct SpoolWriter<'s> {
    pub(super) file: Arc<File>,
    pub(super) directory: &'s Path,
}

impl Write for SpoolWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.file).write(bytes).map_err(|error| {
            // Callers repeat interrupted writes, so the kind must stay.
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            Error::io(IoOp::Write, self.directory)(error).into_io()
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
