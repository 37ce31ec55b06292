//! Signals that end the command in order: SIGINT, SIGTERM and SIGHUP.
//!
//! The first signal sets a flag. Everything that takes time checks it: observers at each event, and
//! reads of standard input and writes of standard output before each wait. The operation fails, its
//! temporary files are removed as after any other error, and then the process ends by the signal,
//! as it would have without a handler. A second signal ends the process at once, unless it is the
//! same one and comes at once: `timeout` and supervisors signal a process and then its group. As
//! long as the command is in a system call that nothing interrupts, such as the lookup of a name,
//! only another signal is a second one.
//!
//! SIGXFSZ does not end the command: a write beyond the limit of `ulimit -f` is an error like that
//! of a full disk.
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
    use std::io;
    use std::os::fd::AsFd;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, OnceLock};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::{flag, low_level};

    use crate::signals::Interrupted;

    const SIGNALS: [(i32, &str); 3] =
        [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP")];

    /// Time after the command noticed the first signal in which repetitions are the same signal.
    const SAME_SIGNAL: Timespec = Timespec {
        tv_sec: 0,
        tv_nsec: 50_000_000,
    };

    /// A signal ends a wait at once. This bound is for one that arrives just before the wait.
    const LONGEST_WAIT: Timespec = Timespec {
        tv_sec: 0,
        tv_nsec: 250_000_000,
    };

    /// The signals that have arrived.
    #[derive(Debug, Default)]
    struct Caught {
        /// The number of the last one; 0 before.
        number: Arc<AtomicUsize>,
        /// For each of [`SIGNALS`], whether it would be the second one.
        is_second: [Arc<AtomicBool>; SIGNALS.len()],
    }

    static CAUGHT: OnceLock<Caught> = OnceLock::new();

    /// Handles the signals that are not ignored.
    pub(crate) fn install() {
        // A handler lets the write fail.
        let _ = flag::register(SIGXFSZ, Arc::default());
        let caught = CAUGHT.get_or_init(Caught::default);
        let status = fs::read_to_string("/proc/self/status").ok();
        for ((signal, _), is_second) in SIGNALS.into_iter().zip(&caught.is_second) {
            if is_ignored(signal, status.as_deref()) {
                continue;
            }
            let others = caught.is_second.iter();
            let others = others.filter(|other| !Arc::ptr_eq(other, is_second));
            // Handlers run in this order. A signal that cannot be handled has its default action.
            let _ = flag::register_conditional_default(signal, Arc::clone(is_second))
                .and_then(|_| {
                    let mut others = others.map(Arc::clone);
                    others.try_for_each(|other| flag::register(signal, other).map(drop))
                })
                .and_then(|()| {
                    let number = usize::try_from(signal).unwrap_or_default();
                    flag::register_usize(signal, Arc::clone(&caught.number), number)
                });
        }
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
        let number = CAUGHT.get()?.number.load(Ordering::Relaxed);
        SIGNALS
            .into_iter()
            .find(|(signal, _)| usize::try_from(*signal) == Ok(number))
    }

    /// Returns an error if a signal has arrived. From then on, any further signal ends the process.
    pub(crate) fn check() -> Result<(), Interrupted> {
        let Some((_, name)) = caught() else {
            return Ok(());
        };
        let flags = CAUGHT.get().into_iter().flat_map(|it| &it.is_second);
        let unset = flags.filter(|flag| !flag.load(Ordering::Relaxed));
        let unset: Vec<_> = unset.collect();
        if !unset.is_empty() {
            // A repetition ends the wait.
            let _ = poll(&mut [], Some(&SAME_SIGNAL));
        }
        for flag in unset {
            flag.store(true, Ordering::Relaxed);
        }
        Err(Interrupted(name))
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
