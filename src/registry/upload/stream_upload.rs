//! Uploads of streams, whose digest and size are known only after they have been read (distribution
//! spec v1.1, "Pushing a blob in chunks").
//!
//! One chunk is read ahead. A stream that ends within it is uploaded like any other blob. A longer
//! one is sent chunk by chunk while it is read, and its digest comes last. A chunk stays in memory
//! until the registry has it, so it can be sent again. Earlier chunks cannot be sent again: if the
//! registry lost one, the push fails.

use std::io::Read;
use std::ops::ControlFlow;

use super::UploadStart;
use super::chunked_upload::{ChunkedUpload, STREAM_CHUNK_BYTES};
use super::session::{UploadSession, is_started, is_stored, not_stored};
use crate::error::{Error, IoOp, Result};
use crate::http::retry::Retries;
use crate::limits::{Limit, MAX_BUFFERED_CHUNK_BYTES};
use crate::oci::{Algorithm, Descriptor, Hasher, MediaType};
use crate::progress::unless_cancelled;
use crate::registry::client::Body;
use crate::registry::repository::Repository;
use crate::store::{Pushed, STREAM};

/// The error of a registry without `PATCH`. A blob of known size needs only a `PUT`.
const NO_CHUNKS: &str =
    "the registry does not accept a stream in chunks, push its content from a file instead";

impl Repository {
    /// Uploads a stream, and describes it.
    pub(crate) fn upload_stream(
        &self,
        media_type: &MediaType,
        stream: &mut dyn Read,
    ) -> Result<(Descriptor, Pushed)> {
        let mut buffer = ChunkBuffer::new(stream);
        let chunk_bytes = (self.client.upload_chunk_bytes()).unwrap_or(STREAM_CHUNK_BYTES);
        buffer.fill(chunk_bytes)?;
        if (buffer.bytes.len() as u64) < chunk_bytes {
            let blob = Descriptor::new(media_type.clone(), buffer.hasher.finish(), buffer.end);
            let pushed =
                self.upload_blob(&blob, &mut buffer.bytes.as_slice(), UploadStart::Check)?;
            return Ok((blob, pushed));
        }
        let mut upload = self.start_chunked_upload(chunk_bytes)?;
        let mut retries = Retries::default();
        loop {
            // A chunk other than the last must not be smaller than the registry requires.
            buffer.fill(upload.chunk_bytes)?;
            if buffer.bytes.is_empty() {
                break;
            }
            let body = |len| Body::BufferedChunk(buffer.first(len));
            match self.send_chunk(&mut upload, body, buffer.end, &mut retries)? {
                ControlFlow::Continue(_) => {}
                ControlFlow::Break(Ok(response)) => {
                    let status = response.status();
                    let is_unsupported =
                        upload.offset == 0 && matches!(status, 404 | 405 | 411 | 415 | 501);
                    return Err(if is_unsupported {
                        let reason = format!("response status code {status}: {NO_CHUNKS}");
                        response.protocol_error(reason)
                    } else {
                        not_stored(Ok(response))
                    });
                }
                ControlFlow::Break(Err(error)) => return Err(error),
            }
            if !buffer.discard_before(upload.offset) {
                return Err(Error::Protocol {
                    what: format!("upload to {}", self.path()),
                    reason: "it was lost in part, and a stream cannot be read again".to_owned(),
                });
            }
        }
        let blob = Descriptor::new(media_type.clone(), buffer.hasher.finish(), buffer.end);
        let commit = self.commit_request(upload.location, &blob.digest, false);
        match unless_cancelled(self.client.send(&self.registry, commit))? {
            Ok(response) if is_stored(&response) => response.drain()?,
            // The registry may have committed the blob although the response was lost.
            _ if self.has_blob(&blob.digest, Some(blob.size))? => {}
            failed => return Err(not_stored(failed)),
        }
        self.client
            .capabilities()
            .entry(&self.registry_origin())
            .last_stored = Some((self.name.clone(), blob.plain()));
        self.remember_blob(&blob.digest);
        Ok((blob, Pushed::Stored))
    }

    fn start_chunked_upload(&self, chunk_bytes: u64) -> Result<ChunkedUpload> {
        let request = self.start_request(Algorithm::Sha256);
        let response = self.client.send(&self.registry, request)?;
        if !is_started(&response) {
            return Err(response.into_error());
        }
        let session = UploadSession::from_response(&response)?;
        response.drain()?;
        Error::check_limit(
            format_args!("least part of an upload to {}", self.path()),
            session.min_chunk_bytes,
            Limit::BufferedChunkBytes,
            MAX_BUFFERED_CHUNK_BYTES,
        )?;
        let mut capabilities = self.client.capabilities();
        let known = capabilities.entry(&session.location.origin()).chunk_bytes;
        let chunk_bytes = known.unwrap_or(chunk_bytes).min(chunk_bytes);
        Ok(ChunkedUpload::of_stream(session, chunk_bytes))
    }
}

/// The bytes of a stream that were read and that the registry may not have yet.
struct ChunkBuffer<'s> {
    stream: &'s mut dyn Read,
    bytes: Vec<u8>,
    /// Offset in the stream of the end of `bytes`.
    end: u64,
    /// Hashes the stream up to `end`.
    hasher: Hasher,
    is_at_end: bool,
}

impl<'s> ChunkBuffer<'s> {
    fn new(stream: &'s mut dyn Read) -> Self {
        Self {
            stream,
            bytes: Vec::new(),
            end: 0,
            hasher: Hasher::new(Algorithm::Sha256),
            is_at_end: false,
        }
    }

    /// Reads until the buffer has `size` bytes or the stream ends.
    fn fill(&mut self, size: u64) -> Result<()> {
        // Some streams, such as a terminal, can be read after their end.
        if self.is_at_end {
            return Ok(());
        }
        let start = self.bytes.len();
        let missing = size.saturating_sub(start as u64);
        // Reserved at once: growing step by step would take twice the memory for a moment.
        let room = usize::try_from(missing).unwrap_or_default();
        self.bytes.reserve_exact(room);
        let read = (&mut *self.stream)
            .take(missing)
            .read_to_end(&mut self.bytes)
            .map_err(Error::io(IoOp::Read, STREAM))?;
        self.end += read as u64;
        self.is_at_end = (read as u64) < missing;
        self.hasher.update(&self.bytes[start..]);
        Ok(())
    }

    /// The first `count` bytes of the buffer, or all if there are fewer.
    fn first(&self, count: u64) -> &[u8] {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        &self.bytes[..count.min(self.bytes.len())]
    }

    /// Discards the bytes before `offset` in the stream. Returns whether all bytes from there on
    /// are in the buffer.
    fn discard_before(&mut self, offset: u64) -> bool {
        let start = self.end - self.bytes.len() as u64;
        let Some(sent) = offset.checked_sub(start) else {
            return false;
        };
        let count = self.first(sent).len();
        self.bytes.drain(..count);
        true
    }
}
