//! Registries that do not let everybody in: by whom, and how they say no.

use crate::support::registry::{Bearer, Fault, TestRegistry, on};
use crate::support::tls::{Clients, TlsFront};

/// The key file of a cloud account, which is a password of several lines.
const KEY_FILE: &str = "{\n  \"key\": \"a:b\u{fc}\"\n}";

/// Tokens come from the registry itself, under the name it is asked by: no client sends credentials elsewhere.
pub(super) fn tokens(registry: TestRegistry) -> TestRegistry {
    let challenge = challenge(&registry, "");
    registry.with_tokens(
        Bearer::new()
            .user("alice", "open sesame")
            .user("_json_key", KEY_FILE)
            .user("robot$ci", "a$b%c\"d")
            .user("<token>", "open sesame")
            .identity_token("an identity token")
            .challenge(&challenge),
    )
}

/// Everybody may read, with a token that everybody gets.
pub(super) fn public(registry: TestRegistry) -> TestRegistry {
    let challenge = challenge(&registry, "");
    registry.seed_artifact("hello", "v1", &[("hi.txt", b"hi\n")]);
    registry.with_tokens(
        Bearer::new()
            .user("alice", "open sesame")
            .anonymous(&["repository:*:pull"])
            .challenge(&challenge),
    )
}

fn challenge(registry: &TestRegistry, query: &str) -> String {
    let url = registry.url().replace("127.0.0.1", "localhost");
    format!("Bearer realm=\"{url}/token{query}\",service=\"{{service}}\",scope=\"{{scope}}\"")
}

/// Repositories that are called by how they refuse those who may come in.
pub(super) fn refusals(registry: TestRegistry) -> TestRegistry {
    let everything = |repository: &str| on("*", &format!("/v2/{repository}/*"));
    let asking = |repository: &str, challenge: &str| {
        everything(repository)
            .before_authorization()
            .error(401, "UNAUTHORIZED", "authentication required")
            .header("WWW-Authenticate", challenge)
    };
    let token = |repository: &str| {
        let challenge = challenge(&registry, &format!("?for={repository}"));
        let challenge = challenge
            .replace("{service}", "test-registry")
            .replace("{scope}", &format!("repository:{repository}:pull"));
        asking(repository, &challenge)
    };
    let service = |repository: &str| on("*", &format!("/token?for={repository}*"));
    let faults = [
        everything("expired")
            .status(403)
            .plain("Your authorization token has expired. Reauthenticate and try again."),
        everything("denied").error(400, "DENIED", "Your Authorization Token is invalid."),
        everything("forbidden").error(403, "DENIED", "requested access to the resource is denied"),
        asking("other-scheme", "Negotiate"),
        asking("no-realm", "Bearer service=\"x\""),
        everything("no-challenge").before_authorization().error(
            401,
            "UNAUTHORIZED",
            "authentication required",
        ),
        token("token-401"),
        service("token-401").error(401, "UNAUTHORIZED", "incorrect username or password"),
        token("token-403"),
        service("token-403").error(403, "DENIED", "requested access to the resource is denied"),
        token("token-400"),
        service("token-400")
            .status(400)
            .json(r#"{"error":"invalid_grant","error_description":"refresh token expired"}"#),
        token("token-404"),
        service("token-404").status(404).plain("page not found"),
        token("no-token"),
        service("no-token").status(200).json("{}"),
        token("page-for-token"),
        service("page-for-token").html_page(),
    ];
    faults.into_iter().fold(registry, TestRegistry::with)
}

/// Everybody who has a password is told that it has expired.
pub(super) fn expired(registry: TestRegistry) -> TestRegistry {
    registry.with(
        on("GET", "/v2/")
            .status(403)
            .plain("Your authorization token has expired. Reauthenticate and try again."),
    )
}

/// Nobody gets a token, whoever asks.
pub(super) fn refused_tokens(registry: TestRegistry) -> TestRegistry {
    tokens(registry).with(on("*", "/token*").error(
        403,
        "DENIED",
        "requested access to the resource is denied",
    ))
}

/// Everybody is let in, and told something.
pub(super) fn warning(registry: TestRegistry) -> TestRegistry {
    registry.with(on("*", "/v2/*").header(
        "Warning",
        "299 - \"This registry closes on \\\"Friday\\\".\"",
    ))
}

/// Everybody is told by which door they came, if they say so in a header.
pub(super) fn every(registry: TestRegistry) -> TestRegistry {
    registry.with(on("*", "/v2/*").header("Warning", "299 - \"in by the {header:Door} door\""))
}

/// A registry at `https://registry.example`, and what `https://registry.example:8443` is: another place, which nobody knows.
#[derive(Debug)]
pub(super) struct Tls {
    flags: String,
    _registry: TlsFront,
    _elsewhere: TlsFront,
    _tokens: TestRegistry,
}

impl Tls {
    /// In front of a registry.
    pub(super) fn start(registry: &TestRegistry) -> Self {
        Self::before(registry, Clients::MayShow, TestRegistry::start())
    }

    /// In front of a registry that sends its clients elsewhere for tokens.
    pub(super) fn with_tokens(registry: &TestRegistry) -> Self {
        let tokens = tokens(TestRegistry::start());
        let challenge =
            "Bearer realm=\"https://registry.example:8443/token\",service=\"test-registry\"";
        registry.inject(
            on("*", "/v2/*")
                .before_authorization()
                .error(401, "UNAUTHORIZED", "authentication required")
                .header("WWW-Authenticate", challenge),
        );
        Self::before(registry, Clients::MayShow, tokens)
    }

    /// In front of a registry that lets in nobody without a certificate.
    pub(super) fn for_known_clients(registry: &TestRegistry) -> Self {
        Self::before(registry, Clients::MustShow, TestRegistry::start())
    }

    fn before(registry: &TestRegistry, clients: Clients, tokens: TestRegistry) -> Self {
        let front = |name: &str, server: &TestRegistry| {
            let address = server.host().parse().expect("it is bound");
            TlsFront::start(name, clients, address)
        };
        let known = front("server", registry);
        let elsewhere = front("self-signed", &tokens);
        let rule = |port: u16, front: &TlsFront| {
            let address = front.address();
            format!(
                "--resolve registry.example:{port}:{}:{}",
                address.ip(),
                address.port()
            )
        };
        Self {
            flags: format!("{} {}", rule(443, &known), rule(8443, &elsewhere)),
            _registry: known,
            _elsewhere: elsewhere,
            _tokens: tokens,
        }
    }

    /// How to reach them.
    pub(super) fn flags(&self) -> &str {
        &self.flags
    }
}

/// Bodies.
trait Says {
    fn plain(self, text: &str) -> Self;
    fn json(self, text: &str) -> Self;
}

impl Says for Fault {
    fn plain(self, text: &str) -> Self {
        self.header("Content-Type", "text/plain; charset=utf-8")
            .body(text)
    }

    fn json(self, text: &str) -> Self {
        self.header("Content-Type", "application/json").body(text)
    }
}
