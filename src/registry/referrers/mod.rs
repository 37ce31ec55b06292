//! Referrers of a manifest: listings, updates of referrers tags, and deletion.

mod deletion;
mod listing;
mod referrers_tag;
mod state;

pub use self::state::ReferrersMode;
pub(crate) use self::state::ReferrersState;
