//! Secrets of the user: no output contains them, whatever servers do, not even `--debug`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::canaries::{Canaries, Canary};
use crate::support::cli::{Oras, Outcome};
use crate::support::registry::{TestRegistry, on};

const USER: &str = "me";

/// A registry that requires a password and repeats it in every response.
fn registry() -> TestRegistry {
    let registry = TestRegistry::requiring_basic(USER, Canary::Password.value());
    registry.seed_artifact("a", "v1", &[("hello.txt", b"hello")]);
    for name in ["Warning", "Server", "ETag"] {
        registry.inject(on("*", "*").header(name, "{header:authorization} {header:x-custom}"));
    }
    registry
}

/// Arguments with all kinds of secrets.
fn arguments<'a>(command: &[&'a str], target: &'a str, header: &'a str) -> Vec<&'a str> {
    let mut arguments = command.to_vec();
    arguments.extend([
        "--debug",
        "--plain-http",
        "-u",
        USER,
        "-p",
        Canary::Password.value(),
        "-H",
        header,
        target,
    ]);
    arguments
}

#[track_caller]
fn assert_silent(outcome: &Outcome) {
    Canaries::in_text(&outcome.stdout()).are_absent("stdout");
    Canaries::in_text(&outcome.stderr()).are_absent("stderr");
}

#[test]
fn debug_output_of_a_redirected_pull_contains_no_secret() {
    let storage = TestRegistry::start();
    storage.seed_blob("a", b"hello");
    let registry = registry();
    let digest = crate::support::registry::sha256(b"hello");
    let location = format!(
        "{}/v2/a/blobs/{digest}?X-Amz-Signature={}",
        storage.url(),
        Canary::Signature.value()
    );
    registry.inject(on("GET", &format!("/v2/a/blobs/{digest}")).redirect(307, &location));
    let oras = Oras::new();
    let (target, header) = (
        registry.reference("a:v1"),
        format!("X-Custom: {}", Canary::Header.value()),
    );

    let outcome = oras.run(arguments(&["pull"], &target, &header)).success();

    assert_eq!(oras.read("hello.txt"), b"hello");
    assert_silent(&outcome);
    let trace = outcome.stderr();
    for shown in [
        "\"Authorization\": \"*****\"",
        "\"X-Custom\": \"*****\"",
        "?X-Amz-Signature=REDACTED",
        "\"Warning\": \"Basic ***** *****\"",
    ] {
        assert!(trace.contains(shown), "{shown} in {trace}");
    }
    Canaries::sent_to(&registry).are(&[Canary::Password, Canary::Header], "the registry");
    Canaries::sent_to(&storage).are(&[Canary::Signature], "the storage");
}

#[test]
fn errors_of_refused_requests_contain_no_secret() {
    let attacker = TestRegistry::start().with(
        on("*", "*")
            .status(401)
            .header("WWW-Authenticate", "Basic realm=\"x\"")
            .before_authorization(),
    );
    let header = format!("X-Custom: {}", Canary::Header.value());
    for fault in [
        on("*", "/v2/*")
            .status(403)
            .body("\u{1b}[2Jyou are {header:authorization} and {header:x-custom}"),
        on("*", "/v2/*")
            .status(400)
            .header("Content-Type", "application/json")
            .body(r#"{"errors":[{"code":"{header:authorization}","message":"{header:authorization}"}]}"#),
        on("*", "/v2/*").redirect(307, &format!("{}/{{header:authorization}}", attacker.url())),
        on("*", "/v2/*").redirect_to(&attacker),
        on("*", "/v2/*").redirect(307, "http://me:{header:authorization}@[/"),
        on("*", "/v2/*").header("Docker-Content-Digest", "{header:authorization}"),
        on("*", "/v2/*").status(401).header(
            "WWW-Authenticate",
            "Bearer realm=\"ftp://{header:authorization}\",error=\"{header:x-custom}\"",
        ),
    ] {
        let registry = registry().with(fault);
        let oras = Oras::new();
        let target = registry.reference("a:v1");
        for command in [&["resolve"][..], &["pull"], &["manifest", "fetch"], &["repo", "tags"]] {
            let outcome = oras.run(arguments(command, &target, &header));

            assert_silent(&outcome);
            let is_bad = |character: char| character.is_control() && !"\n\t".contains(character);
            assert!(!outcome.stderr().contains(is_bad), "{outcome}");
        }
        Canaries::sent_to(&registry).are(&[Canary::Password, Canary::Header], "the registry");
        registry.take_unexpected();
    }
    Canaries::sent_to(&attacker).are_absent("the attacker");
    attacker.take_unexpected();
}

#[test]
fn the_output_of_a_credential_helper_is_redacted() {
    let registry = registry();
    let oras = Oras::new();
    let script = format!(
        "#!/bin/sh\nprintf '%s' '{{\"Username\":\"me\",\"Secret\":\"{}\"}}'\nexit 1\n",
        Canary::AccessToken.value()
    );
    let helper = oras.write("bin/docker-credential-x", script);
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    oras.write("config.json", r#"{"credsStore":"x"}"#);
    let search = format!("{}:/usr/bin:/bin", helper.parent().unwrap().display());

    let outcome = oras
        .command([
            "resolve",
            "--debug",
            "--plain-http",
            "--registry-config",
            "config.json",
            &registry.reference("a:v1"),
        ])
        .env("PATH", search)
        .run()
        .fails_with(1)
        .complains("docker-credential-x: exit status: 1");

    assert_silent(&outcome);
    Canaries::sent_to(&registry).are_absent("the registry");
}

#[test]
fn untrusted_names_stay_on_one_line() {
    let registry = TestRegistry::start();
    registry.seed_artifact("a", "v1", &[("hello.txt", b"hello")]);
    registry.inject(
        on("GET", "/v2/a/tags/list")
            .header("Content-Type", "application/json")
            .body(r#"{"name":"a","tags":["v1","v2\u001b[2J\nv3\r"]}"#),
    );

    let outcome = Oras::new().run(["repo", "tags", "--plain-http", &registry.reference("a")]);

    outcome.success().prints("v1\nv2[2Jv3\n");
}
