//! Paths, temporary files and locks.

pub(crate) mod path_clean;
#[cfg(feature = "archive")]
pub(crate) mod temporary;
#[cfg(test)]
pub(crate) mod testing;
