//! Requests to a registry before they are sent: URL, headers, body, scopes, and how to read the
//! response.

use std::io::{self, Read};

use crate::auth::Scopes;
use crate::http::{Headers, Method};
use crate::oci::{Descriptor, RepositoryName};
use crate::store::Content;
use crate::text::url::Url;

/// A request for [`Client::send`](super::Client::send). It has no credentials; the client adds them
/// for each attempt.
pub(crate) struct RegistryRequest<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// The repository whose credential is looked up. Repositories of one registry can have
    /// different ones.
    pub(crate) repository: Option<RepositoryName>,
    pub(crate) headers: Headers,
    /// Headers for the origin of the registry only. They may contain secrets.
    pub(crate) registry_headers: Headers,
    pub(crate) body: Body<'a>,
    /// The scopes that a token must have.
    pub(crate) scopes: Scopes,
    /// Whether redirects are followed. If not, the redirect is the response.
    pub(crate) follow_redirects: bool,
    /// Number of bytes of a successful response's body that are read before the response is
    /// returned. A body that breaks off earlier is a failure of the request, so the request is
    /// retried.
    pub(crate) buffer_limit: Option<u64>,
    /// Whether the buffered body is a JSON document whose bytes have no digest. It is complete when
    /// its JSON is, whatever its announced length.
    pub(crate) is_json: bool,
    /// Whether the response's body is a blob, of any size and duration. Other bodies have a time
    /// limit.
    pub(crate) is_blob_body: bool,
    /// Whether the response is about content whose digest is known beforehand. Only such content
    /// may be read over http after a redirect from https, because it is verified.
    pub(crate) has_known_digest: bool,
}

/// The body of a request.
pub(crate) enum Body<'a> {
    None,
    Bytes(&'a [u8]),
    /// A whole blob, verified while it is sent.
    Blob(&'a Descriptor, &'a mut dyn Content),
    /// A chunk of a blob that is being read. It can be sent once.
    Chunk(ChunkReader<'a>),
    /// A chunk in memory. It can be sent again after a refusal, such as a 401.
    BufferedChunk(&'a [u8]),
}

impl Body<'_> {
    /// Whether the client may retry a request with this body. Uploads are not retried here: how to
    /// resume depends on the upload's state, see [`upload`](crate::registry::upload).
    pub(crate) const fn is_retryable(&self) -> bool {
        matches!(self, Self::None | Self::Bytes(_))
    }
}

/// The next `size` bytes of a reader.
pub(crate) struct ChunkReader<'a> {
    reader: &'a mut dyn Read,
    pub(crate) size: u64,
    remaining: u64,
}

impl<'a> ChunkReader<'a> {
    pub(crate) fn new(reader: &'a mut dyn Read, size: u64) -> Self {
        Self {
            reader,
            size,
            remaining: size,
        }
    }

    /// Whether bytes were read. They cannot be read again.
    pub(crate) const fn is_consumed(&self) -> bool {
        self.remaining < self.size
    }
}

impl Read for ChunkReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (&mut *self.reader).take(self.remaining).read(buffer)?;
        self.remaining -= count as u64;
        Ok(count)
    }
}

impl<'a> RegistryRequest<'a> {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            repository: None,
            headers: Headers::new(),
            registry_headers: Headers::new(),
            body: Body::None,
            scopes: Scopes::none(),
            follow_redirects: true,
            buffer_limit: None,
            is_json: false,
            is_blob_body: false,
            has_known_digest: false,
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.add(name, value);
        self
    }

    pub(crate) fn scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }

    pub(crate) fn body(mut self, body: Body<'a>) -> Self {
        self.body = body;
        self
    }

    /// Reads up to `limit` bytes of the response's body as part of the request.
    pub(crate) const fn buffer_up_to(mut self, limit: u64) -> Self {
        self.buffer_limit = Some(limit);
        self
    }

    /// Same as [`buffer_up_to`](Self::buffer_up_to), for a JSON document whose bytes have no
    /// digest.
    pub(crate) const fn buffer_json_up_to(mut self, limit: u64) -> Self {
        self.is_json = true;
        self.buffer_up_to(limit)
    }

    /// Returns a redirect as the response.
    pub(crate) const fn without_redirects(mut self) -> Self {
        self.follow_redirects = false;
        self
    }
}
