//! References that clients open.

use oras::Reference;
use oras::registry::Client;
use oras::store::Source;

use crate::setup::client;
use crate::support::registry::TestRegistry;

#[test]
fn an_artifact_is_opened_by_its_reference() {
    let registry = TestRegistry::start();
    let digest = registry.seed_artifact("a", "v1", &[("a.txt", b"hello")]);
    let client = client();

    let (repository, tag) = client.open(&registry.reference("a:v1")).unwrap();
    assert_eq!(&*tag, "v1");
    assert_eq!(&*repository.resolve(&tag).unwrap().digest, &*digest);

    // A reference is passed where a function takes a string.
    let reference: Reference = registry.reference(&format!("a@{digest}")).parse().unwrap();
    let (repository, name) = client.open(&reference).unwrap();
    assert_eq!(name.as_str(), digest);
    assert_eq!(&*repository.resolve(&reference).unwrap().digest, &*digest);
}

#[test]
fn a_reference_of_the_wrong_kind_is_refused() {
    let client = Client::new();
    let opened = |text| client.open(text).map(drop);
    let named = |text| client.repository(text).map(drop);
    for (result, message) in [
        (
            opened("r/a"),
            "\"r/a\": invalid reference: missing tag or digest",
        ),
        (
            named("r/a:v1"),
            "\"r/a:v1\": invalid reference: a repository has no tag or digest",
        ),
        (
            named("library/alpine"),
            "\"library/alpine\": invalid reference: missing registry, did you mean \"docker.io/library/alpine\"?",
        ),
        (
            opened("docker://ghcr.io/a/b:v1"),
            "\"docker://ghcr.io/a/b:v1\": invalid reference: invalid registry \"docker:\", did you mean \"ghcr.io/a/b:v1\"?",
        ),
    ] {
        assert_eq!(result.unwrap_err().to_string(), message);
    }
}
