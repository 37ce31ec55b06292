//! Blobs of a repository: reading and existence (distribution spec v1.1, "Pulling blobs").

use std::io::{self, Read};
use std::ops::Range;

use super::client::RegistryResponse;
use super::manifests::declared_digest;
use super::repository::Repository;
use crate::error::{Error, IoOp, Mismatch, Result, TransportKind};
use crate::http::Method;
use crate::http::retry::Retries;
use crate::oci::{Descriptor, Digest, MediaType, TagOrDigest};
use crate::progress::{self, Operation, Scope};
use crate::store::{ContentReader, VerifyReader, skip};

/// The context of the error of a response that is said to be HTML and has the wrong size.
const WEB_PAGE: &str = "the answer looks like a web page";

/// If a connection delivered this many bytes before it broke, the retries start over.
const PROGRESS_BYTES: u64 = 1024 * 1024;

impl Repository {
    /// Whether a blob exists. Its size, if known, helps to tell it from a web page.
    pub(super) fn has_blob(&self, digest: &Digest, size: Option<u64>) -> Result<bool> {
        // A redirect to the storage shows that the blob exists.
        let request = self
            .pull_request(Method::Head, self.endpoint.blob(digest))
            .without_redirects();
        let response = self.client.send(&self.registry, request)?;
        match response.status() {
            200 if is_web_page(&response, digest, size) => {
                Err(response.protocol_error("the answer is a web page, not a blob"))
            }
            200 | 301 | 302 | 303 | 307 | 308 => Ok(true),
            // Some registries answer 403 for a blob that does not exist. If access is denied, the
            // next request fails with the same status.
            403 | 404 => Ok(false),
            // Some registries do not support HEAD. An empty blob has no first byte: 416 shows that
            // it exists.
            400 | 405 | 501 => {
                let request = self
                    .pull_request(Method::Get, self.endpoint.blob(digest))
                    .header("Range", "bytes=0-0")
                    .without_redirects();
                let response = self.client.send(&self.registry, request)?;
                let exists = match response.status() {
                    200 | 206 | 301 | 302 | 303 | 307 | 308 | 416 => true,
                    404 => false,
                    _ => return Err(response.into_error()),
                };
                response.drain()?;
                Ok(exists)
            }
            _ => Err(response.into_error()),
        }
    }

    /// Requests the size and media type of a blob with one HEAD, or with a GET whose body is not
    /// read if the response to HEAD is not sufficient.
    pub(super) fn resolve_blob(&self, digest: &Digest) -> Result<Descriptor> {
        let mut request = self.pull_request(Method::Head, self.endpoint.blob(digest));
        request.has_known_digest = true;
        let response = self.client.send(&self.registry, request)?;
        match response.status() {
            // The content shows whether it is a web page.
            200 if is_web_page(&response, digest, None) => {}
            200 => match (
                declared_digest(&response),
                descriptor_from_headers(&response, digest),
            ) {
                (Some(declared), _) if declared != *digest => {
                    return Err(response
                        .protocol_error(format!("the answer is about another blob, {declared}")));
                }
                (_, Some(descriptor)) => return Ok(descriptor),
                (_, None) => {}
            },
            404 => return Err(self.no_blob(digest)),
            401 | 429 => return Err(response.into_error()),
            // Some registries do not support HEAD, and some redirect to a storage URL signed for
            // GET only.
            _ => {}
        }
        let response = self.open_blob(digest)?;
        let target = descriptor_from_headers(&response, digest).ok_or_else(|| {
            response.protocol_error("the answer does not say how large the blob is")
        })?;
        if is_web_page(&response, digest, None) {
            let reason = response.protocol_error("the answer is a web page, not a blob");
            let mut content = self.read_from(response, &target)?;
            let read = io::copy(&mut content, &mut io::sink());
            let read = read.map_err(Error::io(IoOp::Read, digest.as_str()));
            progress::unless_cancelled(read)?.map_err(|_| reason)?;
        }
        Ok(target)
    }

    /// Opens a blob of which only the digest is known with one GET, and a HEAD if the response has
    /// no size.
    pub(super) fn read_blob_by_digest(&self, digest: &Digest) -> Result<VerifyReader<'_>> {
        let response = self.open_blob(digest)?;
        let target = match descriptor_from_headers(&response, digest) {
            Some(target) => target,
            None => self.resolve_blob(digest)?,
        };
        self.read_from(response, &target)
    }

    fn open_blob(&self, digest: &Digest) -> Result<RegistryResponse> {
        let response = self.get_blob(digest, None)?;
        if response.status() == 404 {
            let name = self.full_name(&TagOrDigest::Digest(digest.clone()));
            return Err(response.into_not_found(name));
        }
        response.expect(&[200])
    }

    fn no_blob(&self, digest: &Digest) -> Error {
        Error::not_found(self.full_name(&TagOrDigest::Digest(digest.clone())))
    }

    pub(super) fn read_blob(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        self.read_from(self.get_blob(&target.digest, None)?, target)
    }

    /// Requests a range of a blob. Returns `None` if the registry refuses the range.
    pub(super) fn read_blob_range(
        &self,
        target: &Descriptor,
        range: Range<u64>,
    ) -> Result<Option<ContentReader<'_>>> {
        let Range { start, end } = range;
        if start >= end {
            return Ok(Some(Box::new(io::empty())));
        }
        let range = Some((start, end)).filter(|range| *range != (0, target.size));
        let response = self.get_blob(&target.digest, range)?;
        let (body, already_read) = match response.status() {
            206 if is_range(&response, start, target.size) => (response.response.body, 0),
            status if lacks_range(status) => return Ok(None),
            _ => match Self::whole_blob(response, target)? {
                (body, false) => (body, start),
                (_, true) => return Ok(None),
            },
        };
        let reader = ResumingReader {
            repository: self,
            target: target.clone(),
            end,
            body,
            may_be_web_page: false,
            already_read,
            offset: start,
            supports_ranges: true,
            last_break: start,
            retries: Retries::default(),
            operation: progress::operation(self.client.now()),
        };
        Ok(Some(Box::new(reader.take(end - start))))
    }

    /// Reads the blob that `response` contains.
    fn read_from(
        &self,
        response: RegistryResponse,
        target: &Descriptor,
    ) -> Result<VerifyReader<'_>> {
        let may_be_web_page = is_web_page(&response, &target.digest, Some(target.size));
        let (body, is_decoded) = Self::whole_blob(response, target)?;
        let resuming = ResumingReader {
            repository: self,
            target: target.clone(),
            end: target.size,
            body,
            may_be_web_page,
            already_read: 0,
            offset: 0,
            supports_ranges: !is_decoded,
            last_break: 0,
            retries: Retries::default(),
            operation: progress::operation(self.client.now()),
        };
        let reader = VerifyReader::new(resuming, target.clone());
        Ok(if may_be_web_page {
            reader.map_read_error(|error| match error {
                Error::Verification { .. } => error.context(WEB_PAGE),
                other => other,
            })
        } else {
            reader
        })
    }

    /// Requests a blob, or the range from an offset up to an end.
    fn get_blob(&self, digest: &Digest, range: Option<(u64, u64)>) -> Result<RegistryResponse> {
        let mut request = self.pull_request(Method::Get, self.endpoint.blob(digest));
        request.is_blob_body = true;
        request.has_known_digest = true;
        if let Some((offset, end)) = range {
            // Some registries support only ranges with an end.
            request = request.header("Range", format!("bytes={offset}-{}", end - 1));
        }
        let mut response = self.client.send(&self.registry, request)?;
        // Some storages answer 206 to every request.
        let is_whole = |(first, last, total): (u64, u64, Option<u64>)| {
            first == 0 && last.checked_add(1) == total
        };
        if response.status() == 206
            && range.is_none()
            && content_range(&response).is_some_and(is_whole)
        {
            response.response.status = 200;
        }
        Ok(response)
    }

    /// The body of a response that must contain the whole blob, and whether it had to be decoded.
    fn whole_blob(
        response: RegistryResponse,
        target: &Descriptor,
    ) -> Result<(Box<dyn Read + Send>, bool)> {
        match response.status() {
            200 => {}
            404 => return Err(response.into_not_found(target.digest.as_str())),
            _ => return Err(response.into_error()),
        }
        let length = response.response.content_length();
        // Some storages label compressed blobs as encoded, and send them as they were stored.
        if response.is_encoded() && length != Some(target.size) {
            return Ok((response.decode()?, true));
        }
        if length.is_some_and(|length| length != target.size) {
            let error = Error::Verification {
                digest: target.digest.to_string(),
                mismatch: Mismatch::Size,
            };
            return Err(if response.content_type().as_deref() == Some("text/html") {
                error.context(WEB_PAGE)
            } else {
                error
            });
        }
        Ok((response.response.body, false))
    }
}

/// Whether a response says that it is a web page, and nothing shows that it is the blob. Some
/// registries (zot) send blobs with the media type from their manifest.
fn is_web_page(response: &RegistryResponse, digest: &Digest, size: Option<u64>) -> bool {
    response.content_type().as_deref() == Some("text/html")
        && declared_digest(response).as_ref() != Some(digest)
        && (size.is_none() || response.response.content_length() != size)
}

/// The descriptor of a blob from the headers of a response, if they include its size.
fn descriptor_from_headers(response: &RegistryResponse, digest: &Digest) -> Option<Descriptor> {
    let size = response.response.content_length()?;
    if response.is_encoded() && response.method == Method::Get {
        // The size of the encoded content, unless the storage labels content as encoded.
        return None;
    }
    let media_type = response
        .content_type()
        .map_or(MediaType::OCTET_STREAM, MediaType::from);
    Some(Descriptor::new(media_type, digest.clone(), size))
}

/// Whether a response contains the bytes from `offset` on of a blob of `size` bytes.
fn is_range(response: &RegistryResponse, offset: u64, size: u64) -> bool {
    content_range(response)
        .is_some_and(|(first, _, total)| first == offset && total.is_none_or(|total| total == size))
}

/// Whether a response with this status to a request for a range may mean that ranges of the blob
/// are not supported, so that the whole blob is requested. Storages and proxies refuse ranges with
/// various errors. If the beginning of a blob is kept, each run would meet the same error again.
const fn lacks_range(status: u16) -> bool {
    matches!(status, 206 | 400 | 405 | 412 | 416 | 501)
}

/// The first and the last position in a `Content-Range`, and the size of the whole if it is known.
fn content_range(response: &RegistryResponse) -> Option<(u64, u64, Option<u64>)> {
    let mut ranges = response.response.headers.all("Content-Range");
    let (Some(range), None) = (ranges.next(), ranges.next()) else {
        return None;
    };
    let (span, total) = range.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = span.split_once('-')?;
    let total = match total {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    Some((first.parse().ok()?, last.parse().ok()?, total))
}

/// Reads a blob and, when the connection breaks, continues where it broke.
struct ResumingReader<'a> {
    repository: &'a Repository,
    target: Descriptor,
    /// The end of the range that is read: the size, unless only a part is wanted.
    end: u64,
    body: Box<dyn Read + Send>,
    /// Whether the response says that it is a web page, and nothing shows that it is the blob.
    may_be_web_page: bool,
    /// Number of bytes of the body before `offset`, which were read from an earlier response.
    already_read: u64,
    offset: u64,
    /// Whether the registry supports ranges of this blob, and sent it without a content encoding.
    /// Otherwise the whole blob is requested again.
    supports_ranges: bool,
    last_break: u64,
    retries: Retries,
    /// The operation that the reader belongs to.
    operation: Operation,
}

impl ResumingReader<'_> {
    /// Opens the rest of the blob after a break. Returns the failure if a retry is of no use.
    fn resume(&mut self, failure: io::Error) -> io::Result<()> {
        if self.offset - self.last_break >= PROGRESS_BYTES {
            self.retries = Retries::default();
        }
        self.last_break = self.offset;
        let _operation = Scope::of_operation(self.operation);
        let resumed = self.reopen_after(failure);
        self.operation = progress::operation(self.repository.client.now());
        resumed
    }

    /// Opens the rest of the blob if the retry policy allows it.
    fn reopen_after(&mut self, failure: io::Error) -> io::Result<()> {
        let Repository {
            client, endpoint, ..
        } = self.repository;
        let retry = match failure.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(Error::Transport {
                kind, url, source, ..
            }) => client.retry_failure(&mut self.retries, *kind, url, &**source),
            Some(_) => None,
            None => {
                let url = endpoint.blob(&self.target.digest).to_string();
                client.retry_failure(&mut self.retries, TransportKind::Io, &url, &failure)
            }
        };
        let Some(retry) = retry else {
            return Err(failure);
        };
        client.wait_for(&retry).map_err(Error::into_io)?;
        self.reopen().map_err(Error::into_io)
    }

    /// Opens the rest of the blob, or the whole blob if the registry does not support ranges. The
    /// bytes of several responses are verified like those of one.
    fn reopen(&mut self) -> Result<()> {
        let from = if self.supports_ranges { self.offset } else { 0 };
        let Descriptor { digest, size, .. } = &self.target;
        let part = Some((from, self.end)).filter(|_| from > 0);
        let mut response = self.repository.get_blob(digest, part)?;
        if from > 0 {
            match response.status() {
                206 if is_range(&response, from, *size) => {
                    (self.body, self.already_read) = (response.response.body, 0);
                    return Ok(());
                }
                status if lacks_range(status) => {
                    self.supports_ranges = false;
                    response = self.repository.get_blob(digest, None)?;
                }
                _ => {}
            }
        }
        self.may_be_web_page = is_web_page(&response, digest, Some(*size));
        (self.body, _) = Repository::whole_blob(response, &self.target)?;
        self.already_read = self.offset;
        Ok(())
    }

    /// The error of a body that ended before the blob did, where the response has no length.
    fn ended_early(&self) -> io::Error {
        let url = self.repository.endpoint.blob(&self.target.digest);
        Error::Transport {
            method: Method::Get.as_str(),
            url: url.to_string(),
            kind: TransportKind::Io,
            source: io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected EOF").into(),
        }
        .into_io()
    }

    fn read_body(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        skip(&mut self.body, std::mem::take(&mut self.already_read))?;
        self.body.read(buffer)
    }
}

impl Read for ResumingReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let failure = match self.read_body(buffer) {
                Ok(0) if self.may_be_web_page => return Ok(0),
                Ok(0) if self.offset < self.end && !buffer.is_empty() => self.ended_early(),
                Ok(count) => {
                    self.offset += count as u64;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(error) => error,
            };
            // All bytes are here: only the end of the message was broken.
            if self.offset >= self.end {
                return Ok(0);
            }
            self.resume(failure)?;
        }
    }
}
