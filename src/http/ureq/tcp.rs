//! TCP connections that wake while the other side is silent.
//!
//! A system call waits for [`WAKE`] at most. After each wait the connection reports the silence, so
//! that the observer of the operation can stop it, and waits again up to the limit of its phase.
//! Bytes that trickle are reported at the same interval:
//!
//! | Phase | Limit |
//! |---|---|
//! | connection to an address | a share of [`Timeouts::connect`](super::super::Timeouts::connect) |
//! | all else | silence as in [`NextTimeout::per_read`] and `per_write`, and the total of ureq |

#![expect(clippy::disallowed_types, reason = "this is the adapter to ureq")]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use ureq::Timeout;
use ureq::config::Config;
use ureq::unversioned::transport::time::{self, Duration as Limit};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, NextTimeout, Transport};

use super::super::file_range::{self, FileRange};
use super::super::{NO_DATA, SilentServer, TransportError};
use super::error::ureq_error;
use super::joined_output::JoiningBuffers;
use crate::error::TransportKind;
use crate::progress::{self, Event};

/// Maximum duration of a system call that waits for the other side.
const WAKE: Duration = Duration::from_secs(1);
/// Minimum time for one of several addresses.
const MIN_ADDRESS_TIME: Duration = Duration::from_millis(10);

/// Connects to the first of these addresses that accepts a connection within `limit`. There is at
/// least one.
pub(super) fn connect(
    host: &str,
    addresses: &[SocketAddr],
    limit: Duration,
    config: &Config,
) -> Result<TcpTransport, ureq::Error> {
    let start = now();
    let mut failure = None;
    for (index, address) in addresses.iter().enumerate() {
        let left = limit.saturating_sub(start.elapsed());
        // An address that does not respond leaves half of the time for the next.
        let share = if index + 1 == addresses.len() {
            left
        } else {
            left / 2
        };
        match connect_to(host, *address, share.max(MIN_ADDRESS_TIME)) {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true)?;
                return Ok(TcpTransport {
                    stream,
                    host: host.to_owned(),
                    buffers: JoiningBuffers::new(config),
                    read_timeout: Duration::ZERO,
                    write_timeout: Duration::ZERO,
                    heartbeat: Heartbeat::new(),
                });
            }
            Ok(Err(error)) => failure = Some(error),
            Err(stop) => return Err(stop),
        }
    }
    Err(failure
        .unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into())
        .into())
}

/// Connects to an address. The outer error is the observer's.
#[cfg(unix)]
fn connect_to(
    host: &str,
    address: SocketAddr,
    limit: Duration,
) -> Result<io::Result<TcpStream>, ureq::Error> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;

    let start = now();
    let stream = match start_connecting(address) {
        Ok(stream) => stream,
        Err(error) => return Ok(Err(error)),
    };
    loop {
        let left = limit.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Ok(Err(io::ErrorKind::TimedOut.into()));
        }
        let slice = Timespec::try_from(left.min(WAKE)).ok();
        match poll(&mut [PollFd::new(&stream, PollFlags::OUT)], slice.as_ref()) {
            Ok(0) | Err(Errno::INTR) => report(host, start.elapsed())?,
            Ok(_) => break,
            Err(error) => return Ok(Err(error.into())),
        }
    }
    Ok(match stream.take_error() {
        Ok(None) => stream.set_nonblocking(false).map(|()| stream),
        Ok(Some(error)) | Err(error) => Err(error),
    })
}

/// Sends the first segment to an address, and does not wait for the response.
#[cfg(unix)]
fn start_connecting(address: SocketAddr) -> io::Result<TcpStream> {
    use rustix::io::{Errno, FdFlags, fcntl_setfd};
    use rustix::net::{AddressFamily, SocketType, connect, socket};

    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let stream = TcpStream::from(socket(family, SocketType::STREAM, None)?);
    fcntl_setfd(&stream, FdFlags::CLOEXEC)?;
    stream.set_nonblocking(true)?;
    match connect(&stream, &address) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => Ok(stream),
        Err(error) => Err(error.into()),
    }
}

/// Connects to an address. The standard library reports nothing before the end.
#[cfg(not(unix))]
fn connect_to(
    _: &str,
    address: SocketAddr,
    limit: Duration,
) -> Result<io::Result<TcpStream>, ureq::Error> {
    Ok(TcpStream::connect_timeout(&address, limit))
}

/// A TCP connection.
#[derive(Debug)]
pub(super) struct TcpTransport {
    stream: TcpStream,
    /// Host and port of the other side, for reports.
    host: String,
    buffers: JoiningBuffers,
    /// The timeouts of the socket, which change rarely.
    read_timeout: Duration,
    write_timeout: Duration,
    heartbeat: Heartbeat,
}

impl Transport for TcpTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        // A range of a file stands for the last bytes of the buffer.
        let range = file_range::take();
        let of_range = range.as_ref().map_or(0, FileRange::length);
        let output = self.buffers.join(amount);
        let copied = output
            .len()
            .checked_sub(of_range)
            .ok_or(io::ErrorKind::InvalidInput)
            .map_err(io::Error::from)?;
        let wait = Wait::new(&self.host, timeout, timeout.per_write);
        write(
            &self.stream,
            (&output[..copied], range),
            wait,
            &mut self.write_timeout,
            &mut self.heartbeat,
        )
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let output = self.buffers.take_waiting();
        let wait = Wait::new(&self.host, timeout, timeout.per_write);
        write(
            &self.stream,
            (output, None),
            wait,
            &mut self.write_timeout,
            &mut self.heartbeat,
        )?;
        let wait = Wait::new(&self.host, timeout, timeout.per_read);
        loop {
            let slice = wait.slice()?;
            if std::mem::replace(&mut self.read_timeout, slice) != slice {
                set_timeout(self.stream.set_read_timeout(Some(slice)))?;
            }
            match self.stream.read(self.buffers.input_append_buf()) {
                Ok(count) => {
                    self.buffers.input_appended(count);
                    self.heartbeat.on_progress(&self.host)?;
                    return Ok(count > 0);
                }
                Err(error) => wait.on_error(error)?,
            }
        }
    }

    /// Whether the connection is idle. Bytes that no request asked for show that it is not usable.
    fn is_open(&mut self) -> bool {
        // ureq asks before each request on a connection that it keeps.
        self.heartbeat = Heartbeat::new();
        let is_idle = self.stream.set_nonblocking(true).is_ok()
            && matches!(self.stream.peek(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        is_idle && self.stream.set_nonblocking(false).is_ok()
    }
}

impl Drop for TcpTransport {
    /// Transmits output that waits, such as the alert of a TLS handshake that failed.
    fn drop(&mut self) {
        let _ = (&self.stream).write(self.buffers.take_waiting());
    }
}

/// Writes all bytes, and then the range of a file.
fn write(
    mut stream: &TcpStream,
    (bytes, range): (&[u8], Option<FileRange>),
    mut wait: Wait<'_>,
    write_timeout: &mut Duration,
    heartbeat: &mut Heartbeat,
) -> Result<(), ureq::Error> {
    let length = bytes.len() + range.as_ref().map_or(0, FileRange::length);
    let mut sent = 0;
    while sent < length {
        let slice = wait.slice()?;
        if std::mem::replace(write_timeout, slice) != slice {
            set_timeout(stream.set_write_timeout(Some(slice)))?;
        }
        let result = match &range {
            Some(range) if sent >= bytes.len() => range.send(stream, sent - bytes.len()),
            _ => stream.write(&bytes[sent..]),
        };
        match result {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
            Ok(count) => {
                sent += count;
                wait.last_progress = now();
                heartbeat.on_progress(wait.host)?;
            }
            Err(error) => wait.on_error(error)?,
        }
    }
    Ok(())
}

/// macOS does not set a timeout after the other side closed the connection. The next system call
/// reports what happened.
fn set_timeout(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if cfg!(target_os = "macos") && error.kind() == io::ErrorKind::InvalidInput => {
            Ok(())
        }
        result => result,
    }
}

/// The timeout of a handshake with a proxy or with TLS: silence as in a transfer. The limit in
/// total is twice as long, because a handshake has few messages, but it ends with the deadline.
pub(super) fn handshake_timeout(details: &ConnectionDetails) -> NextTimeout {
    let silence = details.timeout.per_write;
    let total = silence.map_or(Limit::NotHappening, |limit| Limit::Exact(*limit * 2));
    let passed = passed(details.now, (details.current_time)());
    let deadline = (details.config.timeouts().global)
        .map_or(Limit::NotHappening, |it| it.saturating_sub(passed).into());
    let reason = if deadline < total {
        Timeout::Global
    } else {
        Timeout::Connect
    };
    NextTimeout {
        after: deadline.min(total),
        reason,
        per_read: silence,
        per_write: silence,
    }
}

/// The time between two points in time of ureq.
pub(super) fn passed(start: time::Instant, now: time::Instant) -> Duration {
    match (start, now) {
        (time::Instant::Exact(start), time::Instant::Exact(now)) => {
            now.saturating_duration_since(start)
        }
        _ => Duration::ZERO,
    }
}

/// Reports a connection on which bytes arrive or leave so slowly that nothing else reports them.
#[derive(Debug)]
struct Heartbeat {
    last: Instant,
    /// The number of events of the thread at that time.
    events: u64,
}

impl Heartbeat {
    fn new() -> Self {
        Self {
            last: now(),
            events: progress::event_count(),
        }
    }

    /// Reports progress, unless there was an event within [`WAKE`].
    fn on_progress(&mut self, host: &str) -> Result<(), ureq::Error> {
        if self.last.elapsed() < WAKE {
            return Ok(());
        }
        let before = std::mem::replace(self, Self::new());
        if before.events == self.events {
            report(host, Duration::ZERO)?;
        }
        Ok(())
    }
}

/// A wait for the other side.
struct Wait<'a> {
    host: &'a str,
    /// The start of the silence.
    last_progress: Instant,
    silence: Limit,
    start: Instant,
    total: NextTimeout,
}

impl<'a> Wait<'a> {
    fn new(host: &'a str, total: NextTimeout, silence: Option<Limit>) -> Self {
        let start = now();
        Self {
            host,
            last_progress: start,
            silence: silence.unwrap_or(Limit::NotHappening),
            start,
            total,
        }
    }

    /// The duration of the next system call.
    fn slice(&self) -> Result<Duration, ureq::Error> {
        let of_silence = left(self.silence, self.last_progress);
        let of_total = left(self.total.after, self.start);
        if of_total.is_zero() {
            return Err(ureq::Error::Timeout(self.total.reason));
        }
        if of_silence.is_zero() {
            return Err(silent(self.host, *self.silence));
        }
        Ok(of_silence.min(of_total))
    }

    /// Handles the error of a system call. Returns if it is to be repeated.
    fn on_error(&self, error: io::Error) -> Result<(), ureq::Error> {
        use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
        match error.kind() {
            // A signal handler may have told the observer to stop.
            Interrupted | WouldBlock => {}
            // Elsewhere this is the error of a connection that was lost.
            TimedOut if cfg!(windows) => {}
            _ => return Err(error.into()),
        }
        report(self.host, self.last_progress.elapsed())
    }
}

/// The rest of a limit, but not more than [`WAKE`].
fn left(limit: Limit, start: Instant) -> Duration {
    match limit {
        Limit::Exact(limit) => limit.saturating_sub(start.elapsed()).min(WAKE),
        Limit::NotHappening => WAKE,
    }
}

/// Reports silence to the observer of the operation. Its error stops the operation.
fn report(host: &str, silence: Duration) -> Result<(), ureq::Error> {
    progress::report(&Event::waiting(host, silence))
        .map_err(|error| ureq::Error::Io(error.into_io()))
}

/// The error of a server that was silent for too long.
fn silent(host: &str, limit: Duration) -> ureq::Error {
    let host = host.to_owned();
    let silent = SilentServer {
        missing: NO_DATA,
        host,
        limit,
    };
    ureq_error(TransportError::new(TransportKind::Timeout, silent))
}

#[expect(
    clippy::disallowed_methods,
    reason = "timeouts of sockets are in real time"
)]
fn now() -> Instant {
    Instant::now()
}
