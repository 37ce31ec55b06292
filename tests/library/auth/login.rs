//! Login and logout with each kind of store.

use std::fs;

use oras::credentials::{ConfigFile, CredentialStore, Fixed, Locations, Lookup, Stored};
use oras::login::{login, logout};
use oras::registry::PlainHttp;
use oras::{Credential, Error};

use super::{client_of, me};
use crate::setup::{builder, client, text};
use crate::support::registry::{Bearer, TestRegistry};
use crate::support::tempdir::TempDir;

fn registry() -> TestRegistry {
    TestRegistry::start().with_tokens(Bearer::new().user("me", "pass"))
}

#[test]
fn a_credential_is_stored_if_the_registry_accepts_it() {
    let registry = registry();
    let name = registry.host().parse().unwrap();
    let good = Credential::password("me", "pass");
    let temp = TempDir::new();
    let path = temp.join("config.json");
    let file = ConfigFile::docker(&path);
    let lookup = || {
        let mut locations = Locations::default();
        locations.config_files = vec![path.clone()];
        Lookup::new(&locations)
    };
    for store in [&file as &dyn CredentialStore, &lookup()] {
        // The credential of the client is not the one that is checked.
        for client in [client(), me("wrong")] {
            let wrong = Credential::password("me", "wrong");
            let error = login(&client, &name, &wrong, store).unwrap_err();
            assert_eq!(error.status(), Some(401), "{error}");
            assert!(!path.exists());

            let stored = login(&client, &name, &good, store).unwrap();
            assert!(matches!(stored, Stored::InFile { path: file, .. } if file == path));
            assert_eq!(file.get(&name, None).unwrap(), Some(good.clone()));
            client_of(file.get(&name, None).unwrap().unwrap())
                .check(&name)
                .unwrap();
            client.with_credentials(lookup()).check(&name).unwrap();

            logout(&name, store).unwrap();
            assert_eq!(file.get(&name, None).unwrap(), None);
            fs::remove_file(&path).unwrap();
            logout(&name, store).unwrap();
        }
    }
}

#[test]
fn only_named_registries_are_reached_by_http() {
    let registry = registry();
    let client = builder()
        .plain_http(PlainHttp::Never)
        .plain_http_for([registry.host().parse().unwrap()])
        .credentials(Fixed(Credential::password("me", "pass")))
        .build();

    client.check(&registry.host().parse().unwrap()).unwrap();
    let error = client.check(&"localhost:1".parse().unwrap()).unwrap_err();
    assert!(text(&error).contains("https://localhost:1/v2/"), "{error}");
}

#[test]
fn a_source_that_is_not_for_storing_is_an_error() {
    let registry = registry();
    let name = registry.host().parse().unwrap();
    let good = Credential::password("me", "pass");
    let store = Fixed(good.clone());
    for result in [
        login(&client(), &name, &good, &store).map(drop),
        logout(&name, &store),
    ] {
        let error = result.unwrap_err();
        assert!(matches!(error.root(), Error::Unsupported { .. }), "{error}");
    }
}
