//! Reading content whose beginning is in a file.

use std::fs::File;
use std::io::{self, Read, Take};

use crate::error::{Error, Mismatch, Result};
use crate::oci::Descriptor;
use crate::progress::{self, Event};

/// Opens the rest of content; see [`Content::open_from`](crate::store::Content::open_from).
type OpenRest<'a> = dyn FnOnce() -> Result<Option<Box<dyn Read + Send + 'a>>> + Send + 'a;

/// Reads the beginning of content from a file, and then opens the rest.
pub(super) struct ResumedReader<'a> {
    beginning: Take<File>,
    rest: Rest<'a>,
    content: Descriptor,
    length: u64,
}

enum Rest<'a> {
    Closed(Box<OpenRest<'a>>),
    Open(Box<dyn Read + Send + 'a>),
}

impl<'a> ResumedReader<'a> {
    pub(super) fn new(
        beginning: File,
        length: u64,
        expected: &Descriptor,
        open_rest: impl FnOnce() -> Result<Option<Box<dyn Read + Send + 'a>>> + Send + 'a,
    ) -> Self {
        let rest = if length < expected.size {
            Rest::Closed(Box::new(open_rest))
        } else {
            Rest::Open(Box::new(io::empty()))
        };
        Self {
            beginning: beginning.take(length),
            rest,
            content: expected.clone(),
            length,
        }
    }

    /// The error for a beginning that cannot be continued. The caller reads all of the content
    /// then, as after a wrong beginning.
    fn unusable(&self) -> io::Error {
        Error::Verification {
            digest: self.content.digest.to_string(),
            mismatch: Mismatch::Truncated,
        }
        .into_io()
    }
}

impl Read for ResumedReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.beginning.limit() > 0 && !buffer.is_empty() {
            return match self.beginning.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
                Ok(0) | Err(_) => Err(self.unusable()),
                read => read,
            };
        }
        loop {
            match &mut self.rest {
                Rest::Open(rest) => return rest.read(buffer),
                closed @ Rest::Closed(_) => {
                    let Rest::Closed(open) =
                        std::mem::replace(closed, Rest::Open(Box::new(io::empty())))
                    else {
                        continue;
                    };
                    let event = Event::Resumed {
                        descriptor: &self.content,
                        done: self.length,
                    };
                    progress::report(&event).map_err(Error::into_io)?;
                    let rest = open().map_err(Error::into_io)?;
                    self.rest = Rest::Open(rest.ok_or_else(|| self.unusable())?);
                }
            }
        }
    }
}
