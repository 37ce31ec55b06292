//! The client: requests to registries, with authentication, retries and redirects.
//!
//! | module | job |
//! |---|---|
//! | `auth` | does what the authentication flow decides; the entry point for all requests |
//! | `retries` | repeats requests that failed in a way that may pass |
//! | `redirects` | decides which redirects are followed, and follows them |
//! | `attempt` | sends a request once, with the headers and secrets its URL may get |
//! | `request`, `response` | the values these pass on |
//! | `error_body` | what the body of an error response says |
//! | `capabilities` | what responses showed about uploads to a registry |
//! | `warnings` | messages from the registry to the user |

mod attempt;
mod auth;
mod capabilities;
mod content_encoding;
mod error_body;
mod redirects;
mod request;
mod response;
mod retries;
mod retry_state;
mod warnings;

use std::fmt;
use std::sync::{Arc, MutexGuard};
use std::time::SystemTime;

use self::retry_state::Responses;
use self::warnings::Warnings;
use crate::auth::AuthCache;
use crate::credentials::{Anonymous, CredentialStore, Lookup};
use crate::error::Result;
use crate::http::clock::{Clock, SystemClock};
use crate::http::{Headers, Method, RetryPolicy, Timeouts, Transport, UreqTransport};
use crate::limits::{MAX_BUFFERED_CHUNK_BYTES, MIN_CHUNK_BYTES};
use crate::oci::{MAX_MANIFEST_BYTES, MediaType, RegistryName};
use crate::progress::sync::Lock;
use crate::text::redact::Redactor;
use crate::text::url::{Locality, Origin, Scheme, Url};

pub(crate) use self::capabilities::{CapabilityCache, LARGE_BYTES, SelfMountSupport};
pub(crate) use self::request::{Body, ChunkReader, RegistryRequest};
pub(crate) use self::response::{NOT_STORED, RegistryResponse, Sender};
pub(crate) use self::retry_state::Retry;

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
    transport: Box<dyn Transport>,
    credentials: Box<dyn CredentialStore>,
    clock: Arc<dyn Clock>,
    warnings: Warnings,
    auth_cache: Lock<AuthCache>,
    /// Secrets sent to servers. They are removed from messages about responses.
    redactor: Lock<Redactor>,
    capabilities: Lock<CapabilityCache>,
    responses: Lock<Responses>,
}

/// The settings of a client, which can differ between clones.
#[derive(Clone)]
struct Settings {
    timeouts: Timeouts,
    retry_policy: RetryPolicy,
    user_agent: String,
    headers: Headers,
    plain_http: PlainHttp,
    accepted_manifests: String,
    max_manifest_bytes: u64,
    upload_chunk_bytes: Option<u64>,
}

/// Settings of a [`Client`].
pub struct ClientBuilder {
    shared: Shared,
    settings: Settings,
}

impl ClientBuilder {
    /// Sends requests with `transport`. The default is [`UreqTransport`] with its default settings.
    #[must_use]
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.shared.redactor = Lock::new(Redactor::new(transport.secrets()));
        self.shared.transport = Box::new(transport);
        self
    }

    /// Looks up credentials in `credentials`. The default is anonymous access.
    #[must_use]
    pub fn credentials(mut self, credentials: impl CredentialStore + 'static) -> Self {
        let allowed = credentials.allows_anonymous_pulls();
        (self.shared.auth_cache.lock()).allow_anonymous_pulls(allowed);
        self.shared.credentials = Box::new(credentials);
        self
    }

    /// Sets transport and credentials to what the environment of this process configures:
    /// [`UreqTransportBuilder::environment`](crate::http::UreqTransportBuilder::environment) and
    /// [`Lookup::from_env`].
    ///
    /// | variable | use |
    /// |---|---|
    /// | `DOCKER_CONFIG`, `REGISTRY_AUTH_FILE`, `DOCKER_AUTH_CONFIG`, `ORAS_USER` and `ORAS_PASS`, home and XDG directories | credentials, see [`Locations`](crate::credentials::Locations) |
    /// | `PATH` | credential helpers |
    /// | `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` | see [`Proxies`](crate::http::Proxies) |
    /// | `SSL_CERT_FILE`, `SSL_CERT_DIR` | certificate authorities of the system |
    ///
    /// ```
    /// use oras::registry::{Client, PlainHttp};
    ///
    /// let client = Client::builder()
    ///     .environment()
    ///     .plain_http(PlainHttp::Never)
    ///     .build();
    /// ```
    #[must_use]
    pub fn environment(self) -> Self {
        self.transport(UreqTransport::builder().environment().build())
            .credentials(Lookup::from_env())
    }

    /// Reads the time from `clock`, and sleeps with it. The default is the system's clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.shared.clock = Arc::new(clock);
        self
    }

    /// Sets the timeouts of requests. The default is [`Timeouts::default`].
    ///
    /// | Timeout | Default |
    /// |---|---|
    /// | [`connect`](Timeouts::connect): a connection | 10 seconds |
    /// | [`idle`](Timeouts::idle): silence of the server | 60 seconds |
    /// | [`upload_response`](Timeouts::upload_response): silence after an upload | 15 minutes |
    /// | [`deadline`](Timeouts::deadline): total time | none |
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.settings.timeouts = timeouts;
        self
    }

    /// Sets which requests are retried, how often, and after which wait. The default is
    /// [`RetryPolicy::default`]: up to 5 retries of a request that failed with an error of the
    /// server or a broken connection, and up to 2 after a timeout.
    #[must_use]
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.settings.retry_policy = policy;
        self
    }

    /// Sets the `User-Agent` header. The default is `oras-rs/` and the version of this library.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.settings.user_agent = user_agent.into();
        self
    }

    /// Adds a header to requests to registries. Token services and storage behind redirects do not
    /// receive it.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.headers.add(name, value);
        self
    }

    /// Sets which registries are reached by http. The default is [`PlainHttp::Localhost`].
    #[must_use]
    pub fn plain_http(mut self, plain_http: PlainHttp) -> Self {
        self.settings.plain_http = plain_http;
        self
    }

    /// Accepts manifests of these media types only. An empty list is ignored; by default every
    /// manifest type is accepted.
    #[must_use]
    pub fn accept_manifests(mut self, media_types: impl IntoIterator<Item = MediaType>) -> Self {
        let accepted = accept_header(media_types);
        if !accepted.is_empty() {
            self.settings.accepted_manifests = accepted;
        }
        self
    }

    /// Sets the size limit of manifests, in bytes: of those that are pushed, and of those read by a
    /// method without a limit of its own, such as [`Source::fetch`](crate::store::Source::fetch).
    /// The default is [`MAX_MANIFEST_BYTES`].
    #[must_use]
    pub fn max_manifest_bytes(mut self, bytes: u64) -> Self {
        self.settings.max_manifest_bytes = bytes;
        self
    }

    /// Sets the size of the chunks in which streams are uploaded, and blobs that a registry refuses
    /// to accept as a whole, in bytes: from 64 KiB to 16 MiB. The default is 5 MiB for streams and
    /// 8 MiB for blobs. A registry that refuses chunks of this size gets smaller ones; one that
    /// requires a larger size gets that.
    ///
    /// One chunk of a stream is held in memory. Many registries that store chunks in S3 require at
    /// least 5 MiB.
    #[must_use]
    pub fn upload_chunk_bytes(mut self, bytes: u64) -> Self {
        let bytes = bytes.clamp(MIN_CHUNK_BYTES, MAX_BUFFERED_CHUNK_BYTES);
        self.settings.upload_chunk_bytes = Some(bytes);
        self
    }

    /// Calls `warn` with each distinct warning of a registry (distribution spec v1.1, "Warnings"),
    /// once, if a pull continues without a rejected credential, and if a listing of referrers has
    /// entries that cannot be read. The default ignores warnings.
    #[must_use]
    pub fn on_warning(
        mut self,
        warn: impl Fn(&RegistryName, &str) + Send + Sync + 'static,
    ) -> Self {
        self.shared.warnings = Warnings::to(warn);
        self
    }

    /// Sends passwords to token services in an OAuth2 form first, and by GET if the service rejects
    /// the form. The default sends passwords by GET, which every token service supports. Identity
    /// tokens are always sent in a form.
    #[must_use]
    pub fn prefer_oauth2(self) -> Self {
        self.shared.auth_cache.lock().prefer_oauth2();
        self
    }

    /// Returns the client.
    pub fn build(self) -> Client {
        Client {
            shared: Arc::new(self.shared),
            settings: Arc::new(self.settings),
        }
    }
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

    /// Returns a builder with the default settings.
    pub fn builder() -> ClientBuilder {
        ClientBuilder {
            shared: Shared {
                transport: Box::new(UreqTransport::new()),
                credentials: Box::new(Anonymous),
                clock: Arc::new(SystemClock),
                warnings: Warnings::default(),
                auth_cache: Lock::default(),
                redactor: Lock::default(),
                capabilities: Lock::default(),
                responses: Lock::default(),
            },
            settings: Settings {
                timeouts: Timeouts::default(),
                retry_policy: RetryPolicy::default(),
                user_agent: concat!("oras-rs/", env!("CARGO_PKG_VERSION")).to_owned(),
                headers: Headers::new(),
                plain_http: PlainHttp::default(),
                accepted_manifests: accept_header(MediaType::MANIFESTS),
                max_manifest_bytes: MAX_MANIFEST_BYTES,
                upload_chunk_bytes: None,
            },
        }
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

    fn with_settings(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::clone(&self.settings);
        change(&mut settings);
        Self {
            shared: Arc::clone(&self.shared),
            settings: Arc::new(settings),
        }
    }

    /// Checks that a registry accepts the credential of this client, as a login does.
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
        if response.is_web_page() {
            return Err(response.protocol_error("the answer is a web page, not that of a registry"));
        }
        response.drain();
        Ok(())
    }

    /// The scheme by which a registry is reached.
    pub(crate) fn scheme(&self, registry: &RegistryName) -> Scheme {
        let plain = match self.settings.plain_http {
            PlainHttp::Always => true,
            PlainHttp::Never => false,
            PlainHttp::Localhost => registry.host() == "localhost",
        };
        if plain { Scheme::Http } else { Scheme::Https }
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

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("user_agent", &self.settings.user_agent)
            .finish_non_exhaustive()
    }
}

/// Joins media types as the value of an `Accept` header.
fn accept_header(media_types: impl IntoIterator<Item = MediaType>) -> String {
    let media_types: Vec<String> = (media_types.into_iter())
        .map(|media_type| media_type.to_string())
        .collect();
    media_types.join(", ")
}
