//! Mounted file systems.

use std::path::PathBuf;
use std::process::Command;

/// The directory of a mounted file system. Dropping the value unmounts it.
#[derive(Debug)]
pub struct Mounted(pub PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: a process that another test starts holds open files until it executes its
        // program.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
