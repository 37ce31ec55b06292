//! CNCF distribution, started for a test on a free loopback port with a directory of its own.
#![expect(
    clippy::disallowed_methods,
    reason = "the product asks others for time; its tests are those others"
)]

use std::fs;
use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::tempdir::TempDir;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running registry; it ends with the value.
pub(crate) struct DockerRegistry {
    child: Child,
    port: u16,
    directory: TempDir,
}

impl DockerRegistry {
    /// Starts one, if this machine has it.
    pub(crate) fn start() -> Option<Self> {
        let program = crate::found::docker_registry()?;
        // Somebody else may take the port between our look and its start.
        for _ in 0..5 {
            let directory = TempDir::new();
            let port = free_port();
            let config = format!(
                "version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: '{}'}}\n  \
                 delete: {{enabled: true}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n",
                directory.join("data").display()
            );
            let config = directory.write("config.yml", config);
            let log =
                fs::File::create(directory.join("log")).expect("a new directory can be filled");
            let child = Command::new(&program)
                .arg("serve")
                .arg(config)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .expect("docker-registry can be started");
            let mut registry = Self {
                child,
                port,
                directory,
            };
            if registry.wait() {
                return Some(registry);
            }
        }
        panic!("docker-registry does not start");
    }

    /// `localhost:<port>/<name>`.
    pub(crate) fn reference(&self, name: &str) -> String {
        format!("localhost:{}/{name}", self.port)
    }

    /// Whether it listens before it ends or patience does.
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

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    listener.local_addr().expect("it is bound").port()
}
