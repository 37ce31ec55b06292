//! The cheapest first request of an upload. Pure.
//!
//! | request | the registry has the blob | it does not |
//! |---|---|---|
//! | `HEAD` | 1 request | 3 requests |
//! | `POST ?mount=` from the same repository | 1 request, and a write at the server | 2 requests |
//! | `POST ?digest=` with the blob | 1 request, which sends the blob for nothing | 1 request |
//!
//! A registry that does not accept `POST ?digest=` answers it with an upload session, so that the
//! attempt costs nothing.

use crate::limits::MAX_SINGLE_POST_BYTES;
use crate::registry::client::{
    BlobChecks, RegistryCapabilities, SelfMountSupport, SinglePostSupport,
};

/// Number of blobs that existed in a row, after which the next one probably exists. A wrong guess
/// costs a request.
const MIN_EXISTING: u32 = 4;

/// The first request of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FirstRequest {
    Head,
    Mount,
    Post,
}

impl FirstRequest {
    /// Decides about a blob of `size` bytes, of which is not known whether the registry has it.
    ///
    /// A blob is probably new during the first push of a tag if the last blob was new. It probably
    /// exists if the last four did.
    pub(super) fn new(size: u64, checks: BlobChecks, capabilities: &RegistryCapabilities) -> Self {
        let is_probably_new = checks.is_first_push && checks.missing_in_a_row > 0;
        let may_post = capabilities.single_post != SinglePostSupport::Ignores;
        if is_probably_new && may_post && size <= MAX_SINGLE_POST_BYTES {
            return Self::Post;
        }
        match capabilities.self_mount {
            SelfMountSupport::AlwaysUploads | SelfMountSupport::Rejected => Self::Head,
            SelfMountSupport::Unknown | SelfMountSupport::Checks
                if checks.existing_in_a_row >= MIN_EXISTING =>
            {
                Self::Head
            }
            SelfMountSupport::Unknown | SelfMountSupport::Checks => Self::Mount,
        }
    }
}

/// Whether a blob of `size` bytes that the registry does not have is sent with `POST ?digest=`.
pub(super) fn sends_missing(size: u64, capabilities: &RegistryCapabilities) -> bool {
    size <= MAX_SINGLE_POST_BYTES && capabilities.single_post == SinglePostSupport::Stores
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_request_is_the_cheapest() {
        use FirstRequest::{Head, Mount, Post};
        use SelfMountSupport::{AlwaysUploads, Checks, Rejected, Unknown};
        use SinglePostSupport::{Ignores, Stores, Unknown as New};
        const SMALL: u64 = MAX_SINGLE_POST_BYTES;
        const LARGE: u64 = SMALL + 1;
        #[rustfmt::skip]
        let rows = [
            // size, first push, existing and missing in a row, self mount, single POST, wanted
            (SMALL, false, 0, 0, Unknown,       New, Mount),
            (SMALL, false, 1, 0, Unknown,       New, Mount),
            (SMALL, false, 1, 0, Checks,        New, Mount),
            (SMALL, false, 3, 0, Unknown,       New, Mount),
            (SMALL, false, 4, 0, Unknown,       New, Head),
            (LARGE, false, 4, 0, Checks,        New, Head),
            (SMALL, false, 0, 9, Checks,        New, Mount),
            (SMALL, true,  0, 0, Unknown,       New, Mount),
            (SMALL, true,  1, 0, Unknown,       New, Mount),
            (SMALL, true,  4, 0, Unknown,       New, Head),
            (SMALL, true,  0, 1, Unknown,       New, Post),
            (SMALL, true,  0, 1, Checks,        Stores, Post),
            (SMALL, true,  0, 1, Checks,        Ignores, Mount),
            (LARGE, true,  0, 9, Checks,        New, Mount),
            (SMALL, true,  0, 1, Rejected,      New, Post),
            (SMALL, true,  0, 1, Rejected,      Ignores, Head),
            (SMALL, true,  0, 0, Rejected,      New, Head),
            (SMALL, false, 0, 9, AlwaysUploads, New, Head),
            (LARGE, true,  0, 9, AlwaysUploads, New, Head),
        ];
        for (size, is_first_push, existing, missing, self_mount, single_post, wanted) in rows {
            let checks = BlobChecks {
                is_first_push,
                existing_in_a_row: existing,
                missing_in_a_row: missing,
            };
            let capabilities = RegistryCapabilities {
                self_mount,
                single_post,
                ..RegistryCapabilities::default()
            };
            let found = FirstRequest::new(size, checks, &capabilities);
            assert_eq!(found, wanted, "{size} {checks:?} {capabilities:?}");
        }
    }

    #[test]
    fn a_missing_blob_is_sent_in_one_request_if_the_registry_is_known_to_store_it() {
        use SinglePostSupport::{Ignores, Stores, Unknown};
        for (size, single_post, wanted) in [
            (MAX_SINGLE_POST_BYTES, Stores, true),
            (MAX_SINGLE_POST_BYTES + 1, Stores, false),
            (0, Unknown, false),
            (0, Ignores, false),
        ] {
            let capabilities = RegistryCapabilities {
                single_post,
                ..RegistryCapabilities::default()
            };
            assert_eq!(
                sends_missing(size, &capabilities),
                wanted,
                "{size} {single_post:?}"
            );
        }
    }
}
