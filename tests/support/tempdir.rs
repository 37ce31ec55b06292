//! Temporary directories, one per test.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, process};

/// A directory below the system's temporary directory, removed with its content on drop.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// Creates an empty directory.
    pub fn new() -> Self {
        static COUNTER: AtomicUsize = AtomicUsize::new(0);
        // Resolves symbolic links, so that paths in output can be recognised.
        let base =
            fs::canonicalize(env::temp_dir()).expect("the system's temporary directory exists");
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = base.join(format!("oras-test-{}-{number}", process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Self(path),
                // Left by a killed process with the same process id.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("create \"{}\": {error}", path.display()),
            }
        }
    }

    /// The path of the directory.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A path below the directory.
    pub fn join(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.0.join(relative)
    }

    /// Writes a file below the directory, creates its parents, and returns its path.
    pub fn write(&self, relative: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(relative);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)
                .unwrap_or_else(|error| panic!("create \"{}\": {error}", parent.display()));
        }
        fs::write(&path, content)
            .unwrap_or_else(|error| panic!("write \"{}\": {error}", path.display()));
        path
    }

    /// Reads a file below the directory.
    pub fn read(&self, relative: impl AsRef<Path>) -> Vec<u8> {
        let path = self.join(relative);
        fs::read(&path).unwrap_or_else(|error| panic!("read \"{}\": {error}", path.display()))
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // A directory that cannot be removed does not fail a test.
        let _ = fs::remove_dir_all(&self.0);
    }
}
