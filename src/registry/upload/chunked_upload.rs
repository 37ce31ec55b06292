//! Blobs in parts (distribution spec v1.1, "Pushing a blob in chunks"), for registries that take no large request.
//!
//! A blob is sent whole first: that is one request, and works everywhere. Parts are for those that answer 413 to it. They are
//! read as they are sent, one after the other from content that is opened once. Where a part failed, the registry is asked how
//! far it came, and only then the content is opened again.

use super::{LARGE_BYTES, Upload};
use crate::error::{Error, Result};
use crate::http::Method;
use crate::http::retry::MAX_RETRIES;
use crate::limits::UPLOAD_RESPONSE_TIMEOUT;
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;
use crate::registry::blobs::skip;
use crate::registry::client::{Body, ChunkReader, RegistryResponse};
use crate::registry::repository::Repository;
use crate::store::content::Content;
use crate::text::url::Url;

/// How large a part is where nothing else is known, in bytes: less than what any registry is known to refuse that takes large
/// requests at all, and enough that the number of requests does not matter.
const PART_BYTES: u64 = 8 * 1024 * 1024;
/// A registry that does not take even this much in one request is given up, in bytes.
const MIN_PART_BYTES: u64 = 64 * 1024;

/// How far a blob has come.
pub(crate) struct Progress {
    location: Url,
    /// How much of it the registry has, as far as is known.
    pub(crate) offset: u64,
    /// How far it ever came.
    farthest: u64,
    pub(crate) part_bytes: u64,
    /// How large a part must be at least, unless it is the last.
    min_part_bytes: u64,
    /// How often something went wrong since it last came farther than ever.
    failures: u32,
}

/// What comes after a part.
pub(crate) enum Step {
    /// The next part.
    Next,
    /// The content must be opened again where the registry is now.
    Reopen,
    /// Nothing: the answer, or why there is none, is for whoever wanted the blob sent.
    GiveUp(Result<RegistryResponse>),
}

impl Repository<'_> {
    /// Sends a blob to its upload in parts, and commits it.
    pub(crate) fn send_in_parts(
        &self,
        upload: Upload,
        expected: &Descriptor,
        content: &mut dyn Content,
    ) -> Result<RegistryResponse> {
        let size = expected.size;
        let learned = self.client.capabilities(&upload.location.origin());
        let usual = learned.chunk_bytes.unwrap_or(PART_BYTES);
        // What is refused as a whole is refused as the only part too.
        let part_bytes = if size > usual {
            usual
        } else {
            size.div_ceil(2)
        };
        let mut progress = Progress::new(upload, part_bytes);
        while progress.offset < size {
            let mut reader = content.open_verified(expected)?.skip_digest_if_trusted();
            skip(&mut reader, progress.offset)
                .map_err(Error::io("read", expected.digest.as_str()))?;
            while progress.offset < size {
                let rest = &mut reader;
                let step = self.send_part(
                    &mut progress,
                    |len| Body::Chunk(ChunkReader::new(rest, len)),
                    size,
                );
                match step? {
                    Step::Next => {}
                    Step::Reopen => break,
                    Step::GiveUp(result) => return result,
                }
            }
        }
        self.commit_parts(progress, &expected.digest)
    }

    /// Says what the parts make together.
    pub(crate) fn commit_parts(
        &self,
        progress: Progress,
        digest: &Digest,
    ) -> Result<RegistryResponse> {
        let url = progress.location.with_parameter("digest", digest.as_str());
        let mut request = self
            .writing(Method::Put, url)
            .header("Content-Type", "application/octet-stream");
        request.response_timeout = UPLOAD_RESPONSE_TIMEOUT;
        self.client.send(&self.registry, request)
    }

    /// Sends the next part of what is `size` bytes in all. It is the `body` of as many bytes as it is asked for.
    pub(crate) fn send_part<'b>(
        &self,
        progress: &mut Progress,
        body: impl FnOnce(u64) -> Body<'b>,
        size: u64,
    ) -> Result<Step> {
        let offset = progress.offset;
        let len = progress.part_bytes.min(size - offset);
        let origin = progress.location.origin();
        let asks = self.asks_first(&origin, len);
        let mut request = self
            .writing(Method::Patch, progress.location.clone())
            .header("Content-Type", "application/octet-stream")
            .header("Content-Range", format!("{offset}-{}", offset + len - 1));
        if asks {
            request = request.header("Expect", "100-continue");
        }
        request.body = body(len);
        request.response_timeout = UPLOAD_RESPONSE_TIMEOUT;
        let response = match self.client.send(&self.registry, request) {
            Ok(response) => response,
            failed => return self.ask_how_far(progress, size, failed),
        };
        let received = received(response.header("Range"));
        let status = response.status();
        match status {
            200..=204 => {
                let next = offset_after(offset, len, received);
                if next < offset + len && progress.has_stumbled_too_often() {
                    return Err(response.protocol_error("the upload comes no farther"));
                }
                self.client.update_capabilities(&origin, |learned| {
                    learned.skips_expect_continue |= len >= LARGE_BYTES;
                });
                progress.go_on_at(next, self.next_location(&response)?);
                response.drain();
                if next < offset + len {
                    return Ok(Step::Reopen);
                }
                if next > progress.farthest {
                    progress.farthest = next;
                    progress.failures = 0;
                }
                Ok(Step::Next)
            }
            417 if asks => {
                response.drain();
                self.client
                    .update_capabilities(&origin, |learned| learned.skips_expect_continue = true);
                Ok(Step::Reopen)
            }
            413 | 416 => match received {
                // The registry reports another offset, and where to continue.
                Some(received) if status == 416 && response.header("Location").is_some() => {
                    self.go_elsewhere(progress, received.min(size), response)
                }
                // A chunk may be too large for this registry.
                _ => Ok(self.make_smaller(progress, len, response)),
            },
            _ => self.ask_how_far(progress, size, Ok(response)),
        }
    }

    /// Goes on where the registry says that it is, after it refused a part that begins somewhere else.
    fn go_elsewhere(
        &self,
        progress: &mut Progress,
        received: u64,
        response: RegistryResponse,
    ) -> Result<Step> {
        if progress.has_stumbled_too_often() {
            return Ok(Step::GiveUp(Ok(response)));
        }
        // What is said of no byte and of one is the same, and it is not where the part began.
        let next = if received == 1 && progress.offset != 0 {
            0
        } else {
            received
        };
        progress.go_on_at(next, self.next_location(&response)?);
        response.drain();
        Ok(Step::Reopen)
    }

    /// Goes on with smaller parts, after one of `len` bytes was too large.
    fn make_smaller(&self, progress: &mut Progress, len: u64, response: RegistryResponse) -> Step {
        let smaller = (len / 2).max(progress.min_part_bytes);
        if smaller >= len || smaller < MIN_PART_BYTES {
            return Step::GiveUp(Ok(response));
        }
        response.drain();
        progress.part_bytes = smaller;
        self.client
            .update_capabilities(&progress.location.origin(), |learned| {
                learned.chunk_bytes = Some(smaller);
            });
        Step::Reopen
    }

    /// Finds out where an upload is after a part failed in a way that may pass.
    fn ask_how_far(
        &self,
        progress: &mut Progress,
        size: u64,
        failed: Result<RegistryResponse>,
    ) -> Result<Step> {
        let Some(wait) = self.client.wait_before_retry(progress.failures, &failed) else {
            return Ok(Step::GiveUp(failed));
        };
        progress.failures += 1;
        self.client.sleep(wait);
        let request = self.writing(Method::Get, progress.location.clone());
        let Ok(status) = self.client.send(&self.registry, request) else {
            return Ok(Step::GiveUp(failed));
        };
        match (status.status(), received(status.header("Range"))) {
            (200..=204, Some(received)) => {
                // No byte is said as one is. One that is there after all is answered by 416.
                let next = if received == 1 { 0 } else { received.min(size) };
                progress.go_on_at(next, self.next_location(&status)?);
                status.response.drain();
                Ok(Step::Reopen)
            }
            // The upload is gone, or the registry does not say: a new one is the way on.
            _ => Ok(Step::GiveUp(failed)),
        }
    }
}

impl Progress {
    pub(crate) fn new(upload: Upload, part_bytes: u64) -> Self {
        Self {
            location: upload.location,
            offset: 0,
            farthest: 0,
            part_bytes: part_bytes.max(upload.min_part_bytes),
            min_part_bytes: upload.min_part_bytes,
            failures: 0,
        }
    }

    fn go_on_at(&mut self, offset: u64, location: Option<Url>) {
        self.offset = offset;
        if let Some(location) = location {
            self.location = location;
        }
    }

    fn has_stumbled_too_often(&mut self) -> bool {
        self.failures += 1;
        self.failures > MAX_RETRIES
    }
}

/// How many bytes an upload has, as its `Range` says: `0-<last>`.
fn received(range: Option<&str>) -> Option<u64> {
    let (first, last) = range?.trim_start_matches("bytes=").split_once('-')?;
    let last: u64 = last.parse().ok()?;
    (first == "0").then(|| last.saturating_add(1))
}

/// Where an upload is that took `len` bytes at `offset` and says how many it `received` in all. Some registries always say the
/// same.
fn offset_after(offset: u64, len: u64, received: Option<u64>) -> u64 {
    received
        .filter(|received| (offset + 1..=offset + len).contains(received))
        .unwrap_or(offset + len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_says_how_much_there_is() {
        for (range, wanted) in [
            (Some("0-0"), Some(1)),
            (Some("0-99"), Some(100)),
            (Some("bytes=0-99"), Some(100)),
            (Some("0-18446744073709551615"), Some(u64::MAX)),
            (Some("1-99"), None),
            (Some("0-"), None),
            (Some("0"), None),
            (Some("0--1"), None),
            (Some(""), None),
            (None, None),
        ] {
            assert_eq!(received(range), wanted, "{range:?}");
        }
    }

    #[test]
    fn a_part_that_was_taken_is_there_unless_the_registry_says_how_much_of_it() {
        for (received, wanted) in [
            (None, 20),
            (Some(20), 20),
            (Some(15), 15),
            // It does not move, or jumps.
            (Some(10), 20),
            (Some(1), 20),
            (Some(21), 20),
        ] {
            assert_eq!(offset_after(10, 10, received), wanted, "{received:?}");
        }
    }
}
