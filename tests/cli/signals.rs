//! Signals: a command that gets one removes its temporary files, restores the terminal and ends by
//! that signal, wherever it is.
#![cfg(unix)]
#![expect(
    clippy::disallowed_methods,
    reason = "the product asks others for time; its tests are those others"
)]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::cli::{Oras, with_default_signals};
use crate::support::registry::{TestRegistry, on, sha256};
use crate::support::rng::Rng;
use crate::support::terminal::Terminal;

/// Size of a file that is larger than all buffers, in bytes.
const LARGE_BYTES: usize = 4 * 1024 * 1024;
/// The longest time from a signal to the end of the process.
const PROMPT: Duration = Duration::from_millis(1500);

/// A running command.
struct Running {
    child: Child,
    name: String,
}

impl Running {
    /// Starts the command with stdin and stderr from and to pipes.
    fn start(oras: &Oras, arguments: &[&str]) -> Self {
        Self::of(oras, arguments, |command| command.stdout(Stdio::null()))
    }

    fn of(
        oras: &Oras,
        arguments: &[&str],
        prepare: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        let mut command = with_default_signals(env!("CARGO_BIN_EXE_oras"));
        command
            .args(arguments)
            .current_dir(oras.directory())
            .env_clear()
            .env("HOME", oras.home())
            .stdin(Stdio::piped())
            .stderr(Stdio::piped());
        let child = prepare(&mut command).spawn().expect("the command starts");
        Self {
            child,
            name: arguments.join(" "),
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the process runs");
    }

    /// Sends a signal, and does the same as [`ended_by`](Self::ended_by).
    fn ends_by(self, signal: Signal) -> String {
        self.signal(signal);
        self.ended_by(signal)
    }

    /// Asserts that the process ends by this signal in time, and returns its stderr.
    fn ended_by(self, signal: Signal) -> String {
        let name = self.name.clone();
        let (ended_by, stderr) = self.ended();
        assert_eq!(ended_by, Some(signal.as_raw()), "{name}: {stderr}");
        stderr
    }

    /// Asserts that the process ends in time. Returns the signal that ended it, and its stderr.
    fn ended(mut self) -> (Option<i32>, String) {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the process is a child") {
                break status;
            }
            if start.elapsed() > 4 * PROMPT {
                self.child.kill().expect("the process runs");
                panic!("{} does not end", self.name);
            }
            thread::sleep(Duration::from_millis(5));
        };
        assert!(start.elapsed() < PROMPT, "{}", self.name);
        let mut stderr = String::new();
        let pipe = self.child.stderr.as_mut().expect("stderr is a pipe");
        pipe.read_to_string(&mut stderr).expect("stderr is text");
        (status.signal(), stderr)
    }
}

fn assert_noted(stderr: &str, name: &str) {
    let note = format!("Error: interrupted by {name}: what was complete is kept\n");
    assert!(stderr.ends_with(&note), "{stderr}");
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "it never happens"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

/// The names in a directory; none if it does not exist.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let names = entries.map(|entry| {
        let name = entry.expect("the directory is readable").file_name();
        name.into_string().expect("the name is text")
    });
    names.collect()
}

/// A server that accepts connections and never responds.
struct SilentServer(TcpListener);

impl SilentServer {
    fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("a loopback port is free"))
    }

    fn reference(&self, name: &str) -> String {
        format!(
            "{}/{name}",
            self.0.local_addr().expect("a listener has an address")
        )
    }
}

#[test]
fn a_download_ends_by_each_signal_and_leaves_only_complete_files() {
    for (signal, name) in [
        (Signal::INT, "SIGINT"),
        (Signal::TERM, "SIGTERM"),
        (Signal::HUP, "SIGHUP"),
    ] {
        let registry = TestRegistry::start();
        let large = Rng::new(1).bytes(LARGE_BYTES);
        registry.seed_artifact("a", "v1", &[("small.txt", b"small\n"), ("large", &large)]);
        let path = format!("/v2/a/blobs/{}", sha256(&large));
        registry.inject(on("GET", &path).slow_body(Duration::from_millis(50)));
        let oras = Oras::new();
        let out = oras.directory().join("out");
        let reference = registry.reference("a:v1");
        let pull = Running::start(&oras, &["pull", "--plain-http", "-o", "out", &reference]);
        wait_until(|| names(&out).len() > 1);
        let is_long =
            |name: &String| fs::metadata(out.join(name)).is_ok_and(|it| it.len() >= 1024 * 1024);
        wait_until(|| names(&out).iter().any(is_long));

        let stderr = pull.ends_by(signal);

        assert_noted(&stderr, name);
        let kept = "of large for the next attempt: ";
        assert!(stderr.contains(kept), "{stderr}");
        assert!(!out.join("large").exists());
        assert_eq!(oras.read("out/small.txt"), b"small\n");
    }
}

/// Responds to the requests before an upload. Sends the connection of the upload, whose body is not
/// read, to `uploads`.
fn serve_until_upload(listener: &TcpListener, uploads: &mpsc::Sender<BufReader<TcpStream>>) {
    for connection in listener.incoming() {
        let mut connection = BufReader::new(connection.expect("the client connects"));
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if connection
                    .read_line(&mut head)
                    .expect("the client sends text")
                    == 0
                {
                    break;
                }
            }
            let response = match head.split(' ').next() {
                Some("HEAD" | "GET") => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
                Some("POST") => {
                    "HTTP/1.1 202 Accepted\r\nLocation: /v2/a/blobs/uploads/1\r\n\
                     Content-Length: 0\r\n\r\n"
                }
                Some("PUT") => {
                    uploads.send(connection).expect("the test waits");
                    break;
                }
                _ => break,
            };
            connection
                .get_mut()
                .write_all(response.as_bytes())
                .expect("the client reads");
        }
    }
}

#[test]
fn an_upload_ends_by_a_signal() {
    let server = SilentServer::start();
    let listener = server.0.try_clone().unwrap();
    let (sender, uploads) = mpsc::channel();
    thread::spawn(move || serve_until_upload(&listener, &sender));
    let oras = Oras::new();
    oras.write("large", Rng::new(1).bytes(16 * LARGE_BYTES));
    let reference = server.reference("a:v1");
    let push = Running::start(&oras, &["push", "--plain-http", &reference, "large"]);
    let _upload = uploads.recv_timeout(Duration::from_secs(30)).unwrap();
    thread::sleep(Duration::from_millis(200));

    assert_noted(&push.ends_by(Signal::TERM), "SIGTERM");
}

#[test]
fn packing_ends_by_a_signal_and_leaves_no_temporary_file() {
    let oras = Oras::new();
    oras.write("directory/large", Rng::new(1).bytes(64 * LARGE_BYTES));
    fs::create_dir(oras.directory().join("tmp")).unwrap();
    let temporary = oras.directory().join("tmp");
    let arguments = ["push", "--oci-layout", "layout:v1", "directory"];
    let push = Running::of(&oras, &arguments, |command| {
        command.env("TMPDIR", &temporary).stdout(Stdio::null())
    });
    thread::sleep(Duration::from_millis(500));

    assert_noted(&push.ends_by(Signal::INT), "SIGINT");

    assert_eq!(names(&temporary), [""; 0]);
    assert_eq!(names(&oras.directory().join("layout/ingest")), [""; 0]);
}

#[test]
fn a_push_of_silent_stdin_ends_by_a_signal() {
    let oras = Oras::new();
    for arguments in [
        &["push", "--oci-layout", "layout:v1", "-", "--title", "a"][..],
        &["manifest", "push", "--oci-layout", "layout:v1", "-"],
        &["login", "localhost:1", "-u", "me", "--password-stdin"],
    ] {
        let push = Running::start(&oras, arguments);
        thread::sleep(Duration::from_millis(300));

        assert_noted(&push.ends_by(Signal::INT), "SIGINT");

        assert_eq!(names(&oras.directory().join("layout/ingest")), [""; 0]);
    }
}

#[test]
fn a_wait_for_the_lock_of_a_layout_ends_by_a_signal() {
    let oras = Oras::new();
    oras.write("a.txt", "a");
    let push = ["push", "--oci-layout", "layout:v1", "a.txt"];
    oras.run(push).success();
    let ingest = oras.directory().join("layout/ingest");
    fs::create_dir_all(&ingest).unwrap();
    let lock = File::create(ingest.join(".lock")).unwrap();
    lock.lock().unwrap();
    let tag = Running::start(&oras, &["tag", "--oci-layout", "layout:v1", "v2"]);
    thread::sleep(Duration::from_millis(500));

    assert_noted(&tag.ends_by(Signal::TERM), "SIGTERM");
}

#[test]
fn a_silent_server_ends_with_a_signal() {
    let server = SilentServer::start();
    let oras = Oras::new();
    for arguments in [
        ["repo", "tags", "--plain-http", &server.reference("a")],
        ["pull", "--plain-http", "-oout", &server.reference("a:v1")],
    ] {
        let running = Running::start(&oras, &arguments);
        thread::sleep(Duration::from_millis(1200));

        assert_noted(&running.ends_by(Signal::INT), "SIGINT");
    }
}

#[test]
fn a_second_signal_ends_the_command_at_once() {
    let oras = Oras::new();
    let arguments = ["push", "--oci-layout", "layout:v1", "-", "--title", "a"];
    let push = Running::start(&oras, &arguments);
    thread::sleep(Duration::from_millis(300));
    // Both signals arrive before the command goes on.
    push.signal(Signal::STOP);
    push.signal(Signal::INT);
    push.signal(Signal::TERM);
    push.signal(Signal::CONT);

    let (ended_by, stderr) = push.ended();
    // The handlers may run in either order.
    assert!(
        [Signal::INT, Signal::TERM]
            .map(|it| Some(it.as_raw()))
            .contains(&ended_by),
        "{ended_by:?}"
    );
    assert_eq!(stderr, "", "the first signal alone prints a note");
}

/// Starts a pull that is blocked, because nothing reads its stderr.
fn blocked_pull(registry: &TestRegistry, oras: &Oras) -> Running {
    let names: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    let files: Vec<_> = (names.iter())
        .map(|name| (name.as_str(), name.as_bytes()))
        .collect();
    registry.seed_artifact("a", "v1", &files);
    let reference = registry.reference("a:v1");
    let pull = Running::start(oras, &["pull", "--plain-http", "--debug", &reference]);
    let requests = || registry.log().len();
    wait_until(|| {
        let before = requests();
        thread::sleep(Duration::from_millis(300));
        before > 1 && before == requests()
    });
    pull
}

#[test]
fn a_signal_that_is_repeated_at_once_is_one() {
    let (registry, oras) = (TestRegistry::start(), Oras::new());
    let mut pull = blocked_pull(&registry, &oras);
    pull.signal(Signal::INT);
    thread::sleep(Duration::from_millis(10));
    pull.signal(Signal::INT);

    let mut stderr = String::new();
    let mut pipe = pull.child.stderr.take().unwrap();
    pipe.read_to_string(&mut stderr).unwrap();

    assert_noted(&stderr, "SIGINT");
    let status = pull.child.wait().unwrap();
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()));
}

#[test]
fn another_signal_ends_a_command_that_is_blocked() {
    let (registry, oras) = (TestRegistry::start(), Oras::new());
    let pull = blocked_pull(&registry, &oras);
    pull.signal(Signal::INT);
    thread::sleep(Duration::from_millis(300));

    let stderr = pull.ends_by(Signal::TERM);

    assert!(!stderr.contains("interrupted"), "{stderr}");
}

#[test]
fn a_credential_helper_ends_with_the_command() {
    let oras = Oras::new();
    let helper = oras.write("bin/docker-credential-slow", "#!/bin/sh\nexec sleep 30\n");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&helper, executable).unwrap();
    oras.write("config.json", r#"{"credsStore":"slow"}"#);
    let path = format!("{}:/usr/bin:/bin", helper.parent().unwrap().display());
    let config = ["logout", "--registry-config", "config.json", "localhost:1"];
    let logout = Running::of(&oras, &config, |command| {
        command.env("PATH", &path).stdout(Stdio::null())
    });
    thread::sleep(Duration::from_millis(500));

    assert_noted(&logout.ends_by(Signal::TERM), "SIGTERM");
}

#[test]
fn output_to_a_pipe_that_nobody_reads_ends_by_a_signal() {
    let registry = TestRegistry::start();
    registry.seed_artifact("a", "v1", &[("large", &Rng::new(1).bytes(LARGE_BYTES))]);
    let oras = Oras::new();
    let reference = registry.reference("a:v1");
    let arguments = ["pull", "--plain-http", "-o", "-", &reference];
    let mut pull = Running::of(&oras, &arguments, |command| command.stdout(Stdio::piped()));
    let _unread = pull.child.stdout.take();
    thread::sleep(Duration::from_millis(700));

    assert_noted(&pull.ends_by(Signal::INT), "SIGINT");
}

#[test]
fn signals_that_were_ignored_stay_ignored() {
    let oras = Oras::new();
    for (name, signal) in [("HUP", Signal::HUP), ("INT", Signal::INT)] {
        let line = format!(
            "trap '' {name}; exec {} push --oci-layout layout:v1 - --title a",
            env!("CARGO_BIN_EXE_oras")
        );
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", &line])
            .current_dir(oras.directory())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0);
        let push = Running {
            child: command.spawn().unwrap(),
            name: line,
        };
        thread::sleep(Duration::from_millis(400));
        push.signal(signal);
        thread::sleep(Duration::from_millis(300));
        push.ends_by(Signal::TERM);
    }
}

#[test]
fn a_password_prompt_restores_the_terminal() {
    let server = SilentServer::start();
    let oras = Oras::new();
    let terminal = Terminal::new();
    let registry = server.reference("").trim_end_matches('/').to_owned();
    let mut child = oras
        .command(["login", "--plain-http", "-u", "me", &registry])
        .start_at(&terminal);
    terminal.wait_for("Password: ");
    assert!(!terminal.echoes());
    let start = Instant::now();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let status = child.wait().unwrap();

    assert!(start.elapsed() < PROMPT);
    assert_eq!(status.signal(), Some(Signal::TERM.as_raw()));
    assert!(terminal.echoes());
}

#[test]
fn a_file_beyond_the_size_limit_is_an_error() {
    let oras = Oras::new();
    oras.write("large", Rng::new(1).bytes(LARGE_BYTES));
    let push = "oras push --oci-layout layout:v1 large";
    oras.shell(&push.replace("large", "--artifact-type a/b"))
        .success();
    let before = oras.read("layout/index.json");

    let outcome = oras.shell(&format!("ulimit -f 100; {push}"));

    let stderr = outcome.fails_with(1).stderr();
    let wanted =
        format!("Error: {LARGE_BYTES} bytes are needed: write layout/ingest: file too large\n");
    assert_eq!(stderr, wanted);
    assert_eq!(oras.read("layout/index.json"), before);
    assert_eq!(names(&oras.directory().join("layout/ingest")), [""; 0]);
}
