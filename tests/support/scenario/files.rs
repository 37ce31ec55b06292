//! Files of the working directory: those of the golden examples.

use std::path::Path;
use std::process::Command;

use crate::support::tree::{build, directory, file, symlink};

/// Creates the directory `d` of the golden examples below `root`: modes, a link, and times at the
/// start of the year 2000.
pub fn golden_directory(root: &Path) {
    build(
        root,
        &[
            directory("d").mode(0o755),
            file("d/a.txt", "A\n").mode(0o644),
            symlink("d/link", "a.txt"),
            directory("d/sub").mode(0o755),
            file("d/sub/b.sh", "#!/bin/sh\n").mode(0o755),
        ],
    );
    // The standard library cannot set the time of a symbolic link.
    let touched = Command::new("touch")
        .args(["-h", "-t", "200001010000.00"])
        .args(["d/a.txt", "d/link", "d/sub/b.sh", "d/sub", "d"])
        .env("TZ", "UTC")
        .current_dir(root)
        .status();
    assert!(touched.is_ok_and(|status| status.success()), "touch failed");
}

/// Creates the files of every working directory.
pub fn standard(root: &Path) {
    build(
        root,
        &[
            file("hello.txt", "hello world\n").mode(0o644),
            file("hi.txt", "hi\n").mode(0o644),
            file("config.json", r#"{"k":"v"}"#).mode(0o644),
        ],
    );
    golden_directory(root);
}
