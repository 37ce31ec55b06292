//! The client: sends requests, and obeys what [`auth`](crate::auth) and [`retry`](crate::http::retry) decide.

mod response;
mod warnings;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::io::{self, Cursor, Read};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use self::response::NamedBody;
use self::warnings::Warnings;
use crate::auth::credential::Credential;
use crate::auth::{
    Action, AuthCache, Authorization, Challenge, Event, Flow, OriginPolicy, Scopes, TokenRequest,
};
use crate::credentials::{Anonymous, CredentialStore};
use crate::error::{Error, Responder, Result, TransportKind, Unauthorized};
use crate::http::clock::{Clock, SystemClock, TimedReader};
use crate::http::retry::{Outcome, parse_retry_after, wait_before_retry};
use crate::http::{
    Headers, Method, Request, RequestBody, Response, Transport, TransportError, UreqTransport,
};
use crate::limits::{
    MAX_DOCUMENT_TIME, MAX_MESSAGE_TIME, MAX_REDIRECTS, MAX_TOKEN_BYTES, RESPONSE_TIMEOUT,
};
use crate::oci::descriptor::Descriptor;
use crate::oci::manifest::MAX_MANIFEST_BYTES;
use crate::oci::media_type::MediaType;
use crate::oci::reference::{Reference, RegistryName, RepositoryName};
use crate::registry::repository::Repository;
use crate::store::content::Content;
use crate::text::random;
use crate::text::redact::Redactor;
use crate::text::url::{Origin, Scheme, Url};

pub(crate) use self::response::Answer;

/// What requests for manifests accept: every manifest type, in the order that registries have always been asked in.
const MANIFEST_TYPES: [MediaType; 5] = [
    MediaType::DOCKER_MANIFEST,
    MediaType::DOCKER_MANIFEST_LIST,
    MediaType::IMAGE_MANIFEST,
    MediaType::IMAGE_INDEX,
    MediaType::ARTIFACT_MANIFEST,
];

/// When plain http is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlainHttp {
    /// With the host `localhost`, whatever its port, and nowhere else.
    #[default]
    Localhost,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Talks to registries. One value serves a whole program: it keeps connections, tokens and what it learned.
///
/// ```
/// use oras::registry::Client;
///
/// let client = Client::new();
/// let repository = client.repository("localhost:5000/hello")?;
/// # Ok::<(), oras::Error>(())
/// ```
pub struct Client {
    transport: Box<dyn Transport + Send>,
    credentials: Box<dyn CredentialStore + Send>,
    clock: Arc<dyn Clock + Send + Sync>,
    user_agent: String,
    headers: Headers,
    plain_http: PlainHttp,
    accepted_manifests: String,
    max_manifest_bytes: u64,
    warnings: Warnings,
    auth_cache: RefCell<AuthCache>,
    /// The secrets sent to servers, which are removed from messages.
    redactor: RefCell<Redactor>,
    learned: RefCell<HashMap<Origin, Learned>>,
}

/// What was learned about a registry's uploads, at no cost.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learned {
    pub(crate) mount: Mounts,
    /// A large body has been accepted, or asking first was refused, so the next one is sent without.
    pub(crate) takes_large_bodies: bool,
    /// The size of the smallest blob that was too large for one request.
    pub(crate) refused_bytes: Option<u64>,
    /// The size of parts that are not too large.
    pub(crate) part_bytes: Option<u64>,
    /// A blob that was just stored: proof of whether the registry looks for blobs before it opens an upload.
    pub(crate) just_stored: Option<(RepositoryName, Descriptor)>,
}

/// What a registry does when asked to mount a blob of the same repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mounts {
    /// Not known yet.
    #[default]
    Unknown,
    /// It says truly whether the blob is there.
    Truthful,
    /// It opens an upload whether the blob is there or not.
    Blind,
    /// It does not take such requests.
    Refused,
}

/// Settings of a [`Client`].
pub struct ClientBuilder {
    client: Client,
}

impl ClientBuilder {
    /// Sends requests through `transport` instead of the network.
    #[must_use]
    pub fn transport(mut self, transport: impl Transport + Send + 'static) -> Self {
        self.client.redactor = RefCell::new(Redactor::new(transport.secrets()));
        self.client.transport = Box::new(transport);
        self
    }

    /// Looks credentials up in `credentials`. The default is anonymous access.
    #[must_use]
    pub fn credentials(mut self, credentials: impl CredentialStore + Send + 'static) -> Self {
        self.client.credentials = Box::new(credentials);
        self
    }

    /// Takes time from `clock`.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + Send + Sync + 'static) -> Self {
        self.client.clock = Arc::new(clock);
        self
    }

    /// Introduces itself to registries as `user_agent`. The default is `oras-rs/` and the version of this library.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.client.user_agent = user_agent.into();
        self
    }

    /// Sends a further header to registries. It goes to a registry's own origin only, never to token services or storage.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.client.headers.add(name, value);
        self
    }

    /// Decides when plain http is spoken.
    #[must_use]
    pub fn plain_http(mut self, plain_http: PlainHttp) -> Self {
        self.client.plain_http = plain_http;
        self
    }

    /// Asks for manifests of these media types only. Of an empty list nothing is taken; the default is every manifest type.
    #[must_use]
    pub fn accept_manifests(mut self, media_types: impl IntoIterator<Item = MediaType>) -> Self {
        let media_types: Vec<String> = media_types
            .into_iter()
            .map(|media_type| media_type.to_string())
            .collect();
        if !media_types.is_empty() {
            self.client.accepted_manifests = media_types.join(", ");
        }
        self
    }

    /// Refuses to push manifests of more than `bytes` bytes, and to read them where the call has no limit of its own, as
    /// [`Source::fetch`](crate::store::Source::fetch) has not. The default is [`MAX_MANIFEST_BYTES`].
    #[must_use]
    pub fn max_manifest_bytes(mut self, bytes: u64) -> Self {
        self.client.max_manifest_bytes = bytes;
        self
    }

    /// Passes on what registries want to be told to people, each once. By default nobody listens.
    #[must_use]
    pub fn on_warning(mut self, warn: impl FnMut(&RegistryName, &str) + Send + 'static) -> Self {
        self.client.warnings = Warnings::to(warn);
        self
    }

    /// Sends passwords to token services in an OAuth2 form first, and by GET where that is not taken. Without this, passwords
    /// go by GET, which every service knows; identity tokens always go in a form.
    #[must_use]
    pub fn prefer_oauth2(self) -> Self {
        self.client.auth_cache.borrow_mut().prefer_oauth2();
        self
    }

    /// The client.
    pub fn build(self) -> Client {
        self.client
    }
}

impl Client {
    /// A client with default settings: anonymous, https except for localhost.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A client with settings of your own.
    pub fn builder() -> ClientBuilder {
        ClientBuilder {
            client: Self {
                transport: Box::new(UreqTransport::new()),
                credentials: Box::new(Anonymous),
                clock: Arc::new(SystemClock),
                user_agent: concat!("oras-rs/", env!("CARGO_PKG_VERSION")).to_owned(),
                headers: Headers::new(),
                plain_http: PlainHttp::default(),
                accepted_manifests: MANIFEST_TYPES
                    .map(|media_type| media_type.to_string())
                    .join(", "),
                max_manifest_bytes: MAX_MANIFEST_BYTES,
                warnings: Warnings::default(),
                auth_cache: RefCell::default(),
                redactor: RefCell::default(),
                learned: RefCell::default(),
            },
        }
    }

    /// The repository `name`, written `registry/repository`. A tag or digest behind it plays no role.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidReference`].
    pub fn repository(&self, name: &str) -> Result<Repository<'_>> {
        Ok(Repository::new(self, &name.parse()?))
    }

    /// The repository that `reference` names. Its tag or digest is ignored.
    pub fn repository_at(&self, reference: &Reference) -> Repository<'_> {
        Repository::new(self, reference)
    }

    /// Asks a registry whether it lets this client in: what a login tests.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthorized`] and [`Error::Refused`] when it does not, or when it is no registry; [`Error::Protocol`] when it
    /// is a web site.
    pub fn check(&self, registry: &RegistryName) -> Result<()> {
        let url = Url::from_registry(self.scheme(registry), registry.host_and_port(), "/v2/");
        let draft = Draft::new(Method::Get, url);
        let mut answer = self.send(registry, draft)?.expect(&[200])?;
        if answer.is_web_page() {
            return Err(answer.protocol_error("the answer is a web page, not that of a registry"));
        }
        answer.response.drain();
        Ok(())
    }

    /// How a registry is reached.
    pub(crate) fn scheme(&self, registry: &RegistryName) -> Scheme {
        let plain = match self.plain_http {
            PlainHttp::Always => true,
            PlainHttp::Never => false,
            PlainHttp::Localhost => registry.host() == "localhost",
        };
        if plain { Scheme::Http } else { Scheme::Https }
    }

    /// The registry's own origin.
    fn home(&self, registry: &RegistryName) -> Origin {
        Url::from_registry(self.scheme(registry), registry.host_and_port(), "/").origin()
    }

    pub(crate) fn accepted_manifests(&self) -> &str {
        &self.accepted_manifests
    }

    pub(crate) const fn max_manifest_bytes(&self) -> u64 {
        self.max_manifest_bytes
    }

    pub(crate) fn learned(&self, origin: &Origin) -> Learned {
        self.learned
            .borrow()
            .get(origin)
            .cloned()
            .unwrap_or_default()
    }

    pub(crate) fn learn(&self, origin: &Origin, lesson: impl FnOnce(&mut Learned)) {
        lesson(self.learned.borrow_mut().entry(origin.clone()).or_default());
    }

    /// Sends a request to a registry and returns its answer, whatever its status, after authentication, redirects and
    /// retries.
    ///
    /// A request to another origin, such as an upload location, goes without any of the registry's secrets.
    pub(crate) fn send(&self, registry: &RegistryName, draft: Draft<'_>) -> Result<Answer> {
        let answer = self.send_authorized(registry, draft)?;
        if answer.origin_policy == OriginPolicy::SameOrigin {
            let warnings = answer.response.headers.all("Warning");
            self.warnings.tell(registry, warnings, &answer.redactor);
        }
        Ok(answer)
    }

    fn send_authorized(&self, registry: &RegistryName, mut draft: Draft<'_>) -> Result<Answer> {
        let home = self.home(registry);
        if draft.url.origin() != home {
            return self.send_with_retries(&mut draft, &Secrets::none(&home));
        }
        let (mut flow, mut action) = Flow::start(
            &draft.url,
            draft.repository.clone(),
            draft.scopes.clone(),
            &mut self.auth_cache.borrow_mut(),
            self.clock.now(),
        );
        // The last answer, be it the registry's or its token service's.
        let mut last: Option<Answer> = None;
        loop {
            if let Action::Send(_) | Action::FetchToken(_) = action
                && let Some(superseded) = last.take()
            {
                superseded.response.drain();
            }
            let event = match action {
                Action::Send(authorization) => {
                    let secrets = Secrets {
                        authorization: authorization.as_ref(),
                        with_headers: true,
                        home: &home,
                    };
                    let mut answer = self.send_with_retries(&mut draft, &secrets)?;
                    if answer.origin_policy != OriginPolicy::SameOrigin {
                        return Ok(answer);
                    }
                    let event = Event::Response {
                        status: answer.status(),
                        challenges: answer.challenges(),
                        denied: answer.status() == 400 && answer.is_denied(),
                    };
                    last = Some(answer);
                    event
                }
                Action::Probe => Event::Probed(self.probe(registry, &home)),
                Action::LookUpCredential => Event::Credential(self.credential(registry, &draft)?),
                Action::RefreshCredential(rejected) => {
                    let repository = draft.repository.as_ref();
                    let newer = self.credentials.refresh(registry, repository, &rejected)?;
                    Event::Credential(newer)
                }
                Action::FetchToken(request) => {
                    let requested_at = self.clock.now();
                    let mut answer = self.fetch_token(&request, &home)?;
                    let event = Event::TokenResponse {
                        status: answer.status(),
                        body: answer.token()?,
                        requested_at,
                    };
                    last = Some(answer);
                    event
                }
                Action::Fail(reason) => {
                    let is_about_the_request = reason == Unauthorized::IncompleteBasicCredential;
                    let error = Error::Unauthorized {
                        registry: registry.to_string(),
                        reason: self.without_secrets(reason),
                    };
                    return Err(if is_about_the_request {
                        error.context(self.doing(&draft))
                    } else {
                        error
                    });
                }
                Action::Finish => return Ok(last.expect("a flow finishes with an answer")),
                Action::FailWithTokenResponse => {
                    let answer = last.expect("a flow that fails so has asked a token service");
                    let error = answer.into_error_of(Responder::TokenService);
                    return Err(error.context(self.doing(&draft)));
                }
            };
            (flow, action) = flow.handle(event, &mut self.auth_cache.borrow_mut());
        }
    }

    /// A reason without what a server repeats in the address of its token service.
    fn without_secrets(&self, mut reason: Unauthorized) -> Unauthorized {
        if let Unauthorized::UntrustedRealm { realm, .. } | Unauthorized::NoToken { realm, .. } =
            &mut reason
        {
            *realm = self.redactor.borrow().redact(realm);
        }
        reason
    }

    /// What a request does, for messages.
    fn doing(&self, draft: &Draft<'_>) -> String {
        format!("{} \"{}\"", draft.method, self.shown(&draft.url))
    }

    /// An address without secrets, be they those of the address or those that it repeats.
    fn shown(&self, url: &Url) -> String {
        self.redactor.borrow().redact(&url.to_string())
    }

    /// Asks what the registry wants from those who come in. That it does not say is no error.
    fn probe(&self, registry: &RegistryName, home: &Origin) -> Vec<Challenge> {
        let url = Url::from_registry(self.scheme(registry), registry.host_and_port(), "/v2/");
        let secrets = Secrets {
            with_headers: true,
            ..Secrets::none(home)
        };
        let answer = self.send_with_retries(&mut Draft::new(Method::Get, url), &secrets);
        answer.map_or_else(
            |_| Vec::new(),
            |answer| {
                let challenges = answer.challenges();
                answer.response.drain();
                challenges
            },
        )
    }

    /// Looks up the credential for a request.
    fn credential(&self, registry: &RegistryName, draft: &Draft<'_>) -> Result<Option<Credential>> {
        self.credentials
            .get(registry, draft.repository.as_ref())
            .map_err(|error| {
                error.context(format!(
                    "{}: failed to resolve credential",
                    self.doing(draft)
                ))
            })
    }

    fn fetch_token(&self, request: &TokenRequest, home: &Origin) -> Result<Answer> {
        let form = request.form();
        match &request.credential {
            Some(Credential::IdentityToken(token)) => {
                self.redactor.borrow_mut().add_token(token.expose());
            }
            Some(Credential::Password { password, .. }) => {
                self.redactor.borrow_mut().add_value(password.expose());
            }
            _ => {}
        }
        let mut draft = match &form {
            Some(form) => Draft {
                body: DraftBody::Bytes(form.expose().as_bytes()),
                headers: Headers::new().with("Content-Type", "application/x-www-form-urlencoded"),
                ..Draft::new(Method::Post, request.realm.clone())
            },
            None => Draft::new(Method::Get, request.url()),
        };
        let authorization = Authorization::for_token_service(request);
        draft.whole = Some(MAX_TOKEN_BYTES);
        let secrets = Secrets {
            authorization: authorization.as_ref(),
            ..Secrets::none(home)
        };
        self.send_with_retries(&mut draft, &secrets)
    }

    /// Sends a request again as often as it makes sense.
    fn send_with_retries(&self, draft: &mut Draft<'_>, secrets: &Secrets<'_>) -> Result<Answer> {
        let mut retries = 0;
        loop {
            let result = self.send_following(draft, secrets);
            // Content is sent once: what a broken upload left behind decides how to go on, and the upload knows that.
            let wait = match draft.body {
                DraftBody::Content(..) | DraftBody::Part(_) | DraftBody::HeldPart(_) => None,
                DraftBody::None | DraftBody::Bytes(_) => self.wait_before_retry(retries, &result),
            };
            match wait {
                Some(wait) => {
                    if let Ok(answer) = result {
                        answer.response.drain();
                    }
                    self.clock.sleep(wait);
                    retries += 1;
                }
                None => return result.map(|answer| Answer { retries, ..answer }),
            }
        }
    }

    /// How long to wait before trying again what ended like this, if it makes sense.
    pub(crate) fn wait_before_retry(
        &self,
        retries: u32,
        result: &Result<Answer>,
    ) -> Option<Duration> {
        match result {
            Ok(answer) => {
                let asked = answer
                    .header("Retry-After")
                    .and_then(|value| parse_retry_after(value, self.clock.now()));
                wait_before_retry(
                    retries,
                    Outcome::Status(answer.status(), asked),
                    random::fraction(),
                )
            }
            Err(Error::Transport { kind, .. }) => wait_after_failure(retries, *kind),
            Err(_) => None,
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    pub(crate) fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration);
    }

    /// Sends a request and follows redirects. What is secret stays with the first origin, and a request that changes
    /// something goes nowhere else.
    fn send_following(&self, draft: &mut Draft<'_>, secrets: &Secrets<'_>) -> Result<Answer> {
        let origin = draft.url.origin();
        let mut url = draft.url.clone();
        let mut trusted = OriginPolicy::SameOrigin;
        for _ in 0..=MAX_REDIRECTS {
            let mut headers = draft.headers.clone();
            headers.add("User-Agent", self.user_agent.as_str());
            if trusted == OriginPolicy::SameOrigin {
                if secrets.with_headers {
                    for (name, value) in self.headers.iter() {
                        self.redactor.borrow_mut().add_header(name, value);
                        headers.add(name, value);
                    }
                }
                if let Some(authorization) = secrets.authorization {
                    let (name, header) = ("Authorization", authorization.header());
                    self.redactor.borrow_mut().add_header(name, header.expose());
                    headers.add(name, header.expose());
                }
            }
            let identity = if trusted == OriginPolicy::SameOrigin && url.origin() == *secrets.home {
                OriginPolicy::SameOrigin
            } else {
                OriginPolicy::NoCredentials
            };
            let answer = self.send_once(draft, &url, &headers, identity)?;
            let is_read = matches!(draft.method, Method::Get | Method::Head);
            let is_followed = match answer.status() {
                301..=303 => is_read && draft.follow,
                307 | 308 => draft.follow,
                _ => false,
            };
            if !is_followed {
                return Ok(answer);
            }
            let location = answer
                .header("Location")
                .ok_or_else(|| answer.protocol_error("the redirect has no Location"))?;
            let next = answer.resolve("Location", location)?;
            let next_trust = OriginPolicy::between(&origin, &next.origin())
                .and_then(|next_trust| match next_trust {
                    OriginPolicy::NoCredentials if !is_read => {
                        Err("it would send content to another host")
                    }
                    next_trust => Ok(next_trust),
                })
                .map_err(|reason| {
                    answer.protocol_error(format!(
                        "refusing to follow the redirect to \"{next}\": {reason}"
                    ))
                })?;
            // A stranger that sends us home again chose what is asked there: what stayed behind stays behind.
            if next_trust == OriginPolicy::NoCredentials {
                trusted = OriginPolicy::NoCredentials;
            }
            answer.response.drain();
            url = next;
        }
        Err(Error::Protocol {
            what: self.doing(draft),
            reason: format!("more than {MAX_REDIRECTS} redirects"),
        })
    }

    fn send_once(
        &self,
        draft: &mut Draft<'_>,
        url: &Url,
        headers: &Headers,
        origin_policy: OriginPolicy,
    ) -> Result<Answer> {
        let method = draft.method;
        if origin_policy != OriginPolicy::SameOrigin
            && self.redactor.borrow().has_authorization_in(&url.exact())
        {
            return Err(Error::Protocol {
                what: format!("{method} \"{}\"", self.shown(url)),
                reason: "the address repeats a secret, which is not for others".to_owned(),
            });
        }
        let response_timeout = draft.response_timeout;
        let request = |body| Request {
            method,
            url,
            headers,
            body,
            response_timeout,
            origin_policy,
        };
        let sent = match &mut draft.body {
            DraftBody::None => self.transport.send(request(RequestBody::None)),
            DraftBody::Bytes(bytes) | DraftBody::HeldPart(bytes) => {
                self.transport.send(request(RequestBody::Bytes(bytes)))
            }
            DraftBody::Content(expected, content) => {
                // The registry computes the digest before it commits the upload.
                let mut reader = content.open_verified(expected)?.skip_digest_if_trusted();
                self.transport.send(request(RequestBody::Reader {
                    reader: &mut reader,
                    size: expected.size,
                }))
            }
            DraftBody::Part(part) if part.left == part.size => {
                let size = part.size;
                let reader = part;
                self.transport
                    .send(request(RequestBody::Reader { reader, size }))
            }
            DraftBody::Part(_) => Err(TransportError::new(
                TransportKind::Io,
                "a part of a blob was sent already",
            )),
        };
        let response = sent.map_err(|error| transport_error(error, method, self.shown(url)))?;
        let whole = draft.whole.filter(|&limit| {
            let announced = response.content_length();
            (200..300).contains(&response.status) && announced.is_none_or(|size| size <= limit)
        });
        let body = if draft.streams && (200..300).contains(&response.status) {
            response.body
        } else {
            let limit = whole.map_or(MAX_MESSAGE_TIME, |_| MAX_DOCUMENT_TIME);
            let clock = Arc::clone(&self.clock);
            Box::new(TimedReader::new(response.body, clock, limit))
        };
        let mut body: Box<dyn Read + Send> =
            Box::new(NamedBody::new(body, method, self.shown(url)));
        if let Some(limit) = whole {
            let mut start = Vec::new();
            (&mut body)
                .take(limit)
                .read_to_end(&mut start)
                .map_err(Error::io("read", self.shown(url)))?;
            // Whoever reads on finds out whether there is more than the limit.
            body = Box::new(Cursor::new(start).chain(body));
        }
        Ok(Answer {
            method,
            url: url.clone(),
            origin_policy,
            redactor: self.redactor.borrow().clone(),
            retries: 0,
            response: Response { body, ..response },
        })
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
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}

/// What goes along with a request, as long as it stays where it was first sent.
struct Secrets<'a> {
    authorization: Option<&'a Authorization>,
    /// Whether the headers that the user wants registries to get go along.
    with_headers: bool,
    /// The registry's own origin: the one that may see the client certificate, whatever it is asked for.
    home: &'a Origin,
}

impl<'a> Secrets<'a> {
    const fn none(home: &'a Origin) -> Self {
        Self {
            authorization: None,
            with_headers: false,
            home,
        }
    }
}

/// A request in the making.
pub(crate) struct Draft<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// Whose credentials are needed, where repositories of one registry have different ones.
    pub(crate) repository: Option<RepositoryName>,
    pub(crate) headers: Headers,
    pub(crate) body: DraftBody<'a>,
    /// What a token must be good for.
    pub(crate) scopes: Scopes,
    /// Whether redirects are followed. Not where a redirect already is the answer.
    pub(crate) follow: bool,
    /// Up to how many bytes of the answer's body are part of the answer: if they do not arrive, there is none.
    pub(crate) whole: Option<u64>,
    /// Whether the answer's body is content, which may be of any size and take any time. Everything else is short.
    pub(crate) streams: bool,
    /// How long to wait for the answer to begin.
    pub(crate) response_timeout: Duration,
}

/// What a request carries.
pub(crate) enum DraftBody<'a> {
    None,
    Bytes(&'a [u8]),
    /// Content, verified on its way out.
    Content(&'a Descriptor, &'a mut dyn Content),
    /// A part of content that is being read. It can be sent once.
    Part(Part<'a>),
    /// A part of content that is held in memory. It can be sent again when it was refused, such as for want of a token.
    HeldPart(&'a [u8]),
}

/// The next so many bytes of a reader.
pub(crate) struct Part<'a> {
    reader: &'a mut dyn Read,
    size: u64,
    left: u64,
}

impl<'a> Part<'a> {
    pub(crate) fn new(reader: &'a mut dyn Read, size: u64) -> Self {
        Self {
            reader,
            size,
            left: size,
        }
    }
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (&mut *self.reader).take(self.left).read(buffer)?;
        self.left -= count as u64;
        Ok(count)
    }
}

impl Draft<'_> {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            repository: None,
            headers: Headers::new(),
            body: DraftBody::None,
            scopes: Scopes::none(),
            follow: true,
            whole: None,
            streams: false,
            response_timeout: RESPONSE_TIMEOUT,
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.add(name, value);
        self
    }

    /// Asks for a small document, whose bytes may be asked for again as well as its header.
    pub(crate) fn whole(mut self, limit: u64) -> Self {
        self.whole = Some(limit);
        self
    }

    pub(crate) fn scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }
}

/// A failure of the transport, or of the content that it was sending.
fn transport_error(error: TransportError, method: Method, url: String) -> Error {
    let source = match error.source.downcast::<io::Error>() {
        Ok(source) => match source.downcast::<Error>() {
            Ok(error) => return error,
            Err(source) => source.into(),
        },
        Err(source) => source,
    };
    Error::Transport {
        method: method.as_str(),
        url,
        kind: error.kind,
        source,
    }
}

/// How long to wait before trying again what failed like this, if it makes sense.
pub(crate) fn wait_after_failure(retries: u32, kind: TransportKind) -> Option<Duration> {
    wait_before_retry(retries, Outcome::Failed(kind), random::fraction())
}
