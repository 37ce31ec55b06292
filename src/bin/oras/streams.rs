//! Standard input and output. A signal ends waits for another process that neither writes nor
//! reads.

use std::fmt;
use std::io::{self, Read, Write};

#[cfg(unix)]
pub(crate) use self::unix::is_stdout_read;
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

    /// Writes formatted text at once, so that a line is one system call.
    fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> io::Result<()> {
        self.write_all(text.to_string().as_bytes())
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

    /// The file type of standard output.
    fn stdout_type() -> Option<FileType> {
        static FILE_TYPE: OnceLock<Option<FileType>> = OnceLock::new();

        *FILE_TYPE.get_or_init(|| {
            let metadata = fstat(io::stdout()).ok()?;
            Some(FileType::from_raw_mode(metadata.st_mode))
        })
    }

    /// Whether another process reads what is written to standard output.
    pub(crate) fn is_stdout_read() -> bool {
        matches!(stdout_type(), Some(FileType::Fifo | FileType::Socket))
    }

    /// Waits until standard output can be written, and returns how many bytes it takes without
    /// blocking.
    pub(super) fn writable_bytes() -> io::Result<usize> {
        let stdout = io::stdout();
        let file_type = stdout_type();
        if matches!(file_type, None | Some(FileType::RegularFile)) {
            return Ok(usize::MAX);
        }
        wait_for(&stdout, PollFlags::OUT)?;
        let is_empty_pipe = file_type == Some(FileType::Fifo)
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
pub(crate) const fn is_stdout_read() -> bool {
    true
}

#[cfg(not(unix))]
const fn writable_bytes() -> io::Result<usize> {
    Ok(usize::MAX)
}
