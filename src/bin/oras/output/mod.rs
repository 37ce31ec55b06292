//! Results: one model behind every format.

pub(crate) mod file;
pub(crate) mod format;
pub(crate) mod model;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod tree;
mod yaml;
