//! TLS end to end: trusted and rejected certificates.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use oras::http::{
    CertificateAuthorities, CertificateDirectories, ClientCertificate, InvalidCertificate,
    ResolveRule, SystemRoots, UreqTransport, UreqTransportBuilder,
};
use oras::registry::{Client, PlainHttp};
use oras::store::Source;
use rustls::crypto::CryptoProvider;

use crate::proxies::address;
use crate::setup::{builder, hello, text};
use crate::support::registry::{TestRegistry, on};
use crate::support::tempdir::TempDir;
use crate::support::tls::{Clients, Handshake, TlsFront, fixture, fixture_path};

pub(crate) const UNKNOWN_AUTHORITY: &str =
    "tls: failed to verify certificate: x509: certificate signed by unknown authority";
const EXPIRED: &str =
    "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";

/// Returns a transport that resolves these names to these TLS fronts and has no system roots.
pub(crate) fn transport(names: &[(&str, &TlsFront)]) -> UreqTransportBuilder {
    let rules = names
        .iter()
        .map(|(name, front)| ResolveRule::new(*name, 443, front.address()));
    UreqTransport::builder()
        .resolve(rules)
        .system_roots(SystemRoots::none())
}

pub(crate) fn authorities(name: &str) -> CertificateAuthorities {
    CertificateAuthorities::from_pem(&fixture(name)).unwrap()
}

pub(crate) fn client_certificate() -> ClientCertificate {
    ClientCertificate::from_pem(&fixture("client.crt"), &fixture("client.key")).unwrap()
}

pub(crate) fn client(transport: UreqTransportBuilder) -> Client {
    builder()
        .plain_http(PlainHttp::Never)
        .transport(transport.build())
        .build()
}

pub(crate) fn pull(client: &Client) -> oras::Result<Vec<u8>> {
    let repository = client.repository("registry.example/a")?;
    repository.fetch(&hello())?.read_all(5)
}

/// Pulls and returns the error message without method and URL.
pub(crate) fn failure(client: &Client) -> String {
    let text = text(&pull(client).unwrap_err());
    let url = format!("https://registry.example/v2/a/blobs/{}", hello().digest);
    text.strip_prefix(&format!("Get \"{url}\": "))
        .unwrap_or(&text)
        .to_owned()
}

pub(crate) fn registry() -> TestRegistry {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"hello");
    registry
}

/// Starts a registry that redirects blobs to `cdn.example`.
pub(crate) fn registry_with_storage() -> TestRegistry {
    let url = format!("https://cdn.example/v2/a/blobs/{}", hello().digest);
    TestRegistry::start().with(on("GET", "*").redirect(307, &url))
}

pub(crate) fn front(clients: Clients, registry: &TestRegistry) -> TlsFront {
    TlsFront::start("server", clients, address(registry))
}

pub(crate) fn handshake(name: &str, showed_certificate: bool) -> Handshake {
    Handshake {
        name: Some(name.to_owned()),
        showed_certificate,
    }
}

#[test]
fn a_certificate_of_a_configured_authority_is_trusted() {
    let registry = registry();
    let front = front(Clients::Anonymous, &registry);
    let names = [("registry.example", &front)];
    let client = client(transport(&names).authorities(authorities("ca.crt")));

    assert_eq!(pull(&client).unwrap(), b"hello");

    assert_eq!(front.handshakes(), [handshake("registry.example", false)]);
    let request = &registry.requests()[0];
    assert_eq!(request.header("Host"), Some("registry.example"));
}

#[test]
fn a_certificate_of_an_unknown_authority_is_rejected() {
    let registry = registry();
    let front = front(Clients::Anonymous, &registry);
    let names = [("registry.example", &front)];

    let without_authorities = failure(&client(transport(&names)));
    let of_others = failure(&client(
        transport(&names).authorities(authorities("other-ca.crt")),
    ));

    assert_eq!([without_authorities, of_others], [UNKNOWN_AUTHORITY; 2]);
    assert_eq!(registry.log(), [""; 0]);
}

#[test]
fn authorities_of_the_system_are_trusted() {
    let registry = registry();
    let front = front(Clients::Anonymous, &registry);
    let names = [("registry.example", &front)];
    let temp = TempDir::new();
    let text = [
        &b"# words\n"[..],
        &fixture("other-ca.crt"),
        &fixture("ca.crt"),
    ]
    .concat();
    temp.write("certs/mine.pem", text);
    temp.write("certs/README", "no certificate");
    let nowhere = temp.join("nowhere");
    for (file, directory) in [
        (fixture_path("ca.crt"), nowhere.clone()),
        (nowhere.clone(), temp.join("certs")),
    ] {
        let roots = SystemRoots::new(Some(file.as_os_str()), Some(directory.as_os_str()));
        let client = client(transport(&names).system_roots(roots));

        assert_eq!(pull(&client).unwrap(), b"hello", "{}", file.display());
    }
}

#[test]
fn configured_authorities_replace_all_others() {
    let registry = registry();
    let front = front(Clients::Anonymous, &registry);
    let ca = fixture_path("ca.crt");
    let roots = SystemRoots::new(
        Some(ca.as_os_str()),
        Some(Path::new("/nowhere").as_os_str()),
    );
    let transport = transport(&[("registry.example", &front)])
        .system_roots(roots)
        .authorities(authorities("other-ca.crt"));

    assert_eq!(failure(&client(transport)), UNKNOWN_AUTHORITY);
}

#[test]
fn additional_authorities_are_trusted_beside_all_others() {
    let registry = registry();
    let front = front(Clients::Anonymous, &registry);
    let names = [("registry.example", &front)];
    let pem = fixture("ca.crt");
    let text = std::str::from_utf8(&pem).unwrap();
    let der: String = text.lines().filter(|it| !it.starts_with('-')).collect();
    let der = BASE64_STANDARD.decode(der).unwrap();
    let roots = SystemRoots::new(Some(fixture_path("ca.crt").as_os_str()), None);
    for transport in [
        transport(&names).add_authorities(CertificateAuthorities::from_der(&[der]).unwrap()),
        transport(&names)
            .add_authorities(authorities("other-ca.crt"))
            .add_authorities(authorities("ca.crt")),
        transport(&names)
            .authorities(authorities("other-ca.crt"))
            .add_authorities(authorities("ca.crt")),
        transport(&names)
            .system_roots(roots)
            .add_authorities(authorities("other-ca.crt")),
    ] {
        assert_eq!(pull(&client(transport)).unwrap(), b"hello");
    }
    let text = CertificateAuthorities::from_der(&["no certificate"]);
    assert_eq!(text.unwrap_err(), InvalidCertificate::NoAuthority);
}

#[test]
fn the_cryptography_is_that_of_the_given_provider() {
    let registry = registry();
    let front = front(Clients::Anonymous, &registry);
    let with = |provider: CryptoProvider| {
        let transport = transport(&[("registry.example", &front)])
            .authorities(authorities("ca.crt"))
            .crypto_provider(Arc::new(provider));
        pull(&client(transport))
    };
    let ring = rustls::crypto::ring::default_provider;

    assert_eq!(with(ring()).unwrap(), b"hello");
    with(CryptoProvider {
        kx_groups: Vec::new(),
        ..ring()
    })
    .unwrap_err();
}

#[test]
fn a_certificate_for_another_name_is_rejected() {
    let registry = registry();
    let front = front(Clients::Anonymous, &registry);
    let transport = transport(&[("registry.invalid", &front)]).authorities(authorities("ca.crt"));
    let client = client(transport);

    let error = client
        .repository("registry.invalid/a")
        .unwrap()
        .fetch(&hello())
        .map(drop)
        .unwrap_err();

    assert!(
        text(&error).ends_with(
            "tls: failed to verify certificate: x509: certificate is valid for \
             registry.example, cdn.example, proxy.example, 127.0.0.1, not registry.invalid"
        ),
        "{}",
        text(&error)
    );
}

#[test]
fn a_certificate_may_be_for_an_ip_address() {
    let registry = registry();
    let front = front(Clients::Anonymous, &registry);
    let client = client(transport(&[]).authorities(authorities("ca.crt")));

    let repository = client
        .repository(&format!("{}/a", front.address()))
        .unwrap();
    let content = repository.fetch(&hello()).unwrap().read_all(5).unwrap();

    assert_eq!(content, b"hello");
    assert_eq!(front.handshakes()[0].name, None);
}

#[test]
fn a_configured_self_signed_certificate_is_trusted() {
    let registry = registry();
    let front = TlsFront::start("self-signed", Clients::Anonymous, address(&registry));
    let names = [("registry.example", &front), ("other.example", &front)];
    let certificate = fixture_path("self-signed.crt");
    let roots = SystemRoots::new(Some(certificate.as_os_str()), None);

    let named = client(transport(&names).authorities(authorities("self-signed.crt")));
    let of_system = client(transport(&names).system_roots(roots));
    let without_authorities = client(transport(&names));

    assert_eq!(pull(&named).unwrap(), b"hello");
    assert_eq!(pull(&of_system).unwrap(), b"hello");
    assert_eq!(failure(&without_authorities), UNKNOWN_AUTHORITY);
    // It is trusted for its own name only.
    let other = named.repository("other.example/a").unwrap();
    let error = other.fetch(&hello()).map(drop).unwrap_err();
    assert!(
        text(&error).ends_with("certificate is valid for registry.example, not other.example"),
        "{}",
        text(&error)
    );
}

#[test]
fn an_expired_self_signed_certificate_is_rejected() {
    let registry = registry();
    let front = TlsFront::start("expired", Clients::Anonymous, address(&registry));
    let transport =
        transport(&[("registry.example", &front)]).authorities(authorities("expired.crt"));

    let failure = failure(&client(transport));
    assert!(failure.starts_with(EXPIRED), "{failure}");
}

#[test]
fn a_server_certificate_may_say_that_it_is_an_authority() {
    let registry = registry();
    let front = TlsFront::start("marked", Clients::Anonymous, address(&registry));
    let names = [("registry.example", &front), ("other.example", &front)];

    let trusting = client(transport(&names).authorities(authorities("rules-ca.crt")));
    let others = client(transport(&names).authorities(authorities("other-ca.crt")));

    assert_eq!(pull(&trusting).unwrap(), b"hello");
    assert_eq!(failure(&others), UNKNOWN_AUTHORITY);
    let other = trusting.repository("other.example/a").unwrap();
    let error = other.fetch(&hello()).map(drop).unwrap_err();
    assert!(text(&error).ends_with("not other.example"), "{error}");
}

#[test]
fn an_authority_must_be_valid_and_for_servers() {
    let registry = registry();
    let front = TlsFront::start("marked", Clients::Anonymous, address(&registry));
    let names = [("registry.example", &front)];
    let no_signing = format!(
        "{UNKNOWN_AUTHORITY} (possibly because of \"x509: invalid signature: parent certificate \
         cannot sign this kind of certificate\" while trying to verify candidate authority \
         certificate \"oras test rules-ca\")"
    );
    for (name, wanted) in [
        ("rules-ca-expired.crt", EXPIRED),
        ("rules-ca-no-signing.crt", &no_signing),
        ("rules-ca-server.crt", &no_signing),
        (
            "rules-ca-clients.crt",
            "tls: failed to verify certificate: x509: certificate specifies an incompatible key usage",
        ),
    ] {
        let transport = transport(&names).authorities(authorities(name));
        let failure = failure(&client(transport));
        assert!(failure.starts_with(wanted), "{name}: {failure}");
    }
    assert_eq!(registry.log(), [""; 0]);

    // An authority that vouches for the server is enough.
    let bundle = [fixture("rules-ca-expired.crt"), fixture("rules-ca.crt")].concat();
    let bundle = CertificateAuthorities::from_pem(&bundle).unwrap();
    let client = client(transport(&names).authorities(bundle));
    assert_eq!(pull(&client).unwrap(), b"hello");
}

#[test]
fn directories_add_authorities_and_client_certificates_for_one_host() {
    let registry = registry();
    let front = front(Clients::MustShow, &registry);
    let names = [("registry.example", &front), ("cdn.example", &front)];
    let directory = TempDir::new();
    let host = directory.path().join("registry.example:443");
    std::fs::create_dir(&host).unwrap();
    for (from, to) in [
        ("ca.crt", "ca.crt"),
        ("client.crt", "me.cert"),
        ("client.key", "me.key"),
    ] {
        std::fs::copy(fixture_path(from), host.join(to)).unwrap();
    }
    let with_directories = || {
        let directories = [directory.path().to_owned()];
        transport(&names).certificate_directories(CertificateDirectories::new(directories))
    };

    let all_from_directory = client(with_directories());
    assert_eq!(pull(&all_from_directory).unwrap(), b"hello");
    let other = all_from_directory.repository("cdn.example/a").unwrap();
    let error = other.fetch(&hello()).map(drop).unwrap_err();
    assert!(text(&error).ends_with(UNKNOWN_AUTHORITY), "{error}");

    let with_authorities = client(with_directories().authorities(authorities("other-ca.crt")));
    assert_eq!(failure(&with_authorities), UNKNOWN_AUTHORITY);

    std::fs::remove_file(host.join("me.key")).unwrap();
    let without_key = failure(&client(with_directories()));
    assert!(without_key.starts_with("missing key "), "{without_key}");
}

#[test]
fn a_host_name_may_have_a_final_dot() {
    let registry = registry();
    let front = front(Clients::Anonymous, &registry);
    let names = [("registry.example.", &front)];
    let client = client(transport(&names).authorities(authorities("ca.crt")));
    let repository = client.repository("registry.example./a").unwrap();

    repository.fetch(&hello()).map(drop).unwrap();

    assert_eq!(front.handshakes(), [handshake("registry.example", false)]);
    let request = &registry.requests()[0];
    assert_eq!(request.header("Host"), Some("registry.example."));
}

#[test]
fn insecure_accepts_any_certificate() {
    let registry = registry();
    for name in ["server", "self-signed", "expired", "client"] {
        let front = TlsFront::start(name, Clients::Anonymous, address(&registry));
        let client = client(transport(&[("registry.example", &front)]).insecure(true));

        assert_eq!(pull(&client).unwrap(), b"hello", "{name}");
    }
}

#[test]
fn a_response_without_tls_is_reported() {
    let registry = registry();
    let rule = ResolveRule::new("registry.example", 443, address(&registry));
    let transport = UreqTransport::builder().resolve([rule]);

    assert_eq!(
        failure(&client(transport)),
        "server gave an answer that is not TLS to an https request"
    );
    registry.take_unexpected();
}

#[test]
fn invalid_certificates_and_keys_are_distinguished() {
    let [certificate, key, other_key] = ["client.crt", "client.key", "server.key"].map(fixture);
    let damaged = String::from_utf8(key.clone())
        .unwrap()
        .replace("MIG", "MIH")
        .into_bytes();
    let version_1 = fixture("client-v1.crt");
    let both = [certificate.clone(), key.clone()].concat();
    for (certificate, key, wanted) in [
        (&certificate, &key, None),
        (&version_1, &fixture("client-v1.key"), None),
        (&version_1, &key, Some(InvalidCertificate::KeyMismatch)),
        (&both, &both, None),
        (
            &certificate,
            &other_key,
            Some(InvalidCertificate::KeyMismatch),
        ),
        (
            &certificate,
            &certificate,
            Some(InvalidCertificate::CertificateForKey),
        ),
        (&certificate, &Vec::new(), Some(InvalidCertificate::NoKey)),
        (&certificate, &damaged, Some(InvalidCertificate::Unusable)),
        (&key, &certificate, Some(InvalidCertificate::Switched)),
        (
            &b"words".to_vec(),
            &key,
            Some(InvalidCertificate::NoCertificate),
        ),
    ] {
        assert_eq!(ClientCertificate::from_pem(certificate, key).err(), wanted);
    }
    let with_text = [
        b"\xef\xbb\xbfsubject=a\r\n",
        both.as_slice(),
        b"\n-----BEGIN",
    ]
    .concat();
    let der = crate::support::tls::certificate("ca").to_vec();
    for (pem, is_fine) in [
        (certificate.as_slice(), true),
        (&both, true),
        (&with_text, true),
        (&der, true),
        (&key, false),
        (b"", false),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            false,
        ),
    ] {
        let authorities = CertificateAuthorities::from_pem(pem);
        assert_eq!(
            authorities.is_ok(),
            is_fine,
            "{}",
            String::from_utf8_lossy(pem)
        );
    }
    let shown = format!(
        "{:?}",
        UreqTransport::builder().client_certificate(client_certificate())
    );
    assert!(shown.contains("ClientCertificate { .. }"), "{shown}");
}

#[test]
fn a_tls_error_keeps_the_error_of_rustls() {
    let registry = registry();
    let front = front(Clients::Anonymous, &registry);
    let error = pull(&client(transport(&[("registry.example", &front)]))).unwrap_err();
    let cause = crate::errors::cause::<rustls::Error>(&error);
    assert!(
        matches!(cause, Some(rustls::Error::InvalidCertificate(_))),
        "{error:?}"
    );
}
