//! All that a running registry remembers, and what its endpoints share.

use std::sync::Arc;

use super::auth::Auth;
use super::faults::Faults;
use super::log::Log;
use super::profile::Personality;
use super::response::Response;
use super::store::Store;
use super::tokens::TokenService;

/// Everything behind the lock of a registry.
#[derive(Debug)]
pub struct State {
    /// `http://127.0.0.1:<port>`.
    pub origin: String,
    pub personality: Personality,
    pub store: Store,
    pub auth: Auth,
    /// Who issues tokens here, for this registry or for others.
    pub tokens: Vec<Arc<TokenService>>,
    pub faults: Faults,
    pub log: Log,
}

impl State {
    /// An empty, open registry.
    pub fn new(origin: String) -> Self {
        Self {
            origin,
            personality: Personality::default(),
            store: Store::default(),
            auth: Auth::Open,
            tokens: Vec::new(),
            faults: Faults::default(),
            log: Log::default(),
        }
    }

    /// The address of a path here, as this registry words it.
    pub fn location(&self, path: &str) -> String {
        if self.personality.absolute_locations {
            format!("{}{path}", self.origin)
        } else {
            path.to_owned()
        }
    }

    /// Adds `Docker-Content-Digest`, if this registry sends it.
    pub fn with_digest(&self, response: Response, digest: &str) -> Response {
        if self.personality.digest_header {
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

/// 405 for what this registry does not do.
pub fn unsupported() -> Response {
    Response::error(405, "UNSUPPORTED", "the operation is unsupported")
}

/// 400 for a digest that is none, or not the content's.
pub fn digest_invalid(message: &str) -> Response {
    Response::error(400, "DIGEST_INVALID", message)
}
