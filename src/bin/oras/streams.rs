//! Standard input and output. A signal ends waits for another process that neither writes nor
//! reads.

use std::io::{self, Read, Write};

#[cfg(unix)]
use self::unix::{read, writable_bytes};

/// Standard input, without a buffer.
pub(crate) struct Stdin;

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read(buffer)
    }
}

/// Standard output.
pub(crate) struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(writable_bytes()?);
        io::stdout().write(&bytes[..count])
    }

    fn flush(&mut self) -> io::Result<()> {
        writable_bytes()?;
        io::stdout().flush()
    }
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::sync::OnceLock;

    use rustix::event::PollFlags;
    use rustix::fs::{FileType, fstat};
    use rustix::io::ioctl_fionread;

    use crate::signals::wait_for;

    /// Bytes that a pipe or terminal takes without blocking once it is writable: `PIPE_BUF` of
    /// Linux.
    const MIN_WRITABLE_BYTES: usize = 4096;
    /// Bytes that an empty pipe takes without blocking, on Linux.
    const EMPTY_PIPE_BYTES: usize = 64 * 1024;

    pub(super) fn read(buffer: &mut [u8]) -> io::Result<usize> {
        let stdin = io::stdin();
        wait_for(&stdin, PollFlags::IN)?;
        Ok(rustix::io::read(&stdin, buffer)?)
    }

    /// Waits until standard output can be written, and returns how many bytes it takes without
    /// blocking.
    pub(super) fn writable_bytes() -> io::Result<usize> {
        static FILE_TYPE: OnceLock<Option<FileType>> = OnceLock::new();

        let stdout = io::stdout();
        let file_type = FILE_TYPE.get_or_init(|| {
            let metadata = fstat(&stdout).ok()?;
            Some(FileType::from_raw_mode(metadata.st_mode))
        });
        if matches!(file_type, None | Some(FileType::RegularFile)) {
            return Ok(usize::MAX);
        }
        wait_for(&stdout, PollFlags::OUT)?;
        let is_empty_pipe = *file_type == Some(FileType::Fifo)
            && cfg!(target_os = "linux")
            && ioctl_fionread(&stdout) == Ok(0);
        Ok(if is_empty_pipe {
            EMPTY_PIPE_BYTES
        } else {
            MIN_WRITABLE_BYTES
        })
    }
}

#[cfg(not(unix))]
fn read(buffer: &mut [u8]) -> io::Result<usize> {
    io::stdin().read(buffer)
}

#[cfg(not(unix))]
const fn writable_bytes() -> io::Result<usize> {
    Ok(usize::MAX)
}
