//! Packing: from a directory to an archive.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::vec;

use flate2::{Compression, GzBuilder};

use super::header::{END, Fields, Kind, padding};
use crate::error::{Error, Result};
use crate::fs::{BUFFER_BYTES, path_clean};
use crate::oci::digest::{Algorithm, Digest, Hasher};

/// How a directory is packed.
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
    /// Those of the files, rounded to seconds.
    #[default]
    Keep,
    /// This one for all, in seconds since 1970, so that equal content makes equal archives. Use 0 if no other time is
    /// meaningful.
    Set(i64),
}

/// Writes the tree at `directory` to `out`, as a gzipped tar whose names begin with `title`, and returns the digest of the tar
/// before compression.
///
/// Entries come in byte order of their names, each directory before what is in it. Recorded are names, kinds, modes, link
/// targets, device numbers, times in seconds and content; not owners, groups or extended attributes. Hard links become files
/// of their own. Symbolic links are packed as such, but `directory` itself may be one to a directory, and is then followed.
/// Memory does not depend on the size of files.
///
/// ```
/// use oras::archive::{PackOptions, pack};
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
/// [`Error::Io`] naming the file, also when it is a socket or changes while it is packed; what was written to `out` is then
/// of no use.
pub fn pack(
    directory: &Path,
    title: &str,
    options: &PackOptions,
    out: &mut dyn Write,
) -> Result<Digest> {
    pack_with_progress(directory, title, options, out, &mut |_| Ok(()))
}

/// As [`pack`]. Tells `watch` how many bytes of files were packed so far.
///
/// # Errors
///
/// As of [`pack`], and of `watch`.
pub fn pack_with_progress(
    directory: &Path,
    title: &str,
    options: &PackOptions,
    out: &mut dyn Write,
    watch: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<Digest> {
    let gzip = GzBuilder::new().write(out, Compression::default());
    let mut packer = Packer {
        title: path_clean::clean(Path::new(title)),
        directory,
        times: options.times,
        tar: HashingWriter {
            inner: gzip,
            hasher: Hasher::new(Algorithm::Sha256),
        },
        buffer: vec![0; BUFFER_BYTES],
        packed: 0,
        watch,
    };
    packer.tree()?;
    let HashingWriter { mut inner, hasher } = packer.tar;
    inner.try_finish().map_err(write_error(directory))?;
    Ok(hasher.finish())
}

struct Packer<'a, W> {
    directory: &'a Path,
    title: PathBuf,
    times: Times,
    tar: W,
    buffer: Vec<u8>,
    /// How many bytes of files there are so far.
    packed: u64,
    watch: &'a mut dyn FnMut(u64) -> Result<()>,
}

impl<W: Write> Packer<'_, W> {
    fn tree(&mut self) -> Result<()> {
        let mut path = self.directory.to_owned();
        let metadata = fs::metadata(&path).map_err(Error::io("stat", &path))?;
        if !metadata.is_dir() {
            return Err(failure("pack", &path, io::ErrorKind::NotADirectory));
        }
        self.entry(&path, &metadata)?;
        let mut open = vec![names(&path)?];
        while let Some(rest) = open.last_mut() {
            let Some(name) = rest.next() else {
                open.pop();
                path.pop();
                continue;
            };
            path.push(name);
            let metadata = fs::symlink_metadata(&path).map_err(Error::io("stat", &path))?;
            self.entry(&path, &metadata)?;
            if metadata.is_dir() {
                open.push(names(&path)?);
            } else {
                path.pop();
            }
        }
        self.write(&END)
    }

    fn entry(&mut self, path: &Path, metadata: &Metadata) -> Result<()> {
        let name = self.name(path);
        let kind = kind(metadata).ok_or_else(|| {
            let what = "a socket, or something else that archives cannot hold";
            Error::io("pack", path)(io::Error::new(io::ErrorKind::Unsupported, what))
        })?;
        let link = match kind {
            Kind::Symlink => fs::read_link(path).map_err(Error::io("readlink", path))?,
            _ => PathBuf::new(),
        };
        let mut fields = Fields {
            name: &name,
            kind,
            mode: mode(metadata),
            size: 0,
            mtime: match self.times {
                Times::Keep => mtime(metadata),
                Times::Set(seconds) => seconds,
            },
            link: link.as_os_str().as_encoded_bytes(),
            device: match kind {
                Kind::CharDevice | Kind::BlockDevice => device(metadata),
                _ => (0, 0),
            },
        };
        if kind != Kind::File {
            return self.header(&fields);
        }
        let file = File::open(path).map_err(Error::io("open", path))?;
        let opened = file.metadata().map_err(Error::io("stat", path))?;
        if !same_file(metadata, &opened) {
            return Err(changed(path));
        }
        fields.size = opened.len();
        self.header(&fields)?;
        self.content(path, file, opened.len())
    }

    /// Copies exactly `size` bytes: a tar of any other length would be taken for corrupt only by whoever unpacks it.
    fn content(&mut self, path: &Path, mut file: File, size: u64) -> Result<()> {
        let mut remaining = size;
        loop {
            let count = match file.read(&mut self.buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::io("read", path)(error)),
            };
            if count == 0 && remaining == 0 {
                return self.write(padding(size));
            }
            match remaining.checked_sub(count as u64) {
                Some(rest) if count > 0 => remaining = rest,
                _ => return Err(changed(path)),
            }
            self.tar
                .write_all(&self.buffer[..count])
                .map_err(write_error(self.directory))?;
            self.packed += count as u64;
            (self.watch)(self.packed)?;
        }
    }

    fn header(&mut self, fields: &Fields<'_>) -> Result<()> {
        fields
            .write_to(&mut self.tar)
            .map_err(write_error(self.directory))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.tar
            .write_all(bytes)
            .map_err(write_error(self.directory))
    }

    /// The name of the entry for the file at `path`: the title, then the way from the root, separated by `/` everywhere.
    fn name(&self, path: &Path) -> Vec<u8> {
        let relative = path.strip_prefix(self.directory).unwrap_or(path);
        let whole = path_clean::clean(&self.title.join(relative));
        let mut name = Vec::with_capacity(whole.as_os_str().len());
        for component in whole.components() {
            if !matches!(name.last(), None | Some(b'/')) {
                name.push(b'/');
            }
            match component {
                Component::RootDir => name.push(b'/'),
                other => name.extend_from_slice(other.as_os_str().as_encoded_bytes()),
            }
        }
        name
    }
}

/// The names in a directory, in byte order.
fn names(path: &Path) -> Result<vec::IntoIter<OsString>> {
    let mut names = fs::read_dir(path)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.file_name()))
                .collect::<io::Result<Vec<_>>>()
        })
        .map_err(Error::io("read directory", path))?;
    names.sort_unstable_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
    Ok(names.into_iter())
}

struct HashingWriter<W> {
    inner: W,
    hasher: Hasher,
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn failure(doing: &'static str, path: &Path, kind: io::ErrorKind) -> Error {
    Error::io(doing, path)(kind.into())
}

fn changed(path: &Path) -> Error {
    Error::io("pack", path)(io::Error::other("the file changed while it was packed"))
}

fn write_error(directory: &Path) -> impl FnOnce(io::Error) -> Error {
    Error::io("write the archive of", directory)
}

#[cfg(unix)]
use unix::{device, kind, mode, mtime, same_file};

#[cfg(unix)]
mod unix {
    use std::fs::Metadata;
    use std::os::unix::fs::{FileTypeExt, MetadataExt};

    use super::Kind;

    pub(super) fn kind(metadata: &Metadata) -> Option<Kind> {
        let file_type = metadata.file_type();
        let kinds = [
            (file_type.is_file(), Kind::File),
            (file_type.is_dir(), Kind::Directory),
            (file_type.is_symlink(), Kind::Symlink),
            (file_type.is_char_device(), Kind::CharDevice),
            (file_type.is_block_device(), Kind::BlockDevice),
            (file_type.is_fifo(), Kind::Fifo),
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
use portable::{device, kind, mode, mtime, same_file};

#[cfg(not(unix))]
mod portable {
    use std::fs::Metadata;
    use std::time::{Duration, UNIX_EPOCH};

    use super::Kind;

    pub(super) fn kind(metadata: &Metadata) -> Option<Kind> {
        if metadata.is_file() {
            Some(Kind::File)
        } else if metadata.is_dir() {
            Some(Kind::Directory)
        } else if metadata.is_symlink() {
            Some(Kind::Symlink)
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

    pub(super) fn device(_: &Metadata) -> (u32, u32) {
        (0, 0)
    }

    pub(super) fn same_file(_: &Metadata, opened: &Metadata) -> bool {
        opened.is_file()
    }
}
