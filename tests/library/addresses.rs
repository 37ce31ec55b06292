//! Names of hosts that servers name, resolved: which addresses the client connects to.

use std::net::SocketAddr;

use oras::Credential;
use oras::credentials::Fixed;
use oras::http::{
    Request, ResolveRule, Response, Transport, TransportError, UreqTransport, UreqTransportBuilder,
};
use oras::registry::Client;
use oras::store::{Source, Target};
use oras::url::{Locality, Origin};

use crate::setup::{HELLO, builder, hello, text};
use crate::support::registry::{Bearer, Fault, TestRegistry, on};

/// A transport that reports registries as reached over a network, except those named `local.test`.
/// Test registries are on this machine.
struct Remote(UreqTransport);

impl Transport for Remote {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        self.0.send(request)
    }

    fn locality(&self, origin: &Origin) -> Option<Locality> {
        let known = self.0.locality(origin)?;
        Some(match origin.host() {
            "local.test" => known,
            _ => Locality::Network,
        })
    }
}

fn resolving(names: &[(&str, SocketAddr)]) -> UreqTransportBuilder {
    let rules = (names.iter()).map(|(name, address)| ResolveRule::new(*name, 80, *address));
    UreqTransport::builder().resolve(rules)
}

fn client(transport: impl Transport + 'static) -> Client {
    builder()
        .transport(transport)
        .credentials(Fixed(Credential::password("me", "secret")))
        .build()
}

fn pull(client: &Client, name: &str) -> oras::Result<Vec<u8>> {
    client.repository(name)?.fetch(&hello())?.read_all(5)
}

fn push(client: &Client, name: &str) -> oras::Result<()> {
    let repository = client.repository(name)?;
    repository.push(&hello(), &mut &b"hello"[..]).map(drop)
}

fn storage() -> TestRegistry {
    let storage = TestRegistry::start();
    storage.seed_blob("a", b"hello");
    storage
}

fn redirect() -> Fault {
    let location = format!("http://inner.test/v2/a/blobs/{HELLO}");
    on("GET", "/v2/a/blobs/*").redirect(307, &location)
}

fn challenge(realm: &str) -> Fault {
    on("*", "/v2/*")
        .error(401, "UNAUTHORIZED", "authentication required")
        .header("WWW-Authenticate", &format!("Bearer realm=\"{realm}\""))
}

const BLOCKED: &str = "host \"inner.test\" resolves to 127.0.0.1, in blocked prefix 127.0.0.0/8";

/// The faults of a registry, the operation that meets it, and the beginning of the error.
type Row = (Vec<Fault>, fn(&Client, &str) -> oras::Result<()>, String);

#[test]
fn a_name_that_resolves_to_this_machine_is_not_connected_to() {
    let blob = format!("GET \"http://r.test/v2/a/blobs/{HELLO}\": ");
    let rows: [Row; 4] = [
        (
            vec![redirect()],
            |client, name| pull(client, name).map(drop),
            format!("Get \"http://inner.test/v2/a/blobs/{HELLO}\": "),
        ),
        (
            vec![challenge("http://inner.test/token")],
            |client, name| pull(client, name).map(drop),
            format!("{blob}bearer realm "),
        ),
        (
            vec![on("POST", "/v2/*").location("http://inner.test/upload")],
            push,
            format!(
                "Put \"http://inner.test/upload?digest=sha256%3A{}\": ",
                &HELLO[7..]
            ),
        ),
        (
            vec![
                challenge("http://r.test/token"),
                on("GET", "/token*").redirect(307, "http://inner.test/token"),
            ],
            |client, name| pull(client, name).map(drop),
            format!("{blob}bearer realm "),
        ),
    ];
    for (faults, ask, beginning) in rows {
        let inner = storage();
        let registry = faults
            .into_iter()
            .fold(TestRegistry::start(), TestRegistry::with);
        let names = [
            ("r.test", registry.address()),
            ("inner.test", inner.address()),
        ];
        let client = client(Remote(resolving(&names).build()));

        let error = ask(&client, "r.test/a").unwrap_err();

        assert_eq!(text(&error), format!("{beginning}{BLOCKED}"));
        assert_eq!(inner.log(), [""; 0], "{beginning}");
    }
}

#[test]
fn a_registry_on_this_machine_may_name_hosts_on_it() {
    let inner = storage();
    let registry = TestRegistry::start().with(redirect());
    let names = [
        ("r.test", registry.address()),
        ("inner.test", inner.address()),
    ];
    let client = client(resolving(&names).build());

    assert_eq!(pull(&client, "r.test/a").unwrap(), b"hello");

    // By the address itself, as a storage service may have it.
    registry.heal();
    let location = format!("{}/v2/a/blobs/{HELLO}", inner.url());
    registry.inject(on("GET", "*").redirect(307, &location));
    assert_eq!(pull(&client, "r.test/a").unwrap(), b"hello");
}

/// A connection that was opened for a registry on this machine is not used for another registry.
#[test]
fn an_open_connection_is_judged_too() {
    let inner = storage();
    let [local, remote] = [(); 2].map(|()| TestRegistry::start().with(redirect()));
    let names = [
        ("local.test", local.address()),
        ("r.test", remote.address()),
        ("inner.test", inner.address()),
    ];
    let client = client(Remote(resolving(&names).build()));

    assert_eq!(pull(&client, "local.test/a").unwrap(), b"hello");
    let error = pull(&client, "r.test/a").unwrap_err();

    assert!(text(&error).ends_with(BLOCKED), "{}", text(&error));
    assert_eq!(inner.log().len(), 1);
}

#[test]
fn names_without_an_address_are_not_refused_as_local() {
    let registry = TestRegistry::start().with(challenge("http://unknown.invalid/token"));
    let client = client(Remote(resolving(&[("r.test", registry.address())]).build()));

    let error = pull(&client, "r.test/a").unwrap_err();

    assert!(text(&error).ends_with("no such host"), "{}", text(&error));
}

#[test]
fn names_below_localhost_are_not_looked_up() {
    let registry = storage();
    let port = registry.address().port();
    let client = client(UreqTransport::new());

    for host in ["localhost", "registry.localhost"] {
        assert_eq!(
            pull(&client, &format!("{host}:{port}/a")).unwrap(),
            b"hello"
        );
    }
}

#[cfg(feature = "tls")]
mod upgrade {
    //! A registry that redirects from http to https of the same host (oras-go #1245).

    use std::ops::ControlFlow;

    use oras::store::TagLister;

    use super::*;
    use crate::support::tls::{Clients, TlsFront};
    use crate::tls::{authorities, client_certificate};

    /// A front at `http://registry.example` that redirects everything to https, the registry
    /// behind `https://registry.example`, and a client of both with a custom header and a client
    /// certificate.
    fn upgraded(registry: &TestRegistry) -> (TestRegistry, TlsFront, Client) {
        let plain =
            TestRegistry::start().with(on("*", "*").redirect_to_origin("https://registry.example"));
        let front = TlsFront::start("server", Clients::MayShow, registry.address());
        let rules = [(80, plain.address()), (443, front.address())];
        let rules =
            rules.map(|(port, address)| ResolveRule::new("registry.example", port, address));
        let transport = UreqTransport::builder()
            .resolve(rules)
            .authorities(authorities("ca.crt"))
            .client_certificate(client_certificate())
            .build();
        let client = builder()
            .transport(transport)
            .credentials(Fixed(Credential::password("me", "secret")))
            .header("X-Custom", "x")
            .build();
        (plain, front, client)
    }

    fn requests_a_token() -> TestRegistry {
        let challenge = "Bearer realm=\"https://registry.example/token\",service=\"s\"";
        let policy = Bearer::new().user("me", "secret").challenge(challenge);
        TestRegistry::start().with_tokens(policy)
    }

    #[test]
    fn a_401_is_answered_with_the_credential() {
        for registry in [
            TestRegistry::requiring_basic("me", "secret"),
            requests_a_token(),
        ] {
            registry.seed_artifact("a", "v1", &[("hello.txt", b"hello")]);
            let (plain, front, client) = upgraded(&registry);

            assert_eq!(pull(&client, "registry.example/a").unwrap(), b"hello");
            client.check(&"registry.example".parse().unwrap()).unwrap();
            let repository = client.repository("registry.example/a").unwrap();
            let mut tags = Vec::new();
            repository
                .tags(None, &mut |page| {
                    tags.extend_from_slice(page);
                    ControlFlow::Continue(())
                })
                .unwrap();

            assert_eq!(tags, ["v1"]);
            let sent = plain.requests();
            assert!(sent.iter().all(|it| it.header("Authorization").is_none()));
            let received = registry.requests();
            assert!(received.iter().all(|it| it.header("X-Custom").is_none()));
            assert!((front.handshakes().iter()).all(|it| !it.showed_certificate));
        }
    }

    #[test]
    fn content_is_not_pushed_after_an_upgrade() {
        let registry = TestRegistry::start();
        let (_plain, _front, client) = upgraded(&registry);

        let error = push(&client, "registry.example/a").unwrap_err();

        assert!(text(&error).ends_with("it would send content to another host"));
        assert_eq!(registry.log(), [""; 0]);
    }
}
