//! What things are called until they are complete, and what becomes of them if they never are.
//!
//! Everything under a hidden name is locked by the process that writes it, and a lock ends with its process. So what can be
//! locked is abandoned, whatever its age, and a later process removes it. Where there are no locks, nothing is ever found
//! abandoned.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, OpenOptions};

use super::permissions::remove_tree;
use crate::text::random;

const PREFIX: &str = ".oras-";
const SUFFIX: &str = ".tmp";

/// Creates something under a new hidden name. `NotFound` means that it has vanished already.
pub(super) fn create<T>(
    mut create: impl FnMut(&Path) -> io::Result<T>,
) -> io::Result<(PathBuf, T)> {
    // More collisions of 64 random bits than this are no accident.
    const ATTEMPTS: u32 = 16;

    let mut attempt = 1;
    loop {
        let process = std::process::id();
        let random = random::name();
        let name = PathBuf::from(format!("{PREFIX}{process}-{random}{SUFFIX}"));
        match create(&name) {
            Ok(created) => return Ok((name, created)),
            Err(error)
                if attempt < ATTEMPTS
                    && matches!(
                        error.kind(),
                        io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound
                    ) =>
            {
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Creates a file with mode 0666 less the umask. It is locked until it is closed.
pub(super) fn create_file(home: &Dir) -> io::Result<(PathBuf, File)> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    create(|name| {
        let file = home.open_with(name, &options)?.into_std();
        let _ = file.lock();
        // Somebody may have found it abandoned before it was locked.
        home.symlink_metadata(name)?;
        Ok(file)
    })
}

/// Creates a directory with mode 0777 less the umask. It is locked until the file is closed, if there is one.
pub(super) fn create_directory(home: &Dir) -> io::Result<(PathBuf, (Dir, Option<File>))> {
    create(|name| {
        home.create_dir(name)?;
        let dir = home.open_dir(name)?;
        // The handle only stands for a path and cannot be locked itself.
        let lock = dir.open(".").ok().map(cap_std::fs::File::into_std);
        if let Some(lock) = &lock {
            let _ = lock.lock();
        }
        home.symlink_metadata(name)?;
        Ok((dir, lock))
    })
}

/// Removes what killed processes left in a directory. What cannot be removed does no harm but the space it takes.
pub(super) fn remove_abandoned(home: &Dir) {
    for entry in home.entries().into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| is_ours(name)).map(Path::new) else {
            continue;
        };
        // Nothing else is ever locked, and to open a FIFO would wait for its other end.
        let Some(kind) = entry
            .file_type()
            .ok()
            .filter(|kind| kind.is_file() || kind.is_dir())
        else {
            continue;
        };
        let Ok(file) = home.open(name) else {
            continue;
        };
        let file = file.into_std();
        if file.try_lock().is_err() {
            continue;
        }
        // By name: if it was completed meanwhile, it has another one.
        let _ = if kind.is_dir() {
            remove_tree(home, name)
        } else {
            home.remove_file(name)
        };
    }
}

/// Whether a name is one that [`create`] makes.
fn is_ours(name: &str) -> bool {
    let parts = name
        .strip_prefix(PREFIX)
        .and_then(|name| name.strip_suffix(SUFFIX))
        .and_then(|name| name.split_once('-'));
    parts.is_some_and(|(process, rest)| {
        !process.is_empty()
            && process.bytes().all(|byte| byte.is_ascii_digit())
            && rest.len() == random::NAME_DIGITS
            && rest
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}
