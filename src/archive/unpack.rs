//! Unpacking an untrusted archive into a directory.

use std::collections::BTreeMap;
use std::fs::{File, FileTimes};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cap_std::fs::Dir;

use super::decompress::Decompressor;
use super::fs_ops::NewSymlink;
use super::symlink_policy::{self, DirectoryName, LinkTarget, resolve};
use super::tar_reader::{Entry, EntryKind, TarReader};
use super::{Limits, entry_name, fs_ops};
use crate::error::{Error, IoOp, Result};
use crate::fs::free_space::free_bytes;
use crate::fs::sparse_writer::SparseWriter;
use crate::fs::{BUFFER_BYTES, path_clean, temp_name};
use crate::limits::Limit;
use crate::oci::Digest;

/// Options of [`unpack`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UnpackOptions<'a> {
    /// Prefix of the names in the archive. It is removed.
    pub title: &'a str,
    /// Final absolute path of the directory. Errors name it, and absolute names and link targets
    /// must be below it.
    pub target: &'a Path,
    /// The same path without symbolic links. A relative link target such as `../dir/file` may lead
    /// out of the directory `dir` and into it again. By default `target`.
    pub real_target: &'a Path,
    /// Limits for the archive.
    pub limits: Limits,
}

impl<'a> UnpackOptions<'a> {
    /// Options for the archive of the directory `title`, which will be at `target`.
    pub fn new(title: &'a str, target: &'a Path) -> Self {
        Self {
            title,
            target,
            real_target: target,
            limits: Limits::default(),
        }
    }
}

/// Unpacks a gzipped tar, which may consist of several gzip members, into the empty directory
/// `into`. Returns the digest of the whole tar, including bytes after its end marker.
///
/// - Entries must be below the title. Parents without an entry are created. A later entry replaces
///   an earlier one of the same name, unless that is a directory.
/// - Nothing is written through a symbolic link, and a symbolic link must not lead out of the
///   directory. One error names all links that do. Hard links must name a file of the archive.
/// - Modes are subject to the umask, and lose their setuid, setgid and sticky bits. Modes of
///   directories are set at the end, so that a read-only directory can be filled. Files and
///   directories get the modification times of the archive. Ownership is never restored.
/// - Sparse files in the formats of GNU tar get their holes back, and longer runs of zeros in other
///   files become holes.
/// - Devices, FIFOs and entries of unknown kinds are not unpacked: `skipped` is called with the
///   name and the kind in words.
///
/// Memory does not depend on the size of the archive, but on the number of its directories, within
/// [`Limits::max_pending_bytes`].
///
/// # Errors
///
/// [`Error::Malformed`] if the archive is not a gzipped tar, ends early, or has the name of a
/// temporary file of this library, [`Error::PathTraversal`]
/// if a name or link leads out or through a symbolic link, [`Error::TooLarge`] naming the limit,
/// [`Error::Unsupported`] for sparse files of a later format, [`Error::Io`] naming the file below
/// [`UnpackOptions::target`], and library errors of the reader `archive`. After an error, the
/// contents of `into` are incomplete.
pub fn unpack(
    archive: impl Read,
    into: &Dir,
    options: &UnpackOptions<'_>,
    skipped: &mut dyn FnMut(&str, &'static str),
) -> Result<Digest> {
    let title = path_clean::clean(Path::new(options.title));
    let input = Decompressor::new(archive);
    let mut entries = TarReader::new(input, &options.limits);
    let mut unpacker = Unpacker {
        base: into,
        title: &title,
        options,
        parent: None,
        directories: BTreeMap::new(),
        undecided: Vec::new(),
        refused: Vec::new(),
        pending_bytes: 0,
        free_bytes: match options.limits.max_unpacked_bytes {
            Some(_) => None,
            None => free_bytes(into),
        },
        data_bytes: 0,
        buffer: vec![0; BUFFER_BYTES],
    };
    while let Some(entry) = entries.next()? {
        unpacker.unpack_entry(&entry, &mut entries, skipped)?;
    }
    unpacker.check_refused()?;
    unpacker.finish_links()?;
    unpacker.finish_directories()?;
    entries.skip_rest(&mut unpacker.buffer)?;
    Ok(entries.into_inner().into_digest())
}

struct Unpacker<'a> {
    base: &'a Dir,
    title: &'a Path,
    options: &'a UnpackOptions<'a>,
    /// The directory of the last write, as a cache. It stays valid, because no entry replaces a
    /// directory.
    parent: Option<(PathBuf, Dir)>,
    /// Modes and times to set at the end.
    directories: BTreeMap<PathBuf, (u32, Option<FileTimes>)>,
    /// Symbolic links that are checked after all other entries.
    undecided: Vec<NewSymlink>,
    /// Names and errors of symbolic links that lead out. After the first, entries are only checked
    /// for further ones, so that one error names them all.
    refused: Vec<(String, Error)>,
    pending_bytes: u64,
    /// Bytes that may be written to files, if they are limited.
    free_bytes: Option<u64>,
    /// Bytes written to files, without holes.
    data_bytes: u64,
    buffer: Vec<u8>,
}

impl Unpacker<'_> {
    fn unpack_entry(
        &mut self,
        entry: &Entry,
        content: &mut TarReader<'_, impl Read>,
        skipped: &mut dyn FnMut(&str, &'static str),
    ) -> Result<()> {
        let is_link = entry.kind == EntryKind::Symlink;
        if !self.refused.is_empty() && !is_link {
            return Ok(());
        }
        let path = self.relative_path(&entry.name)?;
        if is_link && !self.refused.is_empty() {
            return self.check_link(&path, entry).map(drop);
        }
        match entry.kind {
            EntryKind::Directory => self.unpack_directory(&path, entry),
            EntryKind::Other(what) => {
                skipped(&entry_name::to_text(&entry.name), what);
                Ok(())
            }
            _ if path.as_os_str().is_empty() => {
                Err(malformed_entry(&entry.name, "it stands for the directory"))
            }
            EntryKind::File => self.unpack_file(&path, entry, content),
            EntryKind::Symlink => self.unpack_symlink(&path, entry),
            EntryKind::HardLink => self.unpack_hard_link(&path, entry),
        }
    }

    /// Returns the path of an entry below the base.
    fn relative_path(&self, name: &[u8]) -> Result<PathBuf> {
        let cleaned = path_clean::clean(entry_name::to_path(name)?);
        let base = if cleaned.is_absolute() {
            self.options.target
        } else {
            self.title
        };
        let path = path_clean::below(&cleaned, base)
            .ok_or_else(|| symlink_policy::outside(name, self.options.title))?;
        if temp_name::is_reserved(path) {
            return Err(malformed_entry(name, temp_name::RESERVED));
        }
        Error::check_limit(
            format_args!("depth of archive entry \"{}\"", entry_name::to_text(name)),
            path.components().count() as u64,
            Limit::ArchiveDepth,
            self.options.limits.max_depth,
        )?;
        Ok(path.to_owned())
    }

    fn unpack_file(
        &mut self,
        path: &Path,
        entry: &Entry,
        content: &mut TarReader<'_, impl Read>,
    ) -> Result<()> {
        let target = self.options.target.join(path);
        let (parent, name) = self.open_parent(path, entry)?;
        let create = || fs_ops::create_file(parent, name, entry.mode);
        let file =
            fs_ops::replace(parent, name, create).map_err(Error::io(IoOp::Create, &target))?;
        let mut writer = SparseWriter::new(&file);
        let rest = [(0, u64::MAX)];
        let segments = match &entry.sparse {
            Some(map) => &*map.segments,
            None => &rest,
        };
        for &(offset, length) in segments {
            writer.skip_to(offset);
            self.write_segment(content, length, &mut writer, &target)?;
        }
        if let Some(map) = &entry.sparse {
            writer.skip_to(map.size);
        }
        self.data_bytes += writer.data_bytes();
        writer.finish().map_err(Error::io(IoOp::Write, &target))?;
        fs_ops::set_times(&file, file_times(entry));
        Ok(())
    }

    /// Writes up to `length` bytes of the content to a file.
    fn write_segment(
        &mut self,
        content: &mut TarReader<'_, impl Read>,
        length: u64,
        writer: &mut SparseWriter<&File>,
        target: &Path,
    ) -> Result<()> {
        let mut segment = content.take(length);
        loop {
            let count = segment.read(&mut self.buffer);
            let count = count
                .map_err(Error::io(IoOp::Read, "archive"))
                .and_then(|count| {
                    self.check_free_space(writer.data_bytes() + count as u64)?;
                    Ok(count)
                })
                .map_err(|error| segment.get_ref().locate(error))?;
            if count == 0 {
                return Ok(());
            }
            writer
                .write_all(&self.buffer[..count])
                .map_err(Error::io(IoOp::Write, target))?;
        }
    }

    /// Checks that `bytes` more fit into the file system.
    fn check_free_space(&self, bytes: u64) -> Result<()> {
        let size = self.data_bytes + bytes;
        let limit = self.free_bytes.unwrap_or(u64::MAX);
        Error::check_limit("unpacked data", size, Limit::FreeSpace, limit)
    }

    fn unpack_directory(&mut self, path: &Path, entry: &Entry) -> Result<()> {
        let target = self.options.target.join(path);
        // The owner must be able to write to a directory until all entries are unpacked.
        let mode = entry.mode | 0o700;
        if path.as_os_str().is_empty() {
            fs_ops::remove_permissions(self.base, Path::new("."), mode)
                .map_err(Error::io(IoOp::Chmod, &target))?;
        } else {
            let (parent, name) = self.open_parent(path, entry)?;
            if parent
                .symlink_metadata(name)
                .is_ok_and(|found| found.is_dir())
            {
                fs_ops::remove_permissions(parent, name, mode)
                    .map_err(Error::io(IoOp::Chmod, &target))?;
            } else {
                let create = || fs_ops::create_directory(parent, name, mode);
                fs_ops::replace(parent, name, create).map_err(Error::io(IoOp::Mkdir, &target))?;
            }
        }
        self.charge_pending(path.as_os_str().len())?;
        self.directories
            .insert(path.to_owned(), (entry.mode, file_times(entry)));
        Ok(())
    }

    fn unpack_symlink(&mut self, path: &Path, entry: &Entry) -> Result<()> {
        let link = entry_name::to_path(&entry.link)?;
        if link.as_os_str().is_empty() {
            return Err(malformed_entry(
                &entry.name,
                "a symbolic link without a target",
            ));
        }
        // The parent first: the check of the target requires a parent without symbolic links.
        self.open_parent(path, entry)?;
        let Some(link_target) = self.check_link(path, entry)? else {
            return Ok(());
        };
        let target = self.options.target.join(path);
        let (parent, name) = self.open_parent(path, entry)?;
        match link_target {
            LinkTarget::Inside => {
                let create = || fs_ops::create_symlink(parent, link, name, entry.mtime);
                fs_ops::replace(parent, name, create).map_err(Error::io(IoOp::Symlink, &target))
            }
            LinkTarget::Undecided => {
                fs_ops::remove_file(parent, name).map_err(Error::io(IoOp::Symlink, &target))?;
                self.charge_pending(path.as_os_str().len() + entry.link.len())?;
                self.undecided.push(NewSymlink {
                    path: path.to_owned(),
                    link: link.to_owned(),
                    mtime: entry.mtime,
                });
                Ok(())
            }
        }
    }

    /// Checks the target of a symbolic link. Returns `None` if it leads out.
    fn check_link(&mut self, path: &Path, entry: &Entry) -> Result<Option<LinkTarget>> {
        let link = entry_name::to_path(&entry.link)?;
        match symlink_policy::check(self.base, path, link, self.directory_name()) {
            Ok(target) => Ok(Some(target)),
            Err(error) => {
                self.charge_pending(entry.name.len() + entry.link.len())?;
                let name = entry_name::to_text(&entry.name).into_owned();
                self.refused.push((name, error));
                Ok(None)
            }
        }
    }

    const fn directory_name(&self) -> DirectoryName<'_> {
        DirectoryName {
            title: self.options.title,
            path: self.options.target,
            real: self.options.real_target,
        }
    }

    /// Returns the error for symbolic links that lead out, if there are any.
    fn check_refused(&mut self) -> Result<()> {
        let names: Vec<_> = self.refused.iter().map(|(name, _)| &**name).collect();
        let context = list_of_entries(&names);
        match std::mem::take(&mut self.refused).into_iter().next() {
            Some((_, error)) => Err(error.context(context)),
            None => Ok(()),
        }
    }

    /// Creates a hard link to an earlier file of the archive, which is named by its full name.
    fn unpack_hard_link(&mut self, path: &Path, entry: &Entry) -> Result<()> {
        let target = self.options.target.join(path);
        let original = self.relative_path(&entry.link)?;
        // A hard link to a symbolic link would resolve differently in another directory.
        let is_file = resolve(self.base, &original).is_some_and(|found| found.is_file());
        if !is_file {
            let link = entry_name::to_text(&entry.link);
            return Err(malformed_entry(
                &entry.name,
                &format!("a hard link to \"{link}\", which is no file of the archive"),
            ));
        }
        let base = self.base;
        let (parent, name) = self.open_parent(path, entry)?;
        if original == path {
            return Ok(());
        }
        let create = || base.hard_link(&original, parent, name);
        fs_ops::replace(parent, name, create).map_err(Error::io(IoOp::Link, &target))
    }

    /// Counts the memory of work that is deferred to the end.
    fn charge_pending(&mut self, bytes: usize) -> Result<()> {
        // An entry takes about 64 bytes besides its names.
        self.pending_bytes += bytes as u64 + 64;
        Error::check_limit(
            "list of directories in an archive",
            self.pending_bytes,
            Limit::PendingBytes,
            self.options.limits.max_pending_bytes,
        )
    }

    /// Opens the parent directory of `path`, and returns it with the file name. Missing directories
    /// are created; symbolic links are errors.
    fn open_parent<'p>(&mut self, path: &'p Path, entry: &Entry) -> Result<(&Dir, &'p Path)> {
        let name = Path::new(path.file_name().unwrap_or_default());
        let parent = path.parent().unwrap_or(Path::new(""));
        if parent.as_os_str().is_empty() {
            return Ok((self.base, name));
        }
        if self.parent.as_ref().is_none_or(|(at, _)| at != parent) {
            let opened = self.create_parents(parent, entry)?;
            self.parent = Some((parent.to_owned(), opened));
        }
        match &self.parent {
            Some((_, dir)) => Ok((dir, name)),
            None => Ok((self.base, name)),
        }
    }

    fn create_parents(&self, parent: &Path, entry: &Entry) -> Result<Dir> {
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
                Ok(_) => {
                    return Err(malformed_entry(
                        &entry.name,
                        "it lies below something that is a file",
                    ));
                }
                Err(_) => fs_ops::create_directory(at, Path::new(name), 0o777)
                    .map_err(Error::io(IoOp::Mkdir, &path))?,
            }
            dir = Some(at.open_dir(name).map_err(Error::io(IoOp::Open, &path))?);
        }
        match dir {
            Some(dir) => Ok(dir),
            None => self.base.try_clone().map_err(Error::io(IoOp::Open, &path)),
        }
    }

    fn finish_links(&mut self) -> Result<()> {
        for NewSymlink { path, link, mtime } in std::mem::take(&mut self.undecided) {
            if self.base.symlink_metadata(&path).is_ok() {
                continue; // A later entry replaced the link.
            }
            match symlink_policy::check(self.base, &path, &link, self.directory_name())? {
                LinkTarget::Inside => {
                    let target = self.options.target.join(&path);
                    fs_ops::create_symlink(self.base, &link, &path, mtime)
                        .map_err(Error::io(IoOp::Symlink, &target))?;
                }
                LinkTarget::Undecided => {
                    let link = link.as_os_str().as_encoded_bytes();
                    return Err(symlink_policy::link_between(link, self.options.title));
                }
            }
        }
        Ok(())
    }

    /// Sets modes and times, the deepest directories first: a mode may prevent access to what is
    /// below.
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
            fs_ops::remove_permissions(self.base, path, mode)
                .map_err(Error::io(IoOp::Chmod, &target))?;
        }
        Ok(())
    }
}

/// Names entries in an error, up to 20 of them.
fn list_of_entries(names: &[&str]) -> String {
    const MAX_LISTED: usize = 20;
    let quoted = names
        .iter()
        .take(MAX_LISTED)
        .map(|name| format!("\"{name}\""));
    let listed = quoted.collect::<Vec<_>>().join(", ");
    match names.len() {
        1 => format!("archive entry {listed}"),
        count if count <= MAX_LISTED => format!("archive entries {listed}"),
        count => format!("archive entries {listed} and {} more", count - MAX_LISTED),
    }
}

fn file_times(entry: &Entry) -> Option<FileTimes> {
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

fn malformed_entry(name: &[u8], reason: &str) -> Error {
    Error::malformed(
        format!("archive entry \"{}\"", entry_name::to_text(name)),
        reason,
    )
}
