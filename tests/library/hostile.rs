//! Hostile servers: registries, storage hosts, token services and proxies that try to get secrets,
//! and everything that each of them received.
//!
//! | Rule | Tested in |
//! |---|---|
//! | 1. the token service of an https registry is on https | [`urls`] |
//! | 2. a realm has no user information and no address of a local network | [`urls`] |
//! | 3. a redirect of a token service carries neither password nor form | [`token_services`] |
//! | 4. credentials, custom headers and client certificates are for the origin that they belong to | [`redirects`], [`uploads`], [`token_services`], [`proxies`], [`certificates`] |
//! | 5. output contains no secret, even if a server repeats it | [`output`], [`echoes`],
//! [`proxies`] |
//! | 6. a failed TLS handshake does not lead to plain http | [`certificates`] |
//! | 7. credentials are sent only after a challenge | [`token_services`] |
//! | Untrusted text is quoted in one line of limited length | [`untrusted_text`] |
//!
//! Secrets are [`Canary`] values. The tests search the logs of all servers for them. The log of the
//! intended receiver contains them, which shows that the search works.

#[cfg(feature = "tls")]
mod certificates;
mod echoes;
mod output;
mod proxies;
mod redirects;
mod token_services;
mod untrusted_text;
mod uploads;
mod urls;

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use oras::credentials::Fixed;
use oras::http::{Request, Response, Traced, Transport, TransportError, UreqTransport};
use oras::registry::{Client, ClientBuilder, PlainHttp};
use oras::store::{Referrers, Source, TagLister, Target};
use oras::url::Url;
use oras::{Credential, Descriptor, MediaType};

use crate::setup::{builder, everything_in, hello, on_this_machine};
use crate::support::canaries::Canary;
use crate::support::clock::FakeClock;
use crate::support::registry::{Bearer, TestRegistry, on};

/// The user whose password is a canary.
const USER: &str = "me";

/// The credential with the password.
fn password() -> Credential {
    Credential::password(USER, Canary::Password.value())
}

/// A registry with Basic authentication.
fn basic_registry() -> TestRegistry {
    seeded(TestRegistry::requiring_basic(
        USER,
        Canary::Password.value(),
    ))
}

/// A token policy that accepts the password and the identity token.
fn bearer() -> Bearer {
    Bearer::new()
        .user(USER, Canary::Password.value())
        .identity_token(Canary::IdentityToken.value())
        .token(Canary::AccessToken.value())
}

/// A registry that requires a token and is its own token service.
fn token_registry() -> TestRegistry {
    seeded(TestRegistry::start().with_tokens(bearer()))
}

/// Adds an artifact `v1` of `hello` to the repository `a`.
fn seeded(registry: TestRegistry) -> TestRegistry {
    registry.seed_artifact("a", "v1", &[("hello.txt", b"hello")]);
    registry
}

/// A server that answers every request with a challenge of its own.
fn attacker() -> TestRegistry {
    let attacker = TestRegistry::start();
    let realm = format!("Bearer realm=\"{}/token\",service=\"s\"", attacker.url());
    attacker.inject(
        on("*", "*")
            .status(401)
            .header("WWW-Authenticate", &format!("Basic realm=\"x\", {realm}"))
            .before_authorization(),
    );
    attacker
}

/// A writer whose output the test can read.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A client with a custom header, whose requests are traced.
fn client(credential: Credential, printed: &Printed) -> Client {
    over(UreqTransport::new(), credential, printed).build()
}

/// Same as [`client`], with a transport.
fn over(
    transport: impl Transport + 'static,
    credential: Credential,
    printed: &Printed,
) -> ClientBuilder {
    let warnings = printed.clone();
    builder()
        .on_warning(move |_, text| writeln!(warnings.clone(), "{text}").unwrap())
        .transport(Traced::new(transport, printed.clone(), FakeClock::new()))
        .credentials(Fixed(credential))
        .header("X-Custom", Canary::Header.value())
}

/// Runs all operations of a client in the repository `name`, and returns all output.
fn everything_seen(client: &Client, name: &str) -> String {
    let repository = client.repository(name).unwrap();
    let manifest = br#"{"schemaVersion":2,"manifests":[]}"#;
    let index = Descriptor::of(MediaType::IMAGE_INDEX, manifest);
    let other = b"another blob";
    let results = [
        repository.resolve("v1").map(drop),
        repository.fetch_reference("v1", u64::MAX).map(drop),
        repository.exists(&hello()).map(drop),
        repository.exists(&index).map(drop),
        repository
            .fetch(&hello())
            .and_then(|reader| reader.read_all(5))
            .map(drop),
        repository
            .push(&crate::setup::blob(other), &mut &other[..])
            .map(drop),
        repository
            .push_reference(&index, &mut &manifest[..], "v2")
            .map(drop),
        repository.tags(None, &mut |_| ControlFlow::Continue(())),
        repository.referrers(&index, None, &mut |_| ControlFlow::Continue(())),
        client.check(&name.split('/').next().unwrap_or(name).parse().unwrap()),
    ];
    let mut seen = format!("{client:?} {repository:?}\n");
    for result in results {
        match result {
            Ok(()) => seen.push_str("fine\n"),
            Err(error) => seen.push_str(&(everything_in(&error) + "\n")),
        }
    }
    seen
}

/// A network in which host names lead to test registries. Requests to other hosts fail and are
/// recorded.
#[derive(Clone, Default)]
struct Net {
    /// Origins, and the addresses of their servers.
    names: Vec<(String, String)>,
    strays: Arc<Mutex<Vec<String>>>,
}

impl Net {
    fn with(mut self, origin: &str, registry: &TestRegistry) -> Self {
        self.names.push((origin.to_owned(), registry.url()));
        self
    }

    /// Returns the requests to other hosts.
    fn strays(&self) -> Vec<String> {
        self.strays.lock().unwrap().clone()
    }

    /// Returns a client of https registries in this network.
    fn client(&self, credential: Credential, printed: &Printed) -> Client {
        over(self.clone(), credential, printed)
            .plain_http(PlainHttp::Never)
            .build()
    }

    fn real(&self, url: &str) -> Option<String> {
        self.names.iter().find_map(|(origin, real)| {
            let rest = url.strip_prefix(origin)?;
            rest.starts_with('/').then(|| format!("{real}{rest}"))
        })
    }
}

impl Transport for Net {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        let asked = request.url.exact();
        let Some(real) = self.real(&asked) else {
            self.strays.lock().unwrap().push(asked);
            return Err(TransportError::new(
                oras::error::TransportKind::Dns,
                "no such host",
            ));
        };
        let url = Url::parse(&real).expect("only the host was changed");
        let origin_policy = on_this_machine(request.origin_policy);
        let mut request = request.with_url(&url);
        request.origin_policy = origin_policy;
        UreqTransport::new().send(request)
    }
}
