//! Ranges of files that the kernel copies to a connection.
//!
//! The HTTP client only reads bytes, so a body cannot hand a file to the connection. Instead, the
//! transport [allows](Scope) ranges for a request whose connection can send them. Then a reader
//! returns without filling the buffer and [announces](announce) the range of the file that the
//! buffer stands for, and the connection [takes](take) the range when it is to send the buffer.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

/// Minimum length of a range. The connection joins smaller outputs to one segment.
const MIN_BYTES: usize = 64 * 1024;
/// Bytes that are copied at a time if the kernel cannot do it.
const BUFFER_BYTES: usize = 64 * 1024;

thread_local! {
    /// The state of the request that this thread sends.
    static REQUEST: RefCell<State> = const { RefCell::new(State::NOT_ALLOWED) };
}

struct State {
    /// The address of the only reader that ranges are allowed for: the body itself. Another reader
    /// inside the body would have its bytes changed or copied.
    body: Option<usize>,
    announced: Option<FileRange>,
}

impl State {
    const NOT_ALLOWED: Self = Self {
        body: None,
        announced: None,
    };
}

/// A request of this thread, until dropped. Within it, another request may be sent.
pub(super) struct Scope(State);

impl Scope {
    /// Starts a request. Ranges are allowed for this body, if its connection can send them.
    pub(super) fn start(body: Option<&dyn Read>) -> Self {
        let body = body.map(address);
        Self(REQUEST.replace(State {
            body,
            announced: None,
        }))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        REQUEST.set(std::mem::replace(&mut self.0, State::NOT_ALLOWED));
    }
}

fn address<R: Read + ?Sized>(reader: &R) -> usize {
    std::ptr::from_ref(reader).cast::<()>().addr()
}

/// Bytes of a file that are sent instead of those of a buffer.
pub(crate) struct FileRange {
    file: Arc<File>,
    offset: u64,
    length: usize,
}

impl FileRange {
    /// Returns the range of a file of `reader` at `offset` that stands for a buffer of this length,
    /// and moves the position of the file behind it. Returns `None` if the range is short, if the
    /// request is sent from memory, or if the file has become shorter.
    pub(crate) fn next<R: Read + ?Sized>(
        reader: &R,
        file: &Arc<File>,
        offset: u64,
        length: usize,
    ) -> Option<Self> {
        if length < MIN_BYTES || REQUEST.with_borrow(|state| state.body) != Some(address(reader)) {
            return None;
        }
        let end = offset + length as u64;
        let is_complete = file.metadata().ok()?.len() >= end;
        let mut position: &File = file;
        let is_complete = is_complete && position.seek(SeekFrom::Start(end)).is_ok();
        is_complete.then(|| Self {
            file: Arc::clone(file),
            offset,
            length,
        })
    }

    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    /// Sends bytes of the range, from `done` on. Returns their number, which is not zero.
    ///
    /// # Errors
    ///
    /// Those of the connection, and [`io::ErrorKind::UnexpectedEof`] if the file has become
    /// shorter.
    pub(super) fn send(&self, mut stream: &TcpStream, done: usize) -> io::Result<usize> {
        let (offset, length) = (self.offset + done as u64, self.length - done);
        let sent = match send_file(stream, &self.file, offset, length) {
            // The file system cannot do this.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
                ) =>
            {
                let mut buffer = vec![0; length.min(BUFFER_BYTES)];
                let mut file: &File = &self.file;
                let position = file.stream_position()?;
                file.seek(SeekFrom::Start(offset))?;
                let read = file.read(&mut buffer);
                file.seek(SeekFrom::Start(position))?;
                match read? {
                    0 => 0,
                    count => stream.write(&buffer[..count])?,
                }
            }
            result => result?,
        };
        match sent {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            sent => Ok(sent),
        }
    }
}

#[cfg(target_os = "linux")]
fn send_file(stream: &TcpStream, file: &File, offset: u64, length: usize) -> io::Result<usize> {
    let mut offset = offset;
    Ok(rustix::fs::sendfile(
        stream,
        file,
        Some(&mut offset),
        length,
    )?)
}

#[cfg(not(target_os = "linux"))]
fn send_file(_: &TcpStream, _: &File, _: u64, _: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Announces the range that the buffer just returned stands for.
pub(crate) fn announce(range: FileRange) {
    REQUEST.with_borrow_mut(|state| state.announced = Some(range));
}

/// Returns the announced range. It stands for the last bytes of the buffer that is sent next.
pub(super) fn take() -> Option<FileRange> {
    REQUEST.with_borrow_mut(|state| state.announced.take())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::testing::TempDir;

    /// A body that is a file.
    struct Body(Arc<File>);

    impl Read for Body {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.as_ref().read(buffer)
        }
    }

    #[test]
    fn ranges_are_allowed_for_the_body_of_the_current_request_only() {
        let directory = TempDir::new();
        let path = directory.path().join("file");
        std::fs::write(&path, vec![1; 3 * MIN_BYTES]).unwrap();
        let file = Arc::new(File::open(path).unwrap());
        let next = |body: &Body, offset, length| FileRange::next(body, &file, offset, length);
        let (body, other) = (Body(Arc::clone(&file)), Body(Arc::clone(&file)));
        assert!(next(&body, 0, MIN_BYTES).is_none(), "no request");
        let request = Scope::start(Some(&body));
        assert!(next(&other, 0, MIN_BYTES).is_none(), "another reader");
        assert!(next(&body, 0, MIN_BYTES - 1).is_none(), "a short range");
        let length = 2 * MIN_BYTES;
        assert_eq!(next(&body, 0, length).unwrap().length(), length);
        assert_eq!((&*file).stream_position().unwrap(), length as u64);
        let offset = length as u64;
        assert!(next(&body, offset, length).is_none(), "a shorter file");
        {
            let _inner = Scope::start(None);
            assert!(next(&body, 0, MIN_BYTES).is_none(), "another request");
        }
        announce(next(&body, offset, MIN_BYTES).unwrap());
        assert_eq!(take().unwrap().offset, offset);
        assert!(take().is_none());
        announce(next(&body, offset, MIN_BYTES).unwrap());
        drop(request);
        assert!(take().is_none(), "the request failed");
        assert!(next(&body, 0, MIN_BYTES).is_none());
    }
}
