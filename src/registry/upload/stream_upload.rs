//! Blobs of which nothing is known before they were read to their end (distribution spec v1.1, "Pushing a blob in chunks").
//!
//! As much is read ahead as makes a part. What ends there is a blob like any other, whose digest and size are known before
//! anything is asked. Whatever is longer goes out part by part while it is read, and its digest comes last. A part is held in
//! memory until the registry has it, so it can be sent again; what the registry loses of the parts before is lost.

use std::io::Read;

use super::chunked_upload::{Progress, Step};
use super::is_stored;
use crate::error::{Error, Result};
use crate::limits::MAX_HELD_PART_BYTES;
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::{Algorithm, Hasher};
use crate::oci::media_type::MediaType;
use crate::registry::client::{Body, RegistryResponse};
use crate::registry::repository::Repository;
use crate::store::Pushed;
use crate::store::content::STREAM;

/// How large a part is, in bytes: some storage takes no smaller ones, but for the last. Registries that take none as large
/// say so, and get smaller ones.
const PART_BYTES: u64 = 5 * 1024 * 1024;

impl Repository<'_> {
    pub(crate) fn write_stream(
        &self,
        media_type: &MediaType,
        stream: &mut dyn Read,
    ) -> Result<(Descriptor, Pushed)> {
        let mut held = Held::of(stream);
        held.fill(PART_BYTES)?;
        if (held.bytes.len() as u64) < PART_BYTES {
            let blob = Descriptor::new(media_type.clone(), held.hasher.finish(), held.end);
            let pushed = self.write_blob(&blob, &mut held.bytes.as_slice())?;
            return Ok((blob, pushed));
        }
        let mut progress = self.begin_parts()?;
        loop {
            // Unless it is the last, a part may not be smaller than the registry wants.
            held.fill(progress.part_bytes)?;
            if held.bytes.is_empty() {
                break;
            }
            let body = |len| Body::BufferedChunk(held.first(len));
            match self.send_part(&mut progress, body, held.end)? {
                Step::Next | Step::Reopen => {}
                Step::GiveUp(failed) => {
                    return Err(failed.map_or_else(|error| error, RegistryResponse::into_error));
                }
            }
            if !held.forget_before(progress.offset) {
                return Err(Error::Protocol {
                    what: format!("upload to {}", self.path()),
                    reason: "it was lost in part, and a stream cannot be read again".to_owned(),
                });
            }
        }
        let blob = Descriptor::new(media_type.clone(), held.hasher.finish(), held.end);
        let committed = self.commit_parts(progress, &blob.digest);
        match committed {
            Ok(response) if is_stored(&response) => response.drain(),
            // The answer alone may have been lost.
            _ if self.has_blob(&blob.digest)? => {}
            failed => return Err(failed.map_or_else(|error| error, RegistryResponse::into_error)),
        }
        self.learn_stored(&blob);
        Ok((blob, Pushed::Stored))
    }

    fn begin_parts(&self) -> Result<Progress> {
        let upload = self.open_session(Algorithm::Sha256)?;
        if upload.min_part_bytes > MAX_HELD_PART_BYTES {
            return Err(Error::TooLarge {
                what: format!("least part of an upload to {}", self.path()),
                size: upload.min_part_bytes,
                limit: MAX_HELD_PART_BYTES,
                limit_name: "MAX_HELD_PART_BYTES",
            });
        }
        let learned = self.client.capabilities(&upload.location.origin());
        let part_bytes = learned.chunk_bytes.unwrap_or(PART_BYTES).min(PART_BYTES);
        Ok(Progress::new(upload, part_bytes))
    }
}

/// What was read of a stream, and the registry may not have yet.
struct Held<'s> {
    stream: &'s mut dyn Read,
    bytes: Vec<u8>,
    /// Of the whole, where these bytes end.
    end: u64,
    /// Of all until there.
    hasher: Hasher,
    is_at_end: bool,
}

impl<'s> Held<'s> {
    fn of(stream: &'s mut dyn Read) -> Self {
        Self {
            stream,
            bytes: Vec::new(),
            end: 0,
            hasher: Hasher::new(Algorithm::Sha256),
            is_at_end: false,
        }
    }

    /// Reads on until so many bytes are held, or there are no more.
    fn fill(&mut self, bytes: u64) -> Result<()> {
        // A terminal, for one, goes on after its end.
        if self.is_at_end {
            return Ok(());
        }
        let held = self.bytes.len();
        let missing = bytes.saturating_sub(held as u64);
        // All at once: what is not used of it takes no memory, and growing would take it twice.
        let room = usize::try_from(missing).unwrap_or_default();
        self.bytes.reserve_exact(room);
        let read = (&mut *self.stream)
            .take(missing)
            .read_to_end(&mut self.bytes)
            .map_err(Error::io("read", STREAM))?;
        self.end += read as u64;
        self.is_at_end = (read as u64) < missing;
        self.hasher.update(&self.bytes[held..]);
        Ok(())
    }

    /// The first so many bytes of those that are held.
    fn first(&self, bytes: u64) -> &[u8] {
        let count = usize::try_from(bytes).unwrap_or(usize::MAX);
        &self.bytes[..count.min(self.bytes.len())]
    }

    /// Forgets what comes before this place of the whole, and answers whether everything from there on is held.
    fn forget_before(&mut self, offset: u64) -> bool {
        let start = self.end - self.bytes.len() as u64;
        let Some(sent) = offset.checked_sub(start) else {
            return false;
        };
        let count = self.first(sent).len();
        self.bytes.drain(..count);
        true
    }
}
