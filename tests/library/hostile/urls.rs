//! URLs named by servers: none may leave https, lead into a local network, or disguise its host.

use std::ops::ControlFlow;

use oras::registry::Client;
use oras::store::{Referrers, Source, TagLister, Target};
use oras::{Error, Result};

use super::{Net, Printed, bearer, password, seeded};
use crate::setup::{hello, text};
use crate::support::canaries::{Canaries, Canary};
use crate::support::registry::{Fault, TestRegistry, on};

/// The name of a public registry.
const REGISTRY: &str = "https://registry.example";
const SERVICE: &str = "https://auth.example";

/// Loopback, link-local, unspecified, multicast and metadata addresses, in every spelling.
const LOCAL: [&str; 29] = [
    "https://localhost",
    "https://LOCALHOST:443",
    "https://localhost.",
    "https://registry.localhost",
    "https://registry.localhost.",
    "https://ip6-localhost",
    "https://127.0.0.1",
    "https://127.8.8.8:8443",
    "https://0.0.0.0",
    "https://169.254.169.254",
    "https://100.100.100.200",
    "https://168.63.129.16",
    "https://224.0.0.1",
    "https://[::]",
    "https://[::1]",
    "https://[0:0:0:0:0:0:0:1]",
    "https://[::127.0.0.1]",
    "https://[::ffff:127.0.0.1]",
    "https://[::ffff:a9fe:a9fe]",
    "https://[64:ff9b::127.0.0.1]",
    "https://[64:ff9b:1::7f00:1]",
    "https://[2002:7f00:1::]",
    "https://[2001:0:808:808::80ff:fffe]",
    "https://[fe80::1]",
    "https://[ff02::1]",
    "https://[fd00:ec2::254]",
    "https://[fd00:ec2::23]",
    "https://[fd20:ce::254]",
    "http://127.0.0.1",
];

/// Disguised addresses. Some resolvers read them as IP addresses.
const DISGUISED: [&str; 12] = [
    "https://0x7f000001",
    "https://0x7f.0.0.1",
    "https://0177.0.0.1",
    "https://017700000001",
    "https://2130706433",
    "https://127.1",
    "https://127.0.0.1.",
    "https://[fe80::1%25eth0]",
    "https://%6c%6f%63alhost",
    "https://127\u{3002}0\u{3002}0\u{3002}1",
    "https://registry.example@127.0.0.1",
    "https://me:canary@registry.example",
];

/// URLs without TLS.
const CLEAR: [&str; 2] = ["http://auth.example", "http://cdn.example:443"];

/// All places in which a server can name a URL: the fault that does so, and the operation that
/// follows the URL.
type Way = (&'static str, fn(&str) -> Fault, fn(&Client) -> Result<()>);

fn pull(client: &Client) -> Result<()> {
    let repository = client.repository("registry.example/a")?;
    repository.fetch(&hello())?.read_all(5).map(drop)
}

fn resolve(client: &Client) -> Result<()> {
    let repository = client.repository("registry.example/a")?;
    repository.resolve("v1").map(drop)
}

fn push(client: &Client) -> Result<()> {
    let repository = client.repository("registry.example/a")?;
    let world = crate::setup::blob(b"world");
    repository.push(&world, &mut &b"world"[..]).map(drop)
}

fn list(client: &Client) -> Result<()> {
    let repository = client.repository("registry.example/a")?;
    repository.tags(None, &mut |_| ControlFlow::Continue(()))
}

fn list_referrers(client: &Client) -> Result<()> {
    let repository = client.repository("registry.example/a")?;
    repository.referrers(&hello(), None, &mut |_| ControlFlow::Continue(()))
}

const WAYS: [Way; 9] = [
    (
        "a redirect of GET",
        |to| on("GET", "/v2/*").redirect(307, &format!("{to}/x")),
        pull,
    ),
    (
        "a redirect of HEAD",
        |to| on("HEAD", "/v2/*").redirect(302, &format!("{to}/x")),
        resolve,
    ),
    (
        "a redirect of POST",
        |to| on("POST", "/v2/*").redirect(308, &format!("{to}/x")),
        push,
    ),
    (
        "a redirect of PUT",
        |to| on("PUT", "/v2/*").redirect(307, &format!("{to}/x")),
        push,
    ),
    (
        "an upload",
        |to| on("POST", "/v2/*").location(&format!("{to}/x")),
        push,
    ),
    (
        "a page",
        |to| on("GET", "/v2/*").link(&format!("<{to}/x>; rel=\"next\"")),
        list,
    ),
    (
        "a page of referrers",
        |to| on("GET", "/v2/a/referrers/*").link(&format!("<{to}/x>; rel=\"next\"")),
        list_referrers,
    ),
    (
        "a token service",
        |to| {
            on("GET", "/v2/*")
                .status(401)
                .header(
                    "WWW-Authenticate",
                    &format!("Bearer realm=\"{to}/token\",service=\"s\""),
                )
                .before_authorization()
        },
        pull,
    ),
    (
        "a redirect of a token service",
        |to| {
            on("GET", "/token")
                .redirect(307, &format!("{to}/token"))
                .before_authorization()
        },
        pull,
    ),
];

/// The registry, and its token service on another host.
fn public_registry() -> (Net, TestRegistry) {
    let registry = seeded(
        TestRegistry::start().with_tokens(bearer().challenge(&format!(
            "Bearer realm=\"{SERVICE}/token\",service=\"{{service}}\",scope=\"{{scope}}\""
        ))),
    );
    let net = Net::default()
        .with(REGISTRY, &registry)
        .with(SERVICE, &registry);
    (net, registry)
}

/// Tries every place for a URL, and returns each error.
fn sent_to(address: &str, ways: &[Way]) -> Vec<(String, Error)> {
    ways.iter()
        .map(|&(name, fault, ask)| {
            let name = format!("{name} at {address}");
            let (net, registry) = public_registry();
            registry.inject(fault(address));
            let printed = Printed::default();
            let client = net.client(password(), &printed);

            let error = ask(&client).expect_err(&name);

            assert_eq!(net.strays(), [""; 0], "{name}");
            let shown = format!("{} {}", crate::setup::everything_in(&error), printed.text());
            Canaries::in_text(&shown).are_absent(&name);
            (name, error)
        })
        .collect()
}

#[test]
fn a_public_registry_cannot_lead_to_this_machine_or_a_metadata_service() {
    for address in LOCAL {
        for (name, error) in sent_to(address, &WAYS) {
            let told = text(&error);
            assert!(
                told.contains(", in blocked prefix ")
                    // Refused already because another host must not receive this request.
                    || told.contains("the next page is at another host"),
                "{name}: {told}"
            );
        }
    }
}

#[test]
fn a_disguised_address_is_refused() {
    for address in DISGUISED {
        for (name, error) in sent_to(address, &WAYS) {
            let told = text(&error);
            assert!(
                told.contains("its host is not valid") || told.contains("is not valid"),
                "{name}: {told}"
            );
            assert!(!told.contains("canary"), "{name}: {told}");
        }
    }
}

#[test]
fn only_a_blob_can_lead_out_of_https() {
    assert_eq!(WAYS[0].0, "a redirect of GET", "which is a blob here");
    for address in CLEAR {
        for (name, error) in sent_to(address, &WAYS[1..]) {
            let told = text(&error);
            assert!(
                told.contains("it would leave https")
                    || told.contains("uses http but registry was contacted over https")
                    || told.contains("the next page is at another host"),
                "{name}: {told}"
            );
        }
    }
}

#[test]
fn a_public_https_url_is_requested_without_secrets_and_a_token_service_with_the_password() {
    let (net, registry) = public_registry();
    let storage = seeded(TestRegistry::start());
    let net = net.with("https://cdn.example", &storage);
    registry.inject(on("GET", "/v2/a/blobs/*").redirect(
        307,
        &format!("https://cdn.example/v2/a/blobs/{}", hello().digest),
    ));
    let client = net.client(password(), &Printed::default());

    pull(&client).unwrap();

    assert_eq!(net.strays(), [""; 0]);
    assert_eq!(storage.log().len(), 1);
    Canaries::sent_to(&storage).are_absent("the storage");
    Canaries::sent_to(&registry).are(
        &[Canary::Password, Canary::AccessToken, Canary::Header],
        "the registry and its service",
    );
}

/// A registry may name its own uploads and pages with http URLs. The client requests them by https.
#[test]
fn http_urls_of_the_registry_itself_are_requested_by_https() {
    for (name, fault, ask) in &WAYS[1..] {
        if ["an upload", "a page", "a page of referrers"].contains(name) {
            continue;
        }
        let (net, registry) = public_registry();
        registry.inject(fault("http://registry.example"));

        let error = ask(&net.client(password(), &Printed::default())).expect_err(name);

        assert!(
            text(&error).contains("it would leave https")
                || text(&error).contains("uses http but registry was contacted over https"),
            "{name}: {}",
            text(&error)
        );
        assert_eq!(net.strays(), [""; 0], "{name}");
    }
}

#[test]
fn a_chain_of_redirects_is_judged_by_its_origin() {
    for (first, second, reason) in [
        (
            "https://cdn.example/1",
            "https://169.254.169.254/2",
            "in blocked prefix 169.254.0.0/16",
        ),
        (
            "https://cdn.example/1",
            "http://127.0.0.1/2",
            "in blocked prefix 127.0.0.0/8",
        ),
        ("https://cdn.example/1", "/2", "more than"),
    ] {
        let (net, registry) = public_registry();
        let cdn = TestRegistry::start().with(on("GET", "*").redirect(302, second));
        let net = net.with("https://cdn.example", &cdn);
        registry.inject(on("GET", "/v2/*").redirect(302, first));

        let error = pull(&net.client(password(), &Printed::default())).unwrap_err();

        assert!(text(&error).contains(reason), "{}", text(&error));
        assert_eq!(net.strays(), [""; 0]);
        Canaries::sent_to(&cdn).are_absent("the storage");
    }
}

/// The content is verified by its digest, so that only its secrecy is lost.
#[test]
fn a_blob_is_read_by_http_without_secrets() {
    for hops in [
        &["http://cdn.example"][..],
        &["http://10.0.0.2"],
        &["https://cdn.example", "http://10.0.0.2"],
    ] {
        let (mut net, registry) = public_registry();
        let storage = seeded(TestRegistry::start());
        let path = format!("/v2/a/blobs/{}", hello().digest);
        registry.inject(on("GET", &path).redirect(307, &format!("{}{path}", hops[0])));
        net = net.with(hops[hops.len() - 1], &storage);
        if let [first, last] = hops {
            let cdn = TestRegistry::start();
            cdn.inject(on("GET", "*").redirect(302, &format!("{last}{path}")));
            net = net.with(first, &cdn);
            pull(&net.client(password(), &Printed::default())).unwrap();
            Canaries::sent_to(&cdn).are_absent("the first storage");
        } else {
            pull(&net.client(password(), &Printed::default())).unwrap();
        }
        assert_eq!(net.strays(), [""; 0]);
        Canaries::sent_to(&storage).are_absent("the storage");
    }
}

#[test]
fn a_public_registry_may_have_its_storage_in_a_private_network() {
    for address in [
        "https://10.0.0.2",
        "https://172.16.0.1",
        "https://192.168.0.1",
        "https://100.64.0.1",
        "https://[fc00::1]",
        "https://[fd00::1]",
        "https://[::ffff:10.0.0.1]",
    ] {
        let (net, registry) = public_registry();
        let storage = seeded(TestRegistry::start());
        let net = net.with(address, &storage);
        let path = format!("/v2/a/blobs/{}", hello().digest);
        registry.inject(on("GET", &path).redirect(307, &format!("{address}{path}")));

        pull(&net.client(password(), &Printed::default())).unwrap();

        Canaries::sent_to(&storage).are_absent("the storage");
    }
}

#[test]
fn a_registry_in_a_local_network_may_have_its_storage_there() {
    let storage = seeded(TestRegistry::start());
    let registry = seeded(TestRegistry::start()).with(on("GET", "/v2/a/blobs/*").redirect(
        307,
        &format!("https://10.0.0.2/v2/a/blobs/{}", hello().digest),
    ));
    let net = Net::default()
        .with("https://10.0.0.1:5000", &registry)
        .with("https://10.0.0.2", &storage);
    let client = net.client(password(), &Printed::default());

    let repository = client.repository("10.0.0.1:5000/a").unwrap();
    let content = repository.fetch(&hello()).unwrap().read_all(5).unwrap();

    assert_eq!(content, b"hello");
    assert_eq!(net.strays(), [""; 0]);
}

#[test]
fn a_registry_in_a_local_network_cannot_lead_to_loopback_or_metadata() {
    for address in [
        "https://localhost",
        "https://127.0.0.1",
        "https://169.254.169.254",
    ] {
        for fault in [
            on("GET", "/v2/*").redirect(307, &format!("{address}/x")),
            on("GET", "/v2/*").status(401).header(
                "WWW-Authenticate",
                &format!("Bearer realm=\"{address}/token\",service=\"s\""),
            ),
        ] {
            let registry = seeded(TestRegistry::start()).with(fault);
            let net = Net::default().with("https://10.0.0.1:5000", &registry);
            let client = net.client(password(), &Printed::default());
            let repository = client.repository("10.0.0.1:5000/a").unwrap();

            let error = repository.fetch(&hello()).map(drop).unwrap_err();

            let told = text(&error);
            assert!(told.contains(", in blocked prefix "), "{told}");
            assert_eq!(net.strays(), [""; 0], "{told}");
        }
    }
}
