//! Saving content that is read for another purpose.

use std::io::Write as _;

use super::resume::unwritten;
use super::verify::ContentSink;
use crate::fs::temp_file::{BeginningFile as _, TempFile};

/// Saves content that is read for another purpose, until it is complete. Dropping it before keeps
/// what was saved.
pub(crate) struct SavingSink<'f> {
    file: &'f mut TempFile,
    skip: u64,
}

impl<'f> SavingSink<'f> {
    /// Saves to a file that may have the beginning of the content.
    pub(crate) fn new(file: &'f mut TempFile) -> Self {
        Self {
            skip: file.kept_bytes(),
            file,
        }
    }
}

impl ContentSink for SavingSink<'_> {
    fn write(&mut self, bytes: &[u8]) {
        let new = unwritten(&mut self.skip, bytes);
        if self.file.write_all(new).is_err() {
            // A full disk must not fail the purpose that the content is read for.
            self.skip = u64::MAX;
            self.file.keep_nothing();
            let _ = self.file.clear();
        }
    }

    fn commit(self: Box<Self>) {
        self.file.keep_nothing();
    }

    fn reject(self: Box<Self>) {
        self.file.keep_nothing();
    }
}
