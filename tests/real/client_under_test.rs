//! A user of one of the two commands, with a credential.

use crate::basic_auth::Guarded;
use crate::docker_registry::USER;
use crate::home::Home;
use crate::round_trips::Program;
use crate::support::cli::{Invocation, Outcome};

/// The way in which a command gets a credential, with its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// A stored credential.
    Kept,
    Flags(&'static str),
    PasswordStdin(&'static str),
    IdentityToken(&'static str),
    IdentityTokenStdin(&'static str),
    /// The variables `ORAS_USER` and `ORAS_PASS`.
    Environment(&'static str),
}

/// A registry, a home directory and one of the two commands.
#[derive(Clone)]
pub(crate) struct Visitor<'a> {
    pub(crate) registry: &'a Guarded,
    pub(crate) home: &'a Home,
    pub(crate) program: Program,
}

/// Name of the file that is pushed and pulled.
pub(crate) const HELLO: &str = "hello world\n";

impl<'a> Visitor<'a> {
    /// Uses this project's command.
    pub(crate) fn new(registry: &'a Guarded, home: &'a Home) -> Self {
        Self {
            registry,
            home,
            program: Program::ours(),
        }
    }

    pub(crate) fn login(&self, way: Way) -> Outcome {
        self.run(way, "login", &[&self.registry.host()])
    }

    pub(crate) fn logout(&self) -> Outcome {
        let line = ["logout", &self.registry.host()];
        self.home.command(&self.program.path, line).run()
    }

    /// Pushes a file to `repository`.
    pub(crate) fn push(&self, way: Way, repository: &str) -> Outcome {
        self.home.oras.write("hello.txt", HELLO);
        self.run(way, "push", &[&self.artifact(repository), "hello.txt"])
    }

    /// Pulls the file from `repository`.
    pub(crate) fn pull(&self, way: Way, repository: &str) -> Outcome {
        self.run(way, "pull", &["-o", "out", &self.artifact(repository)])
    }

    /// Pushes a file to `repository` and pulls it back.
    #[track_caller]
    pub(crate) fn round_trip(&self, way: Way, repository: &str) {
        self.push(way, repository).success();
        self.home.oras.write("out/hello.txt", "not yet");
        self.pull(way, repository).success();
        assert_eq!(self.home.oras.read("out/hello.txt"), HELLO.as_bytes());
    }

    /// Checks that push and pull fail with these messages.
    #[track_caller]
    pub(crate) fn is_refused(&self, way: Way, repository: &str, words: &str) {
        let status = self.program.refused;
        self.push(way, repository).fails_with(status);
        self.pull(way, repository)
            .fails_with(status)
            .complains(words);
    }

    fn artifact(&self, repository: &str) -> String {
        self.registry.reference(&format!("{repository}:v1"))
    }

    fn run(&self, way: Way, command: &str, rest: &[&str]) -> Outcome {
        way.invocation(self, self.registry.line(command, rest))
            .run()
    }
}

impl Way {
    fn invocation(self, visitor: &Visitor<'_>, mut line: Vec<String>) -> Invocation {
        let flags = match self {
            Self::Kept | Self::Environment(_) => vec![],
            Self::Flags(secret) => vec!["-u", USER, "-p", secret],
            Self::PasswordStdin(_) => vec!["-u", USER, "--password-stdin"],
            Self::IdentityToken(secret) => vec!["--identity-token", secret],
            Self::IdentityTokenStdin(_) => vec!["--identity-token-stdin"],
        };
        line.extend(flags.into_iter().map(str::to_owned));
        let command = visitor.home.command(&visitor.program.path, line);
        match self {
            Self::PasswordStdin(secret) | Self::IdentityTokenStdin(secret) => {
                command.stdin(format!("{secret}\n"))
            }
            Self::Environment(secret) => command.env("ORAS_USER", USER).env("ORAS_PASS", secret),
            _ => command,
        }
    }
}
