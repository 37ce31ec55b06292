//! The bodies of `tests/library/fuzz` for the targets of cargo-fuzz.

#[path = "../library/fuzz/bodies/mod.rs"]
mod bodies;
#[path = "../support/clock.rs"]
pub mod clock;
#[path = "../support/tempdir.rs"]
pub mod tempdir;

/// The paths that the bodies use.
mod support {
    pub(crate) use crate::{clock, tempdir};
}

/// Passes input to the body of a target.
pub fn run(target: &str, input: &[u8]) {
    let body = bodies::BODIES.into_iter().find(|(name, _)| *name == target);
    body.expect("a target of the table").1(input);
}
