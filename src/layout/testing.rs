//! What the tests of layouts share.

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};

/// A directory that is gone after the test.
pub(super) struct TempDir(PathBuf);

impl TempDir {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests put their files where the system wants them"
    )]
    pub(super) fn new() -> Self {
        let random = RandomState::new().hash_one(0);
        let path = std::env::temp_dir().join(format!("oras-layout-test-{random:016x}"));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
