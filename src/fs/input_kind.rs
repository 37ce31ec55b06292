//! Kinds of files that a user names as input.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

/// The kind of a file to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// A regular file, or `/dev/null`, which is an empty one.
    File,
    /// A directory.
    Directory,
    /// A pipe without a name, such as `<(…)` of a shell. It can be read once.
    Pipe,
    /// Another device. It may have no end.
    Device,
    /// A FIFO or socket, with the name of its kind. Opening it may block forever.
    Special(&'static str),
}

impl InputKind {
    /// Returns the kind of the file at `path`. Symbolic links are followed.
    ///
    /// # Errors
    ///
    /// If the file does not exist or its directory is not accessible.
    pub fn of_path(path: &Path) -> io::Result<Self> {
        Ok(Self::from_metadata(path, &fs::metadata(path)?))
    }

    /// Same as [`of_path`](Self::of_path), for a file whose metadata is known.
    pub(crate) fn from_metadata(path: &Path, metadata: &Metadata) -> Self {
        if metadata.is_dir() {
            Self::Directory
        } else if metadata.is_file() {
            Self::File
        } else {
            special(path, metadata)
        }
    }

    /// Returns the reason why the file cannot be read twice, if it cannot.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::File | Self::Directory => None,
            Self::Pipe => Some("it is a pipe"),
            Self::Device => Some("it is a device"),
            Self::Special(reason) => Some(reason),
        }
    }
}

/// Opens a file to read a limited number of bytes of it. A FIFO or socket is an error.
///
/// # Errors
///
/// If the file cannot be opened.
pub fn open_once(path: &Path) -> io::Result<File> {
    match InputKind::of_path(path)? {
        InputKind::Special(reason) => Err(io::Error::other(reason)),
        _ => File::open(path),
    }
}

#[cfg(unix)]
fn special(path: &Path, metadata: &Metadata) -> InputKind {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

    let kind = metadata.file_type();
    if kind.is_fifo() {
        // The link /proc/self/fd/N of a pipe leads to `pipe:[…]`, which is not a path. Opening a
        // FIFO with a name waits for a writer.
        return match fs::canonicalize(path) {
            Err(_) => InputKind::Pipe,
            Ok(_) => InputKind::Special("it is a FIFO"),
        };
    }
    let is_null = || fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == metadata.rdev());
    if kind.is_char_device() && is_null() {
        return InputKind::File;
    }
    if kind.is_socket() {
        InputKind::Special("it is a socket")
    } else {
        InputKind::Device
    }
}

#[cfg(not(unix))]
const fn special(_: &Path, _: &Metadata) -> InputKind {
    InputKind::File
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::fd::AsRawFd as _;
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;
    use crate::fs::testing::TempDir;

    #[test]
    fn kinds_follow_from_the_file() {
        let dir = TempDir::new();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("file"), "").unwrap();
        std::os::unix::fs::symlink("file", path("link")).unwrap();
        let made = Command::new("mkfifo").arg(path("fifo")).status().unwrap();
        assert!(made.success());
        let _listener = UnixListener::bind(path("socket")).unwrap();
        let (reader, _writer) = io::pipe().unwrap();
        for (path, kind) in [
            (path("file"), InputKind::File),
            (path("link"), InputKind::File),
            (path(""), InputKind::Directory),
            (path("fifo"), InputKind::Special("it is a FIFO")),
            (path("socket"), InputKind::Special("it is a socket")),
            ("/dev/null".into(), InputKind::File),
            ("/dev/zero".into(), InputKind::Device),
            (
                format!("/dev/fd/{}", reader.as_raw_fd()).into(),
                InputKind::Pipe,
            ),
        ] {
            assert_eq!(InputKind::of_path(&path).unwrap(), kind, "{path:?}");
        }
        assert!(InputKind::of_path(&path("missing")).is_err());
    }
}
