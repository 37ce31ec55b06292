//! The test registry over raw HTTP: checks the behavior that all other tests rely on, without a
//! client library.

mod auth;
mod blobs;
mod faults;
mod manifests;
mod profile;
mod wire;

use crate::support::registry::TestRegistry;

use wire::Wire;

const HELLO: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const HELLO_384: &str = "sha384:59e1748777448c69de6b800d7a33bbfb9ff1b463e44354c3553bcdb9c666fa90125a3c79f90397bdf5f6a13de828684f";
const HELLO_512: &str = "sha512:9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043";
const ABSENT: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A request and the expected response. `{hello}` and `{absent}` are placeholders for digests.
struct Exchange {
    name: &'static str,
    /// Method and target.
    ask: &'static str,
    /// Header fields to send.
    with: &'static [&'static str],
    body: &'static str,
    status: u16,
    /// Required header fields; with a leading `!`, forbidden ones.
    headers: &'static [&'static str],
    /// The complete body, if it is checked.
    exactly: Option<&'static str>,
    /// A part of the body.
    says: &'static str,
}

const EXCHANGE: Exchange = Exchange {
    name: "",
    ask: "",
    with: &[],
    body: "",
    status: 200,
    headers: &[],
    exactly: None,
    says: "",
};

fn play(registry: &TestRegistry, exchanges: &[Exchange]) {
    let mut wire = Wire::to(registry);
    for exchange in exchanges {
        let fill = |text: &str| text.replace("{hello}", HELLO).replace("{absent}", ABSENT);
        let with: Vec<_> = exchange.with.iter().map(|field| fill(field)).collect();
        let with: Vec<_> = with.iter().map(String::as_str).collect();
        let reply = wire.send(&fill(exchange.ask), &with, fill(exchange.body).as_bytes());
        let story = format!("{}: {}\n{reply:#?}", exchange.name, exchange.ask);
        assert_eq!(reply.status, exchange.status, "{story}");
        for field in exchange.headers {
            if let Some(name) = field.strip_prefix('!') {
                assert_eq!(reply.header(name), None, "{story}");
            } else {
                let (name, value) = field
                    .split_once(": ")
                    .expect("a row has well-formed fields");
                assert_eq!(
                    reply.header(name),
                    Some(fill(value).as_str()),
                    "{name} of {story}"
                );
            }
        }
        if let Some(exactly) = exchange.exactly {
            assert_eq!(reply.text(), fill(exactly), "{story}");
        }
        assert!(reply.text().contains(&fill(exchange.says)), "{story}");
    }
}
