//! Files that are not complete yet.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cap_std::fs::Metadata;

use super::OutputDir;
use super::entry::{Claim, Parents, Place, not_renamed};
use super::staging;
use crate::error::{Error, Result};

/// A file on its way to its name. It gets there with [`commit`](Self::commit), and vanishes if it is dropped before.
///
/// Write to it in large pieces; it has no buffer. Failures to write are [`Error::Io`] inside of [`io::Error`] and name the
/// final path; [`Error::io`] takes them out.
#[derive(Debug)]
pub struct PendingFile<'a> {
    temporary: Temporary,
    claim: Claim<'a>,
    keep_old_files: bool,
}

impl<'a> PendingFile<'a> {
    pub(super) fn create(owner: &'a OutputDir, title: &str) -> Result<Self> {
        let place = owner.locate(title, Parents::Create)?;
        let claim = Claim::new(owner, title, &place)?;
        let keep_old_files = owner.options.keep_old_files;
        check(&place, place.metadata()?.as_ref(), keep_old_files)?;
        place.tidy(owner);
        let (name, file) =
            staging::create_file(&place.dir).map_err(Error::io("create", &place.path))?;
        Ok(Self {
            temporary: Temporary {
                place,
                name: Some(name),
                file,
            },
            claim,
            keep_old_files,
        })
    }

    /// The absolute path that the file will have.
    pub fn path(&self) -> &Path {
        &self.temporary.place.path
    }

    /// Gives the file its name, and returns its absolute path.
    ///
    /// An existing file is replaced and its permissions are kept; an existing symbolic link is replaced, not followed.
    ///
    /// # Errors
    ///
    /// [`Error::Overwrite`] when something has the name and old files are kept, [`Error::DuplicateName`] when the name turns
    /// out to be that of another title on this file system, and [`Error::Io`] naming the file. What has the name stays.
    pub fn commit(self) -> Result<PathBuf> {
        let Self {
            mut temporary,
            claim,
            keep_old_files,
        } = self;
        let existing = temporary.place.metadata()?;
        if let Some(existing) = &existing {
            if claim.is_ours(existing) {
                return Err(claim.duplicate());
            }
            check(&temporary.place, Some(existing), keep_old_files)?;
            temporary.take_permissions_of(existing)?;
        }
        temporary.commit(keep_old_files)?;
        claim.keep_file(temporary.place.metadata()?.as_ref());
        Ok(std::mem::take(&mut temporary.place.path))
    }

    /// Copies all of `source` into the file.
    pub(super) fn copy_from(&mut self, source: &mut File) -> Result<()> {
        io::copy(source, &mut self.temporary.file)
            .map(drop)
            .map_err(Error::io("write", &self.temporary.place.path))
    }
}

impl Write for PendingFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.file.write(bytes).map_err(|error| {
            // Callers go on after an interruption.
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            Error::io("write", &self.temporary.place.path)(error).into_io()
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The file under its hidden name, which is removed when this is dropped.
#[derive(Debug)]
struct Temporary {
    place: Place,
    /// None once the file has its own name.
    name: Option<PathBuf>,
    file: File,
}

impl Temporary {
    #[cfg(unix)]
    fn take_permissions_of(&self, existing: &Metadata) -> Result<()> {
        use cap_std::fs::PermissionsExt as _;
        use std::os::unix::fs::PermissionsExt as _;

        if !existing.is_file() {
            return Ok(());
        }
        let mode = existing.permissions().mode() & 0o777;
        self.file
            .set_permissions(std::fs::Permissions::from_mode(mode))
            .map_err(Error::io("chmod", &self.place.path))
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as on Unix")]
    fn take_permissions_of(&self, _: &Metadata) -> Result<()> {
        Ok(())
    }

    fn commit(&mut self, keep_old_files: bool) -> Result<()> {
        let Some(name) = &self.name else {
            return Ok(());
        };
        let Place {
            dir,
            name: own_name,
            path,
            ..
        } = &self.place;
        if keep_old_files {
            // Unlike a rename, a link never replaces what has appeared since we looked.
            match dir.hard_link(name, dir, own_name) {
                Ok(()) => return Ok(()), // dropping removes the hidden name
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(Error::Overwrite { path: path.clone() });
                }
                Err(_) => {} // not every file system has links; we did look
            }
        }
        dir.rename(name, dir, own_name)
            .map_err(|error| not_renamed(error, path))?;
        self.name = None;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            let _ = self.place.dir.remove_file(name);
        }
    }
}

/// Whether a file may take a name that `existing` has.
fn check(place: &Place, existing: Option<&Metadata>, keep_old_files: bool) -> Result<()> {
    match existing {
        None => Ok(()),
        Some(_) if keep_old_files => Err(Error::Overwrite {
            path: place.path.clone(),
        }),
        Some(existing) if existing.is_dir() => Err(place.in_the_way("a directory has that name")),
        Some(existing) if existing.is_file() || existing.is_symlink() => Ok(()),
        Some(_) => Err(place.in_the_way("a special file has that name")),
    }
}
