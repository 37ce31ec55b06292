//! Pulling of the files of an artifact, and of its referrers.

mod files;
#[cfg(feature = "archive")]
mod referrers;
mod selector;

#[cfg(feature = "archive")]
pub(crate) use self::files::find_files;
#[cfg(feature = "archive")]
pub use self::files::{ArchiveLimits, pull};
pub use self::files::{Listed, PullOptions, list};
#[cfg(feature = "archive")]
pub use self::referrers::{PulledReferrer, pull_referrers};
#[cfg(feature = "archive")]
pub(crate) use self::selector::digest_file_name;
pub use self::selector::{Pulled, PulledFile};
