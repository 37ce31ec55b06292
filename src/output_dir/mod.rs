//! Safe writes of files and directories below an output directory, from titles.
//!
//! A title is an untrusted name. It is cleaned lexically, its parents are resolved, and the entry
//! is written through a handle on the output directory that symbolic links cannot escape. Files and
//! directories are written under temporary names and renamed when they are complete. A killed
//! process leaves at most files named `.oras-….tmp`; the next process that writes in the same
//! directory removes them. The beginning of large content that was not completed stays under the
//! name `.oras-….part` until the content is written again.
//!
//! Two titles for the same file are duplicates. A title may be inside the directory of another
//! title (`dir` and `dir/file`): then the title that is committed later wins. A title below the
//! title of a file is an error.
//!
//! File systems may be mounted anywhere below the output directory. A file that a rename cannot
//! replace, such as a mount point, is overwritten when the content is complete.
//!
//! This folder does not depend on the kind of content: no media types, no archives, no status
//! lines.

mod copy_across_devices;
mod directory;
mod entry;
mod existing;
mod file;
mod in_place;
mod merge;
mod permissions;
mod staging;

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata};

pub use directory::PendingDirectory;
use entry::{Parents, ResolvedTitle, WrittenTitles};
pub(crate) use existing::ExistingFile;
pub use file::PendingFile;

use crate::error::{Error, IoOp, Result};
use crate::fs::{path_clean, temp_name};
use crate::limits::RESUMABLE_BYTES;
use crate::oci::Descriptor;
use crate::progress::sync::Lock;

/// Rules for existing files and for titles that lead outside.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct OutputOptions {
    /// Return [`Error::Conflict`] if the path of a title exists, instead of replacing it.
    pub keep_old_files: bool,
    /// Allow titles to lead out of the output directory: absolute paths, `..` and symbolic links.
    pub allow_traversal: bool,
}

/// A directory below which titles are written.
#[derive(Debug)]
pub struct OutputDir {
    root: Dir,
    /// Absolute and cleaned path, for reported paths.
    path: PathBuf,
    /// The path without symbolic links.
    real: PathBuf,
    options: OutputOptions,
    written: Lock<WrittenTitles>,
}

impl OutputDir {
    /// Opens the directory at `path`. Creates it and its parents with mode 0777, less the umask, if
    /// they do not exist.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] naming the directory.
    pub fn open(path: impl AsRef<Path>, options: OutputOptions) -> Result<Self> {
        let path = absolute(path.as_ref())?;
        fs::create_dir_all(&path).map_err(|error| entry::parents_error(error, &path))?;
        Self::open_absolute(path, options)
    }

    /// Same as [`open`](Self::open), for a directory that exists.
    pub(crate) fn open_existing(path: &Path, options: OutputOptions) -> Result<Self> {
        Self::open_absolute(absolute(path)?, options)
    }

    fn open_absolute(path: PathBuf, options: OutputOptions) -> Result<Self> {
        let real = fs::canonicalize(&path).map_err(Error::io(IoOp::Resolve, &path))?;
        let root = Dir::open_ambient_dir(&real, ambient_authority())
            .map_err(Error::io(IoOp::OpenDirectory, &path))?;
        Ok(Self {
            root,
            path,
            real,
            options,
            written: Lock::default(),
        })
    }

    /// Opens the directory `name` below this one, with the same options. Creates it if it does not
    /// exist. Its titles are separate from those of this directory.
    ///
    /// # Errors
    ///
    /// [`Error::PathTraversal`] if it is a symbolic link that leads out of this directory, unless
    /// that is allowed. [`Error::Io`] naming it.
    pub(crate) fn open_below(&self, name: &str) -> Result<Self> {
        let path = self.path_of(name);
        let (root, real) = self.open_parent(&path, name, Parents::Create)?;
        Ok(Self {
            root,
            path,
            real,
            options: self.options,
            written: Lock::default(),
        })
    }

    /// The absolute path of the directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The absolute, cleaned path of `title`, without a check that it is allowed.
    pub(crate) fn path_of(&self, title: &str) -> PathBuf {
        path_clean::clean(&self.path.join(title))
    }

    /// Starts writing the file `title`. Missing parents are created.
    ///
    /// # Errors
    ///
    /// - [`Error::Malformed`] if the title is empty, contains a NUL, or leads to the name of a
    ///   temporary file.
    /// - [`Error::Conflict`] and [`Error::PathTraversal`].
    /// - [`Error::Io`] with the path, also if a directory or special file has the name.
    pub fn create_file(&self, title: &str) -> Result<PendingFile<'_>> {
        PendingFile::create(self, title, None)
    }

    /// Same as [`create_file`](Self::create_file), for known `content`: if writing it is
    /// interrupted, its beginning stays under a hidden name, and the next call continues it.
    pub(crate) fn create_file_for(
        &self,
        title: &str,
        content: Option<&Descriptor>,
    ) -> Result<PendingFile<'_>> {
        PendingFile::create(self, title, content)
    }

    /// Removes beginnings of content that was written to `title`, for example without them because
    /// it came from a cache.
    pub(crate) fn remove_beginnings(&self, title: &str, content: &Descriptor) {
        if content.size >= RESUMABLE_BYTES
            && let Ok(target) = self.locate(title, Parents::Expect)
        {
            target.remove_beginnings(&self.written, &content.digest);
        }
    }

    /// Opens the file `title` for a comparison with `content` if it may have it: it is a file of
    /// the right size, which has not been written yet and may be replaced.
    pub(crate) fn existing_file(
        &self,
        title: &str,
        content: &Descriptor,
    ) -> Option<ExistingFile<'_>> {
        ExistingFile::open(self, title, content)
    }

    /// Starts writing the directory `title`. Missing parents are created. `.` is the output
    /// directory itself.
    ///
    /// # Errors
    ///
    /// Same as [`create_file`](Self::create_file).
    pub fn create_directory(&self, title: &str) -> Result<PendingDirectory<'_>> {
        PendingDirectory::create(self, title)
    }

    /// Opens the file `title`. Does not follow a symbolic link.
    ///
    /// # Errors
    ///
    /// Same as [`create_file`](Self::create_file).
    pub(crate) fn read_file(&self, title: &str) -> Result<File> {
        let target = self.locate(title, Parents::Expect)?;
        let is_file = target
            .metadata()?
            .is_some_and(|metadata| metadata.is_file());
        if !is_file {
            return Err(Error::io(IoOp::Open, &target.path)(
                io::ErrorKind::NotFound.into(),
            ));
        }
        let file = target.dir.open(&target.name);
        Ok(file
            .map_err(Error::io(IoOp::Open, &target.path))?
            .into_std())
    }

    /// Returns the metadata of the entry `title`, without following a symbolic link. An entry below
    /// something that is not a directory does not exist.
    ///
    /// # Errors
    ///
    /// Same as [`create_file`](Self::create_file).
    pub(crate) fn find(&self, title: &str) -> Result<Option<Metadata>> {
        let found = self.locate(title, Parents::Expect);
        match found.and_then(|target| target.metadata()) {
            Err(Error::Io { source, .. })
                if matches!(
                    source.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(None)
            }
            found => found,
        }
    }

    /// Resolves a title to a directory handle and a name, which is empty for the output directory.
    fn locate(&self, title: &str, parents: Parents) -> Result<ResolvedTitle> {
        let malformed = |reason| Err(Error::malformed(format!("file name {title:?}"), reason));
        if title.is_empty() {
            return malformed("it is empty");
        }
        if title.contains('\0') {
            return malformed("it contains a NUL");
        }
        if temp_name::is_reserved(&path_clean::clean(Path::new(title))) {
            return malformed(temp_name::RESERVED);
        }
        let traversal = |reason| Error::PathTraversal {
            name: title.to_owned(),
            reason,
        };
        let path = self.path_of(title);
        let inside = path_clean::below(&path, &self.path);
        if inside.is_none() && !self.options.allow_traversal {
            return Err(traversal("leads out of the output directory"));
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            let root = Dir::open_ambient_dir(&path, ambient_authority());
            return ResolvedTitle::directory(root, &path, &path);
        };
        if inside.is_some_and(|rest| rest.as_os_str().is_empty()) {
            return ResolvedTitle::directory(self.root.try_clone(), &path, &self.real);
        }
        let (dir, real) = self.open_parent(parent, title, parents)?;
        Ok(ResolvedTitle {
            dir,
            key: real.join(name).into(),
            name: PathBuf::from(name),
            path,
        })
    }

    /// Opens the directory at the absolute path `parent`, and returns its path without symbolic
    /// links as well. `title` is for the error if it is outside and that is not allowed.
    fn open_parent(&self, parent: &Path, title: &str, parents: Parents) -> Result<(Dir, PathBuf)> {
        if parent == self.path {
            let root = self.root.try_clone();
            let root = root.map_err(Error::io(IoOp::OpenDirectory, parent))?;
            return Ok((root, self.real.clone()));
        }
        let real = entry::canonicalize_existing(parent)?;
        let dir = match path_clean::below(&real, &self.real) {
            Some(rest) => parents.open_below(&self.root, rest, parent)?,
            None if self.options.allow_traversal => parents.open_outside(&real, parent)?,
            None => {
                return Err(Error::PathTraversal {
                    name: title.to_owned(),
                    reason: "leads out of the output directory through a symbolic link",
                });
            }
        };
        Ok((dir, real))
    }
}

/// Returns the absolute, cleaned path.
fn absolute(path: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(path).map_err(Error::io(IoOp::Resolve, path))?;
    Ok(path_clean::clean(&path))
}
