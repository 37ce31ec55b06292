//! Chunked uploads (distribution spec v1.1, "Pushing a blob in chunks"): what to send next, given
//! the response to the last chunk. Pure.
//!
//! | response to a chunk | next |
//! |---|---|
//! | 200–204 | the next chunk; if `Range` shows that less arrived, the content from there on |
//! | 416 with `Range` and `Location` | the content from where the registry is |
//! | 413, or 416 without these | a chunk of half the size; below 64 KiB the upload fails |
//! | 417 to `Expect: 100-continue` | the chunk without it |
//! | a failure that may pass | wait, request the offset, and send the content from there on |
//! | any other | the upload fails |
//!
//! If the registry does not report the offset, content that can be read again is sent to a new
//! session. Of a stream, the chunk is sent again. A registry that had the chunk answers 416, or
//! finds at the end that the digest is wrong.

use super::session::{Context, UploadSession, upload_location};
use crate::error::Result;
use crate::limits::MIN_CHUNK_BYTES;
use crate::registry::client::{CapabilityCache, LARGE_BYTES, RegistryResponse};
use crate::text::url::Url;

/// Size of a chunk of a blob, in bytes, unless the registry refused chunks of that size: smaller
/// than any body limit seen at a registry that accepts large blobs, and large enough to keep
/// requests few.
pub(super) const BLOB_CHUNK_BYTES: u64 = 8 * 1024 * 1024;
/// Size of a chunk of a stream, in bytes: 5 MiB, because S3 accepts no smaller part other than the
/// last. A registry that refuses chunks of this size gets smaller ones.
pub(super) const STREAM_CHUNK_BYTES: u64 = 5 * 1024 * 1024;

/// Responses that did not advance an upload, after which it fails.
const MAX_STALLS: u32 = 5;

/// A chunked upload.
#[derive(Clone, Debug)]
pub(crate) struct ChunkedUpload {
    pub(crate) location: Url,
    /// Number of bytes that the registry has, as far as is known.
    pub(crate) offset: u64,
    /// The largest offset so far.
    pub(super) farthest: u64,
    pub(crate) chunk_bytes: u64,
    /// Whether the content cannot be sent to a new session.
    is_stream: bool,
    /// The smallest size of a chunk other than the last.
    min_chunk_bytes: u64,
    /// Responses that did not advance the upload, since the offset was last larger than ever.
    stalls: u32,
}

/// A chunk to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) offset: u64,
    pub(crate) len: u64,
    pub(crate) expects_continue: bool,
}

/// The next step of a chunked upload.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ChunkAction {
    /// Send the next chunk.
    Continue,
    /// Read the content again from the offset of the upload, and send the next chunk.
    Reopen,
    /// Wait as the retry policy says and request the offset of the upload, or fail with the
    /// response to the chunk.
    Retry,
    /// Fail with the response to the chunk.
    Fail,
}

impl ChunkedUpload {
    /// Begins a chunked upload.
    pub(crate) fn new(session: UploadSession, chunk_bytes: u64) -> Self {
        Self {
            location: session.location,
            offset: 0,
            farthest: 0,
            chunk_bytes: chunk_bytes.max(session.min_chunk_bytes),
            is_stream: false,
            min_chunk_bytes: session.min_chunk_bytes,
            stalls: 0,
        }
    }

    /// Begins a chunked upload of a stream.
    pub(crate) fn of_stream(session: UploadSession, chunk_bytes: u64) -> Self {
        Self {
            is_stream: true,
            ..Self::new(session, chunk_bytes)
        }
    }

    /// The next chunk of a blob of which `size` bytes are known.
    pub(crate) fn next_chunk(&self, size: u64, capabilities: &mut CapabilityCache) -> Chunk {
        let len = self.chunk_bytes.min(size - self.offset);
        let known = capabilities.entry(&self.location.origin());
        Chunk {
            offset: self.offset,
            len,
            expects_continue: known.uses_expect_continue(len),
        }
    }

    /// Decides what follows from the response to a chunk.
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`](crate::Error::Protocol) if the registry accepts chunks and does not
    /// advance, or names a location that must not receive content.
    pub(crate) fn on_chunk(
        &mut self,
        chunk: Chunk,
        size: u64,
        result: &Result<RegistryResponse>,
        context: &mut Context<'_>,
    ) -> Result<ChunkAction> {
        let Ok(response) = result else {
            return Ok(ChunkAction::Retry);
        };
        let received = received(response.header("Range"));
        let known = context.capabilities.entry(&self.location.origin());
        match response.status() {
            200..=204 => {
                let end = chunk.offset + chunk.len;
                let next = offset_after(chunk.offset, chunk.len, received);
                if next < end && !self.may_fail_again() {
                    return Err(response.protocol_error("the upload comes no farther"));
                }
                known.skips_expect_continue |= chunk.len >= LARGE_BYTES;
                self.resume_at(next, response)?;
                if next < end {
                    return Ok(ChunkAction::Reopen);
                }
                if next > self.farthest {
                    self.farthest = next;
                    self.stalls = 0;
                }
                Ok(ChunkAction::Continue)
            }
            417 if chunk.expects_continue => {
                known.skips_expect_continue = true;
                Ok(ChunkAction::Reopen)
            }
            status @ (413 | 416) => match received {
                Some(received) if status == 416 && response.header("Location").is_some() => {
                    self.resync(received.min(size), response)
                }
                _ => Ok(self.shrink_chunk(chunk.len, &mut context.capabilities)),
            },
            _ => Ok(ChunkAction::Retry),
        }
    }

    /// Decides what follows from the response to the request for the offset.
    ///
    /// # Errors
    ///
    /// Same as [`on_chunk`](Self::on_chunk).
    pub(crate) fn on_offset(
        &mut self,
        size: u64,
        response: &RegistryResponse,
    ) -> Result<ChunkAction> {
        match (response.status(), received(response.header("Range"))) {
            (200..=204, Some(received)) => {
                // `Range: 0-0` means both 0 and 1 byte received. Assume 0: if the byte is there,
                // the registry answers 416.
                let next = if received == 1 { 0 } else { received.min(size) };
                self.resume_at(next, response)?;
                Ok(ChunkAction::Reopen)
            }
            (200..=204 | 405 | 501, None) if self.is_stream && self.may_fail_again() => {
                self.resume_at(self.offset, response)?;
                Ok(ChunkAction::Reopen)
            }
            // The session is gone, or the registry does not report offsets. A new session is
            // needed.
            _ => Ok(ChunkAction::Fail),
        }
    }

    /// Continues where the registry is, after it refused a chunk that begins elsewhere.
    fn resync(&mut self, received: u64, response: &RegistryResponse) -> Result<ChunkAction> {
        if !self.may_fail_again() {
            return Ok(ChunkAction::Fail);
        }
        // `Range: 0-0` means both 0 and 1 byte received. The chunk did not begin there.
        let next = if received == 1 && self.offset != 0 {
            0
        } else {
            received
        };
        self.resume_at(next, response)?;
        Ok(ChunkAction::Reopen)
    }

    /// Continues with smaller chunks, after one of `len` bytes was too large.
    fn shrink_chunk(&mut self, len: u64, capabilities: &mut CapabilityCache) -> ChunkAction {
        let smaller = (len / 2).max(self.min_chunk_bytes);
        if smaller >= len || smaller < MIN_CHUNK_BYTES {
            return ChunkAction::Fail;
        }
        self.chunk_bytes = smaller;
        capabilities.entry(&self.location.origin()).chunk_bytes = Some(smaller);
        ChunkAction::Reopen
    }

    fn resume_at(&mut self, offset: u64, response: &RegistryResponse) -> Result<()> {
        let location = upload_location(response)?;
        self.offset = offset;
        if let Some(location) = location {
            self.location = location;
        }
        Ok(())
    }

    /// Records a failure, and returns whether the upload goes on.
    const fn may_fail_again(&mut self) -> bool {
        self.stalls += 1;
        self.stalls <= MAX_STALLS
    }
}

/// Returns the number of bytes an upload has, from a `Range` header of the form `0-<last>`.
fn received(range: Option<&str>) -> Option<u64> {
    let (first, last) = range?.trim_start_matches("bytes=").split_once('-')?;
    let last: u64 = last.parse().ok()?;
    (first == "0").then(|| last.saturating_add(1))
}

/// The offset of an upload that accepted `len` bytes at `offset` and reports `received` bytes. A
/// value outside the chunk is ignored: some registries always report the same.
fn offset_after(offset: u64, len: u64, received: Option<u64>) -> u64 {
    received
        .filter(|received| (offset + 1..=offset + len).contains(received))
        .unwrap_or(offset + len)
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::progress::sync::Lock;

    #[test]
    fn a_range_is_the_number_of_received_bytes() {
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
    fn an_accepted_chunk_arrived_unless_the_range_ends_inside_it() {
        for (received, wanted) in [
            (None, 20),
            (Some(20), 20),
            (Some(15), 15),
            // The range does not advance, or is beyond the chunk.
            (Some(10), 20),
            (Some(1), 20),
            (Some(21), 20),
        ] {
            assert_eq!(offset_after(10, 10, received), wanted, "{received:?}");
        }
    }

    const MIB: u64 = 1024 * 1024;

    /// An upload of 3 MiB in chunks of 1 MiB, of which the first was sent.
    fn upload(min_chunk_bytes: u64) -> ChunkedUpload {
        let location = Url::parse("http://r:5000/u/1").unwrap();
        let session = UploadSession {
            location,
            min_chunk_bytes,
        };
        let mut upload = ChunkedUpload::new(session, MIB);
        upload.offset = MIB;
        upload.farthest = MIB;
        upload
    }

    fn on_chunk(
        upload: &mut ChunkedUpload,
        capabilities: &Lock<CapabilityCache>,
        result: &Result<RegistryResponse>,
    ) -> Result<ChunkAction> {
        let chunk = upload.next_chunk(3 * MIB, &mut capabilities.lock());
        let mut context = Context {
            capabilities: capabilities.lock(),
            is_consumed: false,
        };
        upload.on_chunk(chunk, 3 * MIB, result, &mut context)
    }

    type Row<'a> = (u16, &'a [(&'a str, &'a str)], ChunkAction, u64, u64);

    #[test]
    fn the_response_to_a_chunk_decides_about_the_next() {
        let location = ("Location", "/u/2");
        let (inside, past_end) = ("0-1572863", "0-9999999999");
        #[rustfmt::skip]
        let rows: [Row<'_>; 13] = [
            // status, headers, action, offset, size of the next chunk
            (202, &[location],                         ChunkAction::Continue, 2 * MIB, MIB),
            (201, &[],                                 ChunkAction::Continue, 2 * MIB, MIB),
            (202, &[("Range", "0-2097151")],           ChunkAction::Continue, 2 * MIB, MIB),
            (202, &[("Range", inside)],                ChunkAction::Reopen,   MIB + MIB / 2, MIB),
            (202, &[("Range", past_end)],              ChunkAction::Continue, 2 * MIB, MIB),
            (416, &[location, ("Range", inside)],      ChunkAction::Reopen,   MIB + MIB / 2, MIB),
            (416, &[location, ("Range", "0-0")],       ChunkAction::Reopen,   0, MIB),
            (416, &[location, ("Range", past_end)],    ChunkAction::Reopen,   3 * MIB, MIB),
            (416, &[("Range", inside)],                ChunkAction::Reopen,   MIB, MIB / 2),
            (413, &[],                                 ChunkAction::Reopen,   MIB, MIB / 2),
            (417, &[],                                 ChunkAction::Reopen,   MIB, MIB),
            (503, &[],                                 ChunkAction::Retry,    MIB, MIB),
            (404, &[],                                 ChunkAction::Retry,    MIB, MIB),
        ];
        for (status, headers, action, offset, chunk_bytes) in rows {
            let mut upload = upload(0);
            let response = Ok(RegistryResponse::for_test(status, headers));
            let decided = on_chunk(&mut upload, &Lock::default(), &response);
            let got = (decided.unwrap(), upload.offset, upload.chunk_bytes);
            assert_eq!(got, (action, offset, chunk_bytes), "{status} {headers:?}");
        }
    }

    #[test]
    fn the_response_with_the_offset_decides_about_the_next_chunk() {
        use ChunkAction::{Fail, Reopen};
        #[rustfmt::skip]
        let rows = [
            // status, Range, action for a blob, for a stream, offset
            (204, "0-1572863",    Reopen, Reopen, MIB + MIB / 2),
            (204, "0-0",          Reopen, Reopen, 0),
            (204, "0-9999999999", Reopen, Reopen, 3 * MIB),
            (204, "",             Fail,   Reopen, MIB),
            (202, "unknown",      Fail,   Reopen, MIB),
            (405, "",             Fail,   Reopen, MIB),
            (404, "0-1572863",    Fail,   Fail,   MIB),
            (404, "",             Fail,   Fail,   MIB),
        ];
        for (status, range, of_blob, of_stream, offset) in rows {
            for (is_stream, action) in [(false, of_blob), (true, of_stream)] {
                let mut upload = upload(0);
                upload.is_stream = is_stream;
                let response = RegistryResponse::for_test(status, &[("Range", range)]);
                let decided = upload.on_offset(3 * MIB, &response).unwrap();
                assert_eq!(
                    (decided, upload.offset),
                    (action, offset),
                    "{status} {range} {is_stream}"
                );
            }
        }
    }

    #[test]
    fn chunks_shrink_to_a_limit_and_the_size_is_remembered() {
        let too_large = || Ok(RegistryResponse::for_test(413, &[]));
        for (min_chunk_bytes, smallest) in [(0, MIN_CHUNK_BYTES), (300_000, 300_000), (MIB, MIB)] {
            let capabilities = Lock::default();
            let mut upload = upload(min_chunk_bytes);
            while on_chunk(&mut upload, &capabilities, &too_large()).unwrap() == ChunkAction::Reopen
            {
            }
            assert_eq!(upload.chunk_bytes, smallest);
            let known = capabilities
                .lock()
                .entry(&upload.location.origin())
                .chunk_bytes;
            assert_eq!(known, (smallest < MIB).then_some(smallest));
        }
    }

    #[test]
    fn an_upload_that_does_not_advance_fails() {
        let capabilities = Lock::default();
        let mut upload = upload(0);
        let stuck = Ok(RegistryResponse::for_test(202, &[("Range", "0-1048576")]));
        for _ in 0..MAX_STALLS {
            // The chunk begins where the one before did.
            upload.offset = MIB;
            let decided = on_chunk(&mut upload, &capabilities, &stuck).unwrap();
            assert_eq!(decided, ChunkAction::Reopen);
        }
        upload.offset = MIB;
        let error = on_chunk(&mut upload, &capabilities, &stuck).unwrap_err();
        assert!(error.to_string().contains("the upload comes no farther"));
    }
}
