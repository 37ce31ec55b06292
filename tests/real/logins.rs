//! Every way in, at registries that ask for a password or for a token, by plain http and by TLS.

use serde_json::json;

use crate::basic_auth::{Guard, Guarded};
use crate::client_under_test::{Visitor, Way};
use crate::docker_registry::{PASSWORD, Wire};
use crate::home::{Home, KEEPERS, Keeper};
use crate::token_server::IDENTITY_TOKEN;

/// The ways to give a credential to `login`, or to any other command.
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

/// What the registry itself says to `login`.
const REFUSED: &str = "Error response from registry: unauthorized: authentication required\n";
/// What it says to `pull`.
const REFUSED_PULL: &str = "Error response from registry: unauthorized: authentication required: \
                            [map[Action:pull Class: Name:a Type:repository]]\n";
/// What `login` is told in the words of the token server.
const REFUSED_TOKEN: &str =
    "Error response from registry: unauthorized: incorrect username or password\n";
/// For the others the token server is not the registry, so that it is said who refuses.
const REFUSED_BY_TOKEN_SERVER: &str =
    "/token\": response status code 401: unauthorized: incorrect username or password\n";
/// The same of a `GET`, whose query comes between.
const REFUSED_BY_TOKEN_SERVER_WITH_QUERY: &str =
    "\": response status code 401: unauthorized: incorrect username or password\n";

#[test]
fn with_a_password_by_plain_http() {
    every_way_in(Guard::Basic, Wire::Plain);
}

#[test]
fn with_a_password_by_tls() {
    every_way_in(Guard::Basic, Wire::Tls);
}

#[test]
fn with_a_token_by_plain_http() {
    every_way_in(Guard::Token, Wire::Plain);
}

#[test]
fn with_a_token_by_tls() {
    every_way_in(Guard::Token, Wire::Tls);
}

fn every_way_in(guard: Guard, wire: Wire) {
    let Some(registry) = Guarded::start(guard, wire) else {
        return;
    };
    for (number, &way) in ways(guard).iter().enumerate() {
        given_to_each_command(&registry, way, &format!("given/{number}"));
        for keeper in KEEPERS {
            let repository = format!("kept/{number}/{keeper:?}").to_lowercase();
            kept_from_login_to_logout(&registry, way, keeper, &repository);
        }
    }
    given_to_each_command(&registry, Way::Environment(PASSWORD), "given/environment");
    wrong_secrets(&registry);
}

/// The credential is given to push and to pull, and kept by nobody.
fn given_to_each_command(registry: &Guarded, way: Way, repository: &str) {
    let home = Home::new(Keeper::File);

    Visitor::new(registry, &home).round_trip(way, repository);

    assert!(!home.config_file().exists());
}

/// The credential is given to login alone.
fn kept_from_login_to_logout(registry: &Guarded, way: Way, keeper: Keeper, repository: &str) {
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

/// Nothing opens, nothing is kept, and it is told why.
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
fn an_identity_token_is_good_until_it_is_revoked() {
    let Some(registry) = Guarded::start(Guard::Token, Wire::Plain) else {
        return;
    };
    for keeper in KEEPERS {
        let home = Home::new(keeper);
        let visitor = Visitor::new(&registry, &home);
        let way = Way::IdentityTokenStdin(IDENTITY_TOKEN);

        visitor.login(way).success();
        registry.tokens().with_identity_revoked(|| {
            let words = "/token\": response status code 401: unauthorized: the token was revoked\n";
            visitor.is_refused(Way::Kept, "a", words);
        });
        visitor.round_trip(Way::Kept, "a");
    }
}

#[test]
fn a_token_that_has_expired_opens_nothing() {
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
