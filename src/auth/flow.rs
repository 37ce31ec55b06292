//! The machine: what to do next, given what happened. See the diagram in the [module docs](super).

use std::fmt;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::cache::{AuthCache, AuthScheme, CacheEntry, CredentialLookup, TokenKey, TokenService};
use super::challenge::Challenge;
use super::origin_policy::OriginPolicy;
use super::scope::Scopes;
use super::token::{Token, TokenMethod, TokenRequest};
use crate::auth::credential::Credential;
use crate::error::Unauthorized;
use crate::oci::reference::RepositoryName;
use crate::text::secret::Secret;
use crate::text::url::{Origin, Url};

/// How many tokens are fetched at most for one request.
const MAX_TOKEN_REQUESTS: u8 = 2;
/// How often one request is sent at most: once, and three times more because of what was answered.
const MAX_SENDS: u8 = 4;
/// The address at which a registry says whether it lets a client in.
const CHECK: &str = "/v2/";

/// What happened.
pub(crate) enum Event {
    /// The registry answered the request.
    Response {
        /// The status.
        status: u16,
        /// What it wants, in case of 401.
        challenges: Vec<Challenge>,
        /// Whether a 400 says that access is denied, which is how some registries report a token that expired.
        denied: bool,
    },
    /// The registry answered [`Action::Probe`]: what it wants, if the answer was 401.
    Probed(Vec<Challenge>),
    /// The credential for the registry was looked up, or a newer one.
    Credential(Option<Credential>),
    /// The token service answered.
    TokenResponse {
        /// The status.
        status: u16,
        /// The body.
        body: Vec<u8>,
        /// When it was asked.
        asked: SystemTime,
    },
}

/// Without the body, in which a token may be.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Response { status, .. } => write!(f, "Response({status})"),
            Self::Probed(challenges) => write!(f, "Probed({challenges:?})"),
            Self::Credential(credential) => write!(f, "Credential({credential:?})"),
            Self::TokenResponse { status, .. } => write!(f, "TokenResponse({status})"),
        }
    }
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send the request, with this.
    Send(Option<Authorization>),
    /// Send `GET /v2/` without authorization: the registry refused a request without saying what it wants.
    Probe,
    /// Look up the credential for the registry.
    LookUpCredential,
    /// Look up whether there is a newer credential in the place of this one, which is not accepted (any more).
    RefreshCredential(Credential),
    /// Ask a token service.
    FetchToken(Box<TokenRequest>),
    /// Take the registry's last answer as the result.
    Finish,
    /// Give up.
    Fail(Unauthorized),
    /// Give up, for the reason that the token service's last answer gives.
    FailWithTokenResponse,
}

/// What is sent in the `Authorization` header.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Authorization {
    /// User name and password, encoded.
    Basic(Secret),
    /// A token.
    Bearer(Secret),
}

impl Authorization {
    fn basic(username: &str, password: &Secret) -> Self {
        Self::Basic(
            STANDARD
                .encode(format!("{username}:{}", password.expose()))
                .into(),
        )
    }

    /// The value of the header.
    pub(crate) fn header(&self) -> Secret {
        match self {
            Self::Basic(secret) => format!("Basic {}", secret.expose()).into(),
            Self::Bearer(secret) => format!("Bearer {}", secret.expose()).into(),
        }
    }

    /// What a token service is asked with, if it is asked by GET and not anonymously. A form has its secret inside.
    pub(crate) fn for_token_service(request: &TokenRequest) -> Option<Self> {
        match (request.method, &request.credential) {
            (TokenMethod::Get, Some(Credential::Password { username, password })) => {
                Some(Self::basic(username, password))
            }
            _ => None,
        }
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic(_) => "Basic",
            Self::Bearer(_) => "Bearer",
        })
    }
}

/// The authentication of one request.
#[derive(Debug)]
pub(crate) struct Flow {
    origin: Origin,
    /// Whose credentials are used.
    repository: Option<RepositoryName>,
    /// Relative realms are resolved against this.
    url: Url,
    wanted: Scopes,
    /// When the request began.
    now: SystemTime,
    token_requests: u8,
    sends: u8,
    /// Whether a newer credential was asked for.
    is_refreshed: bool,
    state: State,
}

/// What is awaited.
#[derive(Debug)]
enum State {
    Sent(SentWith),
    Probing,
    /// The credential decides how to go on.
    LookingUp(Next),
    Refreshing(Credential, RejectedBy),
    Fetching(Fetch),
    /// Nothing any more.
    Over,
}

/// What the request was sent with.
#[derive(Clone, Debug, PartialEq, Eq)]
enum SentWith {
    Nothing,
    Basic,
    /// A token from before this request.
    CachedToken(Secret),
    /// A token fetched for this request.
    FreshToken(Secret),
    /// The token that the user gave.
    UserToken,
}

/// What to send next, once it is known whose credential there is.
#[derive(Clone, Debug)]
enum Next {
    Basic(ChallengeAge),
    Token(TokenService, Scopes, ChallengeAge),
}

/// Whether the registry asked in answer to this request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChallengeAge {
    Fresh,
    Cached,
}

/// A token that is being fetched.
#[derive(Clone, Debug)]
struct Fetch {
    service: TokenService,
    /// What the request needs.
    scopes: Scopes,
    /// Whether the first of the scopes is asked for alone.
    first_only: bool,
    method: TokenMethod,
    credential: Option<Credential>,
}

/// Who refused a credential.
#[derive(Clone, Debug)]
enum RejectedBy {
    Registry,
    TokenService(Fetch, u16),
}

impl Flow {
    /// Starts the authentication of a request to `url` that needs `wanted`. Credentials are those for the repository, or those
    /// for the registry as a whole.
    pub(crate) fn begin(
        url: &Url,
        repository: Option<RepositoryName>,
        wanted: Scopes,
        cache: &mut AuthCache,
        now: SystemTime,
    ) -> (Self, Action) {
        let flow = Self {
            origin: url.origin(),
            repository,
            url: url.clone(),
            wanted,
            now,
            token_requests: 0,
            sends: 0,
            is_refreshed: false,
            state: State::Over,
        };
        match flow.entry(cache).scheme.clone() {
            AuthScheme::Unknown => flow.send(SentWith::Nothing),
            AuthScheme::Basic => flow.authenticate(Next::Basic(ChallengeAge::Cached), cache),
            AuthScheme::Bearer(service) => {
                let scopes = flow.wanted.clone();
                flow.authenticate(Next::Token(service, scopes, ChallengeAge::Cached), cache)
            }
        }
    }

    /// Takes in what happened and says what to do next.
    ///
    /// # Panics
    ///
    /// When the event does not answer the last action. The driver is the only caller, and answers what it is asked.
    pub(crate) fn on(mut self, event: Event, cache: &mut AuthCache) -> (Self, Action) {
        let state = std::mem::replace(&mut self.state, State::Over);
        match (state, event) {
            (
                State::Sent(with),
                Event::Response {
                    status,
                    challenges,
                    denied,
                },
            ) => self.on_response(&with, status, &challenges, denied, cache),
            (State::Probing, Event::Probed(challenges)) => {
                self.on_challenges(&SentWith::Nothing, &challenges, &Scopes::none(), cache)
            }
            (State::LookingUp(next), Event::Credential(credential)) => {
                self.set_credential(credential.clone(), cache);
                self.resume(next, credential, cache)
            }
            (State::Refreshing(rejected, rejected_by), Event::Credential(credential)) => {
                let Some(newer) = credential.filter(|credential| *credential != rejected) else {
                    self.entry(cache).set_unchanged(rejected, self.now);
                    return self.on_unchanged_credential(rejected_by, cache);
                };
                self.set_credential(Some(newer.clone()), cache);
                let next = match rejected_by {
                    RejectedBy::Registry => Next::Basic(ChallengeAge::Fresh),
                    RejectedBy::TokenService(fetch, _) => {
                        Next::Token(fetch.service, fetch.scopes, ChallengeAge::Fresh)
                    }
                };
                self.resume(next, Some(newer), cache)
            }
            (
                State::Fetching(fetch),
                Event::TokenResponse {
                    status: 200..=299,
                    body,
                    asked,
                },
            ) => self.on_token(fetch, &body, asked, cache),
            (State::Fetching(fetch), Event::TokenResponse { status, .. }) => {
                self.on_token_refused(fetch, status, cache)
            }
            (state, event) => unreachable!("{event:?} does not answer what was asked in {state:?}"),
        }
    }

    fn on_response(
        self,
        with: &SentWith,
        status: u16,
        challenges: &[Challenge],
        denied: bool,
        cache: &mut AuthCache,
    ) -> (Self, Action) {
        // What a token service would say now could not be the answer to this request.
        if self.sends == MAX_SENDS {
            return self.finish();
        }
        let entry = self.entry(cache);
        // Some registries say 403, others 400, when a password or a token has expired.
        let is_denied = status == 403 || (status == 400 && denied);
        match (with, status) {
            (SentWith::CachedToken(token), 401) => entry.remove_token(token),
            (_, 401) => {}
            (SentWith::Basic, _) if is_denied => return self.refresh(RejectedBy::Registry, cache),
            (SentWith::CachedToken(token), _) if is_denied && !entry.is_forbidden(token) => {
                entry.remove_token(token);
                let scheme = entry.scheme.clone();
                return match scheme {
                    AuthScheme::Bearer(service) => {
                        let scopes = self.wanted.clone();
                        self.authenticate(Next::Token(service, scopes, ChallengeAge::Fresh), cache)
                    }
                    AuthScheme::Basic | AuthScheme::Unknown => self.finish(),
                };
            }
            (SentWith::FreshToken(token), _) if is_denied => {
                entry.mark_forbidden(token);
                return self.finish();
            }
            _ => return self.finish(),
        }
        // A request that needs nothing asks whether we may come in at all. What such a challenge proposes may be a
        // placeholder, which nobody is granted.
        let challenged = challenges.iter().find_map(|challenge| match challenge {
            Challenge::Bearer { scope, .. } => scope.as_deref(),
            _ => None,
        });
        let challenged = challenged
            .filter(|_| !self.wanted.is_empty())
            .map_or_else(Scopes::none, Scopes::parse);
        self.on_challenges(with, challenges, &challenged, cache)
    }

    /// Answers a 401 with what the registry wants, if that can help.
    fn on_challenges(
        self,
        with: &SentWith,
        challenges: &[Challenge],
        challenged: &Scopes,
        cache: &mut AuthCache,
    ) -> (Self, Action) {
        let or_basic = challenges.contains(&Challenge::Basic);
        let bearer = challenges.iter().find_map(|challenge| match challenge {
            Challenge::Bearer { realm, service, .. } => Some((realm, service)),
            _ => None,
        });
        if let Some((realm, name)) = bearer {
            let is_exhausted = match with {
                SentWith::Nothing | SentWith::CachedToken(_) => false,
                // The token service was asked before, and its refusal led here.
                SentWith::Basic => self.token_requests > 0,
                SentWith::FreshToken(_) => {
                    self.token_requests >= MAX_TOKEN_REQUESTS || self.wanted.cover(challenged)
                }
                SentWith::UserToken => true,
            };
            if is_exhausted {
                return self.finish();
            }
            let realm = match self.trusted_realm(realm) {
                Ok(realm) => realm,
                Err(reason) => return self.fail(reason),
            };
            let service = TokenService {
                realm,
                name: name.clone(),
                or_basic,
            };
            self.entry(cache).scheme = AuthScheme::Bearer(service.clone());
            let scopes = self.wanted.clone().union(challenged);
            return self.authenticate(Next::Token(service, scopes, ChallengeAge::Fresh), cache);
        }
        match with {
            SentWith::Basic if or_basic => self.refresh(RejectedBy::Registry, cache),
            SentWith::Nothing | SentWith::CachedToken(_) | SentWith::FreshToken(_) if or_basic => {
                self.entry(cache).scheme = AuthScheme::Basic;
                self.authenticate(Next::Basic(ChallengeAge::Fresh), cache)
            }
            SentWith::Nothing | SentWith::CachedToken(_) => self.probe(cache),
            SentWith::Basic | SentWith::FreshToken(_) | SentWith::UserToken => self.finish(),
        }
    }

    /// Asks once for the challenge that a refusal did not come with.
    fn probe(self, cache: &mut AuthCache) -> (Self, Action) {
        let entry = self.entry(cache);
        if entry.is_probed || self.url.path() == CHECK {
            return self.finish();
        }
        entry.is_probed = true;
        self.then(State::Probing, Action::Probe)
    }

    fn on_token(
        self,
        fetch: Fetch,
        body: &[u8],
        asked: SystemTime,
        cache: &mut AuthCache,
    ) -> (Self, Action) {
        match Token::parse(body, asked) {
            Ok(token) => {
                let secret = token.secret.clone();
                let key = fetch.key();
                // A service may grant less than it was asked for. The registry knows what a token is good for.
                let entry = self.entry(cache);
                entry.store_token(key, fetch.scopes.clone(), token, self.now);
                let flow = Self {
                    wanted: fetch.scopes,
                    ..self
                };
                flow.send(SentWith::FreshToken(secret))
            }
            Err(reason) => {
                let realm = fetch.service.realm.to_string();
                self.fail(Unauthorized::NoToken { realm, reason })
            }
        }
    }

    /// Finds another way where a token service said no.
    fn on_token_refused(self, fetch: Fetch, status: u16, cache: &mut AuthCache) -> (Self, Action) {
        let may_ask_again = self.token_requests < MAX_TOKEN_REQUESTS;
        let has_password = matches!(fetch.credential, Some(Credential::Password { .. }));
        let is_no_form = matches!(status, 400 | 401 | 404 | 405);
        if may_ask_again && has_password && fetch.method == TokenMethod::OAuth2Post && is_no_form {
            cache.set_get_only(fetch.service.realm.clone());
            let method = TokenMethod::Get;
            return self.fetch(Fetch { method, ..fetch });
        }
        let is_refused = matches!(status, 400 | 401 | 403);
        if may_ask_again && is_refused && fetch.credential.is_some() && !self.is_refreshed {
            return self.refresh(RejectedBy::TokenService(fetch, status), cache);
        }
        // Some services refuse a set of scopes instead of granting a part of it.
        let is_set = fetch.scopes.len() > 1 && !fetch.first_only;
        if may_ask_again && matches!(status, 401 | 403) && is_set {
            let first_only = true;
            return self.fetch(Fetch {
                first_only,
                ..fetch
            });
        }
        let may_try_basic = is_refused || matches!(status, 404 | 405);
        if fetch.service.or_basic && has_password && may_try_basic {
            self.entry(cache).scheme = AuthScheme::Basic;
            return self.authenticate(Next::Basic(ChallengeAge::Fresh), cache);
        }
        (self, Action::FailWithTokenResponse)
    }

    /// Asks once whether there is a newer credential than the one that was refused.
    fn refresh(mut self, rejected_by: RejectedBy, cache: &mut AuthCache) -> (Self, Action) {
        let is_refreshed = std::mem::replace(&mut self.is_refreshed, true);
        let entry = self.entry(cache);
        match entry.credential(self.repository.as_ref()) {
            CredentialLookup::Found(rejected)
                if !is_refreshed && entry.may_have_changed(&rejected, self.now) =>
            {
                let action = Action::RefreshCredential(rejected.clone());
                self.then(State::Refreshing(rejected, rejected_by), action)
            }
            _ => self.on_unchanged_credential(rejected_by, cache),
        }
    }

    fn on_unchanged_credential(
        self,
        rejected_by: RejectedBy,
        cache: &mut AuthCache,
    ) -> (Self, Action) {
        match rejected_by {
            RejectedBy::Registry => self.finish(),
            RejectedBy::TokenService(fetch, status) => self.on_token_refused(fetch, status, cache),
        }
    }

    /// Looks up the credential, unless that was done, and goes on.
    fn authenticate(self, next: Next, cache: &mut AuthCache) -> (Self, Action) {
        match self.entry(cache).credential(self.repository.as_ref()) {
            CredentialLookup::Pending => {
                self.then(State::LookingUp(next), Action::LookUpCredential)
            }
            CredentialLookup::Anonymous => self.resume(next, None, cache),
            CredentialLookup::Found(credential) => self.resume(next, Some(credential), cache),
        }
    }

    fn resume(
        self,
        next: Next,
        credential: Option<Credential>,
        cache: &mut AuthCache,
    ) -> (Self, Action) {
        match (next, credential) {
            (_, Some(Credential::RegistryToken(token))) => {
                let authorization = Authorization::Bearer(token);
                self.send_with(SentWith::UserToken, Some(authorization))
            }
            (Next::Basic(_), Some(Credential::Password { username, password }))
                if !username.is_empty() && !password.is_empty() =>
            {
                let authorization = Authorization::basic(&username, &password);
                self.send_with(SentWith::Basic, Some(authorization))
            }
            // It asked for it elsewhere: this may be open to everyone.
            (Next::Basic(ChallengeAge::Cached), _) => self.send(SentWith::Nothing),
            (Next::Basic(ChallengeAge::Fresh), None) => self.fail(Unauthorized::NoBasicCredential),
            (Next::Basic(ChallengeAge::Fresh), Some(_)) => {
                self.fail(Unauthorized::IncompleteBasicCredential)
            }
            (Next::Token(service, mut scopes, asked), credential) => {
                let method = match &credential {
                    Some(Credential::IdentityToken(_)) => TokenMethod::OAuth2Post,
                    Some(Credential::Password { .. }) if cache.prefers_post(&service.realm) => {
                        TokenMethod::OAuth2Post
                    }
                    _ => TokenMethod::Get,
                };
                let mut fetch = Fetch {
                    service,
                    scopes: Scopes::none(),
                    first_only: false,
                    method,
                    credential,
                };
                if asked == ChallengeAge::Cached {
                    let key = fetch.key();
                    let entry = self.entry(cache);
                    if let Some(token) = entry.usable_token(&key, &scopes, self.now) {
                        return self.send(SentWith::CachedToken(token));
                    }
                    scopes = entry.scopes_to_request(&key, &scopes);
                }
                fetch.scopes = scopes;
                self.fetch(fetch)
            }
        }
    }

    fn fetch(mut self, fetch: Fetch) -> (Self, Action) {
        self.token_requests += 1;
        let request = TokenRequest {
            realm: fetch.service.realm.clone(),
            service: fetch.service.name.clone(),
            scopes: if fetch.first_only {
                fetch.scopes.first_only()
            } else {
                fetch.scopes.clone()
            },
            credential: fetch.credential.clone(),
            method: fetch.method,
        };
        self.then(
            State::Fetching(fetch),
            Action::FetchToken(Box::new(request)),
        )
    }

    fn trusted_realm(&self, realm: &str) -> Result<Url, Unauthorized> {
        let untrusted = |realm: String, reason| Unauthorized::UntrustedRealm { realm, reason };
        let url = self.url.join(realm).map_err(|_| {
            untrusted(
                self.origin.to_string(),
                "the address it gives for its token service is not valid",
            )
        })?;
        match OriginPolicy::between(&self.origin, &url.origin()) {
            Ok(_) => Ok(url),
            Err(reason) => Err(untrusted(url.to_string(), reason)),
        }
    }

    fn entry<'s>(&self, cache: &'s mut AuthCache) -> &'s mut CacheEntry {
        cache.entry(&self.origin)
    }

    fn set_credential(&self, credential: Option<Credential>, cache: &mut AuthCache) {
        let repository = self.repository.clone();
        self.entry(cache).set_credential(repository, credential);
    }

    fn send(self, with: SentWith) -> (Self, Action) {
        let authorization = match &with {
            SentWith::CachedToken(token) | SentWith::FreshToken(token) => {
                Some(Authorization::Bearer(token.clone()))
            }
            SentWith::Nothing | SentWith::Basic | SentWith::UserToken => None,
        };
        self.send_with(with, authorization)
    }

    fn send_with(mut self, with: SentWith, authorization: Option<Authorization>) -> (Self, Action) {
        self.sends += 1;
        self.then(State::Sent(with), Action::Send(authorization))
    }

    fn then(self, state: State, action: Action) -> (Self, Action) {
        (Self { state, ..self }, action)
    }

    const fn finish(self) -> (Self, Action) {
        (self, Action::Finish)
    }

    const fn fail(self, reason: Unauthorized) -> (Self, Action) {
        (self, Action::Fail(reason))
    }
}

impl Fetch {
    fn key(&self) -> TokenKey {
        TokenKey {
            realm: self.service.realm.clone(),
            service: self.service.name.clone(),
            credential: self.credential.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
