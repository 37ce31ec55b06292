//! Terminal access: the width, and input without echo. The terminal settings are restored
//! afterwards.
//!
//! rpassword reads what is typed, with its corrections. How the terminal behaves meanwhile is decided here: rpassword would
//! leave it silent when the program is interrupted, and reads from `/dev/tty`, which is not always there.

use std::io;

use oras::Secret;
use rpassword::{ConfigBuilder, read_password_with_config};

#[cfg(unix)]
pub(crate) use unix::{Silence, columns_of_stderr};

/// How wide a terminal is that does not say so.
const USUAL_COLUMNS: u16 = 80;

/// A line that is typed. An end of input is an empty one.
fn line(input: ConfigBuilder) -> io::Result<Secret> {
    match read_password_with_config(input.output_discard().build()) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Secret::new("")),
        result => result.map(Secret::from),
    }
}

/// The terminal that is stdin shows nothing for as long as this lives.
#[cfg(not(unix))]
pub(crate) struct Silence;

/// How wide the terminal is that is stderr.
#[cfg(not(unix))]
pub(crate) const fn columns_of_stderr() -> u16 {
    USUAL_COLUMNS
}

#[cfg(not(unix))]
impl Silence {
    /// Falls silent when the line is read.
    pub(crate) const fn begin() -> io::Result<Self> {
        Ok(Self)
    }

    /// Reads a line.
    pub(crate) fn read_line(self) -> io::Result<Secret> {
        line(ConfigBuilder::new())
    }
}

#[cfg(unix)]
mod unix {
    use std::io::Read;

    use rustix::process::{Signal, kill_current_process_group};
    use rustix::termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr,
    };

    use super::{ConfigBuilder, Secret, USUAL_COLUMNS, io};

    /// What Ctrl-C is, to a terminal that makes no signal of it.
    const INTERRUPT: u8 = 3;

    /// How wide the terminal is that is stderr, now.
    pub(crate) fn columns_of_stderr() -> u16 {
        match tcgetwinsize(io::stderr()) {
            Ok(size) if size.ws_col > 0 => size.ws_col,
            _ => USUAL_COLUMNS,
        }
    }

    /// The terminal that is stdin shows nothing and interrupts nobody for as long as this lives.
    pub(crate) struct Silence {
        before: Termios,
    }

    impl Silence {
        /// Falls silent.
        pub(crate) fn begin() -> io::Result<Self> {
            let before = tcgetattr(io::stdin())?;
            let mut silent = before.clone();
            // By the byte too: as lines a terminal takes 4095 bytes, and cuts off longer tokens.
            silent.local_modes -=
                LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
            silent.special_codes[SpecialCodeIndex::VMIN] = 1;
            silent.special_codes[SpecialCodeIndex::VTIME] = 0;
            tcsetattr(io::stdin(), OptionalActions::Now, &silent)?;
            Ok(Self { before })
        }

        /// Reads a line.
        pub(crate) fn read_line(self) -> io::Result<Secret> {
            let result = super::line(ConfigBuilder::new().input_reader(Typed(io::stdin())));
            drop(self);
            if let Err(error) = &result
                && error.kind() == io::ErrorKind::Interrupted
            {
                // What the terminal would have done. There is no going on unless somebody wants signals ignored.
                kill_current_process_group(Signal::INT)?;
            }
            result
        }
    }

    impl Drop for Silence {
        fn drop(&mut self) {
            // A terminal that is gone needs nothing.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
        }
    }

    /// What is typed, up to an interruption. It is read byte by byte.
    struct Typed(io::Stdin);

    impl Read for Typed {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.read(buffer)?;
            if buffer[..count].contains(&INTERRUPT) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            Ok(count)
        }
    }
}
