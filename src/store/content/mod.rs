//! Content to push: sources that can be opened repeatedly, and the verifying reader.
//!
//! No byte leaves the library unverified. Content from any source (registry, layout, archive,
//! embedded data) is read through a [`VerifyReader`], which checks size and digest and reports a
//! difference no later than with the last byte.

mod file;
mod hashing;
mod observed;
mod openable;
mod resume;
mod resumed_reader;
#[cfg(feature = "archive")]
mod saving_sink;
mod verify;

pub use file::FileContent;
pub use openable::{Content, ContentReader, StreamContent};
pub use verify::VerifyReader;

pub(crate) use file::{HashFile, hash};
pub(crate) use hashing::{ProgressReader, copy_hashing};
pub(crate) use observed::{ObservedContent, ReportStart};
pub(crate) use openable::STREAM;
pub(crate) use resume::{copy_resuming, if_resumable, name_needed, unwritten};
#[cfg(feature = "archive")]
pub(crate) use saving_sink::SavingSink;
pub(crate) use verify::ContentSink;
