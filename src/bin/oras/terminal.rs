//! Terminal access: the width, and input without echo. The terminal settings are restored
//! afterwards.
//!
//! rpassword reads the input and handles corrections. The terminal settings are set here, because
//! rpassword leaves echo off if the program is interrupted, and reads from `/dev/tty`, which does
//! not always exist.

use std::io;
#[cfg(unix)]
use std::io::Read;
#[cfg(unix)]
use std::os::fd::AsFd;

#[cfg(unix)]
use crate::streams::Stdin;
use oras::Secret;
use rpassword::{ConfigBuilder, read_password_with_config};
#[cfg(unix)]
use rustix::process::{Signal, kill_current_process_group};
#[cfg(unix)]
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr,
};

/// Assumed width of a stream that is not a terminal, or does not report its width.
const DEFAULT_COLUMNS: u16 = 80;

/// The byte that Ctrl-C sends if the terminal does not turn it into a signal.
#[cfg(unix)]
const INTERRUPT: u8 = 3;

/// Current width of the terminal on stderr.
pub(crate) fn stderr_columns() -> u16 {
    columns(&io::stderr())
}

/// Current width of the terminal on stdout.
pub(crate) fn stdout_columns() -> u16 {
    columns(&io::stdout())
}

#[cfg(unix)]
fn columns(stream: &impl AsFd) -> u16 {
    match tcgetwinsize(stream) {
        Ok(size) if size.ws_col > 0 => size.ws_col,
        _ => DEFAULT_COLUMNS,
    }
}

#[cfg(not(unix))]
const fn columns<S>(_: &S) -> u16 {
    DEFAULT_COLUMNS
}

/// Disables echo and signals of the terminal on stdin until dropped.
#[cfg(unix)]
pub(crate) struct EchoGuard {
    before: Termios,
}

#[cfg(unix)]
impl EchoGuard {
    /// Disables echo and signals.
    pub(crate) fn new() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut settings = before.clone();
        // Read bytes instead of lines: a terminal cuts off lines after 4095 bytes, and tokens can
        // be longer.
        settings.local_modes -=
            LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
        settings.special_codes[SpecialCodeIndex::VMIN] = 1;
        settings.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(io::stdin(), OptionalActions::Now, &settings)?;
        Ok(Self { before })
    }

    /// Reads a line.
    pub(crate) fn read_line(self) -> io::Result<Secret> {
        let input = ConfigBuilder::new().input_reader(InterruptibleStdin);
        let result = read_secret(input);
        drop(self);
        if let Err(error) = &result
            && error.kind() == io::ErrorKind::Interrupted
        {
            // Send the signal that the terminal would have sent. It ends the process unless signals
            // are ignored.
            kill_current_process_group(Signal::INT)?;
        }
        result
    }
}

#[cfg(unix)]
impl Drop for EchoGuard {
    fn drop(&mut self) {
        // Restoring fails only if the terminal does not exist any more.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// Reads without echo on systems where rpassword changes the terminal settings.
#[cfg(not(unix))]
pub(crate) struct EchoGuard;

#[cfg(not(unix))]
impl EchoGuard {
    /// Does nothing: [`read_line`](Self::read_line) disables echo.
    pub(crate) const fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// Reads a line.
    pub(crate) fn read_line(self) -> io::Result<Secret> {
        read_secret(ConfigBuilder::new())
    }
}

/// Stdin that reports Ctrl-C as [`io::ErrorKind::Interrupted`].
#[cfg(unix)]
struct InterruptibleStdin;

#[cfg(unix)]
impl Read for InterruptibleStdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = Stdin.read(buffer)?;
        if buffer[..count].contains(&INTERRUPT) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(count)
    }
}

/// Reads a line. An end of input is an empty line.
fn read_secret(input: ConfigBuilder) -> io::Result<Secret> {
    match read_password_with_config(input.output_discard().build()) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Secret::new("")),
        result => result.map(Secret::from),
    }
}
