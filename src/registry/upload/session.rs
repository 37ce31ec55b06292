//! Upload sessions: where a registry receives a blob (distribution spec v1.1, "Pushing blobs").

use std::sync::MutexGuard;

use crate::auth::OriginPolicy;
use crate::error::{Error, Responder, Result};
use crate::http::Method;
use crate::registry::client::{CapabilityCache, NOT_STORED, RegistryResponse};
use crate::text::url::Url;

/// An upload session that the registry started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UploadSession {
    pub(crate) location: Url,
    /// The smallest size of a chunk other than the last, in bytes.
    pub(crate) min_chunk_bytes: u64,
}

impl UploadSession {
    /// Reads the session from the response that started it.
    pub(crate) fn from_response(response: &RegistryResponse) -> Result<Self> {
        let location = upload_location(response)?
            .ok_or_else(|| response.protocol_error("the upload has no Location"))?;
        let min_chunk_bytes = response
            .header("OCI-Chunk-Min-Length")
            .and_then(|value| value.parse().ok())
            .unwrap_or(0);
        Ok(Self {
            location,
            min_chunk_bytes,
        })
    }
}

/// The `Location` of the next request of an upload, if the response has one. The origin policy
/// decides whether content may be sent there; another origin receives it without secrets.
pub(crate) fn upload_location(response: &RegistryResponse) -> Result<Option<Url>> {
    let Some(location) = response.header("Location") else {
        return Ok(None);
    };
    let url = response.resolve_own("Location", location)?;
    match OriginPolicy::between(&response.registry, response.locality, &url.origin()) {
        Ok(_) => Ok(Some(url)),
        Err(reason) => {
            Err(response.protocol_error(format!("refusing to upload to \"{url}\": {reason}")))
        }
    }
}

/// Inputs of a decision besides the state and the event.
pub(crate) struct Context<'a> {
    pub(crate) capabilities: MutexGuard<'a, CapabilityCache>,
    /// Whether the content was read and cannot be read again.
    pub(crate) is_consumed: bool,
}

/// Whether a response shows that a registry stored a blob. Other successful responses do not: a
/// login page has status 200.
pub(crate) const fn is_stored(response: &RegistryResponse) -> bool {
    matches!(response.status(), 201 | 204)
}

/// Whether a response claims success although it does not show that a registry stored a blob.
pub(crate) const fn is_unconfirmed(response: &RegistryResponse) -> bool {
    matches!(response.status(), 200 | 202)
}

/// Whether a response started an upload, if it has a location.
pub(crate) const fn is_started(response: &RegistryResponse) -> bool {
    matches!(response.status(), 200..=202)
}

/// The error of an upload that ended with `result`, after which the registry lacks the blob.
pub(crate) fn not_stored(result: Result<RegistryResponse>) -> Error {
    match result {
        Ok(response) if is_unconfirmed(&response) => response.protocol_error(NOT_STORED),
        Ok(response)
            if response.status() == 404
                && matches!(response.method, Method::Put | Method::Patch) =>
        {
            response.into_error_of(Responder::UploadSession)
        }
        Ok(response) => response.into_error(),
        Err(error) => error,
    }
}
