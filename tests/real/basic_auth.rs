//! Registries that require a credential: `docker-registry` with a password file or a token server.

use crate::docker_registry::{DockerRegistry, Entry, Wire};
use crate::support::tls;
use crate::token_server::TokenServer;

/// The authentication scheme of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Basic: the password in every request.
    Basic,
    /// Bearer: a token of the token server.
    Token,
}

/// A running registry, and its token server if it uses one.
pub(crate) struct Guarded {
    registry: DockerRegistry,
    tokens: Option<TokenServer>,
    pub(crate) guard: Guard,
    wire: Wire,
}

impl Guarded {
    /// Starts a registry, if `docker-registry` is installed.
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

    /// The token server. Panics if the registry uses passwords.
    pub(crate) fn tokens(&self) -> &TokenServer {
        self.tokens.as_ref().expect("this one asks for tokens")
    }

    pub(crate) fn host(&self) -> String {
        self.registry.host()
    }

    pub(crate) fn reference(&self, name: &str) -> String {
        self.registry.reference(name)
    }

    /// Returns a command line with `rest` and the flags that trust this registry.
    pub(crate) fn line(&self, command: &str, rest: &[&str]) -> Vec<String> {
        let mut line = vec![command.to_owned()];
        if self.wire == Wire::Tls {
            let authority = tls::fixture_path("ca.crt");
            line.extend(["--ca-file".to_owned(), authority.display().to_string()]);
        }
        line.extend(rest.iter().map(|&argument| argument.to_owned()));
        line
    }

    /// Returns the requests since the last call: to the registry, and to the token server.
    pub(crate) fn take_requests(&self) -> (Vec<String>, Vec<String>) {
        let tokens = self.tokens.as_ref().map(TokenServer::take_requests);
        (self.registry.take_requests(), tokens.unwrap_or_default())
    }
}
