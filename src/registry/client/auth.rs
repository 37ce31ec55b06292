//! Authentication of requests: does what [`auth::Flow`](crate::auth::Flow) decides.

use super::Client;
use super::attempt::RequestAuth;
use super::request::{Body, RegistryRequest};
use super::response::{RegistryResponse, Sender};
use crate::auth::credential::Credential;
use crate::auth::{Action, Authorization, Challenge, Event, Flow, TokenRequest};
use crate::error::{Error, Responder, Result, TransportKind, Unauthorized};
use crate::http::Method;
use crate::http::retry::Retries;
use crate::limits::MAX_TOKEN_BYTES;
use crate::oci::RegistryName;
use crate::progress::{self, Scope};
use crate::text::url::{Origin, Url};

/// Warning for a pull that continues anonymously.
const REJECTED_CREDENTIAL: &str = "the token service rejected the stored credential, continuing without it. Please log in again, or log out";

impl Client {
    /// Sends a request to a registry, with authentication, redirects and retries, and returns its
    /// response whatever the status.
    ///
    /// A request to another origin, such as an upload location, carries no secrets of the registry.
    pub(crate) fn send(
        &self,
        registry: &RegistryName,
        mut request: RegistryRequest<'_>,
    ) -> Result<RegistryResponse> {
        let _operation = Scope::of_verb(None);
        let registry_origin = self.registry_origin(registry);
        if request.method == Method::Delete {
            self.known_blobs().clear();
        }
        // An attempt before an authentication may have had its effect.
        let mut retries = Retries::default();
        if request.url.origin() != registry_origin {
            let auth = RequestAuth::none(&registry_origin);
            return self.send_with_retries(&mut request, &auth, &mut retries);
        }
        let mut anonymous = RequestAuth {
            with_headers: true,
            ..RequestAuth::none(&registry_origin)
        };
        let (mut flow, mut action) = self.start_flow(&request);
        // The last response of the registry or of its token service.
        let mut last: Option<RegistryResponse> = None;
        loop {
            if let Action::Send(_) | Action::FetchToken(_) = action
                && let Some(superseded) = last.take()
            {
                superseded.drain()?;
            }
            let event = match action {
                Action::Send(authorization) => {
                    let auth = RequestAuth {
                        authorization: authorization.as_ref(),
                        ..anonymous
                    };
                    let mut response = self.send_with_retries(&mut request, &auth, &mut retries)?;
                    let is_upgraded = response.sender == Sender::UpgradedRegistry;
                    if is_upgraded && response.status() == 401 && anonymous.with_headers {
                        // The registry redirected from http to https. It may ask for credentials
                        // there, but does not receive the custom headers, as with oras.
                        request.url = response.url.clone();
                        response.drain()?;
                        anonymous = RequestAuth::none(&registry_origin);
                        (flow, action) = self.start_flow(&request);
                        continue;
                    }
                    if response.sender != Sender::Registry {
                        return Ok(response);
                    }
                    let locality = self.locality(&registry_origin);
                    (self.shared.auth_cache.lock()).set_locality(&request.url.origin(), locality);
                    let event = Event::Response {
                        status: response.status(),
                        challenges: response.challenges(),
                        denied: response.status() == 400 && response.is_denied()?,
                    };
                    last = Some(response);
                    event
                }
                Action::Probe => Event::Probed(self.probe(&request.url, &anonymous)?),
                Action::LookUpCredential => Event::Credential(self.credential(registry, &request)?),
                Action::RefreshCredential(rejected) => {
                    let repository = request.repository.as_ref();
                    let newer = self
                        .shared
                        .credentials
                        .refresh(registry, repository, &rejected)?;
                    Event::Credential(newer)
                }
                Action::FetchToken(token) => {
                    if token.is_after_rejection {
                        self.warn(registry, REJECTED_CREDENTIAL);
                    }
                    let requested_at = self.shared.clock.now();
                    let mut response = self
                        .fetch_token(&token, &registry_origin)
                        .map_err(|error| self.blocked_realm(registry, &request, error))?;
                    let event = Event::TokenResponse {
                        status: response.status(),
                        body: response.token()?,
                        requested_at,
                    };
                    last = Some(response);
                    event
                }
                Action::Fail(reason) => return Err(self.unauthorized(registry, &request, reason)),
                Action::Finish => {
                    let response = last.expect("a flow finishes after a response");
                    self.report_warnings(registry, &response);
                    return Ok(response);
                }
                Action::FailWithTokenResponse => {
                    let response = last.expect("the token service sent a response");
                    let error = response.into_error_of(Responder::TokenService);
                    return Err(error.context(self.describe(&request)));
                }
            };
            (flow, action) = flow.handle(event, &mut self.shared.auth_cache.lock());
        }
    }

    fn start_flow(&self, request: &RegistryRequest<'_>) -> (Flow, Action) {
        Flow::start(
            &request.url,
            request.repository.clone(),
            request.scopes.clone(),
            &mut self.shared.auth_cache.lock(),
            self.shared.clock.now(),
        )
    }

    fn unauthorized(
        &self,
        registry: &RegistryName,
        request: &RegistryRequest<'_>,
        mut reason: Unauthorized,
    ) -> Error {
        // The server chose the realm. It can repeat secrets that were sent to it.
        if let Unauthorized::UntrustedRealm { reason: text }
        | Unauthorized::NoToken { realm: text, .. } = &mut reason
        {
            *text = self.shared.redactor.lock().redact(text);
        }
        let names_request = matches!(
            reason,
            Unauthorized::IncompleteBasicCredential | Unauthorized::UntrustedRealm { .. }
        );
        let error = Error::Unauthorized {
            registry: registry.to_string(),
            reason,
        };
        if names_request {
            error.context(self.describe(request))
        } else {
            error
        }
    }

    /// Names the token service as the cause of an error if its address is not allowed.
    fn blocked_realm(
        &self,
        registry: &RegistryName,
        request: &RegistryRequest<'_>,
        error: Error,
    ) -> Error {
        match error {
            Error::Transport {
                kind: TransportKind::Blocked,
                source,
                ..
            } => {
                let reason = format!("bearer realm {source}");
                let reason = Unauthorized::UntrustedRealm { reason };
                self.unauthorized(registry, request, reason)
            }
            other => other,
        }
    }

    /// Sends `GET /v2/` to obtain a challenge. A failure counts as no challenge. The error is
    /// [`Error::Cancelled`].
    fn probe(&self, url: &Url, anonymous: &RequestAuth<'_>) -> Result<Vec<Challenge>> {
        let url = Url::from_registry(url.scheme(), url.host_and_port(), "/v2/");
        let mut request = RegistryRequest::new(Method::Get, url);
        let sent = self.send_with_retries(&mut request, anonymous, &mut Retries::default());
        let Ok(response) = progress::unless_cancelled(sent)? else {
            return Ok(Vec::new());
        };
        let challenges = response.challenges();
        response.drain()?;
        Ok(challenges)
    }

    /// Looks up the credential for a request.
    fn credential(
        &self,
        registry: &RegistryName,
        request: &RegistryRequest<'_>,
    ) -> Result<Option<Credential>> {
        (self.shared.credentials)
            .get(registry, request.repository.as_ref())
            .map_err(|error| {
                error.context(format!(
                    "{}: failed to resolve credential",
                    self.describe(request)
                ))
            })
    }

    fn fetch_token(&self, token: &TokenRequest, origin: &Origin) -> Result<RegistryResponse> {
        match &token.credential {
            Some(Credential::IdentityToken(token)) => {
                self.shared.redactor.lock().add_token(&token.expose());
            }
            Some(Credential::Password { password, .. }) => {
                self.shared.redactor.lock().add_value(&password.expose());
            }
            _ => {}
        }
        let form = token.form();
        let request = match &form {
            Some(form) => RegistryRequest::new(Method::Post, token.realm.clone())
                .header("Content-Type", "application/x-www-form-urlencoded")
                .body(Body::Bytes(form.expose_bytes())),
            None => RegistryRequest::new(Method::Get, token.url()),
        };
        let authorization = Authorization::for_token_service(token);
        let auth = RequestAuth {
            authorization: authorization.as_ref(),
            ..RequestAuth::none(origin)
        };
        let mut request = request.buffer_json_up_to(MAX_TOKEN_BYTES);
        self.send_with_retries(&mut request, &auth, &mut Retries::default())
    }
}
