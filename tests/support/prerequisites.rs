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

/// Finds the static binary of a release build, or reports that it was not built.
pub fn static_binary() -> Option<PathBuf> {
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/target").into());
    let path = target.join("x86_64-unknown-linux-musl/release/oras");
    let path = Some(path).filter(|path| path.is_file());
    found("static-binary", path, "it was not built")
}

/// Finds a program in `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}
