//! Writing blobs to a repository (distribution spec v1.1, "Pushing blobs").
//!
//! A blob costs two requests where it is absent and one where it is there: the upload is opened by asking to mount the blob
//! from the repository itself. Registries that look answer 201 when they have it, and otherwise open an upload that serves
//! any blob. Registries that do not look, or refuse, are recognised on the way, and asked by HEAD instead.
//!
//! A blob that another repository of the registry has costs one request, and none of its bytes: it is mounted from there.

mod chunked_upload;
mod stream_upload;

use crate::auth::{OriginPolicy, Scopes};
use crate::error::{Error, Result, TransportKind};
use crate::http::Method;
use crate::limits::UPLOAD_RESPONSE_TIMEOUT;
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Algorithm;
use crate::oci::reference::RepositoryName;
use crate::registry::client::{Body, Client, RegistryResponse, SelfMountSupport};
use crate::registry::repository::Repository;
use crate::store::content::Content;
use crate::store::{Mount, Pushed};
use crate::text::url::{Origin, Url};

/// Blobs from this size on are worth a request to find out whether they must be sent at all, in bytes.
pub(crate) const LARGE_BYTES: u64 = 1024 * 1024;
/// How often one blob is sent at most.
const MAX_UPLOADS: u32 = 3;

/// How an upload was opened.
enum Opened {
    /// There is no need to: the registry has the blob.
    AlreadyThere,
    /// Like this.
    As(Upload),
}

/// An upload that was opened.
pub(crate) struct Upload {
    pub(crate) location: Url,
    /// How large parts must be at least, but for the last, if the blob comes in parts.
    pub(crate) min_part_bytes: u64,
}

/// Whether the registry is believed when it says that it has a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claims {
    Believed,
    /// It said so before, and was wrong.
    Doubted,
}

impl Repository<'_> {
    pub(crate) fn write_blob(
        &self,
        expected: &Descriptor,
        content: &mut dyn Content,
    ) -> Result<Pushed> {
        match self.open_upload(expected)? {
            Opened::AlreadyThere => Ok(Pushed::AlreadyThere),
            Opened::As(upload) => {
                self.fill_upload(upload, expected, content, Claims::Believed)?;
                Ok(Pushed::Stored)
            }
        }
    }

    /// Sends a blob without asking whether it is there.
    pub(crate) fn write_blob_anew(
        &self,
        expected: &Descriptor,
        content: &mut dyn Content,
    ) -> Result<()> {
        let upload = self.open_session(expected.digest.algorithm())?;
        self.fill_upload(upload, expected, content, Claims::Doubted)
    }

    /// Has the registry take a blob from another of its repositories, or sends it to the upload that comes instead.
    pub(crate) fn mount_blob(
        &self,
        expected: &Descriptor,
        content: &mut dyn Content,
        from: &RepositoryName,
    ) -> Result<Mount> {
        let digest = &expected.digest;
        let url = self.endpoint.mount(digest, from, digest.algorithm());
        let scopes = Scopes::pull_push(self.name.as_str()).union(&Scopes::pull(from.as_str()));
        let request = self.writing(Method::Post, url).scopes(scopes);
        let response = match self.client.send(&self.registry, request) {
            Ok(response) => response,
            // Whoever may not read there may still write here.
            Err(error) if error.is_unauthorized() => return Ok(Mount::Unsupported),
            Err(error) => return Err(error),
        };
        match response.status() {
            201 => {
                response.drain();
                Ok(Mount::Mounted)
            }
            202 => {
                let upload = self.opened_by(response)?;
                self.fill_upload(upload, expected, content, Claims::Believed)?;
                Ok(Mount::Pushed)
            }
            429 => Err(response.into_error()),
            _ => {
                response.drain();
                Ok(Mount::Unsupported)
            }
        }
    }

    /// Sends a blob to an upload, and to another one if that breaks.
    fn fill_upload(
        &self,
        mut upload: Upload,
        expected: &Descriptor,
        content: &mut dyn Content,
        claims: Claims,
    ) -> Result<()> {
        let mut uploads = 0;
        let mut broken = 0;
        loop {
            // Some registries and proxies break the connection instead of saying that a body is too large.
            let in_parts = broken > 1 && expected.size >= LARGE_BYTES;
            let result = self.send_blob(upload, expected, content, in_parts);
            uploads += 1;
            let error = match result {
                Ok(response) if is_stored(&response) => {
                    response.drain();
                    self.learn_stored(expected);
                    return Ok(());
                }
                other => other,
            };
            // The session may be gone or half full: a new one is the way on that works everywhere. But the answer alone may
            // have been lost.
            let wait = match &error {
                Ok(response) if response.status() == 404 => {
                    Client::wait_after_failure(uploads - 1, TransportKind::Io)
                }
                other => self.client.wait_before_retry(uploads - 1, other),
            }
            .filter(|_| uploads < MAX_UPLOADS);
            let Some(wait) = wait else {
                return Err(error.map_or_else(|error| error, RegistryResponse::into_error));
            };
            broken += u32::from(is_broken(&error));
            self.client.sleep(wait);
            upload = match claims {
                Claims::Believed if self.has_blob(&expected.digest)? => return Ok(()),
                _ if content.is_consumed() => {
                    return Err(error.map_or_else(|error| error, RegistryResponse::into_error));
                }
                Claims::Doubted => self.open_session(expected.digest.algorithm())?,
                Claims::Believed => match self.open_upload(expected)? {
                    Opened::AlreadyThere => return Ok(()),
                    Opened::As(upload) => upload,
                },
            };
        }
    }

    pub(crate) fn learn_stored(&self, blob: &Descriptor) {
        let origin = self.endpoint.uploads().origin();
        self.client.update_capabilities(&origin, |learned| {
            learned.last_stored = Some((self.name.clone(), blob.plain()));
        });
    }

    fn open_upload(&self, expected: &Descriptor) -> Result<Opened> {
        let origin = self.endpoint.uploads().origin();
        let learned = self.client.capabilities(&origin);
        let mut mounts = learned.self_mount;
        if mounts == SelfMountSupport::Unknown
            && expected.size >= LARGE_BYTES
            && let Some((_, stored)) = learned
                .last_stored
                .as_ref()
                .filter(|(name, stored)| *name == self.name && stored.digest != expected.digest)
        {
            // The registry surely has this one. If it does not find it, it does not look, and the upload it opens serves.
            let response = self.ask_to_mount(stored, expected)?;
            mounts = match response.status() {
                201 => SelfMountSupport::Checks,
                202 => SelfMountSupport::AlwaysUploads,
                _ => SelfMountSupport::Rejected,
            };
            self.client
                .update_capabilities(&origin, |learned| learned.self_mount = mounts);
            if mounts == SelfMountSupport::AlwaysUploads {
                return if self.has_blob(&expected.digest)? {
                    Ok(Opened::AlreadyThere)
                } else {
                    self.opened_by(response).map(Opened::As)
                };
            }
            response.drain();
        }
        match mounts {
            SelfMountSupport::Unknown | SelfMountSupport::Checks => {
                self.open_by_mount(expected, mounts)
            }
            SelfMountSupport::AlwaysUploads | SelfMountSupport::Rejected => {
                self.open_plainly(expected)
            }
        }
    }

    fn open_by_mount(&self, expected: &Descriptor, mounts: SelfMountSupport) -> Result<Opened> {
        let origin = self.endpoint.uploads().origin();
        let response = self.ask_to_mount(expected, expected)?;
        match response.status() {
            201 => {
                response.drain();
                self.client.update_capabilities(&origin, |learned| {
                    learned.self_mount = SelfMountSupport::Checks
                });
                Ok(Opened::AlreadyThere)
            }
            202 if mounts == SelfMountSupport::Unknown
                && expected.size >= LARGE_BYTES
                && self.has_blob(&expected.digest)? =>
            {
                self.client.update_capabilities(&origin, |learned| {
                    learned.self_mount = SelfMountSupport::AlwaysUploads
                });
                Ok(Opened::AlreadyThere)
            }
            202 => self.opened_by(response).map(Opened::As),
            429 => Err(response.into_error()),
            status => {
                response.drain();
                // A missing repository or a failing server says nothing about mounts.
                if !matches!(status, 404 | 500..) {
                    self.client.update_capabilities(&origin, |learned| {
                        learned.self_mount = SelfMountSupport::Rejected
                    });
                }
                self.open_plainly(expected)
            }
        }
    }

    /// Opens an upload for `expected`, unless the registry finds `blob`.
    fn ask_to_mount(&self, blob: &Descriptor, expected: &Descriptor) -> Result<RegistryResponse> {
        let algorithm = expected.digest.algorithm();
        let url = self.endpoint.mount(&blob.digest, &self.name, algorithm);
        self.client
            .send(&self.registry, self.writing(Method::Post, url))
    }

    fn open_plainly(&self, expected: &Descriptor) -> Result<Opened> {
        if self.has_blob(&expected.digest)? {
            return Ok(Opened::AlreadyThere);
        }
        self.open_session(expected.digest.algorithm())
            .map(Opened::As)
    }

    pub(crate) fn open_session(&self, algorithm: Algorithm) -> Result<Upload> {
        let url = self.endpoint.uploads_by(algorithm);
        let response = self
            .client
            .send(&self.registry, self.writing(Method::Post, url))?
            .expect(&[202])?;
        self.opened_by(response)
    }

    /// The upload that an answer opens.
    fn opened_by(&self, response: RegistryResponse) -> Result<Upload> {
        let location = self
            .next_location(&response)?
            .ok_or_else(|| response.protocol_error("the upload has no Location"))?;
        let min_part_bytes = response
            .header("OCI-Chunk-Min-Length")
            .and_then(|value| value.parse().ok())
            .unwrap_or(0);
        response.drain();
        Ok(Upload {
            location,
            min_part_bytes,
        })
    }

    /// Where the registry wants what comes next of the blob, if it says so. Another host gets it only if it may, and then
    /// without any secret.
    pub(crate) fn next_location(&self, response: &RegistryResponse) -> Result<Option<Url>> {
        let Some(location) = response.header("Location") else {
            return Ok(None);
        };
        let url = response.resolve_own("Location", location)?;
        if let Err(reason) = OriginPolicy::between(&self.endpoint.uploads().origin(), &url.origin())
        {
            return Err(
                response.protocol_error(format!("refusing to upload to \"{url}\": {reason}"))
            );
        }
        Ok(Some(url))
    }

    /// Sends a blob to its upload: whole, or in parts where that is too large for one request.
    fn send_blob(
        &self,
        upload: Upload,
        expected: &Descriptor,
        content: &mut dyn Content,
        in_parts: bool,
    ) -> Result<RegistryResponse> {
        let origin = upload.location.origin();
        let refused = self.client.capabilities(&origin).refused_bytes;
        if in_parts || refused.is_some_and(|refused| expected.size >= refused) {
            return self.send_in_parts(upload, expected, content);
        }
        let response = self.send_whole(&upload, expected, content)?;
        if response.status() != 413 {
            return Ok(response);
        }
        self.client.update_capabilities(&origin, |learned| {
            let refused = learned.refused_bytes.unwrap_or(u64::MAX);
            learned.refused_bytes = Some(refused.min(expected.size));
        });
        if content.is_consumed() {
            return Ok(response);
        }
        response.drain();
        self.send_in_parts(upload, expected, content)
    }

    /// Sends a blob in one request, once more where the registry only objects to being asked for leave first.
    fn send_whole(
        &self,
        upload: &Upload,
        expected: &Descriptor,
        content: &mut dyn Content,
    ) -> Result<RegistryResponse> {
        let origin = upload.location.origin();
        let asks = self.asks_first(&origin, expected.size);
        let response = self.put_blob(upload, expected, content, asks)?;
        if !asks || response.status() != 417 {
            return Ok(response);
        }
        self.client
            .update_capabilities(&origin, |learned| learned.skips_expect_continue = true);
        if content.is_consumed() {
            return Ok(response);
        }
        response.drain();
        self.put_blob(upload, expected, content, false)
    }

    /// Whether a registry is asked before so many bytes are sent: one that does not want them can say so then.
    pub(crate) fn asks_first(&self, origin: &Origin, size: u64) -> bool {
        size >= LARGE_BYTES && !self.client.capabilities(origin).skips_expect_continue
    }

    fn put_blob(
        &self,
        upload: &Upload,
        expected: &Descriptor,
        content: &mut dyn Content,
        asks: bool,
    ) -> Result<RegistryResponse> {
        let url = upload
            .location
            .clone()
            .with_parameter("digest", expected.digest.as_str());
        let mut request = self
            .writing(Method::Put, url)
            .header("Content-Type", "application/octet-stream");
        if asks {
            request = request.header("Expect", "100-continue");
        }
        request.body = Body::Blob(expected, content);
        request.response_timeout = UPLOAD_RESPONSE_TIMEOUT;
        let response = self.client.send(&self.registry, request)?;
        if is_stored(&response) {
            // Large bodies go where the upload is, which may be another host.
            self.client
                .update_capabilities(&response.url.origin(), |learned| {
                    learned.skips_expect_continue |= expected.size >= LARGE_BYTES;
                });
        }
        Ok(response)
    }
}

fn is_broken(result: &Result<RegistryResponse>) -> bool {
    matches!(
        result,
        Err(Error::Transport {
            kind: TransportKind::Io,
            ..
        })
    )
}

pub(crate) fn is_stored(response: &RegistryResponse) -> bool {
    matches!(response.status(), 200 | 201 | 202 | 204)
}
