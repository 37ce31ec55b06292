//! Programs that tests use where there are any.
//!
//! What is not found is skipped, and said so. `ORAS_TEST_REQUIRE=docker-registry,zsh` makes that a failure.

use std::env;
use std::path::PathBuf;

/// Says what is skipped, unless it is required.
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

/// A program by its name.
pub fn program(name: &str) -> Option<PathBuf> {
    found(name, on_path(name), "it is not on PATH")
}

/// Where a program is.
pub fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}
