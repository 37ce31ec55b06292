//! The token service: grants scopes by `GET` and by OAuth 2 `POST` (distribution's token
//! specifications). It runs on the registry that it protects or on another one.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use super::auth::{Scope, basic, bearer, covers, unauthorized};
use super::request::{Request, parse_form};
use super::response::Response;
use super::state::State;
use super::{Shared, TestRegistry};

/// The path of the token service.
pub const PATH: &str = "/token";

/// A token policy. A new policy grants nothing: add users or anonymous access.
#[derive(Clone, Debug)]
pub struct Bearer {
    service: String,
    users: Vec<User>,
    anonymous: Vec<Scope>,
    fixed: Option<String>,
    identity_tokens: Vec<String>,
    post: Option<u16>,
    members: Vec<String>,
    expires_in: Option<u64>,
    excess: Option<u16>,
    challenges: Vec<String>,
    basic_too: bool,
    signer: Option<Arc<dyn Signer>>,
    server: Option<Arc<Shared>>,
}

/// Signs tokens that another registry implementation accepts.
pub trait Signer: fmt::Debug + Send + Sync {
    /// Returns a token for `service` that grants `access` to `user`.
    fn sign(&self, service: &str, user: &str, access: &[Scope]) -> String;
}

#[derive(Clone, Debug)]
struct User {
    name: String,
    password: String,
    access: Vec<Scope>,
}

impl Bearer {
    /// A policy that grants nothing.
    pub fn new() -> Self {
        Self {
            service: "test-registry".to_owned(),
            users: Vec::new(),
            anonymous: Vec::new(),
            fixed: None,
            identity_tokens: Vec::new(),
            post: None,
            members: vec!["token".to_owned(), "access_token".to_owned()],
            expires_in: Some(300),
            excess: None,
            challenges: Vec::new(),
            basic_too: false,
            signer: None,
            server: None,
        }
    }

    /// Adds a user with full access.
    pub fn user(self, name: &str, password: &str) -> Self {
        self.user_with(name, password, &["repository:*:*", "registry:*:*"])
    }

    /// Adds a user with limited access, such as `repository:team/*:pull,push`.
    pub fn user_with(mut self, name: &str, password: &str, access: &[&str]) -> Self {
        let (name, password) = (name.to_owned(), password.to_owned());
        self.users.push(User {
            name,
            password,
            access: scopes(access),
        });
        self
    }

    /// Grants access without credentials, such as `repository:*:pull`.
    pub fn anonymous(mut self, access: &[&str]) -> Self {
        self.anonymous = scopes(access);
        self
    }

    /// Issues this token, with full access, for every request.
    pub fn token(mut self, token: &str) -> Self {
        self.fixed = Some(token.to_owned());
        self
    }

    /// Adds a refresh token of the first user, for `grant_type=refresh_token`.
    pub fn identity_token(mut self, token: &str) -> Self {
        self.identity_tokens.push(token.to_owned());
        self
    }

    /// Rejects `POST` with this status, as a token service without OAuth 2.
    pub fn without_post(mut self, status: u16) -> Self {
        self.post = Some(status);
        self
    }

    /// Sets the members of the response with the token; by default `token` and `access_token`.
    pub fn answering(mut self, members: &[&str]) -> Self {
        self.members = members.iter().map(|&member| member.to_owned()).collect();
        self
    }

    /// Sets `expires_in`; by default 300 seconds. Tokens end only with
    /// [`TestRegistry::revoke_tokens`], because tests do not wait.
    pub fn expires_in(mut self, seconds: Option<u64>) -> Self {
        self.expires_in = seconds;
        self
    }

    /// Rejects a request for more than may be granted with this status (GHCR: 403), instead of
    /// granting less.
    pub fn refusing_excess(mut self, status: u16) -> Self {
        self.excess = Some(status);
        self
    }

    /// Sets the name of the service.
    pub fn service(mut self, service: &str) -> Self {
        service.clone_into(&mut self.service);
        self
    }

    /// Adds a `WWW-Authenticate` line with the placeholders `{realm}`, `{service}` and `{scope}`.
    pub fn challenge(mut self, text: &str) -> Self {
        self.challenges.push(text.to_owned());
        self
    }

    /// Accepts Basic authentication too.
    pub fn basic_too(mut self) -> Self {
        self.basic_too = true;
        self
    }

    /// Issues tokens of `signer`.
    pub fn signed_by(mut self, signer: Arc<dyn Signer>) -> Self {
        self.signer = Some(signer);
        self
    }

    /// Runs the token service at another registry, which is another origin.
    pub fn at(mut self, server: &TestRegistry) -> Self {
        self.server = Some(Arc::clone(&server.shared));
        self
    }

    /// Applies the policy to a registry.
    pub(super) fn install(mut self, shared: &Arc<Shared>) -> Arc<TokenService> {
        let server = self.server.take().unwrap_or_else(|| Arc::clone(shared));
        let mut state = server.state();
        let realm = format!("{}{PATH}", state.origin);
        let service = Arc::new(TokenService {
            policy: self,
            realm,
            issued: Mutex::default(),
        });
        state.tokens.push(Arc::clone(&service));
        service
    }
}

/// A policy in effect, and the issued tokens.
#[derive(Debug)]
pub struct TokenService {
    policy: Bearer,
    realm: String,
    issued: Mutex<Issued>,
}

#[derive(Debug, Default)]
struct Issued {
    count: usize,
    tokens: Vec<(String, Vec<Scope>)>,
    /// Refresh tokens and users.
    identities: Vec<(String, String)>,
}

impl TokenService {
    /// Accepts a request with a token for `needs`.
    pub fn check(&self, needs: &[Scope], request: &Request) -> Result<(), Response> {
        let error = match (bearer(request), basic(request)) {
            (Some(token), _) if self.policy.fixed.as_deref() == Some(token) => return Ok(()),
            (Some(token), _) => {
                let issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
                match issued.tokens.iter().find(|(known, _)| known == token) {
                    Some((_, granted)) if covers(granted, needs) => return Ok(()),
                    Some(_) => Some("insufficient_scope"),
                    None => Some("invalid_token"),
                }
            }
            (None, Some((name, password))) if self.policy.basic_too => {
                match self.user(&name, &password) {
                    Some(user) if covers(&user.access, needs) => return Ok(()),
                    _ => None,
                }
            }
            _ => None,
        };
        Err(unauthorized(&self.challenges(needs, error)))
    }

    /// Revokes all tokens except refresh tokens.
    pub fn revoke(&self) {
        self.issued
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .tokens
            .clear();
    }

    fn challenges(&self, needs: &[Scope], error: Option<&str>) -> Vec<String> {
        let scope = needs
            .iter()
            .map(Scope::to_string)
            .collect::<Vec<_>>()
            .join(" ");
        let (realm, service) = (&self.realm, &self.policy.service);
        if self.policy.challenges.is_empty() {
            let mut text = format!("Bearer realm=\"{realm}\",service=\"{service}\"");
            if !scope.is_empty() {
                text.extend([",scope=\"", &scope, "\""]);
            }
            if let Some(error) = error {
                text.extend([",error=\"", error, "\""]);
            }
            return vec![text];
        }
        let fill = |text: &String| {
            text.replace("{realm}", realm)
                .replace("{service}", service)
                .replace("{scope}", &scope)
        };
        self.policy.challenges.iter().map(fill).collect()
    }

    fn user(&self, name: &str, password: &str) -> Option<&User> {
        self.policy
            .users
            .iter()
            .find(|user| user.name == name && user.password == password)
    }

    /// `GET`: Basic or anonymous, with one `scope` member per scope.
    fn answer_get(&self, request: &Request) -> Result<Response, Response> {
        let user = match basic(request) {
            Some((name, password)) => Some(self.user(&name, &password).ok_or_else(refused)?),
            None if request.headers.get("authorization").is_some() => return Err(refused()),
            None => None,
        };
        self.check_service(request.query("service"))?;
        let wanted = request
            .query_all("scope")
            .flat_map(|text| text.split(' '))
            .filter_map(Scope::parse);
        self.issue(
            user,
            &wanted.collect::<Vec<_>>(),
            request.query("offline_token") == Some("true"),
        )
    }

    /// `POST`: a form with a password or refresh token, and all scopes in one member.
    fn answer_post(&self, request: &Request) -> Result<Response, Response> {
        if let Some(status) = self.policy.post {
            return Err(Response::new(status));
        }
        let form = form(request);
        let member = |name: &str| {
            form.iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
                .unwrap_or_default()
        };
        let is_form = request.headers.get("content-type").is_some_and(|value| {
            value.split(';').next().unwrap_or_default() == "application/x-www-form-urlencoded"
        });
        if !is_form || member("client_id").is_empty() {
            return Err(Response::error(
                400,
                "UNSUPPORTED",
                "a form with client_id is required",
            ));
        }
        self.check_service(Some(member("service")))?;
        let user = match member("grant_type") {
            "password" => self.user(member("username"), member("password")),
            "refresh_token" => self.identity(member("refresh_token")),
            _ => return Err(Response::error(400, "UNSUPPORTED", "unknown grant_type")),
        };
        let wanted: Vec<_> = member("scope")
            .split(' ')
            .filter_map(Scope::parse)
            .collect();
        self.issue(
            Some(user.ok_or_else(refused)?),
            &wanted,
            member("access_type") == "offline",
        )
    }

    fn identity(&self, token: &str) -> Option<&User> {
        if self
            .policy
            .identity_tokens
            .iter()
            .any(|known| known == token)
        {
            return self.policy.users.first();
        }
        let issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, name) = issued.identities.iter().find(|(known, _)| known == token)?;
        self.policy.users.iter().find(|user| user.name == *name)
    }

    fn check_service(&self, service: Option<&str>) -> Result<(), Response> {
        // A custom challenge may have no service, or another one.
        if self.policy.challenges.is_empty() && service != Some(&self.policy.service) {
            return Err(Response::error(400, "UNSUPPORTED", "unknown service"));
        }
        Ok(())
    }

    fn issue(
        &self,
        user: Option<&User>,
        wanted: &[Scope],
        offline: bool,
    ) -> Result<Response, Response> {
        let access = user.map_or(&self.policy.anonymous, |user| &user.access);
        if user.is_none() && access.is_empty() && self.policy.fixed.is_none() {
            return Err(refused());
        }
        let mut granted = wanted.to_vec();
        for scope in &mut granted {
            let (kind, name) = (scope.kind.clone(), scope.name.clone());
            scope.actions.retain(|action| {
                access
                    .iter()
                    .any(|grant| grant.allows(&kind, &name, action))
            });
        }
        if let Some(status) = self.policy.excess
            && granted != wanted
        {
            return Err(Response::error(
                status,
                "DENIED",
                "requested access to the resource is denied",
            ));
        }
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.count += 1;
        let number = issued.count;
        let token = match (&self.policy.fixed, &self.policy.signer) {
            (Some(token), _) => token.clone(),
            (None, Some(signer)) => {
                let name = user.map_or("", |user| &user.name);
                signer.sign(&self.policy.service, name, &granted)
            }
            (None, None) => format!("token-{number}"),
        };
        issued.tokens.push((token.clone(), granted));
        let mut answer = Map::new();
        for member in &self.policy.members {
            answer.insert(member.clone(), json!(token));
        }
        if let Some(seconds) = self.policy.expires_in {
            answer.insert("expires_in".to_owned(), json!(seconds));
        }
        if let Some(user) = user.filter(|_| offline) {
            let identity = format!("identity-{number}");
            answer.insert("refresh_token".to_owned(), json!(identity));
            issued.identities.push((identity, user.name.clone()));
        }
        Ok(Response::json(200, &Value::Object(answer)))
    }
}

/// Handles a request for a token. Returns `None` without a token service. If there are several, the
/// request selects one by `service`.
pub fn answer(state: &State, request: &Request) -> Option<Response> {
    let is_post = request.method == "POST";
    let members = if is_post {
        form(request)
    } else {
        request.query.clone()
    };
    let named = |service: &&Arc<TokenService>| {
        members
            .iter()
            .any(|(name, value)| name == "service" && *value == service.policy.service)
    };
    let service = state.tokens.iter().find(named).or(state.tokens.first())?;
    let answer = if is_post {
        service.answer_post(request)
    } else {
        service.answer_get(request)
    };
    Some(answer.unwrap_or_else(|refusal| refusal))
}

fn form(request: &Request) -> Vec<(String, String)> {
    parse_form(&String::from_utf8_lossy(request.body.beginning(64 * 1024)))
}

fn refused() -> Response {
    Response::error(401, "UNAUTHORIZED", "incorrect username or password")
}

fn scopes(texts: &[&str]) -> Vec<Scope> {
    texts
        .iter()
        .map(|text| Scope::parse(text).unwrap_or_else(|| panic!("\"{text}\" is a scope")))
        .collect()
}
