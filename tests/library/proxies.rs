//! Proxies and resolve rules: destinations of connections, and the first bytes sent on them.

use std::net::SocketAddr;

use oras::http::{Proxies, ResolveRule, UreqTransport};
use oras::registry::{Client, PlainHttp};
use oras::store::{Source, Target};

use crate::setup::{LARGE, Local, blob, builder, hello, text};
use crate::support::proxy::TestProxy;
use crate::support::registry::{TestRegistry, on};

/// A registry whose name only the proxy resolves.
const REPOSITORY: &str = "registry.invalid:5000/a";

/// Returns the socket address of a test registry.
pub(crate) fn address(registry: &TestRegistry) -> SocketAddr {
    registry.host().parse().unwrap()
}

/// Returns the proxies for these environment variables.
pub(crate) fn proxies(variables: &[(&str, String)]) -> Proxies {
    Proxies::from_variables(|name| {
        let found = variables.iter().find(|(other, _)| *other == name)?;
        Some(found.1.clone().into())
    })
}

fn client(variables: &[(&str, String)]) -> Client {
    let transport = UreqTransport::builder().proxies(proxies(variables)).build();
    builder().transport(transport).build()
}

fn through(proxy: &TestProxy) -> Client {
    client(&[("HTTP_PROXY", format!("http://{}", proxy.address()))])
}

fn pull(client: &Client) -> oras::Result<Vec<u8>> {
    let repository = client.repository(REPOSITORY)?;
    repository.fetch(&hello())?.read_all(5)
}

#[test]
fn plain_http_requests_to_a_proxy_are_in_absolute_form() {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"hello");
    let proxy = TestProxy::before(address(&registry));

    assert_eq!(pull(&through(&proxy)).unwrap(), b"hello");

    let digest = hello().digest;
    assert_eq!(
        proxy.lines(),
        [format!(
            "GET http://registry.invalid:5000/v2/a/blobs/{digest} HTTP/1.1"
        )]
    );
    let request = &registry.requests()[0];
    assert_eq!(request.header("Host"), Some("registry.invalid:5000"));
    assert!(!proxy.heads()[0].contains("roxy-"), "{:?}", proxy.heads());
}

#[test]
fn all_requests_on_a_proxy_connection_are_in_absolute_form_and_bodies_unchanged() {
    let registry = TestRegistry::start();
    let proxy = TestProxy::before(address(&registry));
    let client = through(&proxy);
    let repository = client.repository(REPOSITORY).unwrap();
    // The body resembles a request, and is large enough for `Expect: 100-continue`.
    let mut content = b"PUT / HTTP/1.1\r\nHost: other\r\n\r\n".repeat(LARGE / 30);
    content.extend(b"GET / HTTP/1.1\r\n\r\n");

    for content in [content.as_slice(), b"hello"] {
        let descriptor = blob(content);
        repository.push(&descriptor, &mut &content[..]).unwrap();
        let size = content.len() as u64;
        let read = repository.fetch(&descriptor).unwrap().read_all(size);
        assert_eq!(read.unwrap(), content);
    }

    let lines = proxy.lines();
    assert!(lines.len() > 4, "{lines:#?}");
    for line in &lines {
        let (_, target) = line.split_once(' ').unwrap();
        assert!(
            target.starts_with("http://registry.invalid:5000/v2/a/"),
            "{line}"
        );
    }
    assert!(
        proxy
            .heads()
            .iter()
            .any(|head| head.contains("\r\nexpect: 100-continue\r\n")),
        "{:#?}",
        proxy.heads()
    );
    let connections: Vec<_> = registry.requests().iter().map(|r| r.connection).collect();
    assert!(
        connections.windows(2).any(|pair| pair[0] == pair[1]),
        "connections are used again: {connections:?}"
    );
    registry.assert_no_unexpected();
}

#[test]
fn proxy_credentials_are_sent_to_the_proxy_only() {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"hello");
    let proxy = TestProxy::before(address(&registry));
    let client = client(&[("HTTP_PROXY", format!("http://me:p%40w@{}", proxy.address()))]);

    for _ in 0..2 {
        pull(&client).unwrap();
    }

    for head in proxy.heads() {
        assert_eq!(
            head.matches("Proxy-Authorization: Basic bWU6cEB3\r\n")
                .count(),
            1,
            "{head}"
        );
        assert!(!head.contains("\r\nauthorization"), "{head}");
    }
    assert_eq!(proxy.heads().len(), 2);
}

#[test]
fn the_proxy_is_chosen_for_each_redirect() {
    let storage = TestRegistry::start();
    storage.seed_blob("a", b"hello");
    let registry = TestRegistry::start().with(on("GET", "*").redirect(
        307,
        &format!("http://storage.invalid/v2/a/blobs/{}", hello().digest),
    ));
    let first = TestProxy::before(address(&registry));
    let rule = ResolveRule::new("storage.invalid", 80, address(&storage));
    let transport = UreqTransport::builder()
        .proxies(proxies(&[
            ("HTTP_PROXY", format!("http://{}", first.address())),
            ("NO_PROXY", "storage.invalid".to_owned()),
        ]))
        .resolve([rule])
        .build();
    let client = builder().transport(Local(transport)).build();

    assert_eq!(pull(&client).unwrap(), b"hello");

    assert_eq!(first.lines().len(), 1);
    assert_eq!(
        storage.requests()[0].header("Host"),
        Some("storage.invalid")
    );
}

#[test]
fn localhost_is_reached_without_a_proxy() {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"hello");
    let proxy = TestProxy::refusing("403 Forbidden");
    let client = through(&proxy);

    let repository = client.repository(&registry.reference("a")).unwrap();
    let content = repository.fetch(&hello()).unwrap().read_all(5).unwrap();

    assert_eq!(content, b"hello");
    assert_eq!(proxy.lines(), [""; 0]);
}

#[test]
fn a_socks_proxy_resolves_the_name() {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"hello");
    let proxy = TestProxy::before(address(&registry));
    for (user, asked) in [("", "socks5"), ("me:p%40w@", "socks5 me p@w")] {
        let client = client(&[("ALL_PROXY", format!("socks5://{user}{}", proxy.address()))]);

        assert_eq!(pull(&client).unwrap(), b"hello");

        assert_eq!(
            proxy.lines().pop().unwrap(),
            format!("{asked} registry.invalid:5000")
        );
    }
    assert_eq!(
        registry.requests()[0].target,
        format!("/v2/a/blobs/{}", hello().digest)
    );
}

#[test]
fn proxy_errors_contain_no_secrets() {
    let refusing = TestProxy::refusing("407 Proxy Authentication Required");
    let url = format!("http://registry.invalid:5000/v2/a/blobs/{}", hello().digest);
    for (proxy, wanted) in [
        (
            "http://me:c4nary@127.0.0.1:1".to_owned(),
            format!(
                "Get \"{url}\": proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused"
            ),
        ),
        (
            "http://me:c4nary@proxy.invalid:1".to_owned(),
            format!(
                "Get \"{url}\": proxyconnect tcp: dial tcp: lookup proxy.invalid: no such host"
            ),
        ),
        (
            "ftp://me:c4nary@127.0.0.1:1".to_owned(),
            format!(
                "Get \"{url}\": invalid proxy address in HTTP_PROXY: its scheme is none of http, https and socks5"
            ),
        ),
        (
            format!("http://me:c4nary@{}", refusing.address()),
            format!("GET \"{url}\": response status code 407: Proxy Authentication Required"),
        ),
    ] {
        let error = pull(&client(&[("HTTP_PROXY", proxy)])).unwrap_err();

        assert_eq!(text(&error), wanted);
        assert!(!format!("{error:?}").contains("c4nary"), "{error:?}");
    }
}

#[test]
fn a_rejected_tunnel_is_an_error_of_the_proxy() {
    let proxy = TestProxy::refusing("407 Proxy Authentication Required");
    let transport = UreqTransport::builder()
        .proxies(proxies(&[(
            "HTTPS_PROXY",
            format!("http://me:c4nary@{}", proxy.address()),
        )]))
        .build();
    let client = builder()
        .transport(transport)
        .plain_http(PlainHttp::Never)
        .build();

    let error = pull(&client).unwrap_err();

    let wanted = if cfg!(feature = "tls") {
        format!(
            "proxy http://{} refuses to connect to registry.invalid:5000: 407 Proxy Authentication Required",
            proxy.address()
        )
    } else {
        "this build speaks plain http only (feature \"tls\" is off)".to_owned()
    };
    assert!(text(&error).ends_with(&wanted), "{}", text(&error));
    assert!(!format!("{error:?}").contains("c4nary"), "{error:?}");
}

#[test]
fn the_last_resolve_rule_for_a_host_and_port_is_used() {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"hello");
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
    for (rules, is_reached) in [
        (vec![("registry.invalid", 5000, address(&registry))], true),
        (vec![("Registry.Invalid", 5000, address(&registry))], true),
        (
            vec![
                ("registry.invalid", 5000, nowhere),
                ("registry.invalid", 5000, address(&registry)),
                ("other.invalid", 5000, nowhere),
            ],
            true,
        ),
        (vec![("registry.invalid", 80, address(&registry))], false),
        (vec![("invalid", 5000, address(&registry))], false),
    ] {
        let shown = format!("{rules:?}");
        let rules = rules
            .into_iter()
            .map(|(host, port, address)| ResolveRule::new(host, port, address));
        let transport = UreqTransport::builder().resolve(rules).build();

        let pulled = pull(&builder().transport(transport).build());

        match pulled {
            Ok(content) => assert!(is_reached && content == b"hello", "{shown}"),
            Err(error) => assert!(
                !is_reached && text(&error).ends_with("lookup registry.invalid: no such host"),
                "{shown}: {}",
                text(&error)
            ),
        }
    }
    for request in registry.requests() {
        assert_eq!(request.header("Host"), Some("registry.invalid:5000"));
    }
}

#[test]
fn a_resolve_rule_applies_to_the_host_of_a_proxy() {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"hello");
    let proxy = TestProxy::before(address(&registry));
    let transport = UreqTransport::builder()
        .proxies(proxies(&[("HTTP_PROXY", "proxy.invalid:3128".to_owned())]))
        .resolve([
            ResolveRule::new("proxy.invalid", 3128, proxy.address()),
            ResolveRule::new("registry.invalid", 5000, ([127, 0, 0, 1], 1).into()),
        ])
        .build();

    let pulled = pull(&builder().transport(transport).build());

    assert_eq!(pulled.unwrap(), b"hello");
    assert_eq!(proxy.lines().len(), 1);
}
