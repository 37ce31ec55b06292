//! Programs that the tests need.

#![expect(
    clippy::disallowed_methods,
    reason = "the environment says what there is to test against"
)]

use std::env;
use std::path::PathBuf;

use crate::support::prerequisites::{found, on_path};

/// Returns the original command.
pub(crate) fn reference() -> Option<PathBuf> {
    let path = env::var_os("ORAS_TEST_REFERENCE").map(PathBuf::from);
    found("reference", path, "ORAS_TEST_REFERENCE names none")
}

/// Returns CNCF distribution as packaged by Debian.
pub(crate) fn docker_registry() -> Option<PathBuf> {
    let named = env::var_os("ORAS_TEST_DOCKER_REGISTRY").map(PathBuf::from);
    let path = named.or_else(|| on_path("docker-registry"));
    found("docker-registry", path, "it is not on PATH")
}

/// Whether large files are tested too.
pub(crate) fn is_large_wanted() -> bool {
    env::var_os("ORAS_TEST_LARGE").is_some_and(|value| value == "1")
}
