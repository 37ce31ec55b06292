//! A terminal with somebody in front of it, who waits for questions and types answers.

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

/// How long to wait for a question.
const PATIENCE: Duration = Duration::from_secs(30);

/// A terminal.
#[derive(Debug)]
pub struct Terminal {
    /// The side of the person.
    person: File,
    /// The side of the program.
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
    /// A terminal, on which nothing is shown yet.
    pub fn new() -> Self {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals");
        grantpt(&person).expect("a new terminal is ours");
        unlockpt(&person).expect("a new terminal is ours");
        let name = ptsname(&person, Vec::new()).expect("a terminal has a name");
        let path = PathBuf::from(std::ffi::OsString::from_vec(name.into_bytes()));
        let program = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .expect("a new terminal is ours");
        let person = File::from(person);
        let screen = Arc::new(Screen::default());
        let reader = thread::spawn({
            let screen = Arc::clone(&screen);
            let mut person = person.try_clone().expect("a file can be shared");
            move || {
                let mut buffer = [0; 4096];
                // It ends, with an error, when the last program does.
                while let Ok(count @ 1..) = person.read(&mut buffer) {
                    let mut text = screen.text.lock().expect("no holder panics");
                    text.extend_from_slice(&buffer[..count]);
                    screen.changed.notify_all();
                }
            }
        });
        Self {
            person,
            program,
            screen,
            reader,
        }
    }

    /// Gives it a size.
    pub fn resize(&self, columns: u16, rows: u16) {
        let size = Winsize {
            ws_col: columns,
            ws_row: rows,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&self.program, size).expect("it is a terminal");
    }

    /// Starts a program here, as a shell would: signals that it sends to its like do not reach us.
    pub fn start(&self, command: Command) -> Child {
        self.spawn(command, self.side(), self.side())
    }

    /// As [`start`](Self::start), with its standard output in a pipe.
    pub fn start_without_stdout(&self, command: Command) -> Child {
        self.spawn(command, Stdio::piped(), self.side())
    }

    /// As [`start`](Self::start), with its standard error in a pipe.
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
        let side = self.program.try_clone().expect("a file can be shared");
        side.into()
    }

    /// Waits until the last thing shown is this.
    #[track_caller]
    pub fn wait_for(&self, end: &str) {
        let text = self.screen.text.lock().expect("no holder panics");
        let (text, _) = self
            .screen
            .changed
            .wait_timeout_while(text, PATIENCE, |text| !text.ends_with(end.as_bytes()))
            .expect("no holder panics");
        let shown = String::from_utf8_lossy(&text);
        assert!(shown.ends_with(end), "waited for {end:?}, saw {shown:?}");
    }

    /// Types.
    pub fn type_in(&mut self, text: &str) {
        self.person
            .write_all(text.as_bytes())
            .expect("a terminal takes what is typed");
    }

    /// Whether it shows what is typed.
    pub fn shows_what_is_typed(&self) -> bool {
        let modes = tcgetattr(&self.program)
            .expect("it is a terminal")
            .local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    /// Waits until it does not show what is typed: a program may ask first, and see to that then.
    #[track_caller]
    pub fn wait_for_silence(&self) {
        let begin = Instant::now();
        while self.shows_what_is_typed() {
            assert!(begin.elapsed() < PATIENCE, "what is typed is still shown");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for the end of the program. All that was shown, and how it ended.
    pub fn finish(self, mut program: Child) -> (String, ExitStatus) {
        let status = program.wait().expect("a child can be waited for");
        drop(self.program);
        self.reader.join().expect("the reader does not panic");
        let text = self.screen.text.lock().expect("no holder panics");
        (String::from_utf8_lossy(&text).into_owned(), status)
    }
}
