//! What registries tell people: warnings, from whom, and how often.

use std::sync::{Arc, Mutex};

use oras::registry::Client;
use oras::store::Source;

use crate::setup::{builder, hello};
use crate::support::registry::{Bearer, TestRegistry, on};

/// A client, and what it was told.
fn listener() -> (Client, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let client = builder()
        .on_warning({
            let told = Arc::clone(&told);
            move |registry, text| told.lock().unwrap().push(format!("{registry}: {text}"))
        })
        .build();
    (client, told)
}

fn pull(client: &Client, registry: &TestRegistry) -> oras::Result<Vec<u8>> {
    let repository = client.repository(&registry.reference("a"))?;
    repository.fetch(&hello())?.read_all(5)
}

fn warning(path: &str, text: &str) -> crate::support::registry::Fault {
    on("GET", path).header("Warning", &format!("299 - \"{text}\""))
}

#[test]
fn a_warning_is_reported_once() {
    let registry = TestRegistry::start().with(warning("/v2/*", "it closes"));
    registry.seed_blob("a", b"hello");
    let (client, told) = listener();

    for _ in 0..3 {
        assert_eq!(pull(&client, &registry).unwrap(), b"hello");
    }

    assert_eq!(
        *told.lock().unwrap(),
        [format!("{}: it closes", registry.host())]
    );
}

#[test]
fn a_warning_of_an_error_response_is_reported() {
    let registry = TestRegistry::start().with(warning("/v2/*", "it is closed").status(403));
    let (client, told) = listener();

    assert!(pull(&client, &registry).unwrap_err().is_unauthorized());

    assert_eq!(
        *told.lock().unwrap(),
        [format!("{}: it is closed", registry.host())]
    );
}

#[test]
fn warnings_of_token_services_and_storage_are_ignored() {
    let tokens = TestRegistry::start().with(warning("/token*", "from tokens"));
    let cdn = TestRegistry::start().with(warning("/v2/*", "from a storage"));
    cdn.seed_blob("a", b"hello");
    let policy = Bearer::new().token("t0k3n").at(&tokens);
    let registry = TestRegistry::start()
        .with_tokens(policy)
        .with(on("GET", "/v2/a/blobs/*").redirect_to(&cdn));
    let (client, told) = listener();

    assert_eq!(pull(&client, &registry).unwrap(), b"hello");

    assert_eq!(*told.lock().unwrap(), [""; 0]);
}
