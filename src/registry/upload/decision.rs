//! Decisions of a blob upload: what to do next, given the state and the last response. Pure.
//!
//! [`UploadFlow`] decides; [`upload_blob`](super) sends. An upload goes through these steps:
//!
//! 1. *Start.* A request to mount the blob from its own repository starts an upload and checks for
//!    the blob at once: a registry that checks answers 201 if it has the blob, and otherwise 202
//!    with an upload session for any blob. Registries that do not check, or reject the request, are
//!    recognised by their responses and asked with `HEAD` from then on. [`FirstRequest`] decides
//!    when another request is cheaper.
//! 2. *Send.* One `PUT`, or chunks if the registry refused a body of that size. A response that
//!    does not show that the blob was stored, such as 200, is confirmed with `HEAD`.
//! 3. *Recover.* After a failure that the retry policy repeats: wait, check whether the blob
//!    arrived although the response was lost, and start again. A session may be gone or half full,
//!    so it is not reused.

use super::chunked_upload::{BLOB_CHUNK_BYTES, ChunkedUpload};
use super::first_request::{FirstRequest, sends_missing};
use super::session::{Context, UploadSession, is_started, is_stored, is_unconfirmed};
use crate::error::{Error, Result, TransportKind};
use crate::oci::{Descriptor, Digest, RepositoryName};
use crate::registry::client::{
    BlobChecks, CapabilityCache, LARGE_BYTES, RegistryResponse, SelfMountSupport, SinglePostSupport,
};
use crate::store::Pushed;
use crate::text::url::Origin;

/// The first step of an upload.
pub(crate) enum UploadStart {
    /// Check whether the registry has the blob.
    Check,
    /// Send the blob without a check: the registry reported a blob that it does not have.
    Unchecked,
    /// Use a session that a mount request started.
    Session(UploadSession),
}

/// One blob on its way to the registry.
pub(super) struct UploadFlow {
    /// Origin of the registry.
    origin: Origin,
    repository: RepositoryName,
    blob: Descriptor,
    /// Whether the registry is believed when it reports that it has the blob.
    trusts_existence: bool,
    /// Results of the last checks for blobs of the repository.
    checks: BlobChecks,
    /// Whether the session is one that a `POST ?digest=` started.
    is_after_post: bool,
    state: State,
    /// Sessions that the blob was sent to.
    attempts: u32,
    /// Connections that broke while the blob was sent.
    broken: u32,
    /// The size of chunks, unless the registry refused chunks of that size, in bytes.
    pub(super) chunk_bytes: u64,
}

enum State {
    /// Waits for the response to a mount of a blob that the registry is known to have.
    ProbingMount,
    /// Waits for the response to a mount of the blob.
    Mounting { is_first: bool },
    /// Waits for whether the blob exists.
    Checking(IfMissing),
    /// Waits for the response to the blob in one request.
    Posting,
    /// Waits for the response that starts a session.
    Starting,
    /// Waits for the response to the whole blob.
    Sending {
        session: UploadSession,
        expects_continue: bool,
    },
    /// Waits for the response to the last chunk.
    SendingChunks,
    /// Waits before the next attempt.
    Waiting,
}

/// The next step if the blob does not exist.
enum IfMissing {
    /// Use the session that the mount request started.
    Use(Result<UploadSession>),
    /// Start a session.
    Start,
    /// Begin again, after a failed attempt.
    Retry,
    /// Fail: the response to the blob did not show whether it was stored.
    Fail,
}

/// An event of an upload.
pub(super) enum Event<'a> {
    /// The registry was asked whether it has the blob.
    Exists(bool),
    /// A request ended.
    Response(&'a Result<RegistryResponse>),
    /// The wait is over.
    Waited,
}

/// The next step of an upload.
#[derive(Debug)]
pub(super) enum Action {
    /// Ask whether the registry has the blob.
    CheckExists,
    /// Request to mount this blob of the same repository.
    Mount(Digest),
    /// Send the whole blob without a session.
    Post,
    /// Start a session.
    Start,
    /// Send the whole blob to a session.
    Send {
        session: UploadSession,
        expects_continue: bool,
    },
    /// Send the blob in chunks.
    SendChunks(ChunkedUpload),
    /// Wait as the retry policy says, or fail with the last result.
    Retry {
        /// Whether the registry lost the session, which is retried like a broken connection.
        is_session_lost: bool,
    },
    /// Succeed.
    Finish(Pushed),
    /// Fail with the last result.
    Fail,
}

impl UploadFlow {
    /// Begins an upload of `blob` to `repository` of the registry at `origin`.
    pub(super) fn start(
        origin: Origin,
        repository: RepositoryName,
        blob: Descriptor,
        (start, checks): (UploadStart, BlobChecks),
        capabilities: &mut CapabilityCache,
    ) -> (Self, Action) {
        let mut flow = Self {
            origin,
            repository,
            blob,
            trusts_existence: !matches!(start, UploadStart::Unchecked),
            checks,
            is_after_post: false,
            state: State::Starting,
            attempts: 0,
            broken: 0,
            chunk_bytes: BLOB_CHUNK_BYTES,
        };
        let action = match start {
            UploadStart::Check => flow.check_and_start(capabilities),
            UploadStart::Unchecked => Action::Start,
            UploadStart::Session(session) => flow.send(session, capabilities),
        };
        (flow, action)
    }

    /// Decides what follows from `event`.
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`] if a response has no usable upload location.
    pub(super) fn on(&mut self, event: Event<'_>, context: &mut Context<'_>) -> Result<Action> {
        let state = std::mem::replace(&mut self.state, State::Waiting);
        match (state, event) {
            (State::ProbingMount, Event::Response(Ok(response))) => {
                Ok(self.after_probe(response, &mut context.capabilities))
            }
            (State::Mounting { is_first }, Event::Response(Ok(response))) => {
                self.after_mount(is_first, response, &mut context.capabilities)
            }
            (State::Posting, Event::Response(result)) => {
                Ok(self.after_post(result, &mut context.capabilities))
            }
            (State::Starting, Event::Response(Ok(response))) if is_started(response) => {
                let session = UploadSession::from_response(response)?;
                Ok(self.send(session, &mut context.capabilities))
            }
            (State::Checking(if_missing), Event::Exists(exists)) => {
                self.after_check(if_missing, exists, context)
            }
            (
                State::Sending {
                    session,
                    expects_continue,
                },
                Event::Response(result),
            ) => Ok(self.after_send(session, expects_continue, result, context)),
            (State::SendingChunks, Event::Response(result)) => Ok(match result {
                Ok(response) if is_stored(response) => self.stored(&mut context.capabilities),
                Ok(response) if is_unconfirmed(response) => self.check_exists(IfMissing::Fail),
                _ => self.recover(result),
            }),
            (State::Waiting, Event::Waited) if self.trusts_existence => {
                Ok(self.check_exists(IfMissing::Retry))
            }
            (State::Waiting, Event::Waited) if !context.is_consumed => {
                self.state = State::Starting;
                Ok(Action::Start)
            }
            _ => Ok(Action::Fail),
        }
    }

    /// Starts a session unless the registry has the blob.
    fn check_and_start(&mut self, capabilities: &mut CapabilityCache) -> Action {
        let known = capabilities.entry(&self.origin);
        // The registry has the blob stored last for sure. If the mount of that one is not honoured,
        // the registry does not check, and the session it starts can be used.
        let probe = (known.last_stored.as_ref()).filter(|(repository, stored)| {
            known.self_mount == SelfMountSupport::Unknown
                && self.blob.size >= LARGE_BYTES
                && *repository == self.repository
                && stored.digest != self.blob.digest
        });
        if let Some((_, stored)) = probe {
            self.state = State::ProbingMount;
            return Action::Mount(stored.digest.clone());
        }
        self.start_with(capabilities)
    }

    fn start_with(&mut self, capabilities: &mut CapabilityCache) -> Action {
        let known = capabilities.entry(&self.origin);
        match FirstRequest::new(self.blob.size, self.checks, known) {
            FirstRequest::Post => self.post(),
            FirstRequest::Mount => {
                let is_first = known.self_mount == SelfMountSupport::Unknown;
                self.state = State::Mounting { is_first };
                Action::Mount(self.blob.digest.clone())
            }
            FirstRequest::Head => self.check_exists(IfMissing::Start),
        }
    }

    fn post(&mut self) -> Action {
        self.attempts += 1;
        self.state = State::Posting;
        Action::Post
    }

    /// After a `POST ?digest=`: the registry stored the blob, or started a session. Any other
    /// response, or none, is that of a registry that does not expect a body.
    fn after_post(
        &mut self,
        result: &Result<RegistryResponse>,
        capabilities: &mut CapabilityCache,
    ) -> Action {
        let known = capabilities.entry(&self.origin);
        match result {
            Ok(response) if response.status() == 201 => {
                known.single_post = SinglePostSupport::Stores;
                return self.stored(capabilities);
            }
            // A rate limit shows nothing. The request has a body, so it was not retried.
            Ok(response) if response.status() == 429 => return self.recover(result),
            _ => known.single_post = SinglePostSupport::Ignores,
        }
        if let Ok(response) = result
            && response.status() == 202
            && is_empty_session(response)
            && let Ok(session) = UploadSession::from_response(response)
        {
            self.is_after_post = true;
            return self.send(session, capabilities);
        }
        self.state = State::Starting;
        Action::Start
    }

    fn check_exists(&mut self, if_missing: IfMissing) -> Action {
        self.state = State::Checking(if_missing);
        Action::CheckExists
    }

    fn after_probe(
        &mut self,
        response: &RegistryResponse,
        capabilities: &mut CapabilityCache,
    ) -> Action {
        let support = match response.status() {
            201 => SelfMountSupport::Checks,
            202 => SelfMountSupport::AlwaysUploads,
            _ => SelfMountSupport::Rejected,
        };
        capabilities.entry(&self.origin).self_mount = support;
        if support == SelfMountSupport::AlwaysUploads {
            let session = UploadSession::from_response(response);
            self.check_exists(IfMissing::Use(session))
        } else {
            self.start_with(capabilities)
        }
    }

    fn after_mount(
        &mut self,
        is_first: bool,
        response: &RegistryResponse,
        capabilities: &mut CapabilityCache,
    ) -> Result<Action> {
        match response.status() {
            201 => {
                capabilities.entry(&self.origin).self_mount = SelfMountSupport::Checks;
                Ok(self.existing())
            }
            202 => {
                let session = UploadSession::from_response(response);
                if is_first && self.blob.size >= LARGE_BYTES {
                    return Ok(self.check_exists(IfMissing::Use(session)));
                }
                Ok(self.send(session?, capabilities))
            }
            // A front end that redirects everything, for example to a login page, would redirect a
            // check for the blob too, which looks like a redirect to the storage.
            300..=399 | 429 => Ok(Action::Fail),
            200 if response.content_type().as_deref() == Some("text/html") => Ok(Action::Fail),
            status => {
                // A missing repository or a failing server shows nothing about mounts.
                if !matches!(status, 404 | 500..) {
                    capabilities.entry(&self.origin).self_mount = SelfMountSupport::Rejected;
                }
                Ok(self.check_exists(IfMissing::Start))
            }
        }
    }

    fn after_check(
        &mut self,
        if_missing: IfMissing,
        exists: bool,
        context: &mut Context<'_>,
    ) -> Result<Action> {
        match if_missing {
            IfMissing::Use(_) if exists => {
                // The registry started a session for a blob that it has.
                context.capabilities.entry(&self.origin).self_mount =
                    SelfMountSupport::AlwaysUploads;
                Ok(self.existing())
            }
            _ if exists => Ok(self.existing()),
            IfMissing::Use(session) => Ok(self.send(session?, &mut context.capabilities)),
            IfMissing::Start
                if sends_missing(self.blob.size, context.capabilities.entry(&self.origin)) =>
            {
                Ok(self.post())
            }
            IfMissing::Start => {
                self.state = State::Starting;
                Ok(Action::Start)
            }
            IfMissing::Retry if context.is_consumed => Ok(Action::Fail),
            IfMissing::Fail => Ok(Action::Fail),
            IfMissing::Retry => Ok(self.check_and_start(&mut context.capabilities)),
        }
    }

    /// The registry has the blob. After an attempt it received the blob from this upload.
    const fn existing(&self) -> Action {
        Action::Finish(if self.attempts == 0 {
            Pushed::AlreadyThere
        } else {
            Pushed::Stored
        })
    }

    fn send(&mut self, session: UploadSession, capabilities: &mut CapabilityCache) -> Action {
        self.attempts += 1;
        let known = capabilities.entry(&session.location.origin());
        // Some registries and proxies break the connection instead of sending 413.
        let breaks = self.broken > 1 && self.blob.size >= LARGE_BYTES;
        if breaks
            || known
                .refused_bytes
                .is_some_and(|refused| self.blob.size >= refused)
        {
            return self.send_chunks(session, capabilities);
        }
        let expects_continue = known.uses_expect_continue(self.blob.size);
        self.send_whole(session, expects_continue)
    }

    fn send_whole(&mut self, session: UploadSession, expects_continue: bool) -> Action {
        self.state = State::Sending {
            session: session.clone(),
            expects_continue,
        };
        Action::Send {
            session,
            expects_continue,
        }
    }

    fn send_chunks(
        &mut self,
        session: UploadSession,
        capabilities: &mut CapabilityCache,
    ) -> Action {
        let known = capabilities.entry(&session.location.origin());
        let usual = known.chunk_bytes.unwrap_or(self.chunk_bytes);
        // A blob that was refused whole would be refused as a single chunk too.
        let chunk_bytes = if self.blob.size > usual {
            usual
        } else {
            self.blob.size.div_ceil(2)
        };
        self.state = State::SendingChunks;
        Action::SendChunks(ChunkedUpload::new(session, chunk_bytes))
    }

    fn after_send(
        &mut self,
        session: UploadSession,
        expects_continue: bool,
        result: &Result<RegistryResponse>,
        context: &mut Context<'_>,
    ) -> Action {
        let Ok(response) = result else {
            return self.recover(result);
        };
        if std::mem::take(&mut self.is_after_post)
            && matches!(response.status(), 400 | 404 | 409 | 416 | 422)
        {
            // The session may contain the body of the request that started it.
            self.state = State::Starting;
            return Action::Start;
        }
        let known = context.capabilities.entry(&session.location.origin());
        match response.status() {
            _ if is_stored(response) => {
                // A redirect may have led to the host that received the body.
                let receiver = context.capabilities.entry(&response.url.origin());
                receiver.skips_expect_continue |= self.blob.size >= LARGE_BYTES;
                self.stored(&mut context.capabilities)
            }
            _ if is_unconfirmed(response) => self.check_exists(IfMissing::Fail),
            417 if expects_continue => {
                known.skips_expect_continue = true;
                if context.is_consumed {
                    return Action::Fail;
                }
                self.send_whole(session, false)
            }
            413 => {
                let refused = known.refused_bytes.unwrap_or(u64::MAX);
                known.refused_bytes = Some(refused.min(self.blob.size));
                if context.is_consumed {
                    return Action::Fail;
                }
                self.send_chunks(session, &mut context.capabilities)
            }
            _ => self.recover(result),
        }
    }

    fn stored(&self, capabilities: &mut CapabilityCache) -> Action {
        capabilities.entry(&self.origin).last_stored =
            Some((self.repository.clone(), self.blob.clone()));
        Action::Finish(Pushed::Stored)
    }

    /// After a failed attempt: another one, if the retry policy allows it.
    fn recover(&mut self, result: &Result<RegistryResponse>) -> Action {
        self.broken += u32::from(is_broken(result));
        self.state = State::Waiting;
        Action::Retry {
            is_session_lost: matches!(result, Ok(response) if response.status() == 404),
        }
    }
}

/// Whether the session of a response contains no byte. One byte and none look the same.
fn is_empty_session(response: &RegistryResponse) -> bool {
    matches!(response.header("Range"), None | Some("0-0" | "bytes=0-0"))
}

/// Whether the connection broke before a response came.
const fn is_broken(result: &Result<RegistryResponse>) -> bool {
    matches!(
        result,
        Err(Error::Transport {
            kind: TransportKind::Io,
            ..
        })
    )
}

#[cfg(test)]
mod tests;
