//! One attempt: sends a request over the transport once, to one URL.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use super::request::{Body, RegistryRequest};
use super::response::{NamedBody, RegistryResponse, Sender};
use super::{Client, content_encoding};
use crate::auth::{Authorization, OriginPolicy};
use crate::error::{Error, IoOp, Result, TransportKind};
use crate::http::clock::TimedReader;
use crate::http::retry::parse_retry_after;
use crate::http::{Headers, Method, Request, RequestBody, Response, TransportError};
use crate::limits::{MAX_DOCUMENT_TIME, MAX_MESSAGE_TIME};
use crate::progress;
use crate::text::json;
use crate::text::url::{Origin, Url};

/// The secrets of a request. They are sent to the origin of the request's URL only, never after a
/// redirect to another origin.
pub(super) struct RequestAuth<'a> {
    pub(super) authorization: Option<&'a Authorization>,
    /// Whether the custom headers of client and request are sent.
    pub(super) with_headers: bool,
    /// Origin of the registry; only requests to it use the client certificate.
    pub(super) registry_origin: &'a Origin,
}

impl<'a> RequestAuth<'a> {
    /// No authorization and no custom headers.
    pub(super) const fn none(registry_origin: &'a Origin) -> Self {
        Self {
            authorization: None,
            with_headers: false,
            registry_origin,
        }
    }
}

impl Client {
    /// Sends a request to `url` once. `sender` is the server that the redirects led to.
    pub(super) fn send_once(
        &self,
        request: &mut RegistryRequest<'_>,
        url: &Url,
        auth: &RequestAuth<'_>,
        sender: Sender,
    ) -> Result<RegistryResponse> {
        let method = request.method;
        let is_same_origin = sender == Sender::Registry;
        let mut headers = self.headers_of(request, auth, is_same_origin);
        if self.capabilities().entry(&url.origin()).breaks_connections {
            headers.add("Connection", "close");
        }
        let policy = if is_same_origin && url.origin() == *auth.registry_origin {
            OriginPolicy::SameOrigin
        } else {
            OriginPolicy::NoCredentials {
                most_local: self.locality(auth.registry_origin),
            }
        };
        if policy != OriginPolicy::SameOrigin
            && self
                .shared
                .redactor
                .lock()
                .has_authorization_in(&url.exact())
        {
            return Err(Error::Protocol {
                what: format!("{method} \"{}\"", self.redacted(url)),
                reason: "the address repeats a secret, which is not for others".to_owned(),
            });
        }
        let failed = |error: TransportError| error.into_error(method, self.redacted(url));
        let timeouts = self.timeouts().map_err(failed)?;
        let sent = {
            let mut reader;
            let body = match &mut request.body {
                Body::None => RequestBody::None,
                Body::Bytes(bytes) | Body::BufferedChunk(bytes) => RequestBody::Bytes(bytes),
                Body::Blob(expected, content) => {
                    // The registry computes the digest before it commits the upload.
                    // An error of the content is not one of the connection.
                    let content = content
                        .open_verified(expected)?
                        .map_read_error(|error| error);
                    reader = content.skip_digest_if_trusted();
                    RequestBody::Reader {
                        reader: &mut reader,
                        size: expected.size,
                    }
                }
                Body::Chunk(chunk) if chunk.is_consumed() => {
                    let error = TransportError::new(
                        TransportKind::Io,
                        "a chunk of a blob cannot be sent a second time",
                    );
                    return Err(failed(error));
                }
                Body::Chunk(chunk) => RequestBody::Reader {
                    size: chunk.size,
                    reader: chunk,
                },
            };
            self.shared.transport.send(Request {
                method,
                url,
                headers: &headers,
                body,
                timeouts,
                origin_policy: policy,
            })
        };
        if sent.is_ok() {
            self.shared.responders.lock().insert(url.origin());
            progress::set_silence(Duration::ZERO);
        }
        let response = sent.map_err(failed)?;
        self.receive(request, url, (sender, auth.registry_origin), response)
    }

    fn headers_of(
        &self,
        request: &RegistryRequest<'_>,
        auth: &RequestAuth<'_>,
        is_same_origin: bool,
    ) -> Headers {
        let mut headers = request.headers.clone();
        headers.add("User-Agent", self.settings.user_agent.as_str());
        if !is_same_origin {
            return headers;
        }
        let mut redactor = self.shared.redactor.lock();
        if auth.with_headers {
            let own = request.registry_headers.iter();
            for (name, value) in self.settings.headers.iter().chain(own) {
                redactor.add_header(name, value);
                headers.add(name, value);
            }
        }
        if let Some(authorization) = auth.authorization {
            let (name, header) = ("Authorization", authorization.header());
            redactor.add_header(name, &header.expose());
            headers.add(name, header.expose());
        }
        headers
    }

    /// Limits and names the body of a response, and reads it if the request asks for that.
    fn receive(
        &self,
        request: &RegistryRequest<'_>,
        url: &Url,
        (sender, registry): (Sender, &Origin),
        mut response: Response,
    ) -> Result<RegistryResponse> {
        let is_success = (200..300).contains(&response.status);
        if response.status == 203 {
            // A proxy changed the response (RFC 9110 §15.3.4). Content is verified.
            response.status = 200;
        }
        let response = if request.method == Method::Head || (request.is_blob_body && is_success) {
            // A HEAD has no body, and the size of a blob shows whether it is encoded.
            response
        } else {
            content_encoding::decode(response).map_err(|reason| Error::Protocol {
                what: format!("{} \"{}\"", request.method, self.redacted(url)),
                reason,
            })?
        };
        let announced = response.content_length();
        // Then only the document tells whether all of it came.
        let ends_with_connection =
            announced.is_none() && response.headers.get("Transfer-Encoding").is_none();
        let buffer_limit = request
            .buffer_limit
            .filter(|&limit| is_success && announced.is_none_or(|size| size <= limit));
        let body = if request.is_blob_body && is_success {
            response.body
        } else {
            let time = buffer_limit.map_or(MAX_MESSAGE_TIME, |_| MAX_DOCUMENT_TIME);
            Box::new(TimedReader::new(
                response.body,
                Arc::clone(&self.shared.clock),
                time,
            ))
        };
        let mut body = NamedBody::new(body, request.method, self.redacted(url));
        let mut document = None;
        if let Some(limit) = buffer_limit {
            // One byte more than the limit tells a document of that size from a larger one.
            let mut bytes = Vec::new();
            let mut read = (&mut body)
                .take(limit.saturating_add(1))
                .read_to_end(&mut bytes);
            if ends_with_connection
                && matches!(read, Ok(size) if size as u64 <= limit)
                && bytes.starts_with(b"{")
                && !json::is_complete(&bytes)
            {
                read = Err(body.named(io::ErrorKind::UnexpectedEof.into()));
            }
            if let Err(error) = read
                && !(request.is_json && ends_early(&error) && json::is_complete(&bytes))
            {
                return Err(Error::io(IoOp::Read, self.redacted(url))(error));
            }
            document = Some(bytes);
        }
        Ok(RegistryResponse {
            method: request.method,
            url: url.clone(),
            sender,
            registry: registry.clone(),
            locality: self.locality(registry),
            redactor: self.shared.redactor.lock().clone(),
            retries: 0,
            max_retry_after: self.settings.retry_policy.max_retry_after,
            retry_after: (response.headers.get("Retry-After"))
                .and_then(|value| parse_retry_after(value, self.shared.clock.now())),
            response: Response {
                body: match document {
                    Some(_) => Box::new(io::empty()),
                    None => Box::new(body),
                },
                ..response
            },
            document,
        })
    }
}

/// Whether a body ended, or went silent, before its announced length.
fn ends_early(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::TimedOut
            | io::ErrorKind::WouldBlock
    )
}
