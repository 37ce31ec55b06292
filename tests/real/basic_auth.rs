//! Registries that let nobody in without a credential: a `docker-registry` with a password file or with a token server.

use crate::docker_registry::{DockerRegistry, Entry, Wire};
use crate::support::tls;
use crate::token_server::TokenServer;

/// What the registry asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// The password itself, in every request.
    Basic,
    /// A token.
    Token,
}

/// A running registry with its token server, if it has one.
pub(crate) struct Guarded {
    registry: DockerRegistry,
    tokens: Option<TokenServer>,
    pub(crate) guard: Guard,
    wire: Wire,
}

impl Guarded {
    /// Starts one, if this machine has `docker-registry`.
    pub(crate) fn start(guard: Guard, wire: Wire) -> Option<Self> {
        let tokens = match guard {
            Guard::Basic => None,
            Guard::Token => Some(TokenServer::start(wire)),
        };
        let entry = tokens.as_ref().map_or(Entry::Password, Entry::Token);
        Some(Self {
            registry: DockerRegistry::start_as(entry, wire)?,
            tokens,
            guard,
            wire,
        })
    }

    /// Its token server, where it asks for tokens.
    pub(crate) fn tokens(&self) -> &TokenServer {
        self.tokens.as_ref().expect("this one asks for tokens")
    }

    pub(crate) fn host(&self) -> String {
        self.registry.host()
    }

    pub(crate) fn reference(&self, name: &str) -> String {
        self.registry.reference(name)
    }

    /// A command line about `rest`, with what it takes to know this registry for who it is.
    pub(crate) fn line(&self, command: &str, rest: &[&str]) -> Vec<String> {
        let mut line = vec![command.to_owned()];
        if self.wire == Wire::Tls {
            let authority = tls::fixture_path("ca.crt");
            line.extend(["--ca-file".to_owned(), authority.display().to_string()]);
        }
        line.extend(rest.iter().map(|&argument| argument.to_owned()));
        line
    }

    /// The requests since the last look: to the registry, and to the token server.
    pub(crate) fn take_requests(&self) -> (Vec<String>, Vec<String>) {
        let tokens = self.tokens.as_ref().map(TokenServer::take_requests);
        (self.registry.take_requests(), tokens.unwrap_or_default())
    }
}
