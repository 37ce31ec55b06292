//! Temporary directories for unit tests.

use std::fs;
use std::path::{Path, PathBuf};

use super::temp_name::TempKind;
use crate::text::random;

/// Returns the name of a file that a killed process of this host left.
pub(crate) fn leftover_name() -> String {
    let name = TempKind::Staged.create(|name| Ok(name.to_owned()));
    name.unwrap()
}

/// Returns the name of the beginning of content that a process of this host left.
#[cfg(feature = "archive")]
pub(crate) fn beginning_name() -> String {
    let digest = crate::oci::Digest::of(b"x");
    let name = TempKind::Beginning(&digest).create(|name| Ok(name.to_owned()));
    name.unwrap()
}

/// A new directory, removed when dropped.
#[derive(Debug)]
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    #[expect(
        clippy::disallowed_methods,
        reason = "unit tests have no directory of their own"
    )]
    pub(crate) fn new() -> Self {
        let base = fs::canonicalize(std::env::temp_dir()).unwrap();
        let path = base.join(format!("oras-test-{}", random::name()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Lists all entries, sorted, as `name`, `name/` or `name -> target`.
    #[cfg(feature = "archive")]
    pub(crate) fn tree(&self) -> Vec<String> {
        let mut tree = Vec::new();
        list(&self.0, &self.0, &mut tree);
        tree.sort();
        tree
    }
}

#[cfg(feature = "archive")]
fn list(root: &Path, dir: &Path, tree: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        let metadata = fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            tree.push(name + "/");
            list(root, &path, tree);
        } else if metadata.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            tree.push(format!("{name} -> {}", target.display()));
        } else {
            tree.push(name);
        }
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
