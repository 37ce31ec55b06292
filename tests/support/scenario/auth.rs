//! Test registries with authentication, and the ways they refuse access.

use crate::support::registry::{Bearer, Fault, TestRegistry, on};
use crate::support::tls::{Clients, TlsFront};

/// The key file of a cloud account: a password of several lines.
const KEY_FILE: &str = "{\n  \"key\": \"a:b\u{fc}\"\n}";

/// A registry with a token service at its own origin, `localhost`: clients send credentials only
/// there.
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

/// A registry with anonymous tokens for pulls.
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

/// A registry with repositories that are named after their way of refusing access.
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

/// A registry that reports all credentials as expired.
pub(super) fn expired(registry: TestRegistry) -> TestRegistry {
    registry.with(
        on("GET", "/v2/")
            .status(403)
            .plain("Your authorization token has expired. Reauthenticate and try again."),
    )
}

/// A registry whose token service refuses every request.
pub(super) fn refused_tokens(registry: TestRegistry) -> TestRegistry {
    tokens(registry).with(on("*", "/token*").error(
        403,
        "DENIED",
        "requested access to the resource is denied",
    ))
}

/// A registry that sends a `Warning` header.
pub(super) fn warning(registry: TestRegistry) -> TestRegistry {
    registry.with(on("*", "/v2/*").header(
        "Warning",
        "299 - \"This registry closes on \\\"Friday\\\".\"",
    ))
}

/// A registry that returns the request's header `Door` in a `Warning` header.
pub(super) fn header_echo(registry: TestRegistry) -> TestRegistry {
    registry.with(on("*", "/v2/*").header("Warning", "299 - \"in by the {header:Door} door\""))
}

/// A registry at `https://registry.example`, and a token service with an untrusted certificate at
/// `https://registry.example:8443`.
#[derive(Debug)]
pub(super) struct Tls {
    flags: String,
    _registry: TlsFront,
    _token_service: TlsFront,
    _tokens: TestRegistry,
}

impl Tls {
    /// Starts in front of a registry.
    pub(super) fn start(registry: &TestRegistry) -> Self {
        Self::before(registry, Clients::MayShow, TestRegistry::start())
    }

    /// Starts in front of a registry with tokens from port 8443.
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

    /// Starts in front of a registry that requires client certificates.
    pub(super) fn requiring_certificates(registry: &TestRegistry) -> Self {
        Self::before(registry, Clients::MustShow, TestRegistry::start())
    }

    fn before(registry: &TestRegistry, clients: Clients, tokens: TestRegistry) -> Self {
        let front = |name: &str, server: &TestRegistry| {
            let address = server
                .host()
                .parse()
                .expect("a bound listener has an address");
            TlsFront::start(name, clients, address)
        };
        let known = front("server", registry);
        let token_service = front("self-signed", &tokens);
        let rule = |port: u16, front: &TlsFront| {
            let address = front.address();
            format!(
                "--resolve registry.example:{port}:{}:{}",
                address.ip(),
                address.port()
            )
        };
        Self {
            flags: format!("{} {}", rule(443, &known), rule(8443, &token_service)),
            _registry: known,
            _token_service: token_service,
            _tokens: tokens,
        }
    }

    /// The `--resolve` flags for both hosts.
    pub(super) fn flags(&self) -> &str {
        &self.flags
    }
}

/// Bodies of responses.
trait FaultBody {
    fn plain(self, text: &str) -> Self;
    fn json(self, text: &str) -> Self;
}

impl FaultBody for Fault {
    fn plain(self, text: &str) -> Self {
        self.header("Content-Type", "text/plain; charset=utf-8")
            .body(text)
    }

    fn json(self, text: &str) -> Self {
        self.header("Content-Type", "application/json").body(text)
    }
}
