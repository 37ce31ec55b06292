//! The inputs and outputs of the state machine: events, actions and authorizations.

use std::fmt;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::challenge::Challenge;
use super::token::{TokenMethod, TokenRequest};
use crate::auth::credential::Credential;
use crate::error::Unauthorized;
use crate::text::secret::Secret;

/// A response or lookup result that a [`Flow`](super::Flow) handles.
pub(crate) enum Event {
    /// The response of the registry to [`Action::Send`].
    Response {
        /// HTTP status.
        status: u16,
        /// Challenges of a 401.
        challenges: Vec<Challenge>,
        /// Whether a 400 reports denied access. Some registries respond so to an expired token.
        denied: bool,
    },
    /// The challenges of the response to [`Action::Probe`], if its status was 401.
    Probed(Vec<Challenge>),
    /// The result of [`Action::LookUpCredential`] or [`Action::RefreshCredential`].
    Credential(Option<Credential>),
    /// The response of the token service to [`Action::FetchToken`].
    TokenResponse {
        /// HTTP status.
        status: u16,
        /// The body.
        body: Vec<u8>,
        /// Time at which the request was sent.
        requested_at: SystemTime,
    },
}

/// Omits the body, which may contain a token.
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

/// The next step of the client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send the request with this authorization.
    Send(Option<Authorization>),
    /// Send `GET /v2/` without authorization, because a 401 contained no usable challenge.
    Probe,
    /// Look up the credential for the registry.
    LookUpCredential,
    /// Repeat the lookup, because this credential was rejected and may have been replaced.
    RefreshCredential(Credential),
    /// Request a token.
    FetchToken(Box<TokenRequest>),
    /// Return the last response of the registry.
    Finish,
    /// Fail with this error.
    Fail(Unauthorized),
    /// Fail with the error in the last response of the token service.
    FailWithTokenResponse,
}

/// The value of an `Authorization` header.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Authorization {
    /// User name and password in base64.
    Basic(Secret),
    /// An access token.
    Bearer(Secret),
}

impl Authorization {
    pub(super) fn basic(username: &Secret, password: &Secret) -> Self {
        let pair = [username.expose_bytes(), b":", password.expose_bytes()].concat();
        Self::Basic(STANDARD.encode(pair).into())
    }

    /// Returns the header value.
    pub(crate) fn header(&self) -> Secret {
        match self {
            Self::Basic(secret) => format!("Basic {}", secret.expose()).into(),
            Self::Bearer(secret) => format!("Bearer {}", secret.expose()).into(),
        }
    }

    /// Returns the authorization of a token request, or `None` if the request is anonymous or a
    /// POST, whose form contains the secret.
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
