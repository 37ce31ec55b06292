//! The settings of a client.

use std::fmt;
use std::sync::Arc;

use super::warnings::Warnings;
use super::{Client, PlainHttp, Settings, Shared};
use crate::credentials::{Anonymous, CredentialStore, Lookup};
use crate::http::clock::{Clock, SystemClock};
use crate::http::{Headers, RetryPolicy, Timeouts, Transport, UreqTransport};
use crate::limits::{MAX_BUFFERED_CHUNK_BYTES, MIN_CHUNK_BYTES};
use crate::oci::{MAX_MANIFEST_BYTES, MediaType, RegistryName};
use crate::progress::sync::Lock;
use crate::text::redact::Redactor;

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
        self.shared.transport = Arc::new(transport);
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
    /// | `DOCKER_CONFIG`, `REGISTRY_AUTH_FILE`, `DOCKER_AUTH_CONFIG` | credentials: [`Locations`] |
    /// | `ORAS_USER`, `ORAS_PASS`, home and XDG directories | credentials |
    /// | `PATH` | credential helpers |
    /// | `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` | [`Proxies`](crate::http::Proxies) |
    /// | `SSL_CERT_FILE`, `SSL_CERT_DIR` | certificate authorities of the system |
    ///
    /// `ORAS_USER` and `ORAS_PASS` are the credential of every registry without another one. A
    /// program that also uses registries for which they are not meant sets the credentials itself.
    ///
    /// [`Locations`]: crate::credentials::Locations
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

    /// Reaches these registries, with these ports, by http, whatever
    /// [`plain_http`](Self::plain_http) says. Several calls add up.
    ///
    /// ```
    /// use oras::registry::Client;
    ///
    /// let client = Client::builder()
    ///     .plain_http_for(["mirror.internal:5000".parse()?])
    ///     .build();
    /// # Ok::<(), oras::Error>(())
    /// ```
    #[must_use]
    pub fn plain_http_for(mut self, registries: impl IntoIterator<Item = RegistryName>) -> Self {
        self.settings.plain_http_registries.extend(registries);
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
        self.shared.warnings = Arc::new(Warnings::to(warn));
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
    /// Returns a builder with the default settings.
    pub fn builder() -> ClientBuilder {
        ClientBuilder {
            shared: Shared {
                transport: Arc::new(UreqTransport::new()),
                credentials: Box::new(Anonymous),
                clock: Arc::new(SystemClock),
                warnings: Arc::default(),
                auth_cache: Lock::default(),
                redactor: Lock::default(),
                capabilities: Lock::default(),
                known_blobs: Lock::default(),
                responders: Lock::default(),
            },
            settings: Settings {
                timeouts: Timeouts::default(),
                retry_policy: RetryPolicy::default(),
                user_agent: concat!("oras-rs/", env!("CARGO_PKG_VERSION")).to_owned(),
                headers: Headers::new(),
                plain_http: PlainHttp::default(),
                plain_http_registries: Vec::new(),
                accepted_manifests: accept_header(MediaType::MANIFESTS),
                max_manifest_bytes: MAX_MANIFEST_BYTES,
                upload_chunk_bytes: None,
            },
        }
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
