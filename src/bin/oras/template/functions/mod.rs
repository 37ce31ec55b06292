//! Implementations of template functions, by subject. The names and parameters are in
//! [`table`](super::table).

pub(super) mod dates;
pub(super) mod dicts;
pub(super) mod encoding;
pub(super) mod lists;
pub(super) mod math;
pub(super) mod paths;
pub(super) mod printf;
pub(super) mod printing;
pub(super) mod semver;
pub(super) mod strings;
pub(super) mod urls;
pub(super) mod words;
