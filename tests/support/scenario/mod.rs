//! Scenarios: the environments in which the command lines of transcripts run.
//!
//! Each has a working directory with a few files, and most have a registry. Environment variables:
//!
//! | Variable | Contents |
//! |---|---|
//! | `$REGISTRY` | host and port of the registry |
//! | `$OTHER` | host and port of a second registry, which has no referrers API |
//! | `$NOBODY` | host and a port without a listener |
//! | `$CERTS` | directory of certificates |
//! | `$CREATED` | annotation that makes digests reproducible |
//! | `$TLS` | flags for `registry.example` over https |

mod artifacts;
mod auth;
mod faults;
mod files;
mod lists;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

pub use files::{golden_directory, standard as standard_files};

use super::closed_port::ClosedPort;
use super::golden;
use super::registry::{RegistryProfile, TestRegistry};
use super::tempdir::TempDir;
use super::transcript::Seen;

/// Longest run time of a command line.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A working directory, a home directory, and up to two registries.
#[derive(Debug)]
pub struct Scenario {
    directory: TempDir,
    registry: Option<TestRegistry>,
    other: Option<TestRegistry>,
    /// Whether requests without an endpoint in the specification are expected.
    allows_unexpected: bool,
    /// A port that refuses connections.
    closed_port: ClosedPort,
    tls: Option<auth::Tls>,
}

impl Scenario {
    /// Creates the scenario `name`.
    #[track_caller]
    pub fn named(name: &str) -> Self {
        let open = TestRegistry::start;
        let registry = match name {
            "files" => None,
            "registry" | "registry asked nonsense" | "two registries" => Some(open()),
            "registry without referrers" => Some(without_referrers()),
            "registry of odd lists" => Some(lists::odd(without_referrers())),
            "registry with pages of two" => Some(TestRegistry::start_as(RegistryProfile {
                page_size: Some(2),
                ..RegistryProfile::default()
            })),
            "registry that keeps everything" => Some(TestRegistry::start_as(RegistryProfile {
                manifest_deletion: false,
                blob_deletion: false,
                ..RegistryProfile::default()
            })),
            "registry behind a password" | "two registries behind passwords" => {
                Some(TestRegistry::requiring_basic("alice", "open sesame"))
            }
            "registry behind tokens" => Some(auth::tokens(open())),
            "registry of refusals" => Some(auth::refusals(TestRegistry::requiring_basic(
                "alice",
                "open sesame",
            ))),
            "registry with passwords that expired" => Some(auth::expired(
                TestRegistry::requiring_basic("alice", "open sesame"),
            )),
            "registry whose token service refuses" => Some(auth::refused_tokens(open())),
            "registry of public artifacts" => Some(auth::public(open())),
            "registry with a warning" => Some(auth::warning(open())),
            "registry behind TLS" | "registry behind TLS with tokens from elsewhere" => {
                Some(open())
            }
            "registry behind every door" => Some(auth::header_echo(TestRegistry::requiring_basic(
                "alice",
                "open sesame",
            ))),
            "two registries, one of referrers" => Some(artifacts::referrers(open())),
            "registry of platforms" => Some(artifacts::platforms(open())),
            "registry of oddities" => Some(artifacts::oddities(open())),
            "registry of attached artifacts" => Some(artifacts::nested_referrers(open(), false)),
            "registry of attached artifacts and lists" => {
                let profile = RegistryProfile {
                    absolute_locations: false,
                    ..RegistryProfile::distribution()
                };
                Some(artifacts::nested_referrers(
                    TestRegistry::start_as(profile),
                    true,
                ))
            }
            "registry of hostile artifacts" => Some(artifacts::hostile(open())),
            "registry with faults" => Some(faults::broken(open())),
            "web site" => Some(faults::web_site(open())),
            _ => panic!("unknown scenario \"{name}\""),
        };
        let tls = registry.as_ref().and_then(|registry| match name {
            "registry behind TLS" => Some(auth::Tls::start(registry)),
            "registry behind TLS with tokens from elsewhere" => {
                Some(auth::Tls::with_tokens(registry))
            }
            "registry behind every door" => Some(auth::Tls::requiring_certificates(registry)),
            _ => None,
        });
        let other = match name {
            "two registries" | "two registries, one of referrers" => {
                // Relative locations: absolute ones contain 127.0.0.1 instead of localhost.
                Some(TestRegistry::start_as(RegistryProfile {
                    absolute_locations: false,
                    ..RegistryProfile::distribution()
                }))
            }
            "two registries behind passwords" => {
                Some(TestRegistry::requiring_basic("bob", "swordfish"))
            }
            _ => None,
        };
        let directory = TempDir::new();
        files::standard(&directory.join("work"));
        for name in ["home", "bin"] {
            fs::create_dir(directory.join(name)).expect("a directory can be created");
        }
        Self {
            directory,
            registry,
            other,
            allows_unexpected: name == "registry asked nonsense",
            closed_port: ClosedPort::new(),
            tls,
        }
    }

    /// Makes `program` available as `oras`.
    pub fn install(&self, program: &Path) {
        symlink(program, self.directory.join("bin/oras")).expect("a symbolic link can be created");
    }

    /// Runs a command line with `sh`.
    pub fn run(&self, command: &str) -> Seen {
        let path = |name: &str| self.directory.join(name);
        let mut search = vec![path("bin")];
        search.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        let registry = host(self.registry.as_ref());
        let other = host(self.other.as_ref());
        let (out, err) = (path("stdout"), path("stderr"));
        let create =
            |path: &PathBuf| fs::File::create(path).expect("the output file can be created");
        let mut child = Command::new("sh")
            .args(["-c", &format!("umask 022\n{command}")])
            .current_dir(path("work"))
            .env_clear()
            .env("HOME", path("home"))
            .env(
                "PATH",
                env::join_paths(search).expect("entries of PATH can be joined"),
            )
            .env("TZ", "UTC")
            .env("LC_ALL", "C")
            .env("REGISTRY", &registry)
            .env("OTHER", &other)
            .env(
                "NOBODY",
                format!("localhost:{}", self.closed_port.address().port()),
            )
            .env(
                "CERTS",
                concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/tls"),
            )
            .env("TLS", self.tls.as_ref().map_or("", auth::Tls::flags))
            .env(
                "CREATED",
                "org.opencontainers.image.created=2000-01-01T00:00:00Z",
            )
            .stdin(Stdio::null())
            .stdout(create(&out))
            .stderr(create(&err))
            .spawn()
            .expect("sh can be started");
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                break status;
            }
            if begin.elapsed() > TIMEOUT {
                let _ = child.kill();
                panic!("still running after {TIMEOUT:?}: {command}");
            }
            thread::sleep(Duration::from_millis(2));
        };
        let output = |path: &Path| {
            let bytes = fs::read(path).expect("the output file can be read");
            self.normalise(&String::from_utf8_lossy(&bytes))
        };
        Seen {
            command: command.to_owned(),
            stdout: output(&out),
            stderr: output(&err),
            code: status.code().unwrap_or(-1),
        }
    }

    /// Replaces values that differ between runs.
    fn normalise(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let registry = host(self.registry.as_ref());
        let other = host(self.other.as_ref());
        let known = [
            (self.directory.join("work").display().to_string(), "[DIR]"),
            (self.directory.join("home").display().to_string(), "[HOME]"),
            (registry.replace("localhost", "127.0.0.1"), "[REGISTRY]"),
            (registry, "[REGISTRY]"),
            (other.replace("localhost", "127.0.0.1"), "[OTHER]"),
            (other, "[OTHER]"),
            (
                format!("localhost:{}", self.closed_port.address().port()),
                "[NOBODY]",
            ),
            (
                concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/tls").to_owned(),
                "[CERTS]",
            ),
            (self.closed_port.address().to_string(), "[NOBODY]"),
        ];
        for (value, placeholder) in known {
            if !value.is_empty() {
                text = text.replace(&value, placeholder);
            }
        }
        golden::normalise_elapsed(&golden::normalise_times(&text))
    }
}

/// A registry without the referrers API. Locations are relative, because the host is called both
/// 127.0.0.1 and localhost.
fn without_referrers() -> TestRegistry {
    TestRegistry::start_as(RegistryProfile {
        absolute_locations: false,
        ..RegistryProfile::distribution()
    })
}

impl Drop for Scenario {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.as_ref().filter(|_| self.allows_unexpected) {
            registry.take_unexpected();
        }
    }
}

fn host(registry: Option<&TestRegistry>) -> String {
    let host = registry.map(TestRegistry::host);
    // The command uses plain http for `localhost` without a flag.
    host.map_or_else(String::new, |host| host.replace("127.0.0.1", "localhost"))
}
