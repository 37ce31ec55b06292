//! The state machine of one request. See the diagram in the [module docs](super).

use std::time::SystemTime;

use self::state::{ChallengeAge, Fetch, Next, RejectedBy, SentWith, State};
use super::action::{Action, Authorization, Event};
use super::cache::{AuthCache, AuthScheme, CacheEntry, CredentialLookup, TokenService};
use super::challenge::Challenge;
use super::origin_policy::{OriginPolicy, UrlRefusal};
use super::scope::Scopes;
use super::token::{Token, TokenMethod, TokenRequest};
use crate::auth::credential::Credential;
use crate::error::Unauthorized;
use crate::oci::RepositoryName;
use crate::text::url::{Origin, Url};

mod state;

/// Maximum number of token requests for one request, without the anonymous one after a rejection.
const MAX_TOKEN_REQUESTS: u8 = 2;
/// Maximum number of times one request is sent.
const MAX_SENDS: u8 = 4;
/// Path of the API version check, which [`Action::Probe`] requests.
const API_CHECK_PATH: &str = "/v2/";

/// Authenticates one request.
#[derive(Debug)]
pub(crate) struct Flow {
    origin: Origin,
    /// Repository of the credential, or `None` for that of the whole registry.
    repository: Option<RepositoryName>,
    /// URL of the request; base of a relative realm.
    url: Url,
    /// Scopes that the request needs.
    scopes: Scopes,
    /// Start of the request.
    now: SystemTime,
    token_requests: u8,
    sends: u8,
    /// Whether the credential lookup was repeated.
    is_refreshed: bool,
    state: State,
}

impl Flow {
    /// Starts the authentication of a request to `url` that needs `scopes`.
    ///
    /// Credentials are looked up for `repository`, or for the whole registry if it is `None`.
    pub(crate) fn start(
        url: &Url,
        repository: Option<RepositoryName>,
        scopes: Scopes,
        cache: &mut AuthCache,
        now: SystemTime,
    ) -> (Self, Action) {
        let flow = Self {
            origin: url.origin(),
            repository,
            url: url.clone(),
            scopes,
            now,
            token_requests: 0,
            sends: 0,
            is_refreshed: false,
            state: State::Finished,
        };
        match flow.entry(cache).scheme.clone() {
            AuthScheme::Unknown => flow.send(SentWith::Nothing),
            AuthScheme::Basic => flow.authenticate(Next::Basic(ChallengeAge::Cached), cache),
            AuthScheme::Bearer(service) => {
                let scopes = flow.scopes.clone();
                flow.authenticate(Next::Token(service, scopes, ChallengeAge::Cached), cache)
            }
        }
    }

    /// Returns the action that follows from an event.
    ///
    /// # Panics
    ///
    /// If the event is not a result of the last action.
    pub(crate) fn handle(mut self, event: Event, cache: &mut AuthCache) -> (Self, Action) {
        let state = std::mem::replace(&mut self.state, State::Finished);
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
                    requested_at,
                },
            ) => self.on_token(fetch, &body, requested_at, cache),
            (State::Fetching(fetch), Event::TokenResponse { status, .. }) => {
                self.on_token_rejected(fetch, status, cache)
            }
            (state, event) => unreachable!("{event:?} is not expected in state {state:?}"),
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
        // The send budget is used up: return the registry's response as it is.
        if self.sends == MAX_SENDS {
            return self.finish();
        }
        let entry = self.entry(cache);
        // Some registries respond 403, others 400, when a password or a token has expired.
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
                        let scopes = self.scopes.clone();
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
        // A request without scopes only checks access. The scope in its challenge may be a
        // placeholder that no client is granted, such as "repository:user/image:pull".
        let challenged = challenges.iter().find_map(|challenge| match challenge {
            Challenge::Bearer { scope, .. } => scope.as_deref(),
            _ => None,
        });
        let challenged = challenged
            .filter(|_| !self.scopes.is_empty())
            .map_or_else(Scopes::none, Scopes::parse);
        self.on_challenges(with, challenges, &challenged, cache)
    }

    /// Chooses a challenge of a 401 that was not tried yet.
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
                // The token service rejected the credential, and Basic was the fallback.
                SentWith::Basic => self.token_requests > 0,
                SentWith::FreshToken(_) => {
                    self.token_requests >= MAX_TOKEN_REQUESTS || self.scopes.cover(challenged)
                }
                SentWith::UserToken => true,
            };
            if is_exhausted {
                return self.finish();
            }
            let realm = match self.trusted_realm(realm, cache) {
                Ok(realm) => realm,
                Err(reason) => return self.fail(reason),
            };
            let service = TokenService {
                realm,
                name: name.clone(),
                or_basic,
            };
            self.entry(cache).scheme = AuthScheme::Bearer(service.clone());
            let scopes = self.scopes.clone().union(challenged);
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

    /// Requests a challenge once per registry, because a 401 contained none.
    fn probe(self, cache: &mut AuthCache) -> (Self, Action) {
        let entry = self.entry(cache);
        if entry.is_probed || self.url.path() == API_CHECK_PATH {
            return self.finish();
        }
        entry.is_probed = true;
        self.then(State::Probing, Action::Probe)
    }

    fn on_token(
        self,
        fetch: Fetch,
        body: &[u8],
        requested_at: SystemTime,
        cache: &mut AuthCache,
    ) -> (Self, Action) {
        match Token::parse(body, requested_at) {
            Ok(token) => {
                let secret = token.secret.clone();
                let key = fetch.key();
                // The token service may grant fewer scopes. Only the registry can tell, so the
                // token is cached with the requested scopes.
                let entry = self.entry(cache);
                entry.store_token(key, fetch.scopes.clone(), token, self.now);
                let flow = Self {
                    scopes: fetch.scopes,
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

    /// Chooses the next fallback after a token service rejected a request.
    fn on_token_rejected(self, fetch: Fetch, status: u16, cache: &mut AuthCache) -> (Self, Action) {
        let may_retry = self.token_requests < MAX_TOKEN_REQUESTS;
        let has_password = matches!(fetch.credential, Some(Credential::Password { .. }));
        let is_post_rejected = matches!(status, 400 | 401 | 404 | 405);
        if may_retry && has_password && fetch.method == TokenMethod::OAuth2Post && is_post_rejected
        {
            cache.set_get_only(fetch.service.realm.clone());
            let method = TokenMethod::Get;
            return self.fetch(Fetch { method, ..fetch });
        }
        let is_rejected = matches!(status, 400 | 401 | 403);
        if may_retry && is_rejected && fetch.credential.is_some() && !self.is_refreshed {
            return self.refresh(RejectedBy::TokenService(fetch, status), cache);
        }
        // Some token services reject a set of scopes instead of granting a part of it.
        let has_several_scopes = fetch.scopes.len() > 1 && !fetch.first_only;
        if may_retry && matches!(status, 401 | 403) && has_several_scopes {
            let first_only = true;
            return self.fetch(Fetch {
                first_only,
                ..fetch
            });
        }
        let is_basic_possible = is_rejected || matches!(status, 404 | 405);
        if fetch.service.or_basic && has_password && is_basic_possible {
            self.entry(cache).scheme = AuthScheme::Basic;
            return self.authenticate(Next::Basic(ChallengeAge::Fresh), cache);
        }
        if is_rejected && fetch.credential.is_some() && cache.allows_anonymous(&fetch.scopes) {
            // Later requests of this client would be rejected too.
            self.set_credential(None, cache);
            return self.fetch(Fetch {
                credential: None,
                method: TokenMethod::Get,
                is_after_rejection: true,
                ..fetch
            });
        }
        (self, Action::FailWithTokenResponse)
    }

    /// Repeats the credential lookup, at most once, after a rejection.
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
            RejectedBy::TokenService(fetch, status) => self.on_token_rejected(fetch, status, cache),
        }
    }

    /// Looks up the credential unless the cache contains it, then resumes.
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
            // The registry requested Basic for another request. This one may be public, so try
            // without credentials.
            (Next::Basic(ChallengeAge::Cached), _) => self.send(SentWith::Nothing),
            (Next::Basic(ChallengeAge::Fresh), None) => self.fail(Unauthorized::NoBasicCredential),
            (Next::Basic(ChallengeAge::Fresh), Some(_)) => {
                self.fail(Unauthorized::IncompleteBasicCredential)
            }
            (Next::Token(service, mut scopes, age), credential) => {
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
                    is_after_rejection: false,
                };
                if age == ChallengeAge::Cached {
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
            is_after_rejection: fetch.is_after_rejection,
        };
        self.then(
            State::Fetching(fetch),
            Action::FetchToken(Box::new(request)),
        )
    }

    fn trusted_realm(&self, realm: &str, cache: &mut AuthCache) -> Result<Url, Unauthorized> {
        let untrusted = |reason| Unauthorized::UntrustedRealm { reason };
        let url = (self.url.join(realm))
            .map_err(|error| untrusted(format!("bearer realm is not valid: {error}")))?;
        let known = self.entry(cache).locality;
        let locality = known.unwrap_or_else(|| self.origin.locality());
        match OriginPolicy::between(&self.origin, locality, &url.origin()) {
            Ok(_) => Ok(url),
            Err(UrlRefusal::LeavesHttps) => Err(untrusted(format!(
                "bearer realm \"{url}\" uses http but registry was contacted over https"
            ))),
            Err(UrlRefusal::Blocked(blocked)) => Err(untrusted(format!("bearer realm {blocked}"))),
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

#[cfg(test)]
mod tests;
