//! The one path rule: titles become writes below an output directory, and appear there whole or not at all.
//!
//! A title is a name from outside. It is cleaned as text, its parents are resolved, and what remains is written through a
//! handle on the output directory that refuses to leave it, whatever links are in the way. Files and directories are written
//! under hidden temporary names and moved to their own when they are complete; a process that is killed leaves at most
//! something named `.oras-….tmp`, and a later one that writes in the same directory removes that.
//!
//! Titles that mean the same file are duplicates. A title may lie inside of the directory of another title (`dir` and
//! `dir/file`): then what is committed later replaces what both have. A title below a file's title is an error.
//!
//! File systems may be mounted anywhere below the output directory. A file that something is mounted on cannot be replaced.
//!
//! This module must not know what is written, nor why: no descriptor, no archive, no status line.

mod copy_across_devices;
mod directory;
mod entry;
mod file;
mod merge;
mod permissions;
mod staging;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

pub use directory::PendingDirectory;
use entry::{Names, Parents, Place};
pub use file::PendingFile;

use crate::error::{Error, Result};
use crate::fs::path_clean;

/// What may be written where.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct OutputOptions {
    /// Anything that exists at a title's path is an [`Error::Overwrite`], instead of being replaced.
    pub keep_old_files: bool,
    /// Titles may lead out of the output directory: absolute ones, `..`, and through symbolic links.
    pub allow_traversal: bool,
}

/// A directory that titles are written below.
#[derive(Debug)]
pub struct OutputDir {
    root: Dir,
    /// Absolute and cleaned: what paths are reported as.
    path: PathBuf,
    /// The same without symbolic links.
    real: PathBuf,
    options: OutputOptions,
    names: RefCell<Names>,
}

impl OutputDir {
    /// Opens the directory at `path`, and creates it and its parents if they do not exist, with the mode 0777 less the umask.
    ///
    /// ```
    /// use std::io::Write;
    /// use oras::output_dir::{OutputDir, OutputOptions};
    ///
    /// # fn main() -> oras::Result<()> {
    /// # let dir = std::env::temp_dir().join(format!("oras-doc-output-{}", std::process::id()));
    /// let output = OutputDir::open(&dir, OutputOptions::default())?;
    /// let mut file = output.create_file("a/hello.txt")?;
    /// file.write_all(b"hello").unwrap();
    /// let path = file.commit()?;
    /// assert_eq!(std::fs::read(path).unwrap(), b"hello");
    /// assert!(output.create_file("../hello.txt").is_err());
    /// # std::fs::remove_dir_all(&dir).unwrap();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Io`] naming the directory.
    pub fn open(path: impl AsRef<Path>, options: OutputOptions) -> Result<Self> {
        let path = path.as_ref();
        let path = std::path::absolute(path).map_err(Error::io("resolve", path))?;
        let path = path_clean::clean(&path);
        fs::create_dir_all(&path).map_err(|error| entry::no_parents(error, &path))?;
        let real = fs::canonicalize(&path).map_err(Error::io("resolve", &path))?;
        let root = Dir::open_ambient_dir(&real, ambient_authority())
            .map_err(Error::io("open directory", &path))?;
        Ok(Self {
            root,
            path,
            real,
            options,
            names: RefCell::default(),
        })
    }

    /// The directory as an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The absolute, cleaned path that `title` stands for, allowed or not.
    pub fn path_of(&self, title: &str) -> PathBuf {
        path_clean::clean(&self.path.join(title))
    }

    /// Starts writing the file `title`. Missing parents are created.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when the title is empty or has control characters, [`Error::DuplicateName`],
    /// [`Error::PathTraversal`], [`Error::Overwrite`], and [`Error::Io`] naming the file, also when a directory or a special
    /// file has its name.
    pub fn create_file(&self, title: &str) -> Result<PendingFile<'_>> {
        PendingFile::create(self, title)
    }

    /// Starts writing the directory `title`. Missing parents are created. `.` is the output directory itself.
    ///
    /// # Errors
    ///
    /// As for [`create_file`](Self::create_file).
    pub fn create_directory(&self, title: &str) -> Result<PendingDirectory<'_>> {
        PendingDirectory::create(self, title)
    }

    /// Opens the file `title`. A symbolic link in its place is not followed.
    ///
    /// # Errors
    ///
    /// As for [`create_file`](Self::create_file).
    pub fn read_file(&self, title: &str) -> Result<File> {
        let place = self.locate(title, Parents::Expect)?;
        let is_file = place.metadata()?.is_some_and(|metadata| metadata.is_file());
        if !is_file {
            return Err(Error::io("open", &place.path)(
                io::ErrorKind::NotFound.into(),
            ));
        }
        let file = place.dir.open(&place.name);
        Ok(file.map_err(Error::io("open", &place.path))?.into_std())
    }

    /// Writes the file `to` with the content of the file `from`, and returns its path.
    ///
    /// The content is what the file has now. Verify it on the way with [`read_file`](Self::read_file) and
    /// [`create_file`](Self::create_file) if others can write there.
    ///
    /// # Errors
    ///
    /// As for [`create_file`](Self::create_file).
    pub fn copy_file(&self, from: &str, to: &str) -> Result<PathBuf> {
        let mut source = self.read_file(from)?;
        let mut copy = self.create_file(to)?;
        copy.copy_from(&mut source)?;
        copy.commit()
    }

    /// Finds the directory that `title` is in and its name there, which is empty for the output directory itself.
    fn locate(&self, title: &str, parents: Parents) -> Result<Place> {
        if title.is_empty() || title.contains(char::is_control) {
            let reason = match title {
                "" => "it is empty",
                _ => "it has control characters",
            };
            return Err(Error::malformed(format!("file name {title:?}"), reason));
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
            return Place::whole(root, &path, &path);
        };
        if inside.is_some_and(|rest| rest.as_os_str().is_empty()) {
            return Place::whole(self.root.try_clone(), &path, &self.real);
        }
        let (dir, real) = if parent == self.path {
            let root = self.root.try_clone();
            let root = root.map_err(Error::io("open directory", parent))?;
            (root, self.real.clone())
        } else {
            let real = entry::real(parent)?;
            match path_clean::below(&real, &self.real) {
                Some(rest) => (parents.below(&self.root, rest, parent)?, real),
                None if self.options.allow_traversal => (parents.anywhere(&real, parent)?, real),
                None => {
                    return Err(traversal(
                        "leads out of the output directory through a symbolic link",
                    ));
                }
            }
        };
        Ok(Place {
            dir,
            key: real.join(name),
            name: PathBuf::from(name),
            path,
        })
    }
}
