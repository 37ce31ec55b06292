//! Replacing a file that holds secrets: whole or not at all, one after the other, and for its owner's eyes only.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::http::clock::Clock;
use crate::limits::{CONFIG_PATIENCE, MAX_CONFIG_LINKS};
use crate::text::random;

/// How often another name is tried when one is taken.
const MAX_TRIES: usize = 16;
/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(5);

/// A file that is about to be replaced, and by nobody else who takes it first.
///
/// Taking locks the directory, as far as its file system has locks. Other tools know nothing of that, and who holds the lock
/// may have other reasons to: after a while it goes on without.
pub(super) struct Place {
    path: PathBuf,
    directory: PathBuf,
    /// Locked as long as it is open.
    _lock: Option<File>,
}

impl Place {
    /// Takes the file at `path`, or the one behind symbolic links there. It need not exist, nor its directory: new ones are
    /// for the owner alone.
    pub(super) fn take(path: &Path, clock: &dyn Clock) -> Result<Self> {
        let path = resolve(path)?;
        let directory = match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        create_directory(&directory).map_err(Error::io("mkdir", &directory))?;
        Ok(Self {
            _lock: lock(&directory, clock),
            path,
            directory,
        })
    }

    /// Gives the file new content. What reads it meanwhile sees the old one or the new one.
    ///
    /// A new file is for the owner alone; a file that exists keeps its owner and loses what rights others have to it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]. The file is as it was.
    pub(super) fn replace(&self, content: &[u8]) -> Result<()> {
        let (mut file, temporary) = create_temporary(&self.directory)?;
        let mut write = || -> io::Result<()> {
            file.write_all(content)?;
            if let Ok(known) = fs::metadata(&self.path) {
                keep_owner_and_rights(&file, &known)?;
            }
            file.sync_all()?;
            fs::rename(&temporary, &self.path)
        };
        write().map_err(|error| {
            let _ = fs::remove_file(&temporary);
            Error::io("write", &self.path)(error)
        })
    }
}

/// Waits until nobody else has locked the directory, or for as long as that is worth it.
fn lock(directory: &Path, clock: &dyn Clock) -> Option<File> {
    let file = File::open(directory).ok()?;
    let mut waited = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => return Some(file),
            Err(TryLockError::WouldBlock) if waited < CONFIG_PATIENCE => {
                clock.sleep(PAUSE);
                waited += PAUSE;
            }
            Err(_) => return None,
        }
    }
}

/// Follows the symbolic links that `path` itself is, to a file that need not exist.
fn resolve(path: &Path) -> Result<PathBuf> {
    let mut resolved = path.to_owned();
    for _ in 0..MAX_CONFIG_LINKS {
        match fs::read_link(&resolved) {
            Ok(target) => {
                resolved.pop();
                resolved.push(target);
            }
            Err(_) => return Ok(resolved),
        }
    }
    let error = io::Error::other("too many levels of symbolic links");
    Err(Error::io("open", path)(error))
}

fn create_directory(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn create_temporary(directory: &Path) -> Result<(File, PathBuf)> {
    let mut tries = 0;
    loop {
        let path = directory.join(format!(".oras-credentials-{}", random::name()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < MAX_TRIES => {
                tries += 1;
            }
            Err(error) => return Err(Error::io("create", &path)(error)),
        }
    }
}

/// Makes `file` belong to whom the known one belongs to, with no right that the known one did not give.
#[cfg(unix)]
fn keep_owner_and_rights(file: &File, known: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};

    let created = file.metadata()?;
    if (created.uid(), created.gid()) != (known.uid(), known.gid()) {
        // Only the superuser may give a file away, and whoever else can write here is the new owner.
        let _ = fchown(file, Some(known.uid()), Some(known.gid()));
    }
    file.set_permissions(fs::Permissions::from_mode(known.mode() & 0o600))
}

#[cfg(not(unix))]
fn keep_owner_and_rights(_: &File, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
