//! All ways to give a credential, at registries with passwords and with tokens, over plain http and
//! TLS.

use serde_json::json;

use crate::basic_auth::{Guard, Guarded};
use crate::client_under_test::{Visitor, Way};
use crate::docker_registry::{PASSWORD, Wire};
use crate::home::{Home, KEEPERS, Keeper};
use crate::token_server::IDENTITY_TOKEN;

/// Ways to give a credential to `login` or to another command.
fn ways(guard: Guard) -> &'static [Way] {
    match guard {
        Guard::Basic => &[Way::Flags(PASSWORD), Way::PasswordStdin(PASSWORD)],
        Guard::Token => &[
            Way::Flags(PASSWORD),
            Way::PasswordStdin(PASSWORD),
            Way::IdentityToken(IDENTITY_TOKEN),
            Way::IdentityTokenStdin(IDENTITY_TOKEN),
        ],
    }
}

/// Error of the registry for `login`.
const REFUSED: &str = "Error response from registry: unauthorized: authentication required\n";
/// Error of the registry for `pull`.
const REFUSED_PULL: &str = "Error response from registry: unauthorized: authentication required: \
                            [map[Action:pull Class: Name:a Type:repository]]\n";
/// Error of the token server for `login`.
const REFUSED_TOKEN: &str =
    "Error response from registry: unauthorized: incorrect username or password\n";
/// Other commands name the token server, because it is not the registry.
const REFUSED_BY_TOKEN_SERVER: &str =
    "/token\": response status code 401: unauthorized: incorrect username or password\n";
/// The same for a `GET`, with its query.
const REFUSED_BY_TOKEN_SERVER_WITH_QUERY: &str =
    "\": response status code 401: unauthorized: incorrect username or password\n";

#[test]
fn with_a_password_by_plain_http() {
    try_every_way(Guard::Basic, Wire::Plain);
}

#[test]
fn with_a_password_by_tls() {
    try_every_way(Guard::Basic, Wire::Tls);
}

#[test]
fn with_a_token_by_plain_http() {
    try_every_way(Guard::Token, Wire::Plain);
}

#[test]
fn with_a_token_by_tls() {
    try_every_way(Guard::Token, Wire::Tls);
}

fn try_every_way(guard: Guard, wire: Wire) {
    let Some(registry) = Guarded::start(guard, wire) else {
        return;
    };
    for (number, &way) in ways(guard).iter().enumerate() {
        try_per_command(&registry, way, &format!("given/{number}"));
        for keeper in KEEPERS {
            let repository = format!("kept/{number}/{keeper:?}").to_lowercase();
            try_stored(&registry, way, keeper, &repository);
        }
    }
    try_per_command(&registry, Way::Environment(PASSWORD), "given/environment");
    wrong_secrets(&registry);
}

/// Gives the credential to each push and pull. It is not stored.
fn try_per_command(registry: &Guarded, way: Way, repository: &str) {
    let home = Home::new(Keeper::File);

    Visitor::new(registry, &home).round_trip(way, repository);

    assert!(!home.config_file().exists());
}

/// Gives the credential to `login` only.
fn try_stored(registry: &Guarded, way: Way, keeper: Keeper, repository: &str) {
    let home = Home::new(keeper);
    let visitor = Visitor::new(registry, &home);
    let host = registry.host();
    let is_password = matches!(way, Way::Flags(_) | Way::PasswordStdin(_));
    let kept = match (keeper, is_password) {
        (Keeper::File, true) => json!({ "auth": "YWxpY2U6b3BlbiBzZXNhbWU=" }),
        (Keeper::File, false) => json!({ "identitytoken": "identity of alice" }),
        (Keeper::Helper, true) => {
            json!({ "ServerURL": host, "Username": "alice", "Secret": "open sesame" })
        }
        (Keeper::Helper, false) => {
            json!({ "ServerURL": host, "Username": "<token>", "Secret": "identity of alice" })
        }
    };

    visitor.login(way).success().prints("Login Succeeded\n");
    assert_eq!(home.kept_for(&host), Some(kept));
    visitor.round_trip(Way::Kept, repository);

    visitor.logout().success().prints("");
    assert_eq!(home.kept_for(&host), None);
    let words = match registry.guard {
        Guard::Basic => "Error: basic credential not found\nPlease check whether the registry",
        Guard::Token => REFUSED_BY_TOKEN_SERVER_WITH_QUERY,
    };
    visitor.is_refused(Way::Kept, repository, words);
}

/// Wrong secrets give no access, are not stored, and the error names the reason.
fn wrong_secrets(registry: &Guarded) {
    let home = Home::new(Keeper::File);
    let visitor = Visitor::new(registry, &home);
    let (login, pull) = match registry.guard {
        Guard::Basic => (REFUSED, REFUSED_PULL),
        Guard::Token => (REFUSED_TOKEN, REFUSED_BY_TOKEN_SERVER_WITH_QUERY),
    };
    for way in [Way::Flags("wrong"), Way::PasswordStdin("wrong")] {
        visitor.login(way).fails_with(4).complains(login);
        visitor.is_refused(way, "a", pull);
    }
    visitor.is_refused(Way::Environment("wrong"), "a", pull);
    for keeper in KEEPERS {
        let home = Home::new(keeper);
        home.keep_wrong_password(&registry.host());
        Visitor::new(registry, &home).is_refused(Way::Kept, "a", pull);
    }

    let (login, pull) = match registry.guard {
        Guard::Basic => (
            "/v2/\": missing username or password for basic auth\n",
            "/v2/a/manifests/v1\": missing username or password for basic auth\n",
        ),
        Guard::Token => (REFUSED_TOKEN, REFUSED_BY_TOKEN_SERVER),
    };
    for way in [
        Way::IdentityToken("wrong"),
        Way::IdentityTokenStdin("wrong"),
    ] {
        visitor.login(way).fails_with(4).complains(login);
        visitor.is_refused(way, "a", pull);
    }
    assert!(!home.config_file().exists());
}

#[test]
fn an_identity_token_works_until_it_is_revoked() {
    let Some(registry) = Guarded::start(Guard::Token, Wire::Plain) else {
        return;
    };
    for keeper in KEEPERS {
        let home = Home::new(keeper);
        let visitor = Visitor::new(&registry, &home);
        let way = Way::IdentityTokenStdin(IDENTITY_TOKEN);

        visitor.login(way).success();
        registry.tokens().with_identity_revoked(|| {
            let warning = "the token service rejected the stored credential";
            visitor.is_refused(Way::Kept, "a", warning);
        });
        visitor.round_trip(Way::Kept, "a");
    }
}

#[test]
fn an_expired_token_gives_no_access() {
    let Some(registry) = Guarded::start(Guard::Token, Wire::Plain) else {
        return;
    };
    let home = Home::new(Keeper::File);
    let visitor = Visitor::new(&registry, &home);
    let way = Way::PasswordStdin(PASSWORD);

    registry.tokens().issuing_expired(|| {
        visitor.login(way).fails_with(4).complains(REFUSED);
        visitor.is_refused(way, "a", REFUSED_PULL);
    });
    visitor.round_trip(way, "a");
}
