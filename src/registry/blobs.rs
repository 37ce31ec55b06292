//! Reading blobs of a repository (distribution spec v1.1, "Pulling blobs").

use std::io::{self, Read};

use super::answer::Answer;
use super::client::wait_after_failure;
use super::repository::Repository;
use crate::content::VerifyReader;
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::{Error, Mismatch, Result, TransportKind};
use crate::transport::Method;

/// A connection that brought this many bytes before it broke counts as progress: the attempts start over.
const PROGRESS_BYTES: u64 = 1024 * 1024;

impl Repository<'_> {
    pub(super) fn has_blob(&self, digest: &Digest) -> Result<bool> {
        let mut draft = self.reading(Method::Head, self.endpoint.blob(digest));
        // A redirect to the storage says enough.
        draft.follow = false;
        let answer = self.client.send(&self.registry, draft)?;
        match answer.status() {
            200 if answer.content_type() == Some("text/html") => {
                Err(answer.protocol_error("the answer is a web page, not a blob"))
            }
            200 | 301 | 302 | 303 | 307 | 308 => Ok(true),
            // Some registries say 403 of what is not there; whoever may not read it will hear so in the next answer.
            403 | 404 => Ok(false),
            // Registries that do not offer HEAD. An empty blob has no first byte, and 416 says that it is there.
            400 | 405 | 501 => {
                let mut draft = self
                    .reading(Method::Get, self.endpoint.blob(digest))
                    .header("Range", "bytes=0-0");
                draft.follow = false;
                let answer = self.client.send(&self.registry, draft)?;
                match answer.status() {
                    200 | 206 | 301 | 302 | 303 | 307 | 308 | 416 => Ok(true),
                    404 => Ok(false),
                    _ => Err(answer.into_error()),
                }
            }
            _ => Err(answer.into_error()),
        }
    }

    pub(super) fn read_blob(&self, target: &Descriptor) -> Result<VerifyReader<'_>> {
        let resuming = ResumingReader {
            repository: self,
            target: target.clone(),
            body: Self::whole_blob(self.get_blob(target, 0)?, target)?,
            ahead: 0,
            offset: 0,
            has_ranges: true,
            last_break: 0,
            retries: 0,
        };
        Ok(VerifyReader::new(resuming, target.clone()))
    }

    /// Asks for a blob from `offset` on.
    fn get_blob(&self, target: &Descriptor, offset: u64) -> Result<Answer> {
        let mut draft = self.reading(Method::Get, self.endpoint.blob(&target.digest));
        draft.streams = true;
        if offset > 0 {
            // Some registries answer only ranges that have an end.
            draft = draft.header("Range", format!("bytes={offset}-{}", target.size - 1));
        }
        self.client.send(&self.registry, draft)
    }

    /// The body of an answer that must be the whole blob.
    fn whole_blob(answer: Answer, target: &Descriptor) -> Result<Box<dyn Read + Send>> {
        match answer.status() {
            200 => {
                if answer
                    .response
                    .content_length()
                    .is_some_and(|length| length != target.size)
                {
                    return Err(Error::Verification {
                        digest: target.digest.to_string(),
                        mismatch: Mismatch::Size,
                    });
                }
                Ok(answer.response.body)
            }
            404 => Err(Error::not_found(target.digest.as_str())),
            _ => Err(answer.into_error()),
        }
    }
}

/// Whether an answer says that it has the bytes from `offset` on of as many as there should be.
fn is_rest(answer: &Answer, offset: u64, size: u64) -> bool {
    let mut ranges = answer.response.headers.all("Content-Range");
    let (Some(range), None) = (ranges.next(), ranges.next()) else {
        return false;
    };
    let parts = range
        .trim()
        .strip_prefix("bytes ")
        .and_then(|range| range.split_once('/'))
        .and_then(|(span, total)| Some((span.split_once('-')?.0, total)));
    parts.is_some_and(|(first, total)| {
        first.parse() == Ok(offset) && (total == "*" || total.parse() == Ok(size))
    })
}

/// Reads and forgets `count` bytes.
pub(super) fn skip(body: &mut dyn Read, count: u64) -> io::Result<()> {
    let skipped = io::copy(&mut body.take(count), &mut io::sink())?;
    if skipped == count {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Reads a blob and, when the connection breaks, goes on where it broke.
struct ResumingReader<'a> {
    repository: &'a Repository<'a>,
    target: Descriptor,
    body: Box<dyn Read + Send>,
    /// How many bytes the body has in front of `offset`, which were read before.
    ahead: u64,
    offset: u64,
    /// Whether the registry answers requests for the rest of a blob. One that does not is asked for the whole.
    has_ranges: bool,
    last_break: u64,
    retries: u32,
}

impl ResumingReader<'_> {
    /// Opens the rest of the blob after a break, or gives the failure back when there is no point.
    fn resume(&mut self, failure: io::Error) -> io::Result<()> {
        if self.offset - self.last_break >= PROGRESS_BYTES {
            self.retries = 0;
        }
        self.last_break = self.offset;
        let kind = match failure.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(Error::Transport { kind, .. }) => *kind,
            _ => TransportKind::Io,
        };
        let wait = wait_after_failure(self.retries, kind);
        let Some(wait) = wait else {
            return Err(failure);
        };
        self.retries += 1;
        self.repository.client.sleep(wait);
        self.reopen().map_err(Error::into_io)
    }

    /// Opens the rest of the blob, or the whole where the registry has no such part: then what was read comes first. What
    /// is put together from several answers is verified like any other content.
    fn reopen(&mut self) -> Result<()> {
        let from = if self.has_ranges { self.offset } else { 0 };
        let mut answer = self.repository.get_blob(&self.target, from)?;
        if from > 0 {
            match answer.status() {
                206 if is_rest(&answer, from, self.target.size) => {
                    (self.body, self.ahead) = (answer.response.body, 0);
                    return Ok(());
                }
                206 | 416 => {
                    self.has_ranges = false;
                    answer = self.repository.get_blob(&self.target, 0)?;
                }
                _ => {}
            }
        }
        self.body = Repository::whole_blob(answer, &self.target)?;
        self.ahead = self.offset;
        Ok(())
    }

    fn read_body(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        skip(&mut self.body, std::mem::take(&mut self.ahead))?;
        self.body.read(buffer)
    }
}

impl Read for ResumingReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let failure = match self.read_body(buffer) {
                Ok(0) if self.offset < self.target.size && !buffer.is_empty() => {
                    io::ErrorKind::UnexpectedEof.into()
                }
                Ok(count) => {
                    self.offset += count as u64;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(error) => error,
            };
            // All there is to read was read. What broke was the end of the message, not of the blob.
            if self.offset >= self.target.size {
                return Ok(0);
            }
            self.resume(failure)?;
        }
    }
}
