//! Authorization: the check before every request, and challenges (distribution's token
//! specification; RFC 9110 §11).

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::faults::glob;
use super::request::Request;
use super::response::Response;
use super::routes::Route;
use super::tokens::TokenService;

/// The authentication that a registry requires.
#[derive(Debug)]
pub enum Auth {
    Open,
    Basic { user: String, password: String },
    Bearer(Arc<TokenService>),
}

/// A scope such as `repository:a:pull,push`. In grants, `*` matches any characters of a name and
/// any action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    pub kind: String,
    pub name: String,
    pub actions: Vec<String>,
}

impl Auth {
    /// Accepts a request, or returns a response with status 401.
    pub fn check(&self, route: &Route, request: &Request) -> Result<(), Response> {
        if matches!(route, Route::Token | Route::Unknown) {
            return Ok(());
        }
        match self {
            Self::Open => Ok(()),
            Self::Basic { user, password } => match basic(request) {
                Some((name, secret)) if name == *user && secret == *password => Ok(()),
                _ => Err(unauthorized(&["Basic realm=\"test registry\"".to_owned()])),
            },
            Self::Bearer(service) => service.check(&needs(route, request), request),
        }
    }
}

impl Scope {
    /// Parses a scope. Only the name may contain colons.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let actions = actions
            .split(',')
            .filter(|action| !action.is_empty())
            .map(str::to_owned)
            .collect();
        Some(Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            actions,
        })
    }

    /// Returns whether this grant allows `action` on a resource.
    pub fn allows(&self, kind: &str, name: &str, action: &str) -> bool {
        self.kind == kind
            && glob(&self.name, name)
            && self.actions.iter().any(|own| own == "*" || own == action)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:{}:{}",
            self.kind,
            self.name,
            self.actions.join(",")
        )
    }
}

/// Returns whether `grants` allow all of `wanted`.
pub fn covers(grants: &[Scope], wanted: &[Scope]) -> bool {
    wanted.iter().all(|scope| {
        scope.actions.iter().all(|action| {
            grants
                .iter()
                .any(|grant| grant.allows(&scope.kind, &scope.name, action))
        })
    })
}

/// The user and password of a Basic authorization.
pub fn basic(request: &Request) -> Option<(String, String)> {
    let encoded = credentials(request, "basic")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// The token of a Bearer authorization.
pub fn bearer(request: &Request) -> Option<&str> {
    credentials(request, "bearer")
}

/// 401 with these challenges.
pub fn unauthorized(challenges: &[String]) -> Response {
    let response = Response::error(401, "UNAUTHORIZED", "authentication required");
    challenges.iter().fold(response, |response, challenge| {
        response.header("WWW-Authenticate", challenge)
    })
}

fn credentials<'a>(request: &'a Request, wanted: &str) -> Option<&'a str> {
    let (scheme, rest) = request.headers.get("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case(wanted).then(|| rest.trim())
}

/// The scopes that a request needs, as in distribution: the repository of the path first.
fn needs(route: &Route, request: &Request) -> Vec<Scope> {
    let scope = |kind: &str, name: &str, actions: &[&str]| Scope {
        kind: kind.to_owned(),
        name: name.to_owned(),
        actions: actions.iter().map(|&action| action.to_owned()).collect(),
    };
    let Some(repository) = route.repository() else {
        let catalog = matches!(route, Route::Catalog);
        return if catalog {
            vec![scope("registry", "catalog", &["*"])]
        } else {
            Vec::new()
        };
    };
    let actions: &[&str] = match request.method.as_str() {
        "GET" | "HEAD" => &["pull"],
        "DELETE" => &["delete"],
        _ => &["pull", "push"],
    };
    let mut scopes = vec![scope("repository", repository, actions)];
    if let (Some(_), Some(from)) = (request.query("mount"), request.query("from")) {
        scopes.push(scope("repository", from, &["pull"]));
    }
    scopes
}
