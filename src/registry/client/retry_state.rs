//! The state on which retries depend, and a retry that the policy allows.

use std::collections::HashSet;
use std::time::Duration;

use crate::http::retry::NextAttempt;
use crate::text::url::Origin;

/// The responses of servers so far.
#[derive(Debug, Default)]
pub(super) struct Responses {
    /// The origins that responded.
    pub(super) origins: HashSet<Origin>,
    /// The time since the last response that requests waited, without the time of transfers.
    pub(super) silence: Duration,
}

impl Responses {
    /// Records a response.
    pub(super) fn add(&mut self, origin: Origin) {
        self.origins.insert(origin);
        self.silence = Duration::ZERO;
    }
}

/// A retry that the policy allows.
#[derive(Debug)]
pub(crate) struct Retry {
    pub(super) next: NextAttempt,
    /// Host and port of the server that failed.
    pub(super) host: String,
    pub(super) reason: String,
}
