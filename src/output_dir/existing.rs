//! Existing files that may have the content of a title already.
//!
//! Such a file is read once and compared. If it has the content, it stays as it is: content,
//! permissions, times and hard links.

use std::fs::File;

use cap_std::fs::{Metadata, OpenOptions};

use super::OutputDir;
use super::entry::{Parents, ResolvedTitle, TitleReservation};
use super::permissions::{self, make_executable};
use super::staging::{identity, open_file};
use crate::error::Result;
use crate::fs::fingerprint::FileFingerprint;
use crate::oci::Descriptor;

/// An open file that exists under the name of a title, and is compared with content.
///
/// Dropping it leaves the title to be written.
#[derive(Debug)]
pub(crate) struct ExistingFile<'a> {
    owner: &'a OutputDir,
    target: ResolvedTitle,
    reservation: TitleReservation<'a>,
    file: File,
    /// The state before the file is read.
    before: FileFingerprint,
}

/// The properties of an existing entry that decide whether it is compared with content.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    is_file: bool,
    size: u64,
    /// Whether the file has been written for another title: the file system considers both titles
    /// the same name.
    is_written: bool,
    /// Whether existing files are an error.
    keeps_old_files: bool,
}

impl Candidate {
    /// Whether the entry can have content of `size` bytes.
    const fn may_have(self, size: u64) -> bool {
        self.is_file && self.size == size && !self.is_written && !self.keeps_old_files
    }
}

impl<'a> ExistingFile<'a> {
    /// Opens the file `title` if it may have the content. An entry that cannot be examined is left
    /// to the attempt to replace it, whose errors are of more use.
    pub(super) fn open(owner: &'a OutputDir, title: &str, content: &Descriptor) -> Option<Self> {
        let target = owner.locate(title, Parents::Expect).ok()?;
        let found = target.metadata().ok()??;
        let reservation = TitleReservation::new(&owner.written, title, &target).ok()?;
        let candidate = Candidate {
            is_file: found.is_file(),
            size: found.len(),
            is_written: reservation.is_written(&found),
            keeps_old_files: owner.options.keep_old_files,
        };
        if !candidate.may_have(content.size) {
            return None;
        }
        let name = target.entry_name();
        let file = open_file(&target.dir, name, OpenOptions::new().read(true)).ok()?;
        let before = FileFingerprint::from_metadata(&file.metadata().ok()?);
        Some(Self {
            owner,
            target,
            reservation,
            file,
            before,
        })
    }

    /// The file, to be read once from its start.
    pub(crate) const fn file(&self) -> &File {
        &self.file
    }

    /// Completes the title after the file was read and has the `content`, and makes the file
    /// executable if `is_executable`. Returns `false` if that is not allowed, or if the file was
    /// changed or replaced since it was opened.
    ///
    /// A write within one tick of the file system's clock after an earlier one goes unnoticed. It
    /// has the effect of a write after the pull.
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io) naming the file.
    pub(crate) fn complete(self, content: &Descriptor, is_executable: bool) -> Result<bool> {
        let Ok(metadata) = self.file.metadata() else {
            return Ok(false);
        };
        let after = FileFingerprint::from_metadata(&metadata);
        let opened = Metadata::from_just_metadata(metadata);
        let named = self.target.metadata()?;
        if after != self.before || named.as_ref().and_then(identity) != identity(&opened) {
            return Ok(false);
        }
        // The names of a file with several can be further titles, which have the same inode, or be
        // outside of the directory, where permissions must not change.
        let is_linked = link_count(&opened) > 1;
        if is_executable
            && !permissions::is_executable(&opened)
            && (is_linked || make_executable(&self.file).is_err())
        {
            return Ok(false);
        }
        let written = &self.owner.written;
        self.target.remove_beginnings(written, &content.digest);
        (self.reservation).complete_file(named.as_ref().filter(|_| !is_linked));
        Ok(true)
    }
}

#[cfg(unix)]
fn link_count(metadata: &Metadata) -> u64 {
    use cap_std::fs::MetadataExt as _;

    metadata.nlink()
}

#[cfg(not(unix))]
const fn link_count(_: &Metadata) -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_of_the_right_size_that_may_be_replaced_is_compared() {
        let same = Candidate {
            is_file: true,
            size: 5,
            is_written: false,
            keeps_old_files: false,
        };
        for (name, candidate, wanted) in [
            ("a file", same, true),
            ("another size", Candidate { size: 4, ..same }, false),
            (
                "no file",
                Candidate {
                    is_file: false,
                    ..same
                },
                false,
            ),
            (
                "written before",
                Candidate {
                    is_written: true,
                    ..same
                },
                false,
            ),
            (
                "old files are kept",
                Candidate {
                    keeps_old_files: true,
                    ..same
                },
                false,
            ),
        ] {
            assert_eq!(candidate.may_have(5), wanted, "{name}");
        }
    }
}
