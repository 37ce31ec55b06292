//! Reading blobs of a repository (distribution spec v1.1, "Pulling blobs").

use std::io::{self, Read};

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
        let (body, ahead) = self.open_blob(target, 0)?;
        let resuming = ResumingReader {
            repository: self,
            target: target.clone(),
            body,
            ahead,
            offset: 0,
            last_break: 0,
            retries: 0,
        };
        Ok(VerifyReader::new(resuming, target.clone()))
    }

    /// Opens a blob at `offset`, or at its start where the registry ignores ranges: then so many bytes come first.
    fn open_blob(&self, target: &Descriptor, offset: u64) -> Result<(Box<dyn Read + Send>, u64)> {
        let mut draft = self.reading(Method::Get, self.endpoint.blob(&target.digest));
        if offset > 0 {
            // Some registries answer only ranges that have an end.
            draft = draft.header("Range", format!("bytes={offset}-{}", target.size - 1));
        }
        let answer = self.client.send(&self.registry, draft)?;
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
                Ok((answer.response.body, offset))
            }
            206 if offset > 0 => {
                let wanted = format!("bytes {offset}-{}/", target.size - 1);
                match answer.header("Content-Range") {
                    Some(range) if range.starts_with(&wanted) => Ok((answer.response.body, 0)),
                    range => {
                        let range = range.unwrap_or_default();
                        Err(answer
                            .protocol_error(format!("asked for \"{wanted}\", got \"{range}\"")))
                    }
                }
            }
            404 => Err(Error::not_found(target.digest.as_str())),
            _ => Err(answer.into_error()),
        }
    }
}

/// Reads and forgets `count` bytes.
fn skip(body: &mut dyn Read, count: u64) -> io::Result<()> {
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
        (self.body, self.ahead) = self
            .repository
            .open_blob(&self.target, self.offset)
            .map_err(Error::into_io)?;
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
