//! What the responses of a registry showed about its uploads. Pure.

use std::collections::HashMap;

use crate::oci::{Descriptor, RepositoryName};
use crate::text::url::Origin;

/// Size in bytes from which it is worth a request to find out whether a body must be sent.
pub(crate) const LARGE_BYTES: u64 = 1024 * 1024;

/// Capabilities of an origin that receives uploads, learned from its responses.
#[derive(Clone, Debug, Default)]
pub(crate) struct RegistryCapabilities {
    pub(crate) self_mount: SelfMountSupport,
    pub(crate) single_post: SinglePostSupport,
    /// Whether a large body is sent without `Expect: 100-continue`: one was accepted, or the header
    /// was refused.
    pub(crate) skips_expect_continue: bool,
    /// Size in bytes of the smallest blob that was too large for one request.
    pub(crate) refused_bytes: Option<u64>,
    /// Size in bytes of a chunk that is not too large.
    pub(crate) chunk_bytes: Option<u64>,
    /// Whether connections are used for one request each, because they broke repeatedly.
    pub(crate) breaks_connections: bool,
    /// The blob stored last, and its repository. To mount it shows whether the registry checks for
    /// blobs before it starts an upload.
    pub(crate) last_stored: Option<(RepositoryName, Descriptor)>,
}

impl RegistryCapabilities {
    /// Whether to send `Expect: 100-continue` with a body of `size` bytes, so that the registry can
    /// reject it before it is sent.
    pub(crate) const fn uses_expect_continue(&self, size: u64) -> bool {
        size >= LARGE_BYTES && !self.skips_expect_continue
    }
}

/// The behaviour of a registry when asked to mount a blob of the same repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SelfMountSupport {
    /// Not known yet.
    #[default]
    Unknown,
    /// It answers 201 if it has the blob, and 202 otherwise.
    Checks,
    /// It answers 202 whether it has the blob or not.
    AlwaysUploads,
    /// It rejects the request.
    Rejected,
}

/// The behaviour of a registry that receives a blob with `POST ?digest=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SinglePostSupport {
    /// Not known yet.
    #[default]
    Unknown,
    /// It stores the blob.
    Stores,
    /// It starts an upload session, or rejects the request.
    Ignores,
}

/// The capabilities of each origin.
#[derive(Debug, Default)]
pub(crate) struct CapabilityCache(HashMap<Origin, RegistryCapabilities>);

impl CapabilityCache {
    /// The capabilities of `origin`: the defaults if nothing is known.
    pub(crate) fn entry(&mut self, origin: &Origin) -> &mut RegistryCapabilities {
        self.0.entry(origin.clone()).or_default()
    }
}
