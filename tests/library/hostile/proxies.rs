//! Proxies: only a proxy receives its password, and a proxy does not see the content of a tunnel.

use std::net::SocketAddr;

use oras::Result;
use oras::http::{ResolveRule, UreqTransport};
use oras::registry::Client;
use oras::store::Source;

use super::{Printed, basic_registry, everything_seen, over, password, seeded};
use crate::proxies::{address, proxies};
use crate::setup::{Local, everything_in, hello, text};
use crate::support::canaries::{Canaries, Canary};
use crate::support::proxy::TestProxy;
use crate::support::registry::{TestRegistry, on};

/// Host name of a registry that only the proxy can resolve.
const REGISTRY: &str = "registry.invalid:5000/a";

/// Returns the URL of a proxy with its password.
fn with_password(proxy: &TestProxy) -> String {
    format!("http://me:canary-proxy-p%40ss%3Aword@{}", proxy.address())
}

/// Returns a client that uses a proxy for all hosts but `storage.invalid`.
fn through(proxy: &TestProxy, storage: SocketAddr, printed: &Printed) -> Client {
    let transport = UreqTransport::builder()
        .proxies(proxies(&[
            ("HTTP_PROXY", with_password(proxy)),
            ("NO_PROXY", "storage.invalid".to_owned()),
        ]))
        .resolve([ResolveRule::new("storage.invalid", 80, storage)])
        .build();
    over(Local(transport), password(), printed).build()
}

fn pull(client: &Client) -> Result<Vec<u8>> {
    let repository = client.repository(REGISTRY)?;
    repository.fetch(&hello())?.read_all(5)
}

#[test]
fn only_the_proxy_receives_its_password() {
    let registry = basic_registry();
    let proxy = TestProxy::before(address(&registry));
    let printed = Printed::default();
    let client = through(&proxy, address(&registry), &printed);

    let seen = everything_seen(&client, REGISTRY);

    assert!(seen.contains("fine"), "{seen}");
    // A proxy for plain http sees the password of the registry in the forwarded request.
    Canaries::sent_to_proxy(&proxy).are(
        &[Canary::ProxyPassword, Canary::Password, Canary::Header],
        "the proxy",
    );
    Canaries::sent_to(&registry).are(&[Canary::Password, Canary::Header], "the registry");
    Canaries::in_text(&(seen + &printed.text())).are_absent("what is shown");
}

#[test]
fn a_redirect_past_the_proxy_does_not_carry_its_password() {
    let storage = seeded(TestRegistry::start());
    let location = format!("http://storage.invalid/v2/a/blobs/{}", hello().digest);
    let registry = TestRegistry::start().with(on("GET", "*").redirect(307, &location));
    let proxy = TestProxy::before(address(&registry));
    let client = through(&proxy, address(&storage), &Printed::default());

    assert_eq!(pull(&client).unwrap(), b"hello");

    assert_eq!(proxy.lines().len(), 1);
    assert_eq!(storage.log().len(), 1);
    Canaries::sent_to(&storage).are_absent("the storage");
    Canaries::sent_to_proxy(&proxy).are(&[Canary::ProxyPassword, Canary::Header], "the proxy");
}

#[test]
fn the_body_of_a_proxy_authentication_error_is_not_quoted() {
    // Some proxies repeat the request in their error page.
    let proxy = seeded(TestRegistry::start()).with(
        on("*", "*")
            .status(407)
            .header("Content-Type", "text/plain")
            .header(
                "Proxy-Authenticate",
                "Basic realm=\"{header:proxy-authorization}\"",
            )
            .header("Warning", "299 - \"{header:proxy-authorization}\"")
            .body("{header:proxy-authorization}"),
    );
    let relay = TestProxy::repeating(address(&proxy));
    let printed = Printed::default();

    let error = pull(&through(&relay, address(&proxy), &printed)).unwrap_err();

    assert!(
        text(&error).ends_with("response status code 407: Proxy Authentication Required"),
        "{}",
        text(&error)
    );
    Canaries::sent_to(&proxy).are(&[Canary::ProxyPassword, Canary::Header], "the proxy");
    Canaries::in_text(&everything_in(&error)).are_absent("the error");
    Canaries::in_text(&printed.text()).are_absent("the trace");
}

/// Some proxies forward their own authorization header, and some registries repeat received
/// headers.
#[test]
fn proxy_secrets_repeated_by_a_server_are_redacted() {
    let password = Canary::ProxyPassword.value();
    for status in [400, 401, 403, 404, 501] {
        let registry = seeded(TestRegistry::start()).with(
            on("*", "*")
                .status(status)
                .header("Content-Type", "text/plain")
                .header("Warning", "299 - \"{header:proxy-authorization}\"")
                .header("ETag", password)
                .body(format!("not {{header:proxy-authorization}}, {password}")),
        );
        let relay = TestProxy::repeating(address(&registry));
        let printed = Printed::default();

        let client = through(&relay, address(&registry), &printed);
        let seen = everything_seen(&client, REGISTRY);

        assert!(seen.contains("not Basic *****"), "{status}: {seen}");
        Canaries::in_text(&seen).are_absent("what is seen");
        Canaries::in_text(&printed.text()).are_absent("the trace");
    }
}

/// For a TLS tunnel the proxy receives only host and port.
#[cfg(feature = "tls")]
#[test]
fn a_proxy_does_not_see_the_content_of_a_tunnel() {
    use crate::support::tls::{Clients, TlsFront};
    use crate::tls::{authorities, client_certificate, handshake};
    use oras::registry::PlainHttp;

    let registry = basic_registry();
    let front = TlsFront::start("server", Clients::MustShow, address(&registry));
    let proxy = TestProxy::before(front.address());
    let transport = UreqTransport::builder()
        .proxies(proxies(&[("HTTPS_PROXY", with_password(&proxy))]))
        .authorities(authorities("ca.crt"))
        .client_certificate(client_certificate())
        .build();
    let printed = Printed::default();
    let client = over(transport, password(), &printed)
        .plain_http(PlainHttp::Never)
        .build();

    let repository = client.repository("registry.example/a").unwrap();
    let content = repository.fetch(&hello()).unwrap().read_all(5).unwrap();

    assert_eq!(content, b"hello");
    Canaries::sent_to_proxy(&proxy).are(&[Canary::ProxyPassword], "the proxy");
    for line in proxy.lines() {
        assert_eq!(line, "CONNECT registry.example:443 HTTP/1.1");
    }
    assert_eq!(front.handshakes()[0], handshake("registry.example", true));
    Canaries::sent_to(&registry).are(&[Canary::Password, Canary::Header], "the registry");
    Canaries::in_text(&printed.text()).are_absent("the trace");
}

#[test]
fn debug_output_of_proxies_contains_no_password() {
    let value = || "http://me:canary-proxy-p%40ss%3Aword@proxy.invalid:1".to_owned();
    let invalid = || "ftp://me:canary-proxy-p%40ss%3Aword@proxy.invalid:1".to_owned();
    for proxies in [
        proxies(&[("HTTP_PROXY", value()), ("ALL_PROXY", value())]),
        proxies(&[("HTTP_PROXY", invalid())]),
    ] {
        let shown = format!(
            "{proxies:?} {:?}",
            UreqTransport::builder().proxies(proxies.clone())
        );
        Canaries::in_text(&shown).are_absent("the debug output");
    }
}
