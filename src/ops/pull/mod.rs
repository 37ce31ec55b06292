//! Pulling of the files of an artifact, and of its referrers.

mod files;
#[cfg(feature = "archive")]
mod referrers;

#[cfg(feature = "archive")]
pub use self::files::{ArchiveLimits, pull};
pub use self::files::{Listed, PullOptions, Pulled, PulledFile, list};
#[cfg(feature = "archive")]
pub(crate) use self::files::{digest_file_name, find_files};
#[cfg(feature = "archive")]
pub use self::referrers::{PulledReferrer, pull_referrers};
