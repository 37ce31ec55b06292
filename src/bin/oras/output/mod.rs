//! Output of results: the model that all formats share, and the formats.

pub(crate) mod file;
pub(crate) mod format;
pub(crate) mod model;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod tree;
mod yaml;
