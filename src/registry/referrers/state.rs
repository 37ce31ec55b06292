//! State of a repository about referrers: the maintainer of the listings, and which updates are
//! deferred.

use std::collections::BTreeMap;

use crate::oci::{Descriptor, Digest};
use crate::progress::sync::{Deferred, Lock};

/// The maintainer of the referrers listings of a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReferrersMode {
    /// The registry if it has the referrers API, and otherwise its clients. The responses of the
    /// registry show which.
    #[default]
    Learned,
    /// The registry, with the referrers API. It is an error if the registry does not have it.
    Api,
    /// Clients, with an index under a tag made of the subject's digest (the referrers tag schema).
    /// The API is never requested.
    Tag,
}

/// The state of a repository, which its clones share.
#[derive(Debug, Default)]
pub(crate) struct ReferrersState {
    /// The mode that responses showed so far.
    pub(crate) learned: Lock<ReferrersMode>,
    /// The manifests to list when the batch finishes, by subject.
    pub(crate) pending: Deferred<BTreeMap<Digest, Vec<Descriptor>>>,
}
