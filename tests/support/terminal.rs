//! A pseudo-terminal whose test side waits for prompts and types input.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

/// Longest wait for output.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A terminal.
#[derive(Debug)]
pub struct Terminal {
    /// The controlling side, used by the test.
    controller: File,
    /// The side of the program under test.
    program: File,
    screen: Arc<Screen>,
    reader: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Screen {
    text: Mutex<Vec<u8>>,
    changed: Condvar,
}

impl Terminal {
    /// An empty terminal.
    pub fn new() -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)
            .expect("a pseudo-terminal can be opened");
        grantpt(&controller).expect("the process owns a new pseudo-terminal");
        unlockpt(&controller).expect("the process owns a new pseudo-terminal");
        let name = ptsname(&controller, Vec::new()).expect("a terminal has a name");
        let path = PathBuf::from(std::ffi::OsString::from_vec(name.into_bytes()));
        let program = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .expect("the process owns a new pseudo-terminal");
        let controller = File::from(controller);
        let screen = Arc::new(Screen::default());
        let reader = thread::spawn({
            let screen = Arc::clone(&screen);
            let mut controller = controller
                .try_clone()
                .expect("a file handle can be duplicated");
            move || {
                let mut buffer = [0; 4096];
                // Reading fails when the last program has closed the terminal.
                while let Ok(count @ 1..) = controller.read(&mut buffer) {
                    let mut text = screen
                        .text
                        .lock()
                        .expect("no thread panics while it holds the lock");
                    text.extend_from_slice(&buffer[..count]);
                    screen.changed.notify_all();
                }
            }
        });
        Self {
            controller,
            program,
            screen,
            reader,
        }
    }

    /// Sets the size.
    pub fn resize(&self, columns: u16, rows: u16) {
        let size = Winsize {
            ws_col: columns,
            ws_row: rows,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&self.program, size).expect("the handle is a terminal");
    }

    /// Starts a program in a process group of its own, as a shell does: signals that it sends to
    /// its group do not reach the test.
    pub fn start(&self, command: Command) -> Child {
        self.spawn(command, self.side(), self.side())
    }

    /// Same as [`start`](Self::start), with a pipe for standard output.
    pub fn start_without_stdout(&self, command: Command) -> Child {
        self.spawn(command, Stdio::piped(), self.side())
    }

    /// Same as [`start`](Self::start), with a pipe for standard error.
    pub fn start_without_stderr(&self, command: Command) -> Child {
        self.spawn(command, self.side(), Stdio::piped())
    }

    fn spawn(&self, mut command: Command, stdout: Stdio, stderr: Stdio) -> Child {
        command
            .stdin(self.side())
            .stdout(stdout)
            .stderr(stderr)
            .process_group(0)
            .spawn()
            .expect("the program can be started")
    }

    fn side(&self) -> Stdio {
        let side = self
            .program
            .try_clone()
            .expect("a file handle can be duplicated");
        side.into()
    }

    /// Waits until the output ends with `end`.
    #[track_caller]
    pub fn wait_for(&self, end: &str) {
        let text = self
            .screen
            .text
            .lock()
            .expect("no thread panics while it holds the lock");
        let (text, _) = self
            .screen
            .changed
            .wait_timeout_while(text, TIMEOUT, |text| !text.ends_with(end.as_bytes()))
            .expect("no thread panics while it holds the lock");
        let shown = String::from_utf8_lossy(&text);
        assert!(shown.ends_with(end), "waited for {end:?}, saw {shown:?}");
    }

    /// Types text.
    pub fn type_in(&mut self, text: &str) {
        self.controller
            .write_all(text.as_bytes())
            .expect("input can be written to the terminal");
    }

    /// Returns whether the terminal echoes input.
    pub fn echoes(&self) -> bool {
        let modes = tcgetattr(&self.program)
            .expect("the handle is a terminal")
            .local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    /// Waits until the terminal does not echo input. A program may prompt before it turns the echo
    /// off.
    #[track_caller]
    pub fn wait_for_no_echo(&self) {
        let begin = Instant::now();
        while self.echoes() {
            assert!(begin.elapsed() < TIMEOUT, "the terminal still echoes input");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for the end of the program. Returns all output and the exit status.
    pub fn finish(self, mut program: Child) -> (String, ExitStatus) {
        let status = program.wait().expect("a child can be waited for");
        drop(self.program);
        self.reader.join().expect("the reader does not panic");
        let text = self
            .screen
            .text
            .lock()
            .expect("no thread panics while it holds the lock");
        (String::from_utf8_lossy(&text).into_owned(), status)
    }
}
