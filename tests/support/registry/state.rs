//! State of a running registry, and helpers that endpoints share.

use std::sync::Arc;

use super::auth::Auth;
use super::faults::Faults;
use super::log::Log;
use super::profile::RegistryProfile;
use super::response::Response;
use super::store::Store;
use super::tokens::TokenService;

/// The state behind the lock of a registry.
#[derive(Debug)]
pub struct State {
    /// `http://127.0.0.1:<port>`.
    pub origin: String,
    pub profile: RegistryProfile,
    pub store: Store,
    pub auth: Auth,
    /// Token services at this registry, for this or for other registries.
    pub tokens: Vec<Arc<TokenService>>,
    pub faults: Faults,
    pub log: Log,
}

impl State {
    /// An empty registry without authentication.
    pub fn new(origin: String) -> Self {
        Self {
            origin,
            profile: RegistryProfile::default(),
            store: Store::default(),
            auth: Auth::Open,
            tokens: Vec::new(),
            faults: Faults::default(),
            log: Log::default(),
        }
    }

    /// The `Location` of a path, absolute or relative as in the profile.
    pub fn location(&self, path: &str) -> String {
        if self.profile.absolute_locations {
            format!("{}{path}", self.origin)
        } else {
            path.to_owned()
        }
    }

    /// Adds `Docker-Content-Digest` if the profile has it.
    pub fn with_digest(&self, response: Response, digest: &str) -> Response {
        if self.profile.digest_header {
            response.header("Docker-Content-Digest", digest)
        } else {
            response
        }
    }
}

/// 404 for a repository that was never pushed to.
pub fn name_unknown() -> Response {
    Response::error(404, "NAME_UNKNOWN", "repository name not known to registry")
}

/// 405 for operations that the profile does not support.
pub fn unsupported() -> Response {
    Response::error(405, "UNSUPPORTED", "the operation is unsupported")
}

/// 400 for a malformed digest or a digest mismatch.
pub fn digest_invalid(message: &str) -> Response {
    Response::error(400, "DIGEST_INVALID", message)
}
