//! Packing a directory as an archive.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::vec;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use flate2::{Compression, GzBuilder};

use super::entry_name;
use super::header::{END, EntryHeader, EntryKind, padding};
use super::symlink_policy::{self, DirectoryName, LinkTarget};
use crate::error::{Error, IoOp, Result};
use crate::fs::temp_name::TempName;
use crate::fs::{BUFFER_BYTES, path_clean};
use crate::limits::MAX_NOTES;
use crate::oci::{Digest, HashingWriter};
use crate::progress::{Event, report};

/// Options of [`pack`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PackOptions {
    /// The modification times to record.
    pub times: Times,
}

/// The modification times that an archive records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Times {
    /// The times of the files, rounded to seconds.
    #[default]
    Keep,
    /// One time for all entries, in seconds since 1970, so that equal content makes equal archives.
    /// Use 0 if no other time is meaningful.
    Set(i64),
    /// The times of the files, but none later than this one, in seconds since 1970. Build tools
    /// call it `SOURCE_DATE_EPOCH`.
    Clamp(i64),
}

impl Times {
    /// Returns the time to record for a file with this time.
    const fn apply(self, mtime: i64) -> i64 {
        match self {
            Self::Clamp(latest) if mtime > latest => latest,
            Self::Keep | Self::Clamp(_) => mtime,
            Self::Set(seconds) => seconds,
        }
    }
}

/// Writes the tree at `directory` to `out` as a gzipped tar whose names begin with `title`. Returns
/// the digest of the tar before compression.
///
/// Entries are in byte order of their names, each directory before its files. The archive records
/// names, kinds, modes, link targets, device numbers, times in seconds and content, but not owners,
/// groups or extended attributes. Hard links become separate files. Symbolic links are packed as
/// links, except that `directory` itself may be a link to a directory. Memory does not depend on
/// the size of files.
///
/// ```
/// use oras::internal::{PackOptions, pack};
///
/// # fn main() -> oras::Result<()> {
/// # let dir = std::env::temp_dir().join(format!("oras-doc-pack-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir).unwrap();
/// let mut archive = Vec::new();
/// let tar_digest = pack(&dir, "data", &PackOptions::default(), &mut archive)?;
/// assert_eq!(archive[..4], [0x1f, 0x8b, 8, 0]);
/// # std::fs::remove_dir(&dir).unwrap();
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Error::Io`] naming the file, also if it is a socket or changes while it is packed. The bytes
/// written to `out` before an error are not a valid archive.
pub fn pack(
    directory: &Path,
    title: &str,
    options: &PackOptions,
    out: &mut dyn Write,
) -> Result<Digest> {
    pack_named(directory, title, title, options, out)
}

/// Same as [`pack`]. Events call the directory `name`.
pub(crate) fn pack_named(
    directory: &Path,
    title: &str,
    name: &str,
    options: &PackOptions,
    out: &mut dyn Write,
) -> Result<Digest> {
    let gzip = GzBuilder::new().write(out, Compression::default());
    let (mut gzip, digest) = pack_tar(directory, title, name, options, gzip)?;
    gzip.try_finish().map_err(write_error(directory))?;
    Ok(digest)
}

/// Same as [`pack_named`], without compression. Returns `out` as well.
pub(crate) fn pack_tar<W: Write>(
    directory: &Path,
    title: &str,
    name: &str,
    options: &PackOptions,
    out: W,
) -> Result<(W, Digest)> {
    let mut packer = Packer {
        title: path_clean::clean(Path::new(title)),
        directory,
        handle: None,
        times: options.times,
        tar: HashingWriter::new(out),
        buffer: vec![0; BUFFER_BYTES],
        packed: 0,
        not_restorable: 0,
        name,
    };
    packer.pack_tree()?;
    let (out, digest, _) = packer.tar.finish();
    Ok((out, digest))
}

struct Packer<'a, W> {
    directory: &'a Path,
    title: PathBuf,
    /// The directory, opened to check symbolic links.
    handle: Option<Dir>,
    times: Times,
    tar: W,
    buffer: Vec<u8>,
    /// File bytes packed so far.
    packed: u64,
    /// Entries that were reported as not restorable.
    not_restorable: usize,
    /// The name in events.
    name: &'a str,
}

impl<W: Write> Packer<'_, W> {
    fn pack_tree(&mut self) -> Result<()> {
        let mut path = self.directory.to_owned();
        let metadata = fs::metadata(&path).map_err(Error::io(IoOp::Stat, &path))?;
        if !metadata.is_dir() {
            return Err(io_error(IoOp::Pack, &path, io::ErrorKind::NotADirectory));
        }
        self.pack_entry(&path, &metadata)?;
        let mut open = vec![sorted_names(&path)?];
        while let Some(rest) = open.last_mut() {
            let Some(name) = rest.next() else {
                open.pop();
                path.pop();
                continue;
            };
            path.push(name);
            let metadata = fs::symlink_metadata(&path).map_err(Error::io(IoOp::Stat, &path))?;
            self.pack_entry(&path, &metadata)?;
            if metadata.is_dir() {
                open.push(sorted_names(&path)?);
            } else {
                path.pop();
            }
        }
        self.write(&END)
    }

    fn pack_entry(&mut self, path: &Path, metadata: &Metadata) -> Result<()> {
        self.report_progress()?;
        let name = self.entry_name(path);
        let kind = kind(metadata).ok_or_else(|| {
            let what = "a socket, or something else that archives cannot hold";
            Error::io(IoOp::Pack, path)(io::Error::new(io::ErrorKind::Unsupported, what))
        })?;
        let link = match kind {
            EntryKind::Symlink => fs::read_link(path).map_err(Error::io(IoOp::Readlink, path))?,
            _ => PathBuf::new(),
        };
        let mut header = EntryHeader {
            name: &name,
            kind,
            mode: mode(metadata),
            size: 0,
            mtime: self.times.apply(mtime(metadata)),
            link: &link_target(&link),
            device: match kind {
                #[cfg(unix)]
                EntryKind::CharDevice | EntryKind::BlockDevice => device(metadata),
                _ => (0, 0),
            },
        };
        if kind != EntryKind::File {
            self.write_header(&header)?;
            return self.check_restorable(path, &name, kind, &link);
        }
        let file = File::open(path).map_err(Error::io(IoOp::Open, path))?;
        let opened = file.metadata().map_err(Error::io(IoOp::Stat, path))?;
        if !same_file(metadata, &opened) {
            return Err(changed_error(path));
        }
        header.size = opened.len();
        self.write_header(&header)?;
        self.write_content(path, file, opened.len())
    }

    /// Reports an entry that unpacking does not restore.
    fn check_restorable(
        &mut self,
        path: &Path,
        name: &[u8],
        kind: EntryKind,
        link: &Path,
    ) -> Result<()> {
        let name = entry_name::to_text(name);
        let text = match kind {
            EntryKind::Symlink if !self.is_inside(path, link) => format!(
                "{name} is a symbolic link to \"{}\", which leads out of \"{}\"",
                link.display(),
                self.title.display()
            ),
            #[cfg(unix)]
            EntryKind::CharDevice => format!("{name} is a character device"),
            #[cfg(unix)]
            EntryKind::BlockDevice => format!("{name} is a block device"),
            #[cfg(unix)]
            EntryKind::Fifo => format!("{name} is a FIFO"),
            EntryKind::Symlink | EntryKind::Directory | EntryKind::File => return Ok(()),
        };
        self.not_restorable += 1;
        if self.not_restorable > MAX_NOTES {
            return Ok(());
        }
        report(&Event::NotRestorable(&text))
    }

    /// Whether unpacking accepts a symbolic link, whatever directory it unpacks to.
    fn is_inside(&mut self, path: &Path, link: &Path) -> bool {
        let base = match &mut self.handle {
            Some(base) => base,
            handle @ None => match Dir::open_ambient_dir(self.directory, ambient_authority()) {
                Ok(base) => handle.insert(base),
                Err(_) => return true, // The link cannot be checked.
            },
        };
        let path = path.strip_prefix(self.directory).unwrap_or(path);
        let title = self.title.to_string_lossy();
        let directory = DirectoryName {
            title: &title,
            path: &self.title,
            real: &self.title,
        };
        let target = symlink_policy::check(base, path, link, directory);
        matches!(target, Ok(LinkTarget::Inside))
    }

    /// Copies exactly `size` bytes. With any other number, the tar would be corrupt, and only
    /// unpacking would report it.
    fn write_content(&mut self, path: &Path, mut file: File, size: u64) -> Result<()> {
        let mut remaining = size;
        loop {
            let count = match file.read(&mut self.buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::io(IoOp::Read, path)(error)),
            };
            if count == 0 && remaining == 0 {
                return self.write(padding(size));
            }
            match remaining.checked_sub(count as u64) {
                Some(rest) if count > 0 => remaining = rest,
                _ => return Err(changed_error(path)),
            }
            self.tar
                .write_all(&self.buffer[..count])
                .map_err(write_error(self.directory))?;
            self.packed += count as u64;
            self.report_progress()?;
        }
    }

    fn report_progress(&self) -> Result<()> {
        report(&Event::Reading {
            name: self.name,
            done: self.packed,
            total: None,
        })
    }

    fn write_header(&mut self, header: &EntryHeader<'_>) -> Result<()> {
        header
            .write_to(&mut self.tar)
            .map_err(write_error(self.directory))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.tar
            .write_all(bytes)
            .map_err(write_error(self.directory))
    }

    /// Returns the entry name of the file at `path`: the title and the path from the root,
    /// separated by `/` on every system.
    fn entry_name(&self, path: &Path) -> Vec<u8> {
        let relative = path.strip_prefix(self.directory).unwrap_or(path);
        let whole = path_clean::clean(&self.title.join(relative));
        path_clean::to_slashes(&whole)
    }
}

/// Returns the names in a directory, in byte order, without those of files that a pull has not
/// completed.
fn sorted_names(path: &Path) -> Result<vec::IntoIter<OsString>> {
    let mut names = fs::read_dir(path)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.file_name()))
                .collect::<io::Result<Vec<_>>>()
        })
        .map_err(Error::io(IoOp::ReadDirectory, path))?;
    names.retain(|name| name.to_str().and_then(TempName::parse).is_none());
    names.sort_unstable_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
    Ok(names.into_iter())
}

fn io_error(operation: IoOp, path: &Path, kind: io::ErrorKind) -> Error {
    Error::io(operation, path)(kind.into())
}

fn changed_error(path: &Path) -> Error {
    Error::io(IoOp::Pack, path)(io::Error::other("the file changed while it was packed"))
}

fn write_error(directory: &Path) -> impl FnOnce(io::Error) -> Error {
    Error::io(IoOp::WriteArchive, directory)
}

#[cfg(unix)]
use unix::{device, kind, mode, mtime, same_file};

/// Returns the target of a symbolic link as it is recorded: unchanged.
#[cfg(unix)]
fn link_target(link: &Path) -> std::borrow::Cow<'_, [u8]> {
    link.as_os_str().as_encoded_bytes().into()
}

/// Returns the target of a symbolic link as it is recorded: with `/`.
#[cfg(not(unix))]
fn link_target(link: &Path) -> std::borrow::Cow<'_, [u8]> {
    path_clean::to_slashes(link).into()
}

#[cfg(unix)]
mod unix {
    use std::fs::Metadata;
    use std::os::unix::fs::{FileTypeExt, MetadataExt};

    use super::EntryKind;

    pub(super) fn kind(metadata: &Metadata) -> Option<EntryKind> {
        let file_type = metadata.file_type();
        let kinds = [
            (file_type.is_file(), EntryKind::File),
            (file_type.is_dir(), EntryKind::Directory),
            (file_type.is_symlink(), EntryKind::Symlink),
            (file_type.is_char_device(), EntryKind::CharDevice),
            (file_type.is_block_device(), EntryKind::BlockDevice),
            (file_type.is_fifo(), EntryKind::Fifo),
        ];
        kinds.into_iter().find(|(is, _)| *is).map(|(_, kind)| kind)
    }

    pub(super) fn mode(metadata: &Metadata) -> u32 {
        metadata.mode() & 0o7777
    }

    /// Rounded to the nearest second, halves up.
    pub(super) fn mtime(metadata: &Metadata) -> i64 {
        metadata
            .mtime()
            .saturating_add(i64::from(metadata.mtime_nsec() >= 500_000_000))
    }

    /// Major and minor number, as glibc's `makedev` joins them on Linux.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the masks leave 32 bits at most"
    )]
    pub(super) fn device(metadata: &Metadata) -> (u32, u32) {
        let number = metadata.rdev();
        (
            ((number >> 8) & 0xfff | (number >> 32) & 0xffff_f000) as u32,
            (number & 0xff | (number >> 12) & 0xffff_ff00) as u32,
        )
    }

    pub(super) fn same_file(a: &Metadata, b: &Metadata) -> bool {
        b.is_file() && (a.dev(), a.ino()) == (b.dev(), b.ino())
    }
}

#[cfg(not(unix))]
use portable::{kind, mode, mtime, same_file};

#[cfg(not(unix))]
mod portable {
    use std::fs::Metadata;
    use std::time::{Duration, UNIX_EPOCH};

    use super::EntryKind;

    pub(super) fn kind(metadata: &Metadata) -> Option<EntryKind> {
        if metadata.is_file() {
            Some(EntryKind::File)
        } else if metadata.is_dir() {
            Some(EntryKind::Directory)
        } else if metadata.is_symlink() {
            Some(EntryKind::Symlink)
        } else {
            None
        }
    }

    pub(super) fn mode(metadata: &Metadata) -> u32 {
        if metadata.is_file() { 0o644 } else { 0o755 }
    }

    pub(super) fn mtime(metadata: &Metadata) -> i64 {
        let since = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .unwrap_or_default();
        i64::try_from((since + Duration::from_millis(500)).as_secs()).unwrap_or(0)
    }

    pub(super) fn same_file(_: &Metadata, opened: &Metadata) -> bool {
        opened.is_file()
    }
}
