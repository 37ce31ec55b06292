//! An OCI registry on a loopback socket: correct by default, with profile, authorization and faults
//! as data.
//!
//! ```ignore
//! let cdn = TestRegistry::start();
//! let registry = TestRegistry::requiring_token("t0k3n").with(on("GET", "/v2/a/blobs/*").redirect_to(&cdn));
//! ```
//!
//! Dropping it stops the server and fails the test if a request had no endpoint in the
//! specification.

#![allow(
    clippy::result_large_err,
    reason = "a refusal is an answer like any other, and a test can afford its size"
)]

mod auth;
mod blobs;
mod content;
mod digest;
mod faults;
mod lists;
mod log;
mod manifests;
mod profile;
mod request;
mod response;
mod routes;
mod seed;
mod server;
mod state;
mod store;
mod tokens;
mod uploads;

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

pub use auth::Scope;
pub use digest::{Algorithm, sha256};
pub use faults::{Fault, on};
pub use log::Recorded;
pub use profile::{Mount, Ranges, RegistryProfile};
pub use request::{Headers, parse_form};
pub use tokens::{Bearer, PATH as TOKEN_PATH, Signer};

use auth::Auth;
use server::{Server, Stop};
use state::State;

/// A running registry.
#[derive(Debug)]
pub struct TestRegistry {
    shared: Arc<Shared>,
    _server: Server,
}

/// State that the test and the server threads share.
#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    stop: Stop,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked has printed its message; the state is still usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Setup.
impl TestRegistry {
    /// An empty registry without authentication that implements the whole specification.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let state = State::new(format!("http://{address}"));
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            stop: Stop::default(),
        });
        let server = Server::start(listener, address, Arc::clone(&shared));
        Self {
            shared,
            _server: server,
        }
    }

    /// A registry with another profile.
    pub fn start_as(profile: RegistryProfile) -> Self {
        let registry = Self::start();
        registry.change(profile);
        registry
    }

    /// A registry with Basic authentication.
    pub fn requiring_basic(user: &str, password: &str) -> Self {
        let registry = Self::start();
        registry.shared.state().auth = Auth::Basic {
            user: user.to_owned(),
            password: password.to_owned(),
        };
        registry
    }

    /// A registry that accepts only this token, which its token service issues for every request.
    pub fn requiring_token(token: &str) -> Self {
        Self::start().with_tokens(Bearer::new().token(token))
    }

    /// Requires tokens.
    pub fn with_tokens(self, policy: Bearer) -> Self {
        let service = policy.install(&self.shared);
        self.shared.state().auth = Auth::Bearer(service);
        self
    }

    /// Adds a fault.
    pub fn with(self, fault: Fault) -> Self {
        self.inject(fault);
        self
    }

    /// Adds a fault while the registry is in use.
    pub fn inject(&self, fault: Fault) {
        self.shared.state().faults.push(fault);
    }

    /// Removes all faults.
    pub fn heal(&self) {
        self.shared.state().faults.clear();
    }

    /// Changes the profile. The content stays.
    pub fn change(&self, profile: RegistryProfile) {
        self.shared.state().profile = profile;
    }

    /// Revokes all tokens for this registry, as if they had expired.
    pub fn revoke_tokens(&self) {
        if let Auth::Bearer(service) = &self.shared.state().auth {
            service.revoke();
        }
    }
}

/// Addresses.
impl TestRegistry {
    /// The address of the listener.
    pub fn address(&self) -> SocketAddr {
        self.host().parse().expect("the host is an address")
    }

    /// `127.0.0.1:<port>`.
    pub fn host(&self) -> String {
        self.url().trim_start_matches("http://").to_owned()
    }

    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        self.shared.state().origin.clone()
    }

    /// `127.0.0.1:<port>/<name>`. `name` may include a tag or digest.
    pub fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.host())
    }
}

/// Content.
impl TestRegistry {
    /// The content of a blob.
    pub fn blob(&self, repository: &str, digest: &str) -> Option<Vec<u8>> {
        let content = self
            .shared
            .state()
            .store
            .repositories
            .get(repository)?
            .blobs
            .get(digest)?
            .clone();
        Some(content.to_vec().expect("stored content can be read"))
    }

    /// The digests of all blobs of a repository.
    pub fn blobs(&self, repository: &str) -> Vec<String> {
        let state = self.shared.state();
        let found = state.store.repositories.get(repository);
        found
            .map(|found| found.blobs.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// The bytes of the manifest that a tag or digest names.
    pub fn manifest(&self, repository: &str, reference: &str) -> Option<Vec<u8>> {
        let state = self.shared.state();
        let (_, manifest) = state
            .store
            .repositories
            .get(repository)?
            .manifest(reference)?;
        Some(manifest.bytes.clone())
    }

    /// The media type of the manifest that a tag or digest names.
    pub fn media_type(&self, repository: &str, reference: &str) -> Option<String> {
        let state = self.shared.state();
        let (_, manifest) = state
            .store
            .repositories
            .get(repository)?
            .manifest(reference)?;
        Some(manifest.media_type.clone())
    }

    /// The digests of all manifests of a repository.
    pub fn manifests(&self, repository: &str) -> Vec<String> {
        let state = self.shared.state();
        let found = state.store.repositories.get(repository);
        found
            .map(|found| found.manifests.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// The digest a tag points at.
    pub fn resolve(&self, repository: &str, tag: &str) -> Option<String> {
        let state = self.shared.state();
        state
            .store
            .repositories
            .get(repository)?
            .resolve(tag)
            .map(str::to_owned)
    }

    /// All tags of a repository, sorted.
    pub fn tags(&self, repository: &str) -> Vec<String> {
        let state = self.shared.state();
        let found = state.store.repositories.get(repository);
        found
            .map(|found| found.tags.keys().cloned().collect())
            .unwrap_or_default()
    }
}

/// Requests.
impl TestRegistry {
    /// All requests, each as `GET /v2/a/tags/list (no authorization)`; see [`Recorded::line`].
    pub fn log(&self) -> Vec<String> {
        self.shared
            .state()
            .log
            .requests
            .iter()
            .map(Recorded::line)
            .collect()
    }

    /// All requests in full.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.state().log.requests.clone()
    }

    /// Clears the log.
    pub fn clear_log(&self) {
        self.shared.state().log.clear();
    }

    /// Takes the requests without an endpoint, so that they do not fail the test.
    pub fn take_unexpected(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.state().log.unexpected)
    }

    /// Fails if a request had no endpoint in the specification.
    #[track_caller]
    pub fn assert_no_unexpected(&self) {
        let unexpected = self.take_unexpected();
        assert!(
            unexpected.is_empty(),
            "no registry understands {unexpected:#?}\nall requests: {:#?}",
            self.log()
        );
    }
}

impl Drop for TestRegistry {
    fn drop(&mut self) {
        // A second panic would abort the process and hide the first.
        if !thread::panicking() {
            self.assert_no_unexpected();
        }
    }
}
