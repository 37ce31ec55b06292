//! Blobs of which nothing is known before they were read to their end (distribution spec v1.1, "Pushing a blob in chunks").
//!
//! As much is read ahead as makes a part. What ends there is a blob like any other, whose digest and size are known before
//! anything is asked. Whatever is longer goes out part by part while it is read, and its digest comes last. A part is held in
//! memory until the registry has it, so it can be sent again; what the registry loses of the parts before is lost.

use std::io::Read;

use super::answer::Answer;
use super::parts::{Progress, Step};
use super::repository::Repository;
use super::upload::is_stored;
use crate::content::STREAM;
use crate::descriptor::Descriptor;
use crate::digest::{Algorithm, Hasher};
use crate::error::{Error, Result};
use crate::limits::MAX_HELD_PART_BYTES;
use crate::media_type::MediaType;
use crate::store::Pushed;

/// How large a part is, in bytes: some storage takes no smaller ones, but for the last. Registries that take none as large
/// say so, and get smaller ones.
const PART_BYTES: u64 = 5 * 1024 * 1024;

impl Repository<'_> {
    pub(super) fn write_stream(
        &self,
        media_type: &MediaType,
        stream: &mut dyn Read,
    ) -> Result<(Descriptor, Pushed)> {
        let mut held = Vec::new();
        hold(&mut held, stream, PART_BYTES)?;
        if (held.len() as u64) < PART_BYTES {
            let blob = Descriptor::of(media_type.clone(), &held);
            let pushed = self.write_blob(&blob, &mut held.as_slice())?;
            return Ok((blob, pushed));
        }
        let mut progress = self.begin_parts()?;
        let mut hasher = Hasher::new(Algorithm::Sha256);
        let mut size = 0;
        loop {
            // Unless it is the last, a part may not be smaller than the registry wants.
            hold(&mut held, stream, progress.part_bytes)?;
            if held.is_empty() {
                break;
            }
            hasher.update(&held);
            self.send_held(&mut progress, &held, size)?;
            size += held.len() as u64;
            held.clear();
        }
        let blob = Descriptor::new(media_type.clone(), hasher.finish(), size);
        let committed = self.commit_parts(progress, &blob.digest);
        match committed {
            Ok(answer) if is_stored(&answer) => answer.response.drain(),
            // The answer alone may have been lost.
            _ if self.has_blob(&blob.digest)? => {}
            failed => return Err(failed.map_or_else(|error| error, Answer::into_error)),
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
        let learned = self.client.learned(&upload.location.origin());
        let part_bytes = learned.part_bytes.unwrap_or(PART_BYTES).min(PART_BYTES);
        Ok(Progress::new(upload, part_bytes))
    }

    /// Sends what is held, which begins at `start` of the whole.
    fn send_held(&self, progress: &mut Progress, held: &[u8], start: u64) -> Result<()> {
        let end = start + held.len() as u64;
        while progress.offset < end {
            let is_sent = progress.offset.checked_sub(start);
            let rest = is_sent
                .and_then(|sent| usize::try_from(sent).ok())
                .and_then(|sent| held.get(sent..));
            let mut rest = rest.ok_or_else(|| Error::Protocol {
                what: format!("upload to {}", self.path()),
                reason: "it was lost in part, and a stream cannot be read again".to_owned(),
            })?;
            while progress.offset < end {
                match self.send_part(progress, &mut rest, end)? {
                    Step::Next => {}
                    Step::Reopen => break,
                    Step::GiveUp(failed) => {
                        return Err(failed.map_or_else(|error| error, Answer::into_error));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Reads on until so many bytes are held, or there are no more.
fn hold(held: &mut Vec<u8>, stream: &mut dyn Read, bytes: u64) -> Result<()> {
    let missing = bytes.saturating_sub(held.len() as u64);
    // All at once: what is not used of it takes no memory, and growing would take it twice.
    held.reserve_exact(usize::try_from(missing).unwrap_or_default());
    stream
        .take(missing)
        .read_to_end(held)
        .map_err(Error::io("read", STREAM))?;
    Ok(())
}
