//! Quirks of hosted registries: the challenges that each was seen to send, and its deviations from
//! the specification.

mod self_hosted;

use std::sync::{Arc, Mutex};

use oras::credentials::{CredentialStore, Fixed};
use oras::reference::{RegistryName, RepositoryName};
use oras::registry::Client;
use oras::store::{Source, Target};
use oras::{Credential, Result};

use crate::setup::{HELLO, builder, client, hello, text};
use crate::support::registry::{Bearer, RegistryProfile, TestRegistry, on};

fn me(username: &str, password: &str) -> Client {
    let credential = Credential::password(username, password);
    builder().credentials(Fixed(credential)).build()
}

fn pull(client: &Client, registry: &TestRegistry) -> Result<Vec<u8>> {
    let repository = client.repository(&registry.reference("a"))?;
    repository.fetch(&hello())?.read_all(5)
}

fn push(client: &Client, registry: &TestRegistry) -> Result<()> {
    let repository = client.repository(&registry.reference("a"))?;
    repository.push(&hello(), &mut &b"hello"[..]).map(drop)
}

fn with_hello(registry: TestRegistry) -> TestRegistry {
    registry.seed_blob("a", b"hello");
    registry
}

/// The log with the digest of `hello` as `{hello}`.
fn log(registry: &TestRegistry) -> Vec<String> {
    let lines = registry.log().into_iter();
    lines.map(|line| line.replace(HELLO, "{hello}")).collect()
}

/// A bearer challenge of `service` with quoted parameters.
fn quoted(service: &str) -> String {
    format!("Bearer realm=\"{{realm}}\",service=\"{service}\",scope=\"{{scope}}\"")
}

/// A credential source whose password has expired. It returns the newer one on refresh.
#[derive(Clone)]
struct Expiring {
    newer: Option<Credential>,
    asked: Arc<Mutex<Vec<Credential>>>,
}

impl Expiring {
    fn to(newer: Option<Credential>) -> Self {
        Self {
            newer,
            asked: Arc::default(),
        }
    }

    fn asked(&self) -> Vec<Credential> {
        self.asked.lock().unwrap().clone()
    }
}

impl CredentialStore for Expiring {
    fn get(&self, _: &RegistryName, _: Option<&RepositoryName>) -> Result<Option<Credential>> {
        Ok(Some(Credential::password("AWS", "old")))
    }

    fn refresh(
        &self,
        _: &RegistryName,
        _: Option<&RepositoryName>,
        rejected: &Credential,
    ) -> Result<Option<Credential>> {
        self.asked.lock().unwrap().push(rejected.clone());
        Ok(self.newer.clone())
    }
}

#[test]
fn docker_hub_token_service_and_blob_storage_receive_only_their_own_secrets() {
    let auth = TestRegistry::start();
    let cdn = with_hello(TestRegistry::start());
    let policy = Bearer::new()
        .user("me", "secret")
        .challenge(&quoted("registry.docker.io"))
        .at(&auth);
    let hub = TestRegistry::start()
        .with_tokens(policy)
        .with(on("GET", "/v2/a/blobs/*").redirect_to(&cdn));
    let client = builder()
        .credentials(Fixed(Credential::password("me", "secret")))
        .header("X-Custom", "for the registry")
        .build();

    assert_eq!(pull(&client, &hub).unwrap(), b"hello");

    assert_eq!(
        log(&hub),
        [
            "GET /v2/a/blobs/{hello} (no authorization)",
            "GET /v2/a/blobs/{hello} (bearer)",
        ]
    );
    assert_eq!(
        auth.log(),
        ["GET /token?scope=repository:a:pull&service=registry.docker.io (basic)"]
    );
    assert_eq!(log(&cdn), ["GET /v2/a/blobs/{hello} (no authorization)"]);
    for (name, registry, wanted) in [
        ("hub", &hub, Some("for the registry")),
        ("auth", &auth, None),
        ("cdn", &cdn, None),
    ] {
        for request in registry.requests() {
            assert_eq!(request.header("X-Custom"), wanted, "{name}");
        }
    }
}

#[test]
fn ghcr_anonymous_pull_requests_the_pull_scope_only() {
    let policy = Bearer::new()
        .anonymous(&["repository:*:pull"])
        .refusing_excess(403)
        .challenge(&quoted("ghcr.io"));
    let registry = with_hello(TestRegistry::start_as(RegistryProfile::ghcr()).with_tokens(policy));

    assert_eq!(pull(&client(), &registry).unwrap(), b"hello");
    assert_eq!(
        log(&registry),
        [
            "GET /v2/a/blobs/{hello} (no authorization)",
            "GET /token?scope=repository:a:pull&service=ghcr.io (no authorization)",
            "GET /v2/a/blobs/{hello} (bearer)",
        ]
    );
    registry.clear_log();

    let error = push(&client(), &registry).unwrap_err();

    assert!(error.is_unauthorized(), "{error:?}");
    assert!(
        text(&error).ends_with("403: denied: requested access to the resource is denied"),
        "{}",
        text(&error)
    );
}

#[test]
fn ghcr_placeholder_scope_is_not_requested() {
    let policy = Bearer::new()
        .user_with("me", "pat", &["repository:me/*:*"])
        .refusing_excess(403)
        .challenge(
            "Bearer realm=\"{realm}\",service=\"ghcr.io\",scope=\"repository:user/image:pull\"",
        );
    let registry = TestRegistry::start_as(RegistryProfile::ghcr()).with_tokens(policy);

    me("me", "pat")
        .check(&registry.host().parse().unwrap())
        .unwrap();

    assert_eq!(
        registry.log(),
        [
            "GET /v2/ (no authorization)",
            "GET /token?service=ghcr.io (basic)",
            "GET /v2/ (bearer)",
        ]
    );
}

/// A registry like ECR that accepts only the newer password. It requests Basic authentication, and
/// reports the older password as expired.
fn ecr() -> TestRegistry {
    let challenge = "Basic realm=\"https://1.dkr.ecr.eu-west-1.amazonaws.com/\",\
                     service=\"ecr.amazonaws.com\"";
    let expired =
        "Your Authorization Token has expired. Please run 'aws ecr get-login' to fetch a new one.";
    with_hello(TestRegistry::requiring_basic("AWS", "new"))
        .with(
            on("*", "*")
                .status(401)
                .header("WWW-Authenticate", challenge)
                .body("Not Authorized\n")
                .before_authorization()
                .nth(1),
        )
        .with(
            on("*", "*")
                .status(403)
                .header("Content-Type", "text/plain; charset=utf-8")
                .body(expired)
                .before_authorization()
                .nth(2),
        )
}

#[test]
fn ecr_403_for_an_expired_password_refreshes_it() {
    let registry = ecr();
    let store = Expiring::to(Some(Credential::password("AWS", "new")));
    let client = builder().credentials(store.clone()).build();

    assert_eq!(pull(&client, &registry).unwrap(), b"hello");
    assert_eq!(pull(&client, &registry).unwrap(), b"hello");

    assert_eq!(
        log(&registry),
        [
            "GET /v2/a/blobs/{hello} (no authorization)",
            "GET /v2/a/blobs/{hello} (basic)",
            "GET /v2/a/blobs/{hello} (basic)",
            "GET /v2/a/blobs/{hello} (basic)",
        ]
    );
    let requests = registry.requests();
    let sent: Vec<_> = requests
        .iter()
        .map(|request| request.header("Authorization"))
        .collect();
    let (old, new) = (Some("Basic QVdTOm9sZA=="), Some("Basic QVdTOm5ldw=="));
    assert_eq!(sent, [None, old, new, new]);
    assert_eq!(store.asked(), [Credential::password("AWS", "old")]);
}

#[test]
fn ecr_message_is_shown_if_the_password_cannot_be_refreshed() {
    let registry = ecr();
    let store = Expiring::to(None);
    let client = builder().credentials(store.clone()).build();

    let error = pull(&client, &registry).unwrap_err();

    assert!(error.is_unauthorized(), "{error:?}");
    assert!(
        text(&error).contains("403: Forbidden: Your Authorization Token has expired"),
        "{}",
        text(&error)
    );
    assert_eq!(registry.log().len(), 2);
    assert_eq!(store.asked().len(), 1);
}

#[test]
fn ecr_public_400_for_an_expired_token_replaces_it_once() {
    let policy = Bearer::new()
        .user("AWS", "secret")
        .challenge("Bearer realm=\"{realm}\",service=\"public.ecr.aws\",scope=\"aws\"");
    let registry = with_hello(TestRegistry::start().with_tokens(policy));
    let client = me("AWS", "secret");
    pull(&client, &registry).unwrap();
    let invalid = |times| {
        on("GET", "/v2/*")
            .error(400, "DENIED", "Your Authorization Token is invalid.")
            .times(times)
    };
    let replaced = [
        "GET /v2/a/blobs/{hello} (bearer)",
        "GET /token?scope=repository:a:pull&service=public.ecr.aws (basic)",
        "GET /v2/a/blobs/{hello} (bearer)",
    ];

    registry.clear_log();
    registry.inject(invalid(1));
    assert_eq!(pull(&client, &registry).unwrap(), b"hello");
    assert_eq!(log(&registry), replaced);

    registry.clear_log();
    registry.inject(invalid(2));
    let error = pull(&client, &registry).unwrap_err();
    assert!(
        text(&error).ends_with("400: denied: Your Authorization Token is invalid."),
        "{}",
        text(&error)
    );
    assert_eq!(log(&registry), replaced);
}

#[test]
fn acr_refresh_token_is_exchanged_by_post_or_sent_as_a_password() {
    const NOBODY: &str = "00000000-0000-0000-0000-000000000000";
    let policy = Bearer::new()
        .user(NOBODY, "refresh+token")
        .identity_token("refresh+token")
        .challenge(&quoted("team.azurecr.io"));
    let registry = with_hello(TestRegistry::start().with_tokens(policy));
    let identity = Credential::IdentityToken("refresh+token".into());

    pull(&builder().credentials(Fixed(identity)).build(), &registry).unwrap();
    assert_eq!(
        log(&registry),
        [
            "GET /v2/a/blobs/{hello} (no authorization)",
            "POST /token (no authorization)",
            "GET /v2/a/blobs/{hello} (bearer)",
        ]
    );
    assert_eq!(
        String::from_utf8_lossy(&registry.requests()[1].body),
        "grant_type=refresh_token&refresh_token=refresh%2Btoken&service=team.azurecr.io\
         &client_id=oras-rs&scope=repository%3Aa%3Apull"
    );

    registry.clear_log();
    pull(&me(NOBODY, "refresh+token"), &registry).unwrap();
    assert_eq!(
        log(&registry)[1],
        "GET /token?scope=repository:a:pull&service=team.azurecr.io (basic)"
    );
}

#[test]
fn artifact_registry_challenges_without_service_or_quotes_are_accepted() {
    let key = "{\n  \"type\": \"service_account\",\n  \"id\": \"a:b\"\n}\n";
    for (challenge, service) in [
        ("Bearer realm=\"{realm}\"", ""),
        (
            "Bearer realm=\"{realm}\",service=europe-docker.pkg.dev",
            "&service=europe-docker.pkg.dev",
        ),
    ] {
        let policy = Bearer::new().user("_json_key", key).challenge(challenge);
        let registry = with_hello(TestRegistry::start().with_tokens(policy));

        pull(&me("_json_key", key), &registry).unwrap();

        assert_eq!(
            log(&registry),
            [
                "GET /v2/a/blobs/{hello} (no authorization)".to_owned(),
                format!("GET /token?scope=repository:a:pull{service} (basic)"),
                "GET /v2/a/blobs/{hello} (bearer)".to_owned(),
            ]
        );
    }
}
