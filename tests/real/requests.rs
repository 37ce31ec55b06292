//! Requests for authentication: with tokens one 401 and one token request for a whole push or pull,
//! with a password one 401, and none for later operations.

use oras::Credential;
use oras::credentials::Fixed;
use oras::descriptor::TITLE;
use oras::http::{CertificateAuthorities, UreqTransport};
use oras::pull::{PullOptions, pull};
use oras::push::{PushFile, PushOptions, push};
use oras::registry::Client;

use crate::basic_auth::{Guard, Guarded};
use crate::client_under_test::{HELLO as HELLO_TEXT, Visitor, Way};
use crate::docker_registry::{PASSWORD, USER, Wire};
use crate::home::{Home, Keeper};
use crate::support::tempdir::TempDir;
use crate::support::tls;
use crate::token_server::IDENTITY_TOKEN;

/// Digest of the empty config blob.
const EMPTY: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
/// Digest of the pushed file.
const HELLO: &str = "sha256:a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447";

/// Requests of a push of a new file after authentication.
const PUSH: [&str; 5] = [
    "POST /v2/a/blobs/uploads/?mount={empty}&from=a 202",
    "PUT /v2/a/blobs/uploads/{session}?digest={empty} 201",
    "POST /v2/a/blobs/uploads/?mount={hello}&from=a 202",
    "PUT /v2/a/blobs/uploads/{session}?digest={hello} 201",
    "PUT /v2/a/manifests/v1 201",
];
const REFUSED_PUSH: &str = "POST /v2/a/blobs/uploads/?mount={empty}&from=a 401";

/// Requests of a pull of this file after authentication.
const PULL: [&str; 2] = ["GET /v2/a/manifests/v1 200", "GET /v2/a/blobs/{hello} 200"];
const REFUSED_PULL: &str = "GET /v2/a/manifests/v1 401";

/// Returns the requests since the last call: to the registry, and to the token server.
fn requests(registry: &Guarded) -> (Vec<String>, Vec<String>) {
    let (requests, tokens) = registry.take_requests();
    let shorten = |line: String| line.replace(EMPTY, "{empty}").replace(HELLO, "{hello}");
    (requests.into_iter().map(shorten).collect(), tokens)
}

fn expected(requests: &[&str], token: Option<&str>) -> (Vec<String>, Vec<String>) {
    let owned = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect();
    (owned(requests), owned(token.as_slice()))
}

#[test]
fn commands_over_plain_http() {
    check_commands(Wire::Plain);
}

#[test]
fn commands_over_tls() {
    check_commands(Wire::Tls);
}

fn check_commands(wire: Wire) {
    for (guard, way, login_token, push_token, pull_token) in [
        (Guard::Basic, Way::PasswordStdin(PASSWORD), None, None, None),
        (
            Guard::Token,
            Way::PasswordStdin(PASSWORD),
            Some("GET no scope (password)"),
            Some("GET repository:a:pull,push (password)"),
            Some("GET repository:a:pull (password)"),
        ),
        (
            Guard::Token,
            Way::IdentityTokenStdin(IDENTITY_TOKEN),
            Some("POST no scope (identity token)"),
            Some("POST repository:a:pull,push (identity token)"),
            Some("POST repository:a:pull (identity token)"),
        ),
    ] {
        let Some(registry) = Guarded::start(guard, wire) else {
            return;
        };
        let home = Home::new(Keeper::File);
        let visitor = Visitor::new(&registry, &home);

        visitor.login(way).success();
        let login = ["GET /v2/ 401", "GET /v2/ 200"];
        assert_eq!(
            requests(&registry),
            expected(&login, login_token),
            "{way:?}"
        );

        visitor.push(Way::Kept, "a").success();
        let push = [&[REFUSED_PUSH], &PUSH[..]].concat();
        assert_eq!(requests(&registry), expected(&push, push_token), "{way:?}");

        visitor.pull(Way::Kept, "a").success();
        let pull = [&[REFUSED_PULL], &PULL[..]].concat();
        assert_eq!(requests(&registry), expected(&pull, pull_token), "{way:?}");
    }
}

#[test]
fn one_client_over_plain_http() {
    check_one_client(Wire::Plain);
}

#[test]
fn one_client_over_tls() {
    check_one_client(Wire::Tls);
}

/// The library: the token of the first push serves all later operations.
fn check_one_client(wire: Wire) {
    for (guard, push_token) in [
        (Guard::Basic, None),
        (Guard::Token, Some("GET repository:a:pull,push (password)")),
    ] {
        let Some(registry) = Guarded::start(guard, wire) else {
            return;
        };
        let temp = TempDir::new();
        let file = temp.write("hello.txt", HELLO_TEXT);
        let client = client();
        let repository = client
            .repository(&registry.reference("a"))
            .expect("it is a name")
            .with_push_scope();
        let push_it = || {
            let options = updated!(PushOptions {
                files: vec![updated!(PushFile {
                    annotations: [(TITLE.to_owned(), "hello.txt".to_owned())].into(),
                    ..file.as_path().into()
                })],
                artifact_type: Some("application/vnd.example".into()),
                ..PushOptions::default()
            });
            push(&repository, Some("v1"), options).expect("the password is right");
        };

        push_it();
        let first_push = [&[REFUSED_PUSH], &PUSH[..]].concat();
        assert_eq!(requests(&registry), expected(&first_push, push_token));

        let options = updated!(PullOptions {
            output: temp.join("out"),
            ..PullOptions::default()
        });
        pull(&repository, "v1", options).expect("it was pushed");
        assert_eq!(requests(&registry), expected(&PULL, None));

        push_it();
        // The client pushed the blobs before.
        let second_push = ["PUT /v2/a/manifests/v1 201"];
        assert_eq!(requests(&registry), expected(&second_push, None));
    }
}

/// Returns a client with the password that trusts the authority of the tests.
fn client() -> Client {
    let authority = tls::fixture("ca.crt");
    let authority = CertificateAuthorities::from_pem(&authority).expect("it is a certificate");
    Client::builder()
        .transport(UreqTransport::builder().authorities(authority).build())
        .credentials(Fixed(Credential::password(USER, PASSWORD)))
        .build()
}
