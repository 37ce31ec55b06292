//! Optional programs that tests use.
//!
//! Tests without their program print that they are skipped. `ORAS_TEST_REQUIRE=docker-registry,zsh`
//! makes that a failure.

use std::env;
use std::path::PathBuf;

/// Returns `path`. If there is none, prints that the test is skipped, or fails if `name` is
/// required.
pub fn found(name: &str, path: Option<PathBuf>, otherwise: &str) -> Option<PathBuf> {
    if path.is_none() {
        let required = env::var("ORAS_TEST_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|required| required.trim() == name),
            "{name} is required, but {otherwise}"
        );
        super::skip(&format!("no {name}: {otherwise}"));
    }
    path
}

/// Finds a program in `PATH`, or reports that it is missing.
pub fn program(name: &str) -> Option<PathBuf> {
    found(name, on_path(name), "it is not on PATH")
}

/// Finds a program in `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}
