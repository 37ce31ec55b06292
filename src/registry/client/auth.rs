//! Authentication of requests: does what [`auth::Flow`](crate::auth::Flow) decides.

use super::Client;
use super::attempt::RequestAuth;
use super::request::{Body, RegistryRequest};
use super::response::RegistryResponse;
use crate::auth::credential::Credential;
use crate::auth::{Action, Authorization, Challenge, Event, Flow, OriginPolicy, TokenRequest};
use crate::error::{Error, Responder, Result, Unauthorized};
use crate::http::Method;
use crate::limits::MAX_TOKEN_BYTES;
use crate::oci::RegistryName;
use crate::text::url::{Origin, Url};

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
        let origin = self.registry_origin(registry);
        if request.url.origin() != origin {
            return self.send_with_retries(&mut request, &RequestAuth::none(&origin));
        }
        let (mut flow, mut action) = Flow::start(
            &request.url,
            request.repository.clone(),
            request.scopes.clone(),
            &mut self.auth_cache.borrow_mut(),
            self.clock.now(),
        );
        // The last response of the registry or of its token service.
        let mut last: Option<RegistryResponse> = None;
        loop {
            if let Action::Send(_) | Action::FetchToken(_) = action
                && let Some(superseded) = last.take()
            {
                superseded.drain();
            }
            let event = match action {
                Action::Send(authorization) => {
                    let auth = RequestAuth {
                        authorization: authorization.as_ref(),
                        with_headers: true,
                        registry_origin: &origin,
                    };
                    let mut response = self.send_with_retries(&mut request, &auth)?;
                    if response.origin_policy != OriginPolicy::SameOrigin {
                        return Ok(response);
                    }
                    let event = Event::Response {
                        status: response.status(),
                        challenges: response.challenges(),
                        denied: response.status() == 400 && response.is_denied(),
                    };
                    last = Some(response);
                    event
                }
                Action::Probe => Event::Probed(self.probe(registry, &origin)),
                Action::LookUpCredential => Event::Credential(self.credential(registry, &request)?),
                Action::RefreshCredential(rejected) => {
                    let repository = request.repository.as_ref();
                    let newer = self.credentials.refresh(registry, repository, &rejected)?;
                    Event::Credential(newer)
                }
                Action::FetchToken(token) => {
                    let requested_at = self.clock.now();
                    let mut response = self.fetch_token(&token, &origin)?;
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
            (flow, action) = flow.handle(event, &mut self.auth_cache.borrow_mut());
        }
    }

    fn unauthorized(
        &self,
        registry: &RegistryName,
        request: &RegistryRequest<'_>,
        mut reason: Unauthorized,
    ) -> Error {
        if let Unauthorized::UntrustedRealm { realm, .. } | Unauthorized::NoToken { realm, .. } =
            &mut reason
        {
            // The server chose the realm. It can repeat secrets that were sent to it.
            *realm = self.redactor.borrow().redact(realm);
        }
        let names_request = reason == Unauthorized::IncompleteBasicCredential;
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

    /// Sends `GET /v2/` to obtain a challenge. A failure counts as no challenge.
    fn probe(&self, registry: &RegistryName, origin: &Origin) -> Vec<Challenge> {
        let url = Url::from_registry(self.scheme(registry), registry.host_and_port(), "/v2/");
        let auth = RequestAuth {
            with_headers: true,
            ..RequestAuth::none(origin)
        };
        let mut request = RegistryRequest::new(Method::Get, url);
        let Ok(response) = self.send_with_retries(&mut request, &auth) else {
            return Vec::new();
        };
        let challenges = response.challenges();
        response.drain();
        challenges
    }

    /// Looks up the credential for a request.
    fn credential(
        &self,
        registry: &RegistryName,
        request: &RegistryRequest<'_>,
    ) -> Result<Option<Credential>> {
        self.credentials
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
                self.redactor.borrow_mut().add_token(&token.expose());
            }
            Some(Credential::Password { password, .. }) => {
                self.redactor.borrow_mut().add_value(&password.expose());
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
        self.send_with_retries(&mut request.buffer_up_to(MAX_TOKEN_BYTES), &auth)
    }
}
