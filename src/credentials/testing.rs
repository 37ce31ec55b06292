//! Helper programs for tests: shell scripts.
#![cfg(unix)]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::helper::Helpers;
use crate::fs::testing::TempDir;

/// Serializes tests with programs. A child process of another test may have the file of a program
/// open for writing for a moment, and the program cannot be run then (`ETXTBSY`).
static PROGRAMS_LOCK: Mutex<()> = Mutex::new(());

/// A directory of helper programs.
pub(super) struct Programs {
    directory: TempDir,
    _guard: MutexGuard<'static, ()>,
}

impl Programs {
    pub(super) fn new() -> Self {
        let guard = PROGRAMS_LOCK.lock().unwrap_or_else(PoisonError::into_inner);
        Self {
            directory: TempDir::new(),
            _guard: guard,
        }
    }

    /// Adds the program `docker-credential-<suffix>`, which writes its input to the file `log`.
    pub(super) fn with(self, suffix: &str, script: &str) -> Self {
        let path = self.path().join(format!("docker-credential-{suffix}"));
        let log = self.path().join("log");
        let script = format!(
            "#!/bin/sh\ninput=$(cat)\necho \"$1 $input\" >> '{}'\n{script}\n",
            log.display()
        );
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    pub(super) fn helpers(&self) -> Helpers {
        Helpers::new(self.search_path())
    }

    /// Returns the value of `PATH` for these programs.
    pub(super) fn search_path(&self) -> OsString {
        let directories = [self.path(), Path::new("/usr/bin"), Path::new("/bin")];
        std::env::join_paths(directories).unwrap()
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the inputs of the programs, one per line.
    pub(super) fn log(&self) -> Vec<String> {
        let log = fs::read_to_string(self.path().join("log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }
}
