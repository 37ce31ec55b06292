//! The library, and the ground it is tested on.

#[path = "../support/mod.rs"]
mod support;

mod test_ground;
mod test_registry;
