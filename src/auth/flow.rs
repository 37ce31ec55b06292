//! The machine: what to do next, given what happened. See the diagram in the [module docs](super).

use std::fmt;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::cache::{Found, Holder, Known, Service, Session, Wants};
use super::challenge::Challenge;
use super::origin_policy::trust;
use super::scope::Scopes;
use super::token::{Exchange, Token, TokenRequest};
use crate::auth::credential::{Credential, Secret};
use crate::error::Unauthorized;
use crate::oci::reference::RepositoryName;
use crate::text::url::{Origin, Url};

/// How many tokens are fetched at most for one request.
const MAX_EXCHANGES: u8 = 2;
/// How often one request is sent at most: once, and three times more because of what was answered.
const MAX_SENDS: u8 = 4;
/// The address at which a registry says whether it lets a client in.
const CHECK: &str = "/v2/";

/// What happened.
pub enum Event {
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
    TokenReply {
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
            Self::TokenReply { status, .. } => write!(f, "TokenReply({status})"),
        }
    }
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
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
    FailAsTokenService,
}

/// What is sent in the `Authorization` header.
#[derive(Clone, PartialEq, Eq)]
pub enum Authorization {
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
    pub fn header(&self) -> Secret {
        match self {
            Self::Basic(secret) => format!("Basic {}", secret.expose()).into(),
            Self::Bearer(secret) => format!("Bearer {}", secret.expose()).into(),
        }
    }

    /// What a token service is asked with, if it is asked by GET and not anonymously. A form has its secret inside.
    pub fn for_token_service(request: &TokenRequest) -> Option<Self> {
        match (request.exchange, &request.credential) {
            (Exchange::Get, Some(Credential::Password { username, password })) => {
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
pub struct Flow {
    origin: Origin,
    /// Whose credentials are used.
    repository: Option<RepositoryName>,
    /// Relative realms are resolved against this.
    url: Url,
    wanted: Scopes,
    /// When the request began.
    now: SystemTime,
    exchanges: u8,
    sends: u8,
    /// Whether a newer credential was asked for.
    is_refreshed: bool,
    state: State,
}

/// What is awaited.
#[derive(Debug)]
enum State {
    Sent(With),
    Probing,
    /// The credential decides how to go on.
    LookingUp(Goal),
    Refreshing(Credential, Refused),
    Fetching(Fetch),
    /// Nothing any more.
    Over,
}

/// What the request was sent with.
#[derive(Clone, Debug, PartialEq, Eq)]
enum With {
    Nothing,
    Basic,
    /// A token from before this request.
    CachedToken(Secret),
    /// A token fetched for this request.
    FreshToken(Secret),
    /// The token that the user gave.
    GivenToken,
}

/// What to send next, once it is known whose credential there is.
#[derive(Clone, Debug)]
enum Goal {
    Basic(Asked),
    Token(Service, Scopes, Asked),
}

/// Whether the registry asked in answer to this request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Now,
    Before,
}

/// A token that is being fetched.
#[derive(Clone, Debug)]
struct Fetch {
    service: Service,
    /// What the request needs.
    scopes: Scopes,
    /// Whether the first of the scopes is asked for alone.
    first_only: bool,
    exchange: Exchange,
    credential: Option<Credential>,
}

/// Who refused a credential.
#[derive(Clone, Debug)]
enum Refused {
    Registry,
    TokenService(Fetch, u16),
}

impl Flow {
    /// Starts the authentication of a request to `url` that needs `wanted`. Credentials are those for the repository, or those
    /// for the registry as a whole.
    pub fn begin(
        url: &Url,
        repository: Option<RepositoryName>,
        wanted: Scopes,
        session: &mut Session,
        now: SystemTime,
    ) -> (Self, Action) {
        let flow = Self {
            origin: url.origin(),
            repository,
            url: url.clone(),
            wanted,
            now,
            exchanges: 0,
            sends: 0,
            is_refreshed: false,
            state: State::Over,
        };
        match flow.known(session).wants.clone() {
            Wants::Nothing => flow.send(With::Nothing),
            Wants::Basic => flow.pursue(Goal::Basic(Asked::Before), session),
            Wants::Token(service) => {
                let scopes = flow.wanted.clone();
                flow.pursue(Goal::Token(service, scopes, Asked::Before), session)
            }
        }
    }

    /// Takes in what happened and says what to do next.
    ///
    /// # Panics
    ///
    /// When the event does not answer the last action. The driver is the only caller, and answers what it is asked.
    pub fn on(mut self, event: Event, session: &mut Session) -> (Self, Action) {
        let state = std::mem::replace(&mut self.state, State::Over);
        match (state, event) {
            (
                State::Sent(with),
                Event::Response {
                    status,
                    challenges,
                    denied,
                },
            ) => self.on_response(&with, status, &challenges, denied, session),
            (State::Probing, Event::Probed(challenges)) => {
                self.on_challenges(&With::Nothing, &challenges, &Scopes::none(), session)
            }
            (State::LookingUp(goal), Event::Credential(credential)) => {
                self.set_credential(credential.clone(), session);
                self.go_on(goal, credential, session)
            }
            (State::Refreshing(rejected, refused), Event::Credential(credential)) => {
                let Some(newer) = credential.filter(|credential| *credential != rejected) else {
                    self.known(session).has_no_newer(rejected, self.now);
                    return self.on_no_newer(refused, session);
                };
                self.set_credential(Some(newer.clone()), session);
                let goal = match refused {
                    Refused::Registry => Goal::Basic(Asked::Now),
                    Refused::TokenService(fetch, _) => {
                        Goal::Token(fetch.service, fetch.scopes, Asked::Now)
                    }
                };
                self.go_on(goal, Some(newer), session)
            }
            (
                State::Fetching(fetch),
                Event::TokenReply {
                    status: 200..=299,
                    body,
                    asked,
                },
            ) => self.on_token(fetch, &body, asked, session),
            (State::Fetching(fetch), Event::TokenReply { status, .. }) => {
                self.on_token_refused(fetch, status, session)
            }
            (state, event) => unreachable!("{event:?} does not answer what was asked in {state:?}"),
        }
    }

    fn on_response(
        self,
        with: &With,
        status: u16,
        challenges: &[Challenge],
        denied: bool,
        session: &mut Session,
    ) -> (Self, Action) {
        // What a token service would say now could not be the answer to this request.
        if self.sends == MAX_SENDS {
            return self.finish();
        }
        let known = self.known(session);
        // Some registries say 403, others 400, when a password or a token has expired.
        let is_denied = status == 403 || (status == 400 && denied);
        match (with, status) {
            (With::CachedToken(token), 401) => known.forget_token(token),
            (_, 401) => {}
            (With::Basic, _) if is_denied => return self.refresh(Refused::Registry, session),
            (With::CachedToken(token), _) if is_denied && !known.is_forbidden(token) => {
                known.forget_token(token);
                let wants = known.wants.clone();
                return match wants {
                    Wants::Token(service) => {
                        let scopes = self.wanted.clone();
                        self.pursue(Goal::Token(service, scopes, Asked::Now), session)
                    }
                    Wants::Basic | Wants::Nothing => self.finish(),
                };
            }
            (With::FreshToken(token), _) if is_denied => {
                known.mark_forbidden(token);
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
        self.on_challenges(with, challenges, &challenged, session)
    }

    /// Answers a 401 with what the registry wants, if that can help.
    fn on_challenges(
        self,
        with: &With,
        challenges: &[Challenge],
        challenged: &Scopes,
        session: &mut Session,
    ) -> (Self, Action) {
        let or_basic = challenges.contains(&Challenge::Basic);
        let bearer = challenges.iter().find_map(|challenge| match challenge {
            Challenge::Bearer { realm, service, .. } => Some((realm, service)),
            _ => None,
        });
        if let Some((realm, name)) = bearer {
            let is_exhausted = match with {
                With::Nothing | With::CachedToken(_) => false,
                // The token service was asked before, and its refusal led here.
                With::Basic => self.exchanges > 0,
                With::FreshToken(_) => {
                    self.exchanges >= MAX_EXCHANGES || self.wanted.cover(challenged)
                }
                With::GivenToken => true,
            };
            if is_exhausted {
                return self.finish();
            }
            let realm = match self.trusted_realm(realm) {
                Ok(realm) => realm,
                Err(reason) => return self.fail(reason),
            };
            let service = Service {
                realm,
                name: name.clone(),
                or_basic,
            };
            self.known(session).wants = Wants::Token(service.clone());
            let scopes = self.wanted.clone().union(challenged);
            return self.pursue(Goal::Token(service, scopes, Asked::Now), session);
        }
        match with {
            With::Basic if or_basic => self.refresh(Refused::Registry, session),
            With::Nothing | With::CachedToken(_) | With::FreshToken(_) if or_basic => {
                self.known(session).wants = Wants::Basic;
                self.pursue(Goal::Basic(Asked::Now), session)
            }
            With::Nothing | With::CachedToken(_) => self.probe(session),
            With::Basic | With::FreshToken(_) | With::GivenToken => self.finish(),
        }
    }

    /// Asks once for the challenge that a refusal did not come with.
    fn probe(self, session: &mut Session) -> (Self, Action) {
        let known = self.known(session);
        if known.is_probed || self.url.path() == CHECK {
            return self.finish();
        }
        known.is_probed = true;
        self.then(State::Probing, Action::Probe)
    }

    fn on_token(
        self,
        fetch: Fetch,
        body: &[u8],
        asked: SystemTime,
        session: &mut Session,
    ) -> (Self, Action) {
        match Token::parse(body, asked) {
            Ok(token) => {
                let secret = token.secret.clone();
                let holder = fetch.holder();
                // A service may grant less than it was asked for. The registry knows what a token is good for.
                let known = self.known(session);
                known.keep_token(holder, fetch.scopes.clone(), token, self.now);
                let flow = Self {
                    wanted: fetch.scopes,
                    ..self
                };
                flow.send(With::FreshToken(secret))
            }
            Err(reason) => {
                let realm = fetch.service.realm.to_string();
                self.fail(Unauthorized::NoToken { realm, reason })
            }
        }
    }

    /// Finds another way where a token service said no.
    fn on_token_refused(self, fetch: Fetch, status: u16, session: &mut Session) -> (Self, Action) {
        let may_ask_again = self.exchanges < MAX_EXCHANGES;
        let has_password = matches!(fetch.credential, Some(Credential::Password { .. }));
        let is_no_form = matches!(status, 400 | 401 | 404 | 405);
        if may_ask_again && has_password && fetch.exchange == Exchange::Form && is_no_form {
            session.remember_get_only(fetch.service.realm.clone());
            let exchange = Exchange::Get;
            return self.fetch(Fetch { exchange, ..fetch });
        }
        let is_refused = matches!(status, 400 | 401 | 403);
        if may_ask_again && is_refused && fetch.credential.is_some() && !self.is_refreshed {
            return self.refresh(Refused::TokenService(fetch, status), session);
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
            self.known(session).wants = Wants::Basic;
            return self.pursue(Goal::Basic(Asked::Now), session);
        }
        (self, Action::FailAsTokenService)
    }

    /// Asks once whether there is a newer credential than the one that was refused.
    fn refresh(mut self, refused: Refused, session: &mut Session) -> (Self, Action) {
        let is_refreshed = std::mem::replace(&mut self.is_refreshed, true);
        let known = self.known(session);
        match known.credential(self.repository.as_ref()) {
            Found::Is(rejected) if !is_refreshed && known.may_have_newer(&rejected, self.now) => {
                let action = Action::RefreshCredential(rejected.clone());
                self.then(State::Refreshing(rejected, refused), action)
            }
            _ => self.on_no_newer(refused, session),
        }
    }

    fn on_no_newer(self, refused: Refused, session: &mut Session) -> (Self, Action) {
        match refused {
            Refused::Registry => self.finish(),
            Refused::TokenService(fetch, status) => self.on_token_refused(fetch, status, session),
        }
    }

    /// Looks up the credential, unless that was done, and goes on.
    fn pursue(self, goal: Goal, session: &mut Session) -> (Self, Action) {
        match self.known(session).credential(self.repository.as_ref()) {
            Found::NotYet => self.then(State::LookingUp(goal), Action::LookUpCredential),
            Found::Nobody => self.go_on(goal, None, session),
            Found::Is(credential) => self.go_on(goal, Some(credential), session),
        }
    }

    fn go_on(
        self,
        goal: Goal,
        credential: Option<Credential>,
        session: &mut Session,
    ) -> (Self, Action) {
        match (goal, credential) {
            (_, Some(Credential::RegistryToken(token))) => {
                let authorization = Authorization::Bearer(token);
                self.send_with(With::GivenToken, Some(authorization))
            }
            (Goal::Basic(_), Some(Credential::Password { username, password }))
                if !username.is_empty() && !password.is_empty() =>
            {
                let authorization = Authorization::basic(&username, &password);
                self.send_with(With::Basic, Some(authorization))
            }
            // It asked for it elsewhere: this may be open to everyone.
            (Goal::Basic(Asked::Before), _) => self.send(With::Nothing),
            (Goal::Basic(Asked::Now), None) => self.fail(Unauthorized::NoBasicCredential),
            (Goal::Basic(Asked::Now), Some(_)) => {
                self.fail(Unauthorized::IncompleteBasicCredential)
            }
            (Goal::Token(service, mut scopes, asked), credential) => {
                let exchange = match &credential {
                    Some(Credential::IdentityToken(_)) => Exchange::Form,
                    Some(Credential::Password { .. }) if session.wants_form(&service.realm) => {
                        Exchange::Form
                    }
                    _ => Exchange::Get,
                };
                let mut fetch = Fetch {
                    service,
                    scopes: Scopes::none(),
                    first_only: false,
                    exchange,
                    credential,
                };
                if asked == Asked::Before {
                    let holder = fetch.holder();
                    let known = self.known(session);
                    if let Some(token) = known.usable_token(&holder, &scopes, self.now) {
                        return self.send(With::CachedToken(token));
                    }
                    scopes = known.scopes_to_ask_for(&holder, &scopes);
                }
                fetch.scopes = scopes;
                self.fetch(fetch)
            }
        }
    }

    fn fetch(mut self, fetch: Fetch) -> (Self, Action) {
        self.exchanges += 1;
        let request = TokenRequest {
            realm: fetch.service.realm.clone(),
            service: fetch.service.name.clone(),
            scopes: if fetch.first_only {
                fetch.scopes.first_only()
            } else {
                fetch.scopes.clone()
            },
            credential: fetch.credential.clone(),
            exchange: fetch.exchange,
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
        match trust(&self.origin, &url.origin()) {
            Ok(_) => Ok(url),
            Err(reason) => Err(untrusted(url.to_string(), reason)),
        }
    }

    fn known<'s>(&self, session: &'s mut Session) -> &'s mut Known {
        session.known(&self.origin)
    }

    fn set_credential(&self, credential: Option<Credential>, session: &mut Session) {
        let repository = self.repository.clone();
        self.known(session).set_credential(repository, credential);
    }

    fn send(self, with: With) -> (Self, Action) {
        let authorization = match &with {
            With::CachedToken(token) | With::FreshToken(token) => {
                Some(Authorization::Bearer(token.clone()))
            }
            With::Nothing | With::Basic | With::GivenToken => None,
        };
        self.send_with(with, authorization)
    }

    fn send_with(mut self, with: With, authorization: Option<Authorization>) -> (Self, Action) {
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
    fn holder(&self) -> Holder {
        Holder {
            realm: self.service.realm.clone(),
            service: self.service.name.clone(),
            credential: self.credential.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
