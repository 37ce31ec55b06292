//! Files that are being written.

use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cap_std::fs::Metadata;

use super::entry::{Parents, ResolvedTitle, TitleReservation, cannot_replace, rename_error};
use super::permissions::make_executable;
use super::{OutputDir, in_place};
use crate::error::{Conflict, Error, IoOp, Result};
use crate::fs::sparse_writer::SparseWriter;
use crate::fs::temp_file::{BeginningFile, TempFile};
use crate::oci::Descriptor;

/// A file that is being written under a temporary name. [`commit`](Self::commit) moves it to its
/// final name; dropping it before removes it.
///
/// Longer runs of zeros become holes. Writes are not buffered. A write error is an [`io::Error`]
/// that wraps an [`Error::Io`] with the final path; [`Error::io`] unwraps it.
#[derive(Debug)]
pub struct PendingFile<'a> {
    staged: StagedFile,
    reservation: TitleReservation<'a>,
    keep_old_files: bool,
    is_executable: bool,
}

impl<'a> PendingFile<'a> {
    pub(super) fn create(
        owner: &'a OutputDir,
        title: &str,
        content: Option<&Descriptor>,
    ) -> Result<Self> {
        let target = owner.locate(title, Parents::Create)?;
        let reservation = TitleReservation::new(&owner.written, title, &target)?;
        let keep_old_files = owner.options.keep_old_files;
        check(&target, target.metadata()?.as_ref(), keep_old_files)?;
        let beginnings = target.remove_leftovers(&owner.written);
        let temp = create_staged(&target, content, &beginnings)?;
        let kept = temp.kept_bytes();
        let writer = SparseWriter::after(temp, kept);
        Ok(Self {
            staged: StagedFile { target, writer },
            reservation,
            keep_old_files,
            is_executable: false,
        })
    }

    /// Makes the file executable for all who can read it, when it is committed.
    pub(crate) const fn make_executable(&mut self) {
        self.is_executable = true;
    }

    /// The final absolute path.
    pub fn path(&self) -> &Path {
        &self.staged.target.path
    }

    /// Moves the file to its final name and returns the absolute path.
    ///
    /// An existing file is replaced and its permissions are kept. An existing symbolic link is
    /// replaced, not followed. A file that a rename cannot replace, such as a mount point, is
    /// overwritten in place, which is not atomic.
    ///
    /// # Errors
    ///
    /// The existing entry stays in case of an error, unless it can only be overwritten, such as a
    /// mount point.
    ///
    /// - [`Error::Conflict`] if the name exists and old files are kept.
    /// - [`Error::Conflict`] if the file system considers another title the same name.
    /// - [`Error::Io`] with the path.
    pub fn commit(self) -> Result<PathBuf> {
        let Self {
            mut staged,
            reservation,
            keep_old_files,
            is_executable,
        } = self;
        let existing = staged.target.metadata()?;
        if let Some(existing) = &existing {
            if reservation.is_written(existing) {
                return Err(reservation.duplicate());
            }
            check(&staged.target, Some(existing), keep_old_files)?;
            staged.copy_permissions(existing)?;
        }
        if is_executable {
            make_executable(staged.writer.file())
                .map_err(Error::io(IoOp::Chmod, &staged.target.path))?;
        }
        staged.commit(keep_old_files)?;
        reservation.complete_file(staged.target.metadata()?.as_ref());
        Ok(std::mem::take(&mut staged.target.path))
    }
}

impl Write for PendingFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.staged.writer.write(bytes).map_err(|error| {
            // Callers repeat interrupted writes, so the kind must stay.
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            Error::io(IoOp::Write, &self.staged.target.path)(error).into_io()
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BeginningFile for PendingFile<'_> {
    fn kept_bytes(&self) -> u64 {
        self.staged.writer.owner().kept_bytes()
    }

    fn reopen(&mut self) -> io::Result<File> {
        self.staged.writer.owner_mut().reopen()
    }

    fn reflink(&mut self, from: &File) -> bool {
        let writer = &mut self.staged.writer;
        let is_shared = writer.owner_mut().reflink(from);
        writer.continue_after(writer.owner().kept_bytes());
        is_shared
    }

    fn clear(&mut self) -> io::Result<()> {
        self.staged.writer.restart(TempFile::clear)
    }

    fn keep_nothing(&mut self) {
        self.staged.writer.owner_mut().keep_nothing();
    }
}

/// A file under a temporary name, or a file elsewhere that has no name.
#[derive(Debug)]
struct StagedFile {
    target: ResolvedTitle,
    writer: SparseWriter<TempFile>,
}

impl StagedFile {
    #[cfg(unix)]
    fn copy_permissions(&self, existing: &Metadata) -> Result<()> {
        use cap_std::fs::PermissionsExt as _;
        use std::os::unix::fs::PermissionsExt as _;

        if !existing.is_file() {
            return Ok(());
        }
        let mode = existing.permissions().mode() & 0o777;
        self.writer
            .file()
            .set_permissions(std::fs::Permissions::from_mode(mode))
            .map_err(Error::io(IoOp::Chmod, &self.target.path))
    }

    #[cfg(not(unix))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "same signature as on Unix"
    )]
    fn copy_permissions(&self, _: &Metadata) -> Result<()> {
        Ok(())
    }

    fn commit(&mut self, keep_old_files: bool) -> Result<()> {
        let ResolvedTitle {
            dir,
            name: entry_name,
            path,
            ..
        } = &self.target;
        self.writer.finish().map_err(Error::io(IoOp::Write, path))?;
        // It is complete, so that nothing is left to continue.
        self.writer.owner_mut().keep_nothing();
        let Some(name) = self.writer.owner().name() else {
            return in_place::overwrite(self.writer.file(), dir, entry_name)
                .map_err(Error::io(IoOp::Write, path));
        };
        if keep_old_files {
            // Unlike a rename, a hard link does not replace a file that was created after the
            // check.
            match dir.hard_link(name, dir, entry_name) {
                Ok(()) => return Ok(()), // dropping removes the temporary name
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(Error::conflict(
                        path.display().to_string(),
                        Conflict::Exists,
                    ));
                }
                Err(_) => {} // a file system without hard links: rely on the check
            }
        }
        match dir.rename(name, dir, entry_name) {
            Ok(()) => {
                self.writer.owner_mut().forget_name();
                Ok(())
            }
            Err(error)
                if in_place::is_alternative(&error) && in_place::open(dir, entry_name).is_ok() =>
            {
                in_place::overwrite(self.writer.file(), dir, entry_name)
                    .map_err(Error::io(IoOp::Write, path))
            }
            Err(error) => Err(rename_error(error, path)),
        }
    }
}

/// Creates a temporary file beside the target, or elsewhere and without a name if only the existing
/// file is writable.
fn create_staged(
    target: &ResolvedTitle,
    content: Option<&Descriptor>,
    beginnings: &[String],
) -> Result<TempFile> {
    let create = || TempFile::create_for(target.folder()?, content, beginnings);
    match create() {
        Ok(temp) => Ok(temp),
        Err(error)
            if in_place::is_alternative(&error)
                && in_place::open(&target.dir, target.entry_name()).is_ok() =>
        {
            TempFile::create_unnamed(&system_temporary())
        }
        Err(error) => Err(Error::io(IoOp::Create, &target.path)(error)),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "only the system knows a writable directory"
)]
fn system_temporary() -> PathBuf {
    env::temp_dir()
}

/// Checks that a file may replace `existing`.
fn check(target: &ResolvedTitle, existing: Option<&Metadata>, keep_old_files: bool) -> Result<()> {
    match existing {
        None => Ok(()),
        Some(_) if keep_old_files => Err(Error::conflict(
            target.path.display().to_string(),
            Conflict::Exists,
        )),
        Some(existing) if existing.is_dir() => {
            Err(cannot_replace(&target.path, "a directory has that name"))
        }
        Some(existing) if existing.is_file() || existing.is_symlink() => Ok(()),
        Some(_) => Err(cannot_replace(&target.path, "a special file has that name")),
    }
}
