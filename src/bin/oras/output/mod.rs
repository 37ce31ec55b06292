//! Results: one model behind every format.

pub(crate) mod file;
pub(crate) mod format;
pub(crate) mod model;
mod template;
pub(crate) mod text;
