//! CNCF distribution, started for one test on a free loopback port with its own directory.
#![expect(
    clippy::disallowed_methods,
    reason = "the product asks others for time; its tests are those others"
)]

use std::cell::Cell;
use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::support::tempdir::TempDir;
use crate::support::tls;
use crate::token_server::{ISSUER, SERVICE, TokenServer};

/// Limit for the start of the registry.
const PATIENCE: Duration = Duration::from_secs(20);

/// Name of the user with all rights.
pub(crate) const USER: &str = "alice";
/// Password of this user.
pub(crate) const PASSWORD: &str = "open sesame";
/// The user and password as written by `htpasswd -nbB -C 4`, with the lowest cost.
const HTPASSWD: &str = "alice:$2y$04$aY9vL4qwBJAkHdQSOLhGtOLo.ocYxisOayf6luUv3ajJ.gYFZT6IC\n";

/// The scheme of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Plain http.
    Plain,
    /// https, with a certificate of the authority `ca` in `fixtures/tls`.
    Tls,
}

impl Wire {
    pub(crate) fn scheme(self) -> &'static str {
        match self {
            Self::Plain => "http",
            Self::Tls => "https",
        }
    }
}

/// For this host name both commands choose the right scheme without a flag, and the certificate is
/// valid.
pub(crate) fn address(wire: Wire, port: u16) -> String {
    match wire {
        Wire::Plain => format!("localhost:{port}"),
        Wire::Tls => format!("127.0.0.1:{port}"),
    }
}

/// Access control of the registry.
#[derive(Clone, Copy)]
pub(crate) enum Entry<'a> {
    /// No authentication.
    Open,
    /// Basic authentication.
    Password,
    /// Tokens of this token server.
    Token(&'a TokenServer),
}

/// A running registry. Dropping the value ends the process.
pub(crate) struct DockerRegistry {
    child: Child,
    wire: Wire,
    port: u16,
    directory: TempDir,
    /// Number of requests that were already returned.
    seen: Cell<usize>,
}

impl DockerRegistry {
    /// Starts a registry without authentication, if `docker-registry` is installed.
    pub(crate) fn start() -> Option<Self> {
        Self::start_as(Entry::Open, Wire::Plain)
    }

    /// Starts a registry.
    pub(crate) fn start_as(entry: Entry<'_>, wire: Wire) -> Option<Self> {
        let program = crate::prerequisites::docker_registry()?;
        // Another process may take the port before the registry binds it.
        for _ in 0..5 {
            let directory = TempDir::new();
            let port = free_port();
            let config = config(&directory, entry, wire, port);
            let config = directory.write("config.yml", config);
            let create = |name| {
                fs::File::create(directory.join(name)).expect("a new directory can be filled")
            };
            let child = Command::new(&program)
                .arg("serve")
                .arg(config)
                .stdin(Stdio::null())
                .stdout(create("requests"))
                .stderr(create("log"))
                .spawn()
                .expect("docker-registry can be started");
            let mut registry = Self {
                child,
                wire,
                port,
                directory,
                seen: Cell::new(0),
            };
            if registry.wait() {
                return Some(registry);
            }
        }
        panic!("docker-registry does not start");
    }

    /// Host and port.
    pub(crate) fn host(&self) -> String {
        address(self.wire, self.port)
    }

    /// Host, port and name.
    pub(crate) fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.host())
    }

    /// Returns the requests since the last call, each as `GET /v2/a/tags/list 200`. Upload sessions
    /// are replaced by `{session}`.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        let log = self.directory.read("requests");
        let log = String::from_utf8_lossy(&log);
        let new: Vec<_> = log
            .lines()
            .skip(self.seen.get())
            .map(parse_request)
            .collect();
        self.seen.set(self.seen.get() + new.len());
        new
    }

    /// Waits until the registry listens. Returns false if the process ends or the limit passes
    /// first.
    fn wait(&mut self) -> bool {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return false;
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let mut log = String::new();
        let file = fs::File::open(self.directory.join("log"));
        let _ = file.and_then(|mut file| file.read_to_string(&mut log));
        panic!("docker-registry does not listen after {PATIENCE:?}:\n{log}");
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn config(directory: &TempDir, entry: Entry<'_>, wire: Wire, port: u16) -> String {
    let auth = match entry {
        Entry::Open => String::new(),
        Entry::Password => format!(
            "auth: {{htpasswd: {{realm: test, path: '{}'}}}}\n",
            directory.write("htpasswd", HTPASSWD).display()
        ),
        Entry::Token(server) => format!(
            "auth: {{token: {{realm: '{}', service: '{SERVICE}', issuer: '{ISSUER}', rootcertbundle: '{}'}}}}\n",
            server.realm(),
            tls::fixture_path("token.crt").display()
        ),
    };
    let tls = match wire {
        Wire::Plain => String::new(),
        Wire::Tls => format!(
            ", tls: {{certificate: '{}', key: '{}'}}",
            tls::fixture_path("server.crt").display(),
            tls::fixture_path("server.key").display()
        ),
    };
    format!(
        "version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: '{}'}}\n  \
         delete: {{enabled: true}}\nhttp: {{addr: '127.0.0.1:{port}'{tls}}}\n{auth}",
        directory.join("data").display()
    )
}

/// Parses a line in the "Combined Log Format": `127.0.0.1 - - [time] "GET /v2/ HTTP/1.1" 200 2 ""
/// "oras/1.3.6"`.
fn parse_request(line: &str) -> String {
    let mut parts = line.split('"').skip(1);
    let mut words = parts.next().unwrap_or_default().split(' ');
    let (method, target) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let status = parts.next().unwrap_or_default().trim().split(' ').next();
    let target = target.replace("%3A", ":");
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let path = match path.split_once("/blobs/uploads/") {
        Some((repository, session)) if !session.is_empty() => {
            format!("{repository}/blobs/uploads/{{session}}")
        }
        _ => path.to_owned(),
    };
    let query: Vec<_> = query
        .split('&')
        .filter(|member| !member.is_empty() && !member.starts_with("_state="))
        .collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!(
        "{method} {path}{mark}{} {}",
        query.join("&"),
        status.unwrap_or_default()
    )
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    listener.local_addr().expect("it is bound").port()
}
