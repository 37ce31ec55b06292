//! Requests that the distribution specification does not define, for extensions of a registry.

use super::Client;
use super::client::{Body, RegistryRequest};
use crate::auth::Scopes;
use crate::error::{Error, Result};
use crate::http::{Headers, Method, Response};
use crate::oci::{RegistryName, RepositoryName};
use crate::text::url::Url;

/// Headers that are no secrets, and have the same meaning at the storage behind a redirect.
const REDIRECTED_HEADERS: [&str; 3] = ["Accept", "Range", "If-Range"];

/// A request to a registry. See [`Client::request`].
pub struct RawRequest<'a> {
    client: Client,
    registry: RegistryName,
    request: RegistryRequest<'a>,
}

impl Client {
    /// Creates a request to a registry that has no method here, for example to its own API or an
    /// extension (distribution spec v1.1, "Extensions"). `path` starts with `/` and may have a
    /// query.
    ///
    /// The request is authenticated, redirected and retried as those of the library, and its
    /// secrets stay at the registry. If an attempt fails, the registry may get the request several
    /// times.
    ///
    /// ```no_run
    /// use std::io::Read;
    ///
    /// use oras::http::Method;
    /// use oras::registry::Client;
    ///
    /// let client = Client::from_env();
    /// let registry = "registry.example".parse()?;
    /// let response = client
    ///     .request(&registry, Method::Get, "/v2/_zot/ext/search?query={}")?
    ///     .header("Accept", "application/json")
    ///     .send()?;
    /// if response.status == 200 {
    ///     let mut body = String::new();
    ///     response.body.take(1024 * 1024).read_to_string(&mut body).unwrap();
    /// }
    /// # Ok::<(), oras::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if `path` does not start with `/` or is too long.
    pub fn request<'a>(
        &self,
        registry: &RegistryName,
        method: Method,
        path: &str,
    ) -> Result<RawRequest<'a>> {
        if !path.starts_with('/') {
            return Err(Error::malformed(
                format!("path {path:?}"),
                "it does not start with /",
            ));
        }
        let url = Url::from_registry(self.scheme(registry), registry.host_and_port(), "/")
            .with_path_and_query(path)?;
        let mut request = RegistryRequest::new(method, url);
        request.is_blob_body = true;
        Ok(RawRequest {
            client: self.clone(),
            registry: registry.clone(),
            request,
        })
    }
}

impl<'a> RawRequest<'a> {
    /// Adds a header. After a redirect, another server gets only `Accept`, `Range` and `If-Range`.
    /// The client adds `Authorization`, `User-Agent`, `Host` and `Content-Length`.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        let is_redirected = REDIRECTED_HEADERS
            .iter()
            .any(|it| it.eq_ignore_ascii_case(name));
        let headers: &mut Headers = if is_redirected {
            &mut self.request.headers
        } else {
            &mut self.request.registry_headers
        };
        headers.add(name, value);
        self
    }

    /// Sets the body. The default is none.
    #[must_use]
    pub fn body(mut self, body: &'a [u8]) -> Self {
        self.request.body = Body::Bytes(body);
        self
    }

    /// Adds scopes that a token must have, such as `repository:team/app:pull`, separated by spaces.
    /// The default is none, for which a token service usually grants no access to repositories.
    #[must_use]
    pub fn scopes(mut self, scopes: &str) -> Self {
        self.request.scopes = self.request.scopes.union(&Scopes::parse(scopes));
        self
    }

    /// Uses the credential for a repository, which can differ from that for the registry.
    #[must_use]
    pub fn repository(mut self, repository: RepositoryName) -> Self {
        self.request.repository = Some(repository);
        self
    }

    /// Sends the request, and returns the response, whatever its status.
    ///
    /// The body of a success is not decoded, and its size is not limited. That of an error must
    /// arrive within 10 seconds, and only the first 64 KiB of the body of a 400 are kept.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthorized`] if the registry demands a credential and there is none;
    /// [`Error::Refused`] if its token service refuses; [`Error::Transport`] if no response
    /// arrives; [`Error::Protocol`] for a redirect that is not safe.
    pub fn send(self) -> Result<Response> {
        let response = self.client.send(&self.registry, self.request)?;
        Ok(response.response)
    }
}

impl std::fmt::Debug for RawRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawRequest")
            .field("method", &self.request.method)
            .field("registry", &self.registry)
            .finish_non_exhaustive()
    }
}
