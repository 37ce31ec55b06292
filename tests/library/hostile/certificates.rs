//! Client certificates and `insecure` apply to the registry only: not to its storage, token
//! services or proxies.

use oras::http::{ResolveRule, SystemRoots, UreqTransport};
use oras::registry::PlainHttp;

use super::{Printed, USER, everything_seen, over, password, seeded};
use crate::proxies::{address, proxies};
use crate::support::canaries::{Canaries, Canary};
use crate::support::proxy::TestProxy;
use crate::support::registry::{TestRegistry, on};
use crate::support::tls::{Clients, TlsFront};
use crate::tls::{
    UNKNOWN_AUTHORITY, authorities, client, client_certificate, failure, front, handshake, pull,
    registry, registry_with_storage, transport,
};

#[test]
fn insecure_applies_to_the_registry_only() {
    let storage = registry();
    let registry = registry_with_storage();
    let fronts = [&registry, &storage].map(|to| front(Clients::Anonymous, to));
    let names = [
        ("registry.example", &fronts[0]),
        ("cdn.example", &fronts[1]),
    ];

    let insecure = client(transport(&names).insecure(true));
    let both = client(
        transport(&names)
            .insecure(true)
            .authorities(authorities("ca.crt")),
    );

    assert!(failure(&insecure).ends_with(UNKNOWN_AUTHORITY));
    assert_eq!(fronts[0].handshakes().len(), 1);
    assert_eq!(storage.log(), [""; 0]);
    assert_eq!(pull(&both).unwrap(), b"hello");
}

#[test]
fn a_client_certificate_is_sent_to_the_registry_only() {
    let storage = registry();
    let registry = registry_with_storage();
    let fronts = [
        front(Clients::MustShow, &registry),
        front(Clients::MayShow, &storage),
    ];
    let transport = transport(&[
        ("registry.example", &fronts[0]),
        ("cdn.example", &fronts[1]),
    ])
    .authorities(authorities("ca.crt"))
    .client_certificate(client_certificate());

    assert_eq!(pull(&client(transport)).unwrap(), b"hello");

    assert_eq!(
        fronts[0].handshakes(),
        [handshake("registry.example", true)]
    );
    assert_eq!(fronts[1].handshakes(), [handshake("cdn.example", false)]);
}

#[test]
fn a_token_service_gets_a_client_certificate_only_at_the_registry_origin() {
    for (host, strangers) in [
        ("registry.example", vec![]),
        ("cdn.example", vec![handshake("cdn.example", false)]),
    ] {
        let challenge = format!("Bearer realm=\"https://{host}/token\",service=\"s\"");
        let registry = registry().with(
            on("GET", "/v2/*")
                .status(401)
                .header("WWW-Authenticate", &challenge),
        );
        let fronts = [
            front(Clients::MustShow, &registry),
            front(Clients::MayShow, &registry),
        ];
        let transport = transport(&[
            ("registry.example", &fronts[0]),
            ("cdn.example", &fronts[1]),
        ])
        .authorities(authorities("ca.crt"))
        .client_certificate(client_certificate());

        pull(&client(transport)).unwrap_err();

        // This registry issues no tokens, but the client requests one.
        assert_eq!(registry.take_unexpected().len(), 1);
        assert_eq!(
            fronts[0].handshakes(),
            [handshake("registry.example", true)]
        );
        assert_eq!(fronts[1].handshakes(), strangers);
    }
}

#[test]
fn a_missing_client_certificate_is_named_in_the_error() {
    let registry = registry();
    let front = front(Clients::MustShow, &registry);
    let transport = transport(&[("registry.example", &front)]).authorities(authorities("ca.crt"));

    assert_eq!(
        failure(&client(transport)),
        "remote error: tls: certificate required"
    );
}

#[test]
fn https_uses_a_tunnel_through_a_proxy() {
    let registry = registry();
    let front = front(Clients::MustShow, &registry);
    let proxy = TestProxy::before(front.address());
    let transport = UreqTransport::builder()
        .proxies(proxies(&[(
            "HTTPS_PROXY",
            format!("http://me:p%40w@{}", proxy.address()),
        )]))
        .authorities(authorities("ca.crt"))
        .client_certificate(client_certificate());
    let client = client(transport);

    for _ in 0..2 {
        assert_eq!(pull(&client).unwrap(), b"hello");
    }

    assert_eq!(
        proxy.heads(),
        ["CONNECT registry.example:443 HTTP/1.1\r\n\
          Host: registry.example:443\r\n\
          Proxy-Authorization: Basic bWU6cEB3\r\n\r\n"]
    );
    assert_eq!(front.handshakes(), [handshake("registry.example", true)]);
    for request in registry.requests() {
        assert_eq!(request.header("Proxy-Authorization"), None);
        assert_eq!(request.header("Host"), Some("registry.example"));
    }
}

#[test]
fn https_works_through_socks() {
    let registry = registry();
    let front = front(Clients::Anonymous, &registry);
    let proxy = TestProxy::before(front.address());
    let transport = UreqTransport::builder()
        .proxies(proxies(&[(
            "ALL_PROXY",
            format!("socks5h://{}", proxy.address()),
        )]))
        .authorities(authorities("ca.crt"));

    assert_eq!(pull(&client(transport)).unwrap(), b"hello");

    assert_eq!(proxy.lines(), ["socks5 registry.example:443"]);
    assert_eq!(front.handshakes(), [handshake("registry.example", false)]);
}

#[test]
fn an_https_proxy_gets_no_client_certificate_and_is_verified() {
    let registry = registry();
    let front = front(Clients::MustShow, &registry);
    let proxy = TestProxy::before(front.address());
    let tls_proxy = TlsFront::start("server", Clients::MayShow, proxy.address());
    let through = || {
        transport(&[]).proxies(proxies(&[(
            "HTTPS_PROXY",
            format!("https://{}", tls_proxy.address()),
        )]))
    };

    let transport = through()
        .authorities(authorities("ca.crt"))
        .client_certificate(client_certificate());
    let unknown = through().insecure(true);

    assert_eq!(pull(&client(transport)).unwrap(), b"hello");
    assert_eq!(front.handshakes(), [handshake("registry.example", true)]);
    assert!(!tls_proxy.handshakes()[0].showed_certificate);
    assert_eq!(
        failure(&client(unknown)),
        format!("proxyconnect tcp: {UNKNOWN_AUTHORITY}")
    );
}

/// Rule 6: after a failed TLS handshake nothing is sent over plain http.
#[test]
fn a_failed_tls_handshake_does_not_lead_to_plain_http() {
    let registry = seeded(TestRegistry::requiring_basic(
        USER,
        Canary::Password.value(),
    ));
    let front = TlsFront::start("server", Clients::Anonymous, address(&registry));
    for (name, https) in [
        ("a certificate of nobody's", front.address()),
        ("an answer that is not TLS", address(&registry)),
        ("nobody there", ([127, 0, 0, 1], 1).into()),
    ] {
        // The registry speaks plain http at every port that a client could try.
        let rules = [443, 80].map(|port| {
            let to = if port == 443 {
                https
            } else {
                address(&registry)
            };
            ResolveRule::new("registry.example", port, to)
        });
        let transport = UreqTransport::builder()
            .resolve(rules)
            .system_roots(SystemRoots::none());
        let printed = Printed::default();
        let client = over(transport.build(), password(), &printed)
            .plain_http(PlainHttp::Localhost)
            .build();

        let seen = everything_seen(&client, "registry.example/a");

        assert!(!seen.contains("fine"), "{name}: {seen}");
        assert_eq!(registry.log(), [""; 0], "{name}");
        let heard = registry.take_unexpected().join("\n");
        Canaries::in_text(&heard).are_absent(name);
        Canaries::in_text(&(seen + &printed.text())).are_absent(name);
    }
}
