//! Worlds: where the command lines of a transcript are typed.
//!
//! Each has a working directory with a few files, and most a registry. `$REGISTRY` is its address, `$NOBODY` one at which
//! nobody listens, `$CERTS` where certificates are, and `$CREATED` the annotation that makes digests repeatable. Where there
//! is `$TLS`, that are the flags with which `registry.example` is reached by https. Where there are two registries, `$OTHER`
//! is the address of the second, which has no referrers API.

mod artifacts;
mod auth;
mod faults;
mod files;
mod lists;

use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

pub use files::{golden_directory, standard as standard_files};

use super::golden;
use super::registry::{Personality, TestRegistry};
use super::tempdir::TempDir;
use super::transcript::Seen;

/// How long one command line may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A directory, a home, perhaps a registry.
#[derive(Debug)]
pub struct World {
    directory: TempDir,
    registry: Option<TestRegistry>,
    other: Option<TestRegistry>,
    /// Whether the registry is asked what no registry understands.
    is_asked_nonsense: bool,
    nobody: String,
    tls: Option<auth::Tls>,
}

impl World {
    /// The world with this name.
    #[track_caller]
    pub fn named(name: &str) -> Self {
        let open = TestRegistry::start;
        let registry = match name {
            "files" => None,
            "registry" | "registry asked nonsense" | "two registries" => Some(open()),
            "registry without referrers" => Some(without_referrers()),
            "registry of odd lists" => Some(lists::odd(without_referrers())),
            "registry with pages of two" => Some(TestRegistry::start_as(Personality {
                page_size: Some(2),
                ..Personality::default()
            })),
            "registry that keeps everything" => Some(TestRegistry::start_as(Personality {
                manifest_deletion: false,
                blob_deletion: false,
                ..Personality::default()
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
            "registry behind every door" => Some(auth::every(TestRegistry::requiring_basic(
                "alice",
                "open sesame",
            ))),
            "two registries, one of referrers" => Some(artifacts::referrers(open())),
            "registry of platforms" => Some(artifacts::platforms(open())),
            "registry of oddities" => Some(artifacts::oddities(open())),
            "registry of attached artifacts" => Some(artifacts::attached(open(), false)),
            "registry of attached artifacts and lists" => {
                let personality = Personality {
                    absolute_locations: false,
                    ..Personality::distribution()
                };
                Some(artifacts::attached(
                    TestRegistry::start_as(personality),
                    true,
                ))
            }
            "registry of hostile artifacts" => Some(artifacts::hostile(open())),
            "registry with faults" => Some(faults::broken(open())),
            "web site" => Some(faults::web_site(open())),
            _ => panic!("no world is called \"{name}\""),
        };
        let tls = registry.as_ref().and_then(|registry| match name {
            "registry behind TLS" => Some(auth::Tls::start(registry)),
            "registry behind TLS with tokens from elsewhere" => {
                Some(auth::Tls::with_tokens(registry))
            }
            "registry behind every door" => Some(auth::Tls::for_known_clients(registry)),
            _ => None,
        });
        let other = match name {
            "two registries" | "two registries, one of referrers" => {
                // Relative, because the original does not know it by the name that absolute ones have.
                Some(TestRegistry::start_as(Personality {
                    absolute_locations: false,
                    ..Personality::distribution()
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
            fs::create_dir(directory.join(name)).expect("a new directory can be filled");
        }
        Self {
            directory,
            registry,
            other,
            is_asked_nonsense: name == "registry asked nonsense",
            nobody: unused_address(),
            tls,
        }
    }

    /// Makes `oras` mean this program.
    pub fn install(&self, program: &Path) {
        symlink(program, self.directory.join("bin/oras")).expect("a link can be made");
    }

    /// Runs a command line with `sh`.
    pub fn run(&self, command: &str) -> Seen {
        let path = |name: &str| self.directory.join(name);
        let mut search = vec![path("bin")];
        search.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        let registry = address_of(self.registry.as_ref());
        let other = address_of(self.other.as_ref());
        let (out, err) = (path("stdout"), path("stderr"));
        let create = |path: &PathBuf| fs::File::create(path).expect("output can be kept");
        let mut child = Command::new("sh")
            .args(["-c", &format!("umask 022\n{command}")])
            .current_dir(path("work"))
            .env_clear()
            .env("HOME", path("home"))
            .env("PATH", env::join_paths(search).expect("it was a PATH"))
            .env("TZ", "UTC")
            .env("LC_ALL", "C")
            .env("REGISTRY", &registry)
            .env("OTHER", &other)
            .env("NOBODY", &self.nobody)
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
            .expect("there is a shell");
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                break status;
            }
            if begin.elapsed() > PATIENCE {
                let _ = child.kill();
                panic!("still running after {PATIENCE:?}: {command}");
            }
            thread::sleep(Duration::from_millis(2));
        };
        let told = |path: &Path| {
            let bytes = fs::read(path).expect("output was kept");
            self.normalise(&String::from_utf8_lossy(&bytes))
        };
        Seen {
            command: command.to_owned(),
            stdout: told(&out),
            stderr: told(&err),
            code: status.code().unwrap_or(-1),
        }
    }

    /// Replaces what differs from world to world.
    fn normalise(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let registry = address_of(self.registry.as_ref());
        let other = address_of(self.other.as_ref());
        let known = [
            (self.directory.join("work").display().to_string(), "[DIR]"),
            (self.directory.join("home").display().to_string(), "[HOME]"),
            (registry.replace("localhost", "127.0.0.1"), "[REGISTRY]"),
            (registry, "[REGISTRY]"),
            (other.replace("localhost", "127.0.0.1"), "[OTHER]"),
            (other, "[OTHER]"),
            (self.nobody.clone(), "[NOBODY]"),
            (
                concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/tls").to_owned(),
                "[CERTS]",
            ),
            (self.nobody.replace("localhost", "127.0.0.1"), "[NOBODY]"),
        ];
        for (value, placeholder) in known {
            if !value.is_empty() {
                text = text.replace(&value, placeholder);
            }
        }
        golden::normalise_elapsed(&golden::normalise_times(&text))
    }
}

/// Its clients keep the lists of referrers. It has two names, so it does not tell one in locations.
fn without_referrers() -> TestRegistry {
    TestRegistry::start_as(Personality {
        absolute_locations: false,
        ..Personality::distribution()
    })
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.as_ref().filter(|_| self.is_asked_nonsense) {
            registry.take_unexpected();
        }
    }
}

fn address_of(registry: Option<&TestRegistry>) -> String {
    let host = registry.map(TestRegistry::host);
    // By this name it is reached by plain http without a flag.
    host.map_or_else(String::new, |host| host.replace("127.0.0.1", "localhost"))
}

/// An address at which somebody listened a moment ago and nobody does now.
fn unused_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let address = listener.local_addr().expect("it is bound");
    format!("localhost:{}", address.port())
}
