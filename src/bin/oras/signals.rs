//! Signals that end the command in order: SIGINT, SIGTERM and SIGHUP.
//!
//! The first signal sets a flag. Everything that takes time checks it: observers at each event, and
//! reads of standard input and writes of standard output before each wait. The operation fails, its
//! temporary files are removed as after any other error, and then the process ends by the signal,
//! as it would have without a handler. A second signal ends the process at once, unless it is the
//! same one within [`SAME_SIGNAL`](unix::SAME_SIGNAL): `kill` and supervisors may signal a process
//! and then its group.
//!
//! A signal that is ignored when the command starts stays ignored: `nohup` ignores SIGHUP, and a
//! shell without job control ignores SIGINT for commands in the background. Only Linux tells which
//! signals are ignored. Elsewhere, SIGHUP has its default action.

use std::fmt;

/// The error value of an operation that a signal stopped.
#[derive(Debug)]
pub(crate) struct Interrupted(&'static str);

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "interrupted by {}", self.0)
    }
}

impl std::error::Error for Interrupted {}

#[cfg(not(unix))]
pub(crate) use portable::{check, end, install};
#[cfg(unix)]
pub(crate) use unix::{check, end, install, wait_for};

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::io::{self, Read as _};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, OnceLock};
    use std::thread;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::{flag, low_level};

    use crate::signals::Interrupted;

    const SIGNALS: [(i32, &str); 3] =
        [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP")];

    /// Time in which repetitions of the first signal are the same signal.
    pub(super) const SAME_SIGNAL: Timespec = Timespec {
        tv_sec: 0,
        tv_nsec: 100_000_000,
    };

    /// A signal ends a wait at once. This bound is for one that arrives just before the wait.
    const LONGEST_WAIT: Timespec = Timespec {
        tv_sec: 0,
        tv_nsec: 250_000_000,
    };

    /// The number of the last signal; 0 before.
    static CAUGHT: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

    /// Handles the signals that are not ignored.
    pub(crate) fn install() {
        let caught = CAUGHT.get_or_init(Arc::default);
        // Whether each signal would be the second one.
        let is_second = SIGNALS.map(|_| Arc::new(AtomicBool::new(false)));
        // If this fails, only another signal is a second one.
        let timer = start_timer(is_second.clone());
        let status = fs::read_to_string("/proc/self/status").ok();
        for ((signal, _), is_same_second) in SIGNALS.into_iter().zip(&is_second) {
            if is_ignored(signal, status.as_deref()) {
                continue;
            }
            let register = || -> io::Result<()> {
                // Handlers run in this order.
                flag::register_conditional_default(signal, Arc::clone(is_same_second))?;
                for is_other_second in &is_second {
                    if !Arc::ptr_eq(is_other_second, is_same_second) {
                        flag::register(signal, Arc::clone(is_other_second))?;
                    }
                }
                let number = usize::try_from(signal).unwrap_or_default();
                flag::register_usize(signal, Arc::clone(caught), number)?;
                if let Ok(timer) = &timer {
                    low_level::pipe::register(signal, timer.try_clone()?)?;
                }
                Ok(())
            };
            // A signal that cannot be handled has its default action.
            let _ = register();
        }
    }

    /// Starts a thread that sets the flags [`SAME_SIGNAL`] after the first write to the returned
    /// stream. It does nothing else: the command may be blocked in a system call then, such as that
    /// of a slow name server or file system.
    fn start_timer(flags: [Arc<AtomicBool>; SIGNALS.len()]) -> io::Result<UnixStream> {
        let (timer, mut first) = UnixStream::pair()?;
        thread::Builder::new().spawn(move || {
            if first.read_exact(&mut [0]).is_ok() {
                let _ = poll(&mut [], Some(&SAME_SIGNAL));
                for flag in flags {
                    flag.store(true, Ordering::Relaxed);
                }
            }
        })?;
        Ok(timer)
    }

    /// Whether a signal is ignored, according to `/proc/self/status`.
    fn is_ignored(signal: i32, status: Option<&str>) -> bool {
        let Some(status) = status else {
            return signal == SIGHUP;
        };
        let mask = status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
    }

    /// The signal that ends the command, and its name.
    fn caught() -> Option<(i32, &'static str)> {
        let number = CAUGHT.get()?.load(Ordering::Relaxed);
        SIGNALS
            .into_iter()
            .find(|(signal, _)| usize::try_from(*signal) == Ok(number))
    }

    /// Returns an error if a signal has arrived.
    pub(crate) fn check() -> Result<(), Interrupted> {
        caught().map_or(Ok(()), |(_, name)| Err(Interrupted(name)))
    }

    /// Ends the process by the signal that has arrived, if one has.
    pub(crate) fn end() {
        if let Some((signal, _)) = caught() {
            // It fails only for signals that do not end a process.
            let _ = low_level::emulate_default_handler(signal);
        }
    }

    /// Waits until a stream can be read or written, or until a signal arrives, which is an error.
    pub(crate) fn wait_for(stream: impl AsFd, event: PollFlags) -> io::Result<()> {
        loop {
            check().map_err(io::Error::other)?;
            let mut streams = [PollFd::new(&stream, event)];
            match poll(&mut streams, Some(&LONGEST_WAIT)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                // A stream that cannot be polled never blocks, or the next call reports its error.
                Ok(_) | Err(_) => return Ok(()),
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn ignored_signals_are_read_from_the_mask_of_the_system() {
            for (mask, ignored) in [
                ("0000000000000000", [false, false, false]),
                ("0000000000001000", [false, false, false]),
                ("0000000000000001", [false, false, true]),
                ("0000000000004002", [true, true, false]),
                ("not a mask", [false, false, false]),
            ] {
                let status = format!("Name:\toras\nSigBlk:\tffff\nSigIgn:\t{mask}\nSigCgt:\tf\n");
                let found = SIGNALS.map(|(signal, _)| is_ignored(signal, Some(&status)));
                assert_eq!(found, ignored, "{mask}");
            }
            let unknown = SIGNALS.map(|(signal, _)| is_ignored(signal, None));
            assert_eq!(unknown, [false, false, true]);
        }
    }
}

#[cfg(not(unix))]
mod portable {
    use crate::signals::Interrupted;

    /// Does nothing: Ctrl-C ends the process.
    pub(crate) const fn install() {}

    pub(crate) const fn check() -> Result<(), Interrupted> {
        Ok(())
    }

    /// Does nothing.
    pub(crate) const fn end() {}
}
