//! The machine: what to do next, given what happened. See the diagram in the [module docs](super).

use std::collections::HashMap;
use std::fmt;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::challenge::Challenge;
use super::scope::Scopes;
use super::token::{Token, TokenRequest};
use super::trust::trust;
use crate::credential::{Credential, Secret};
use crate::error::Unauthorized;
use crate::reference::RepositoryName;
use crate::url::{Origin, Url};

/// How many tokens are fetched at most for one request.
const MAX_EXCHANGES: u8 = 2;

/// What happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// The registry answered the request.
    Response {
        /// The status.
        status: u16,
        /// What it wants, in case of 401.
        challenges: &'a [Challenge],
        /// Whether a 400 says that access is denied, which is how some registries report a token that expired.
        denied: bool,
    },
    /// The credential for the registry was looked up, or a newer one.
    Credential(Option<Credential>),
    /// The token service answered.
    TokenReply {
        /// The status.
        status: u16,
        /// The body.
        body: &'a [u8],
        /// When it was asked.
        asked: SystemTime,
    },
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Send the request, with this.
    Send(Option<Authorization>),
    /// Look up the credential for the registry.
    LookUpCredential,
    /// Look up whether there is a newer credential in the place of this one, which the registry does not take (any more).
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

    /// The header that proves a user name and password to a token service.
    pub fn for_token_service(credential: Option<&Credential>) -> Option<Self> {
        match credential {
            Some(Credential::Password { username, password }) => {
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

/// What was learned about registries, kept for the life of a client.
#[derive(Debug, Default)]
pub struct Session(HashMap<Origin, Known>);

#[derive(Debug, Default)]
struct Known {
    wants: Wants,
    /// By repository, because one registry may hold repositories of different owners.
    credentials: HashMap<Option<RepositoryName>, Lookup>,
    tokens: Vec<(Scopes, Token)>,
}

/// What the look-up of a credential came to. It is made at most once for each repository.
#[derive(Debug, Default)]
enum Lookup {
    #[default]
    NotYet,
    Nobody,
    Is(Credential),
}

impl From<Option<Credential>> for Lookup {
    fn from(credential: Option<Credential>) -> Self {
        credential.map_or(Self::Nobody, Self::Is)
    }
}

/// What a registry asked for last.
#[derive(Clone, Debug, Default)]
enum Wants {
    #[default]
    Nothing,
    Basic,
    Token(Service),
}

/// A token service, and how it knows the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Service {
    realm: Url,
    name: Option<String>,
    /// Whether the registry takes user name and password as well.
    or_basic: bool,
}

impl Session {
    fn known(&mut self, origin: &Origin) -> &mut Known {
        self.0.entry(origin.clone()).or_default()
    }
}

impl Known {
    fn forget_tokens_for(&mut self, scopes: &Scopes) {
        self.tokens.retain(|(granted, _)| !granted.cover(scopes));
    }

    fn usable_token(&self, scopes: &Scopes, now: SystemTime) -> Option<Secret> {
        self.tokens
            .iter()
            .find(|(granted, token)| granted.cover(scopes) && token.is_usable(now))
            .map(|(_, token)| token.secret.clone())
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
    exchanges: u8,
    /// Whether a newer credential was asked for.
    is_refreshed: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    Sent(With),
    CredentialForBasic,
    CredentialForToken(Service, Scopes),
    NewerCredential(Credential),
    Token(Service, Scopes),
}

/// What the request was sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum With {
    Nothing,
    Basic,
    /// A token from before this request.
    CachedToken,
    /// A token fetched for this request, or given by the user.
    FreshToken,
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
            exchanges: 0,
            is_refreshed: false,
            state: State::Sent(With::Nothing),
        };
        let known = session.known(&flow.origin);
        match known.wants.clone() {
            Wants::Nothing => flow.send(With::Nothing, None),
            Wants::Basic => flow.want_basic(session),
            Wants::Token(service) => {
                if let Some(token) = known.usable_token(&flow.wanted, now) {
                    return flow.send(With::CachedToken, Some(Authorization::Bearer(token)));
                }
                let scopes = flow.wanted.clone();
                flow.want_token(service, scopes, session)
            }
        }
    }

    /// Takes in what happened and says what to do next.
    ///
    /// # Panics
    ///
    /// When the event does not answer the last action. The driver is the only caller, and answers what it is asked.
    pub fn on(self, event: Event<'_>, session: &mut Session) -> (Self, Action) {
        match (&self.state, event) {
            (
                &State::Sent(with),
                Event::Response {
                    status,
                    challenges,
                    denied,
                },
            ) => self.on_response(with, status, challenges, denied, session),
            (State::CredentialForBasic, Event::Credential(credential)) => {
                self.looked_up(credential, session);
                self.want_basic(session)
            }
            (State::CredentialForToken(service, scopes), Event::Credential(credential)) => {
                let (service, scopes) = (service.clone(), scopes.clone());
                self.looked_up(credential, session);
                self.want_token(service, scopes, session)
            }
            (State::NewerCredential(rejected), Event::Credential(credential)) => {
                match credential.filter(|credential| credential != rejected) {
                    Some(newer) => {
                        self.looked_up(Some(newer), session);
                        self.want_basic(session)
                    }
                    None => self.finish(),
                }
            }
            (
                State::Token(service, scopes),
                Event::TokenReply {
                    status,
                    body,
                    asked,
                },
            ) => {
                let (service, scopes) = (service.clone(), scopes.clone());
                self.on_token_reply(service, scopes, (status, body, asked), session)
            }
            (state, event) => unreachable!("{event:?} does not answer what was asked in {state:?}"),
        }
    }

    fn on_response(
        self,
        with: With,
        status: u16,
        challenges: &[Challenge],
        denied: bool,
        session: &mut Session,
    ) -> (Self, Action) {
        let known = session.known(&self.origin);
        match (status, with) {
            (401, _) => {}
            // ECR says 403 when a password has expired.
            (403, With::Basic) => return self.want_newer(session),
            // Some registries say 403, others 400, when a token has expired.
            (400 | 403, With::CachedToken) if status == 403 || denied => {
                known.forget_tokens_for(&self.wanted);
                if let Wants::Token(service) = known.wants.clone() {
                    let scopes = self.wanted.clone();
                    return self.want_token(service, scopes, session);
                }
                return self.finish();
            }
            _ => return self.finish(),
        }
        if with == With::CachedToken {
            known.forget_tokens_for(&self.wanted);
        }
        let or_basic = challenges.contains(&Challenge::Basic);
        let bearer = challenges.iter().find_map(|challenge| match challenge {
            Challenge::Bearer {
                realm,
                service,
                scope,
                ..
            } => Some((realm, service, scope)),
            _ => None,
        });
        if let Some((realm, name, scope)) = bearer {
            // A request that needs nothing asks whether we may come in at all. What such a challenge proposes may be a
            // placeholder, which nobody is granted.
            let challenged = match scope {
                Some(scope) if !self.wanted.is_empty() => Scopes::parse(scope),
                _ => Scopes::none(),
            };
            let is_exhausted = match with {
                With::FreshToken => {
                    self.exchanges >= MAX_EXCHANGES || self.wanted.cover(&challenged)
                }
                // The token service was asked before, and its refusal led here.
                With::Basic => self.exchanges > 0,
                With::Nothing | With::CachedToken => false,
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
            session.known(&self.origin).wants = Wants::Token(service.clone());
            let scopes = self.wanted.clone().union(&challenged);
            self.want_token(service, scopes, session)
        } else if or_basic && !matches!(with, With::Basic | With::FreshToken) {
            known.wants = Wants::Basic;
            self.want_basic(session)
        } else if with == With::Basic {
            self.want_newer(session)
        } else {
            self.finish()
        }
    }

    fn on_token_reply(
        self,
        service: Service,
        scopes: Scopes,
        (status, body, asked): (u16, &[u8], SystemTime),
        session: &mut Session,
    ) -> (Self, Action) {
        if (200..300).contains(&status) {
            return match Token::parse(body, asked) {
                Ok(token) => {
                    let secret = token.secret.clone();
                    let known = session.known(&self.origin);
                    known.tokens.retain(|(granted, _)| !scopes.cover(granted));
                    known.tokens.push((scopes.clone(), token));
                    let flow = Self {
                        wanted: scopes,
                        ..self
                    };
                    flow.send(With::FreshToken, Some(Authorization::Bearer(secret)))
                }
                Err(reason) => {
                    let realm = service.realm.to_string();
                    self.fail(Unauthorized::NoToken { realm, reason })
                }
            };
        }
        // Some services refuse a set of scopes instead of granting a part of it.
        if matches!(status, 401 | 403) && scopes.len() > 1 && self.exchanges < MAX_EXCHANGES {
            let first = scopes.first_only();
            return self.want_token(service, first, session);
        }
        if service.or_basic
            && matches!(
                self.credential(session),
                Lookup::Is(Credential::Password { .. })
            )
        {
            session.known(&self.origin).wants = Wants::Basic;
            return self.want_basic(session);
        }
        (self, Action::FailAsTokenService)
    }

    fn credential<'s>(&self, session: &'s mut Session) -> &'s Lookup {
        let known = session.known(&self.origin);
        known
            .credentials
            .entry(self.repository.clone())
            .or_default()
    }

    fn looked_up(&self, credential: Option<Credential>, session: &mut Session) {
        let known = session.known(&self.origin);
        known
            .credentials
            .insert(self.repository.clone(), credential.into());
    }

    fn want_basic(self, session: &mut Session) -> (Self, Action) {
        match self.credential(session) {
            Lookup::NotYet => self.then(State::CredentialForBasic, Action::LookUpCredential),
            Lookup::Nobody => self.fail(Unauthorized::NoBasicCredential),
            Lookup::Is(Credential::Password { username, password })
                if !username.is_empty() && !password.is_empty() =>
            {
                let authorization = Authorization::basic(username, password);
                self.send(With::Basic, Some(authorization))
            }
            Lookup::Is(Credential::RegistryToken(token)) => {
                let authorization = Authorization::Bearer(token.clone());
                self.send(With::FreshToken, Some(authorization))
            }
            Lookup::Is(_) => self.fail(Unauthorized::IncompleteBasicCredential),
        }
    }

    /// Asks once whether there is a newer credential than the one that was refused.
    fn want_newer(mut self, session: &mut Session) -> (Self, Action) {
        match self.credential(session) {
            Lookup::Is(rejected) if !self.is_refreshed => {
                let rejected = rejected.clone();
                self.is_refreshed = true;
                self.then(
                    State::NewerCredential(rejected.clone()),
                    Action::RefreshCredential(rejected),
                )
            }
            _ => self.finish(),
        }
    }

    fn want_token(
        mut self,
        service: Service,
        scopes: Scopes,
        session: &mut Session,
    ) -> (Self, Action) {
        let credential = match self.credential(session) {
            Lookup::NotYet => {
                return self.then(
                    State::CredentialForToken(service, scopes),
                    Action::LookUpCredential,
                );
            }
            Lookup::Nobody => None,
            Lookup::Is(Credential::RegistryToken(token)) => {
                let authorization = Authorization::Bearer(token.clone());
                self.exchanges = MAX_EXCHANGES;
                return self.send(With::FreshToken, Some(authorization));
            }
            Lookup::Is(credential) => Some(credential.clone()),
        };
        self.exchanges += 1;
        let request = TokenRequest {
            realm: service.realm.clone(),
            service: service.name.clone(),
            scopes: scopes.clone(),
            credential,
        };
        self.then(
            State::Token(service, scopes),
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

    fn send(self, with: With, authorization: Option<Authorization>) -> (Self, Action) {
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
