//! The client: requests to registries, with authentication, retries and redirects.
//!
//! | module | job |
//! |---|---|
//! | `builder` | the settings of a client |
//! | `auth` | does what the authentication flow decides; the entry point for all requests |
//! | `retries` | repeats requests that failed in a way that may pass |
//! | `redirects` | decides which redirects are followed, and follows them |
//! | `attempt` | sends a request once, with the headers and secrets its URL may get |
//! | `request`, `response` | the values these pass on |
//! | `error_body` | what the body of an error response says |
//! | `capabilities` | what responses showed about uploads to a registry |
//! | `known_blobs` | the blobs that repositories were seen to have |
//! | `warnings` | messages from the registry to the user |

mod attempt;
mod auth;
mod builder;
mod capabilities;
mod content_encoding;
mod error_body;
mod known_blobs;
mod redirects;
mod request;
mod response;
mod retries;
mod warnings;

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, MutexGuard};
use std::time::SystemTime;

use self::known_blobs::KnownBlobs;
use self::warnings::Warnings;
use crate::auth::AuthCache;
use crate::credentials::CredentialStore;
use crate::error::Result;
use crate::http::clock::Clock;
use crate::http::{Headers, Method, RetryPolicy, Timeouts, Transport};
use crate::oci::RegistryName;
use crate::progress::sync::Lock;
use crate::text::redact::Redactor;
use crate::text::url::{Locality, Origin, Scheme, Url};

pub use self::builder::ClientBuilder;
pub(crate) use self::capabilities::{
    CapabilityCache, LARGE_BYTES, RegistryCapabilities, SelfMountSupport, SinglePostSupport,
};
pub(crate) use self::known_blobs::BlobChecks;
pub(crate) use self::request::{Body, ChunkReader, RegistryRequest};
pub(crate) use self::response::{NOT_STORED, RegistryResponse, Sender};
pub(crate) use self::retries::Retry;

/// Which registries are reached by http instead of https.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlainHttp {
    /// Those whose host is `localhost`, on any port.
    #[default]
    Localhost,
    /// All.
    Always,
    /// None.
    Never,
}

/// A client of registries. One client serves a whole program: it keeps connections, tokens and the
/// capabilities of each registry.
///
/// ```
/// use oras::registry::Client;
///
/// let client = Client::new();
/// let repository = client.repository("localhost:5000/hello")?;
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Sharing
///
/// A clone is cheap and shares connections, tokens and capabilities with the original. Client and
/// repositories have no lifetime, so that a struct can own them:
///
/// ```
/// use oras::registry::{Client, Repository};
///
/// struct Service {
///     client: Client,
///     releases: Repository,
/// }
///
/// let client = Client::new();
/// let releases = client.repository("localhost:5000/releases")?;
/// let service = Service { client, releases };
/// # Ok::<(), oras::Error>(())
/// ```
///
/// # Threads
///
/// The library starts no thread, and can be used in several at once. A call blocks its thread until
/// it is complete. In an async program, move a clone of the client into `spawn_blocking`.
///
/// ```no_run
/// use std::thread;
///
/// use oras::pull::{PullOptions, pull};
/// use oras::registry::Client;
///
/// let client = Client::new();
/// let pulls = ["v1", "v2", "v3"].map(|tag| {
///     let client = client.clone();
///     thread::spawn(move || {
///         let repository = client.repository("localhost:5000/hello")?;
///         pull(&repository, tag, PullOptions::default())
///     })
/// });
/// for pull in pulls {
///     println!("{} files", pull.join().unwrap()?.files.len());
/// }
/// # Ok::<(), oras::Error>(())
/// ```
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    settings: Arc<Settings>,
}

/// The state of a client and of its clones.
struct Shared {
    transport: Arc<dyn Transport>,
    credentials: Box<dyn CredentialStore>,
    clock: Arc<dyn Clock>,
    warnings: Arc<Warnings>,
    auth_cache: Lock<AuthCache>,
    /// Secrets sent to servers. They are removed from messages about responses.
    redactor: Lock<Redactor>,
    capabilities: Lock<CapabilityCache>,
    known_blobs: Lock<KnownBlobs>,
    /// The origins that responded to a request.
    responders: Lock<HashSet<Origin>>,
}

/// The settings of a client, which can differ between clones.
#[derive(Clone)]
struct Settings {
    timeouts: Timeouts,
    retry_policy: RetryPolicy,
    user_agent: String,
    headers: Headers,
    plain_http: PlainHttp,
    /// Registries that are reached by http, whatever `plain_http` is.
    plain_http_registries: Vec<RegistryName>,
    accepted_manifests: String,
    max_manifest_bytes: u64,
    upload_chunk_bytes: Option<u64>,
}

impl Client {
    /// Creates a client with default settings: anonymous, https except for localhost, whatever the
    /// environment says.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Creates a client with what the environment of this process configures, as the command `oras`
    /// uses it: credentials, proxies and certificate authorities. See
    /// [`ClientBuilder::environment`].
    ///
    /// ```
    /// use oras::registry::Client;
    ///
    /// let client = Client::from_env();
    /// ```
    pub fn from_env() -> Self {
        Self::builder().environment().build()
    }

    /// Returns a clone with other timeouts, for example for one operation. The clone shares
    /// everything else with the original.
    ///
    /// ```
    /// use std::time::Duration;
    /// use oras::http::Timeouts;
    /// use oras::registry::Client;
    ///
    /// let client = Client::new();
    /// let impatient = client.with_timeouts(Timeouts::default().with_idle(Duration::from_secs(5)));
    /// let repository = impatient.repository("localhost:5000/hello")?;
    /// # Ok::<(), oras::Error>(())
    /// ```
    #[must_use]
    pub fn with_timeouts(&self, timeouts: Timeouts) -> Self {
        self.with_settings(|settings| settings.timeouts = timeouts)
    }

    /// Returns a clone with another retry policy. The clone shares everything else with the
    /// original.
    #[must_use]
    pub fn with_retry_policy(&self, policy: RetryPolicy) -> Self {
        self.with_settings(|settings| settings.retry_policy = policy)
    }

    /// Returns a client with other credentials, for example for a second account at the same
    /// registry. It shares connections and settings with the original, but no tokens.
    #[must_use]
    pub fn with_credentials(&self, credentials: impl CredentialStore + 'static) -> Self {
        let mut auth_cache = self.shared.auth_cache.lock().without_entries();
        auth_cache.allow_anonymous_pulls(credentials.allows_anonymous_pulls());
        Self {
            shared: Arc::new(Shared {
                transport: Arc::clone(&self.shared.transport),
                credentials: Box::new(credentials),
                clock: Arc::clone(&self.shared.clock),
                warnings: Arc::clone(&self.shared.warnings),
                auth_cache: Lock::new(auth_cache),
                redactor: Lock::new(self.shared.redactor.lock().clone()),
                capabilities: Lock::default(),
                known_blobs: Lock::default(),
                responders: Lock::default(),
            }),
            settings: Arc::clone(&self.settings),
        }
    }

    fn with_settings(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::clone(&self.settings);
        change(&mut settings);
        Self {
            shared: Arc::clone(&self.shared),
            settings: Arc::new(settings),
        }
    }

    /// Checks that a registry accepts the credential of this client, as
    /// [`login`](crate::login::login) does.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthorized`](crate::Error::Unauthorized) and
    /// [`Error::Refused`](crate::Error::Refused) if the registry rejects the credential or the
    /// server is not a registry; [`Error::Protocol`](crate::Error::Protocol) if the server sent a
    /// web page.
    pub fn check(&self, registry: &RegistryName) -> Result<()> {
        let url = Url::from_registry(self.scheme(registry), registry.host_and_port(), "/v2/");
        let request = RegistryRequest::new(Method::Get, url);
        let mut response = self.send(registry, request)?.expect(&[200])?;
        if response.is_web_page()? {
            return Err(response.protocol_error("the answer is a web page, not that of a registry"));
        }
        response.drain()
    }

    /// The scheme by which a registry is reached.
    pub(crate) fn scheme(&self, registry: &RegistryName) -> Scheme {
        let plain = match self.settings.plain_http {
            PlainHttp::Always => true,
            PlainHttp::Never => false,
            PlainHttp::Localhost => registry.host() == "localhost",
        };
        if plain || self.settings.plain_http_registries.contains(registry) {
            Scheme::Http
        } else {
            Scheme::Https
        }
    }

    fn registry_origin(&self, registry: &RegistryName) -> Origin {
        Url::from_registry(self.scheme(registry), registry.host_and_port(), "/").origin()
    }

    /// Locality of a registry: that of the address at which it was reached, if it is known.
    pub(crate) fn locality(&self, origin: &Origin) -> Locality {
        let reached = self.shared.transport.locality(origin);
        reached.unwrap_or_else(|| origin.locality())
    }

    /// The `Accept` header of requests for manifests.
    pub(crate) fn accepted_manifests(&self) -> &str {
        &self.settings.accepted_manifests
    }

    pub(crate) fn max_manifest_bytes(&self) -> u64 {
        self.settings.max_manifest_bytes
    }

    pub(crate) fn upload_chunk_bytes(&self) -> Option<u64> {
        self.settings.upload_chunk_bytes
    }

    /// Locks the upload capabilities that responses showed, of each registry.
    pub(crate) fn capabilities(&self) -> MutexGuard<'_, CapabilityCache> {
        self.shared.capabilities.lock()
    }

    /// Locks the blobs that repositories were seen to have.
    pub(crate) fn known_blobs(&self) -> MutexGuard<'_, KnownBlobs> {
        self.shared.known_blobs.lock()
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.shared.clock.now()
    }

    /// The method and URL of a request, for messages.
    fn describe(&self, request: &RegistryRequest<'_>) -> String {
        format!("{} \"{}\"", request.method, self.redacted(&request.url))
    }

    /// A URL without secrets: its own, and those that a server repeated in it.
    fn redacted(&self, url: &Url) -> String {
        self.shared.redactor.lock().redact(&url.to_string())
    }

    /// Reports a warning about a registry, if it is new.
    pub(crate) fn warn(&self, registry: &RegistryName, text: &str) {
        self.shared.warnings.report_text(registry, text);
    }

    fn report_warnings(&self, registry: &RegistryName, response: &RegistryResponse) {
        let warnings = response.response.headers.all("Warning");
        (self.shared.warnings).report(registry, warnings, &response.redactor);
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("user_agent", &self.settings.user_agent)
            .finish_non_exhaustive()
    }
}
