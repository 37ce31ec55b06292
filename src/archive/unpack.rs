//! Unpacking: from an archive, which may be hostile, to a directory.

use std::collections::BTreeMap;
use std::fs::FileTimes;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cap_std::fs::Dir;

use super::Limits;
use super::decompress::Decompressor;
use super::fs_ops;
use super::symlink_policy::{self, Verdict, resolve};
use super::tar_reader::{Entries, Entry, Kind};
use crate::error::{Error, Result};
use crate::fs::{BUFFER_BYTES, path_clean};
use crate::oci::digest::Digest;

/// What is unpacked, and within which limits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UnpackOptions<'a> {
    /// What the names in the archive begin with. It is taken off.
    pub title: &'a str,
    /// Where the directory finally will be: an absolute path. Errors speak of it, and absolute names and link targets must
    /// lie below it.
    pub target: &'a Path,
    /// How much the archive may make of itself.
    pub limits: Limits,
}

impl<'a> UnpackOptions<'a> {
    /// Options for the archive of the directory `title`, which will be at `target`.
    pub fn new(title: &'a str, target: &'a Path) -> Self {
        Self {
            title,
            target,
            limits: Limits::default(),
        }
    }
}

/// Unpacks a gzipped tar, which may consist of several gzip members, into the empty directory `into`, and returns the digest
/// of the whole tar, whatever follows its end marker included.
///
/// - Entries must lie below the title. Parents that have no entry are created. A later entry replaces an earlier one of the
///   same name, except that nothing replaces a directory.
/// - Nothing is written through a symbolic link, and a symbolic link must not lead out of the directory. Hard links must name
///   a file of the archive.
/// - Modes are subject to the umask, and lose their setuid, setgid and sticky bits. Those of directories are final only at the
///   end, so that a read-only directory can be filled. Files and directories get the modification times of the archive.
///   Ownership is never restored.
/// - Devices, FIFOs and entries of unknown kinds are not unpacked: `skipped` is called with the name and the kind in words.
///
/// Memory does not depend on the size of the archive, but on the number of its directories, within
/// [`Limits::max_pending_bytes`].
///
/// # Errors
///
/// [`Error::Malformed`] when it is no gzipped tar or ends early, [`Error::PathTraversal`] when a name or link leads out or
/// through a symbolic link, [`Error::TooLarge`] naming the limit, [`Error::Unsupported`] for sparse files, [`Error::Io`] naming
/// the file below [`UnpackOptions::target`], and whatever library error `archive` fails with. What `into` then contains is of
/// no use.
pub fn unpack(
    archive: impl Read,
    into: &Dir,
    options: &UnpackOptions<'_>,
    skipped: &mut dyn FnMut(&str, &'static str),
) -> Result<Digest> {
    let title = path_clean::clean(Path::new(options.title));
    let input = Decompressor::new(archive, &options.limits);
    let mut entries = Entries::new(input, &options.limits);
    let mut unpacker = Unpacker {
        base: into,
        title: &title,
        options,
        parent: None,
        directories: BTreeMap::new(),
        undecided: Vec::new(),
        pending_bytes: 0,
        buffer: vec![0; BUFFER_BYTES],
    };
    let mut last = None;
    while let Some(entry) = entries
        .next()
        .map_err(|error| after(error, last.as_ref()))?
    {
        unpacker.entry(&entry, &mut entries, skipped)?;
        last = Some(entry);
    }
    unpacker.finish_links()?;
    unpacker.finish_directories()?;
    entries
        .into_inner()
        .finish(&mut unpacker.buffer)
        .map_err(Error::io("read", "archive"))
        .map_err(|error| after(error, last.as_ref()))
}

/// Says where in the archive something broke that has no name of its own.
fn after(error: Error, last: Option<&Entry>) -> Error {
    match last {
        Some(entry) => error.context(format!("after archive entry \"{}\"", display(&entry.name))),
        None => error,
    }
}

pub(super) fn display(name: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(name)
}

struct Unpacker<'a> {
    base: &'a Dir,
    title: &'a Path,
    options: &'a UnpackOptions<'a>,
    /// The directory that was last written in. It stays what it is, because nothing replaces a directory.
    parent: Option<(PathBuf, Dir)>,
    /// Modes and times to set at the end.
    directories: BTreeMap<PathBuf, (u32, Option<FileTimes>)>,
    /// Symbolic links that can only be judged when everything else is there.
    undecided: Vec<(PathBuf, PathBuf)>,
    pending_bytes: u64,
    buffer: Vec<u8>,
}

impl Unpacker<'_> {
    fn entry(
        &mut self,
        entry: &Entry,
        content: &mut impl Read,
        skipped: &mut dyn FnMut(&str, &'static str),
    ) -> Result<()> {
        let path = self.relative(&entry.name)?;
        match entry.kind {
            Kind::Directory => self.directory(&path, entry),
            Kind::Other(what) => {
                skipped(&display(&entry.name), what);
                Ok(())
            }
            _ if path.as_os_str().is_empty() => Err(broken(entry, "it stands for the directory")),
            Kind::File => self.file(&path, entry, content),
            Kind::Symlink => self.symlink(&path, entry),
            Kind::HardLink => self.hard_link(&path, entry),
        }
    }

    /// Where an entry goes, below the base.
    fn relative(&self, name: &[u8]) -> Result<PathBuf> {
        let cleaned = path_clean::clean(symlink_policy::path(name)?);
        let base = if cleaned.is_absolute() {
            self.options.target
        } else {
            self.title
        };
        let path = path_clean::below(&cleaned, base)
            .ok_or_else(|| symlink_policy::outside(name, self.options.title))?;
        let depth = path.components().count() as u64;
        if depth > self.options.limits.max_depth {
            return Err(Error::TooLarge {
                what: format!("depth of archive entry \"{}\"", display(name)),
                size: depth,
                limit: self.options.limits.max_depth,
                limit_name: "MaxDepth",
            });
        }
        Ok(path.to_owned())
    }

    fn file(&mut self, path: &Path, entry: &Entry, content: &mut impl Read) -> Result<()> {
        let target = self.options.target.join(path);
        let (parent, name) = self.parent(path, entry)?;
        let create = || fs_ops::create_file(parent, name, entry.mode);
        let mut file =
            fs_ops::replace(parent, name, create).map_err(Error::io("create", &target))?;
        loop {
            let count = content
                .read(&mut self.buffer)
                .map_err(Error::io("read", "archive"))
                .map_err(|error| named(error, entry))?;
            if count == 0 {
                break;
            }
            file.write_all(&self.buffer[..count])
                .map_err(Error::io("write", &target))?;
        }
        fs_ops::set_times(&file, times(entry));
        Ok(())
    }

    fn directory(&mut self, path: &Path, entry: &Entry) -> Result<()> {
        let target = self.options.target.join(path);
        // Whatever the archive says, its directories must be passable while they are filled.
        let mode = entry.mode | 0o700;
        if path.as_os_str().is_empty() {
            fs_ops::restrict(self.base, Path::new("."), mode)
                .map_err(Error::io("chmod", &target))?;
        } else {
            let (parent, name) = self.parent(path, entry)?;
            if parent
                .symlink_metadata(name)
                .is_ok_and(|found| found.is_dir())
            {
                fs_ops::restrict(parent, name, mode).map_err(Error::io("chmod", &target))?;
            } else {
                let create = || fs_ops::create_directory(parent, name, mode);
                fs_ops::replace(parent, name, create).map_err(Error::io("mkdir", &target))?;
            }
        }
        self.remember(path.as_os_str().len())?;
        self.directories
            .insert(path.to_owned(), (entry.mode, times(entry)));
        Ok(())
    }

    fn symlink(&mut self, path: &Path, entry: &Entry) -> Result<()> {
        let link = symlink_policy::path(&entry.link)?;
        if link.as_os_str().is_empty() {
            return Err(broken(entry, "a symbolic link without a target"));
        }
        // The parent first: that no link is in it is what the target's meaning rests on.
        self.parent(path, entry)?;
        let verdict = symlink_policy::check(self.base, path, link, self.options)?;
        let target = self.options.target.join(path);
        let (parent, name) = self.parent(path, entry)?;
        match verdict {
            Verdict::Inside => {
                let create = || fs_ops::create_symlink(parent, link, name);
                fs_ops::replace(parent, name, create).map_err(Error::io("symlink", &target))
            }
            Verdict::Undecided => {
                fs_ops::make_way(parent, name).map_err(Error::io("symlink", &target))?;
                self.remember(path.as_os_str().len() + entry.link.len())?;
                self.undecided.push((path.to_owned(), link.to_owned()));
                Ok(())
            }
        }
    }

    /// Links to a file that the archive named before: by its whole name, as every other tar does it.
    fn hard_link(&mut self, path: &Path, entry: &Entry) -> Result<()> {
        let target = self.options.target.join(path);
        let original = self.relative(&entry.link)?;
        // A symbolic link would mean something else in another directory.
        let is_file = resolve(self.base, &original).is_some_and(|found| found.is_file());
        if !is_file {
            let link = display(&entry.link);
            return Err(broken(
                entry,
                &format!("a hard link to \"{link}\", which is no file of the archive"),
            ));
        }
        let base = self.base;
        let (parent, name) = self.parent(path, entry)?;
        if original == path {
            return Ok(());
        }
        let create = || base.hard_link(&original, parent, name);
        fs_ops::replace(parent, name, create).map_err(Error::io("link", &target))
    }

    /// Counts what is held in memory until the end.
    fn remember(&mut self, bytes: usize) -> Result<()> {
        // 64 bytes: about what an entry takes besides its names.
        self.pending_bytes += bytes as u64 + 64;
        let limit = self.options.limits.max_pending_bytes;
        if self.pending_bytes > limit {
            return Err(Error::TooLarge {
                what: "list of directories in an archive".to_owned(),
                size: self.pending_bytes,
                limit,
                limit_name: "MaxPendingBytes",
            });
        }
        Ok(())
    }

    /// The directory that `path` is in, and its name there. Missing directories are created, links are refused.
    fn parent<'p>(&mut self, path: &'p Path, entry: &Entry) -> Result<(&Dir, &'p Path)> {
        let name = Path::new(path.file_name().unwrap_or_default());
        let parent = path.parent().unwrap_or(Path::new(""));
        if parent.as_os_str().is_empty() {
            return Ok((self.base, name));
        }
        if self.parent.as_ref().is_none_or(|(at, _)| at != parent) {
            let opened = self.open_parent(parent, entry)?;
            self.parent = Some((parent.to_owned(), opened));
        }
        match &self.parent {
            Some((_, dir)) => Ok((dir, name)),
            None => Ok((self.base, name)),
        }
    }

    fn open_parent(&self, parent: &Path, entry: &Entry) -> Result<Dir> {
        let mut path = self.options.target.to_owned();
        let mut dir: Option<Dir> = None;
        for name in parent {
            path.push(name);
            let at = dir.as_ref().unwrap_or(self.base);
            match at.symlink_metadata(name) {
                Ok(metadata) if metadata.is_dir() => {}
                Ok(metadata) if metadata.is_symlink() => {
                    return Err(symlink_policy::link_between(
                        &entry.name,
                        self.options.title,
                    ));
                }
                Ok(_) => return Err(broken(entry, "it lies below something that is a file")),
                Err(_) => fs_ops::create_directory(at, Path::new(name), 0o777)
                    .map_err(Error::io("mkdir", &path))?,
            }
            dir = Some(at.open_dir(name).map_err(Error::io("open", &path))?);
        }
        match dir {
            Some(dir) => Ok(dir),
            None => self.base.try_clone().map_err(Error::io("open", &path)),
        }
    }

    fn finish_links(&mut self) -> Result<()> {
        for (path, link) in std::mem::take(&mut self.undecided) {
            if self.base.symlink_metadata(&path).is_ok() {
                continue; // a later entry has the name
            }
            match symlink_policy::check(self.base, &path, &link, self.options)? {
                Verdict::Inside => {
                    let target = self.options.target.join(&path);
                    fs_ops::create_symlink(self.base, &link, &path)
                        .map_err(Error::io("symlink", &target))?;
                }
                Verdict::Undecided => {
                    let link = link.as_os_str().as_encoded_bytes();
                    return Err(symlink_policy::link_between(link, self.options.title));
                }
            }
        }
        Ok(())
    }

    /// Sets modes and times, what is deeper first: a directory may become impassable.
    fn finish_directories(&mut self) -> Result<()> {
        for (path, (mode, times)) in std::mem::take(&mut self.directories).into_iter().rev() {
            let target = self.options.target.join(&path);
            let path = if path.as_os_str().is_empty() {
                Path::new(".")
            } else {
                &path
            };
            if let Ok(dir) = self.base.open(path) {
                fs_ops::set_times(&dir.into_std(), times);
            }
            fs_ops::restrict(self.base, path, mode).map_err(Error::io("chmod", &target))?;
        }
        Ok(())
    }
}

fn times(entry: &Entry) -> Option<FileTimes> {
    let (seconds, nanos) = entry.mtime?;
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let second = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(whole)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(whole)
    };
    let time = second?.checked_add(Duration::from_nanos(nanos.into()))?;
    Some(FileTimes::new().set_modified(time).set_accessed(time))
}

fn broken(entry: &Entry, reason: &str) -> Error {
    Error::malformed(
        format!("archive entry \"{}\"", display(&entry.name)),
        reason,
    )
}

fn named(error: Error, entry: &Entry) -> Error {
    error.context(format!("archive entry \"{}\"", display(&entry.name)))
}
