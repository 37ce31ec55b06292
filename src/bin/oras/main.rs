//! The `oras` command.
#![forbid(unsafe_code)]

fn main() {}
