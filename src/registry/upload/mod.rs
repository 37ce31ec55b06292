//! Uploads of blobs to a repository (distribution spec v1.1, "Pushing blobs"): in one request, in
//! chunks, from a stream, and mounts from other repositories.
//!
//! A new blob costs two requests, or one where the registry accepts a blob in one request. A blob
//! that the registry has costs one request, or none if that is known. A blob of another repository
//! of the registry costs one request and none of its bytes: it is mounted from there.
//!
//! `decision` and `chunked_upload` decide what to do next, without I/O; the functions here and in
//! `stream_upload` send requests until these are done.

mod chunked_upload;
mod decision;
mod first_request;
mod session;
mod stream_upload;

use std::io;
use std::ops::ControlFlow;

use self::chunked_upload::{ChunkAction, ChunkedUpload};
use self::decision::{Action, Event, UploadFlow};
use self::session::{Context, UploadSession, not_stored};
use crate::auth::Scopes;
use crate::error::{Error, IoOp, Result, TransportKind};
use crate::http::Method;
use crate::http::retry::Retries;
use crate::limits::MAX_SINGLE_POST_BYTES;
use crate::oci::{Algorithm, Descriptor, Digest, RepositoryName};
use crate::progress::unless_cancelled;
use crate::registry::client::{Body, ChunkReader, RegistryRequest, RegistryResponse, Retry};
use crate::registry::repository::Repository;
use crate::store::{Content, Mount, Pushed, skip};
use crate::text::url::{Origin, Url};

pub(crate) use self::decision::UploadStart;

/// The step after a chunk, or the result with which the upload failed.
type ChunkStep = ControlFlow<Result<RegistryResponse>, ChunkAction>;

impl Repository {
    /// Mounts a blob from another repository of the registry. If the registry starts an upload
    /// instead, the blob is sent to that.
    pub(crate) fn mount_blob(
        &self,
        expected: &Descriptor,
        content: &mut dyn Content,
        from: &RepositoryName,
    ) -> Result<Mount> {
        let digest = &expected.digest;
        let url = self.endpoint.mount(digest, from, digest.algorithm());
        let scopes = Scopes::pull_push(self.name.as_str()).union(&Scopes::pull(from.as_str()));
        let request = self.push_request(Method::Post, url).scopes(scopes);
        let response = match self.client.send(&self.registry, request) {
            Ok(response) => response,
            // A client that may not read there may still write here.
            Err(error) if error.is_unauthorized() => return Ok(Mount::Unsupported),
            Err(error) => return Err(error),
        };
        let mount = match response.status() {
            201 => {
                self.remember_blob(digest);
                Mount::Mounted
            }
            202 => {
                let session = UploadSession::from_response(&response)?;
                response.drain()?;
                self.upload_blob(expected, content, UploadStart::Session(session))?;
                return Ok(Mount::Pushed);
            }
            429 => return Err(response.into_error()),
            _ => Mount::Unsupported,
        };
        response.drain()?;
        Ok(mount)
    }

    /// Does what [`UploadFlow`] decides, until the registry has the blob.
    pub(crate) fn upload_blob(
        &self,
        expected: &Descriptor,
        content: &mut dyn Content,
        start: UploadStart,
    ) -> Result<Pushed> {
        let is_checked = matches!(start, UploadStart::Check);
        let (mut flow, mut action) = UploadFlow::start(
            self.registry_origin(),
            self.name.clone(),
            expected.plain(),
            (start, self.blob_checks()),
            &mut self.client.capabilities(),
        );
        if let Some(bytes) = self.client.upload_chunk_bytes() {
            flow.chunk_bytes = bytes;
        }
        // The result of the last request that was part of the upload.
        let mut last: Option<Result<RegistryResponse>> = None;
        let mut retries = Retries::default();
        // Content that a request without a session sends. It may have to be sent again.
        let mut buffered: Option<Vec<u8>> = None;
        loop {
            if matches!(action, Action::Post) && buffered.is_none() {
                let reader = content.open_verified(expected)?;
                buffered = Some(reader.read_all(MAX_SINGLE_POST_BYTES)?);
            }
            let mut bytes;
            let content: &mut dyn Content = match &buffered {
                Some(buffered) => {
                    bytes = buffered.as_slice();
                    &mut bytes
                }
                None => &mut *content,
            };
            match &action {
                // If the upload fails now, its last response says why.
                Action::CheckExists | Action::Retry { .. } | Action::Fail => {
                    if let Some(Ok(last)) = &mut last {
                        last.buffer_body()?;
                    }
                }
                _ => {
                    if let Some(Ok(superseded)) = last.take() {
                        superseded.drain()?;
                    }
                }
            }
            let event = match action {
                Action::CheckExists => {
                    Event::Exists(self.has_blob(&expected.digest, Some(expected.size))?)
                }
                Action::SendChunks(upload) => {
                    let result = self.send_chunks(upload, expected, content, &mut retries);
                    Event::Response(last.insert(unless_cancelled(result)?))
                }
                Action::Retry { is_session_lost } => {
                    let result = last.as_ref().expect("a retry follows a request");
                    let retry = if is_session_lost {
                        self.retry_lost_session(&mut retries)
                    } else {
                        self.client.retry(&mut retries, result)
                    };
                    if let Some(retry) = retry {
                        self.client.wait_for(&retry)?;
                        Event::Waited
                    } else {
                        let result = last.expect("a retry follows a request");
                        return Err(not_stored(result));
                    }
                }
                Action::Finish(pushed) => {
                    self.remember_blob(&expected.digest);
                    if is_checked {
                        self.remember_check(pushed == Pushed::AlreadyThere);
                    }
                    return Ok(pushed);
                }
                Action::Fail => {
                    let result = last.expect("an upload fails after a request");
                    return Err(not_stored(result));
                }
                action => {
                    let request = self.request_for(action, expected, content, buffered.as_deref());
                    Event::Response(
                        last.insert(unless_cancelled(self.client.send(&self.registry, request))?),
                    )
                }
            };
            let mut context = self.upload_context(content.is_consumed());
            action = flow.on(event, &mut context)?;
        }
    }

    /// The request of an upload that is one step. `buffered` is the content of a request without a
    /// session.
    fn request_for<'b>(
        &self,
        action: Action,
        expected: &'b Descriptor,
        content: &'b mut dyn Content,
        buffered: Option<&'b [u8]>,
    ) -> RegistryRequest<'b> {
        let algorithm = expected.digest.algorithm();
        match action {
            Action::Mount(blob) => {
                let url = self.endpoint.mount(&blob, &self.name, algorithm);
                self.push_request(Method::Post, url)
            }
            Action::Post => {
                let url = self.endpoint.uploads();
                let url = url.with_parameter("digest", expected.digest.as_str());
                self.data_request(Method::Post, url, false)
                    .body(Body::BufferedChunk(buffered.unwrap_or_default()))
                    .without_redirects()
            }
            Action::Send {
                session,
                expects_continue,
            } => self
                .commit_request(session.location, &expected.digest, expects_continue)
                .body(Body::Blob(expected, content)),
            _ => self.start_request(algorithm),
        }
    }

    /// Sends a blob in chunks, and commits it. Returns the result of the request that decides about
    /// the upload.
    fn send_chunks(
        &self,
        mut upload: ChunkedUpload,
        expected: &Descriptor,
        content: &mut dyn Content,
        retries: &mut Retries,
    ) -> Result<RegistryResponse> {
        while upload.offset < expected.size {
            let mut reader = content.open_verified(expected)?.skip_digest_if_trusted();
            skip(&mut reader, upload.offset)
                .map_err(Error::io(IoOp::Read, expected.digest.as_str()))?;
            while upload.offset < expected.size {
                let rest = &mut reader;
                let step = self.send_chunk(
                    &mut upload,
                    |len| Body::Chunk(ChunkReader::new(rest, len)),
                    expected.size,
                    retries,
                );
                match step? {
                    ControlFlow::Continue(ChunkAction::Reopen) => break,
                    ControlFlow::Continue(_) => {}
                    ControlFlow::Break(result) => return result,
                }
            }
        }
        let commit = self.commit_request(upload.location, &expected.digest, false);
        self.client.send(&self.registry, commit)
    }

    /// Sends the next chunk of a blob of which `size` bytes are known. `body` is called with the
    /// size of the chunk. `retries` are those since the upload advanced.
    fn send_chunk<'b>(
        &self,
        upload: &mut ChunkedUpload,
        body: impl FnOnce(u64) -> Body<'b>,
        size: u64,
        retries: &mut Retries,
    ) -> Result<ChunkStep> {
        let chunk = upload.next_chunk(size, &mut self.client.capabilities());
        let last = chunk.offset + chunk.len - 1;
        let url = upload.location.clone();
        let request = self
            .data_request(Method::Patch, url, chunk.expects_continue)
            .header("Content-Range", format!("{}-{last}", chunk.offset))
            .body(body(chunk.len));
        let farthest = upload.farthest;
        let result = unless_cancelled(self.client.send(&self.registry, request))?;
        let mut action = {
            let mut context = self.upload_context(false);
            upload.on_chunk(chunk, size, &result, &mut context)?
        };
        if upload.farthest > farthest {
            *retries = Retries::default();
        }
        if action == ChunkAction::Retry {
            let Some(retry) = self.client.retry(retries, &result) else {
                return Ok(ControlFlow::Break(result));
            };
            self.client.wait_for(&retry)?;
            let request = self.push_request(Method::Get, upload.location.clone());
            let Ok(response) = unless_cancelled(self.client.send(&self.registry, request))? else {
                return Ok(ControlFlow::Break(result));
            };
            action = upload.on_offset(size, &response)?;
            response.drain()?;
        }
        if let ChunkAction::Retry | ChunkAction::Fail = action {
            return Ok(ControlFlow::Break(result));
        }
        if let Ok(response) = result {
            response.drain()?;
        }
        Ok(ControlFlow::Continue(action))
    }

    /// Decides about a new session after the registry lost one.
    fn retry_lost_session(&self, retries: &mut Retries) -> Option<Retry> {
        let url = self.endpoint.uploads().to_string();
        let reason = io::Error::other("the upload session is lost");
        (self.client).retry_failure(retries, TransportKind::Io, &url, &reason)
    }

    /// The request that starts a session.
    fn start_request<'b>(&self, algorithm: Algorithm) -> RegistryRequest<'b> {
        self.push_request(Method::Post, self.endpoint.uploads_by(algorithm))
    }

    /// The request that completes an upload.
    fn commit_request<'b>(
        &self,
        location: Url,
        digest: &Digest,
        expects_continue: bool,
    ) -> RegistryRequest<'b> {
        let url = location.with_parameter("digest", digest.as_str());
        self.data_request(Method::Put, url, expects_continue)
    }

    /// A request whose body is content of a blob.
    fn data_request<'b>(
        &self,
        method: Method,
        url: Url,
        expects_continue: bool,
    ) -> RegistryRequest<'b> {
        let request = self
            .push_request(method, url)
            .header("Content-Type", "application/octet-stream");
        if expects_continue {
            request.header("Expect", "100-continue")
        } else {
            request
        }
    }

    fn upload_context(&self, is_consumed: bool) -> Context<'_> {
        Context {
            capabilities: self.client.capabilities(),
            is_consumed,
        }
    }

    fn registry_origin(&self) -> Origin {
        self.endpoint.uploads().origin()
    }
}
