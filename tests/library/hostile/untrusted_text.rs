//! Untrusted text: errors quote it in one line of limited length, without control characters.

use oras::store::Source;
use oras::{Credential, Error};

use super::{Printed, client, everything_seen, seeded};
use crate::setup::builder;
use crate::support::registry::{Fault, TestRegistry, on};
use crate::support::rng::Rng;

/// Limit for the length of an error in characters: a few quotations and two URLs.
const MAX_ERROR_CHARS: usize = 8 * 1024;

/// Returns a long string with escape sequences, line ends and bidirectional controls.
fn noise() -> String {
    "\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}31m\r\nerror: forged\u{202e}txt.exe\u{200b}\u{0}\t".repeat(2000)
}

/// Escapes a text for a JSON string.
fn in_json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns the noise as a header value: without line ends and ASCII control characters.
fn in_header() -> String {
    "\u{9b}31m\u{202e}txt.exe\u{200b}\u{85}".repeat(500)
}

#[track_caller]
fn assert_fit_for_a_terminal(name: &str, error: &str) {
    let bad = |character: char| {
        character.is_control() || matches!(character, '\u{202e}' | '\u{200b}' | '\u{2028}')
    };
    assert!(!error.contains(bad), "{name}: {error:?}");
    assert!(
        error.chars().count() <= MAX_ERROR_CHARS,
        "{name}: {} characters",
        error.chars().count()
    );
}

fn faults() -> Vec<(&'static str, Fault)> {
    let (noise, header) = (noise(), in_header());
    let quoted = in_json(&noise);
    let json = |path: &str, body: String| {
        on("GET", path)
            .status(200)
            .header("Content-Type", "application/vnd.oci.image.manifest.v1+json")
            .body(body)
    };
    let error =
        format!(r#"{{"code":{quoted},"message":{quoted},"detail":[{quoted},{{{quoted}:1}}]}}"#);
    let many = vec![error; 20].join(",");
    vec![
        (
            "errors",
            on("*", "/v2/*")
                .status(403)
                .body(format!(r#"{{"errors":[{many}]}}"#)),
        ),
        ("text", on("*", "/v2/*").status(403).body(noise.clone())),
        (
            "a page",
            on("*", "/v2/*")
                .status(403)
                .header("Content-Type", "text/html")
                .body(format!("<title>{noise}</title>")),
        ),
        (
            "a message",
            on("*", "/v2/*")
                .status(400)
                .body(format!(r#"{{"message":{quoted}}}"#)),
        ),
        (
            "a digest header",
            on("*", "/v2/*").header("Docker-Content-Digest", &header),
        ),
        (
            "a content type",
            on("*", "/v2/*").header("Content-Type", &format!("a/{header}")),
        ),
        (
            "a range",
            on("GET", "/v2/*")
                .status(206)
                .header("Content-Range", &header),
        ),
        (
            "a Location",
            on("*", "/v2/*").redirect(307, &format!("http://{header}/")),
        ),
        (
            "a path",
            on("*", "/v2/*").redirect(307, &format!("http://10.0.0.1/{header}")),
        ),
        (
            "a long path",
            on("*", "/v2/*").redirect(307, &format!("/v2/{}", "x".repeat(16_000))),
        ),
        (
            "an upload",
            on("POST", "/v2/*").location(&format!("//{header}/")),
        ),
        (
            "a Link",
            on("GET", "/v2/*").link(&format!("<http://{header}>; rel=next")),
        ),
        (
            "a realm",
            on("*", "/v2/*").status(401).header(
                "WWW-Authenticate",
                &format!(
                    "Bearer realm=\"http://{header}/\",service=\"{header}\",scope=\"{header}\""
                ),
            ),
        ),
        (
            "tags",
            json("/v2/a/tags/list", format!(r#"{{"tags":{quoted}}}"#)),
        ),
        (
            "a media type in a manifest",
            json("/v2/a/manifests/*", format!(r#"{{"mediaType":{quoted}}}"#)),
        ),
        (
            "a token",
            on("*", "/v2/*")
                .status(401)
                .header("WWW-Authenticate", "Bearer realm=\"/token\"")
                .before_authorization(),
        ),
    ]
}

#[test]
fn errors_of_a_client_are_one_line() {
    for (name, fault) in faults() {
        let registry = seeded(TestRegistry::start()).with(fault).with(
            on("*", "/token")
                .status(200)
                .header("Content-Type", "application/json")
                .body(format!(
                    r#"{{"token":{},"expires_in":{}}}"#,
                    in_json(&noise()),
                    in_json(&noise())
                )),
        );
        let printed = Printed::default();
        let client = client(Credential::password("me", "secret"), &printed);

        let repository = client.repository(&registry.reference("a")).unwrap();
        let mut errors: Vec<Error> = Vec::new();
        errors.extend(repository.resolve("v1").err());
        errors.extend(repository.fetch_reference("v1", u64::MAX).map(drop).err());
        errors.extend(
            repository
                .fetch(&crate::setup::hello())
                .and_then(|reader| reader.read_all(5))
                .err(),
        );
        for error in errors {
            assert_fit_for_a_terminal(name, &error.chain().to_string());
        }
        for line in everything_seen(&client, &registry.reference("a")).lines() {
            // Every error in its four forms: `Display`, the chain, and two `Debug` forms.
            assert!(line.chars().count() <= 8 * MAX_ERROR_CHARS, "{name}");
            assert!(!line.contains(char::is_control), "{name}: {line:?}");
        }
        let trace = printed.text();
        let is_bad = |character: char| character.is_control() && !"\n\t".contains(character);
        assert!(!trace.contains(is_bad), "{name}");
        registry.take_unexpected();
    }
}

#[test]
fn errors_about_a_manifest_are_one_line() {
    let quoted = in_json(&noise());
    let image = "application/vnd.oci.image.manifest.v1+json";
    let index = "application/vnd.oci.image.index.v1+json";
    for (media_type, manifest) in [
        (image, format!(r#"{{"config":{quoted}}}"#)),
        (
            image,
            format!(r#"{{"config":{{"digest":{quoted},"size":1,"mediaType":{quoted}}}}}"#),
        ),
        (
            image,
            format!(r#"{{"layers":[{{"digest":{quoted},"size":{quoted}}}]}}"#),
        ),
        (index, format!(r#"{{"manifests":[{{"digest":{quoted}}}]}}"#)),
        (index, format!(r#"{{"manifests":{{{quoted}:1}}}}"#)),
    ] {
        let registry = TestRegistry::start();
        registry.seed_manifest("a", media_type, manifest.as_bytes(), Some("v1"));
        let client = builder().build();
        let repository = client.repository(&registry.reference("a")).unwrap();

        let error = repository
            .fetch_manifest_by_reference("v1", 1 << 22)
            .unwrap()
            .view()
            .map(drop)
            .unwrap_err();

        assert_fit_for_a_terminal(media_type, &error.chain().to_string());
        assert_fit_for_a_terminal(media_type, &error.to_string());
    }
}

/// Random bytes instead of each response: no panic, and errors that are safe to print.
#[test]
fn random_bytes_instead_of_a_response_are_an_error() {
    let mut rng = Rng::new(8);
    for round in 0..60 {
        let size = usize::try_from(rng.below(2000)).unwrap();
        let mut body = rng.bytes(size);
        // Some random bodies start like JSON.
        if round % 3 == 0 {
            let start: &[u8] =
                [&b"{\"errors\":["[..], b"{\"tags\":[\"", b"{\"token\":\""][round / 3 % 3];
            body.splice(0..0, start.iter().copied());
        }
        let status = [200, 201, 202, 206, 400, 401, 403, 404, 416, 429, 500][round % 11];
        let registry =
            seeded(TestRegistry::start()).with(on("*", "*").status(status).body(body.clone()));
        let client = client(Credential::password("me", "secret"), &Printed::default());

        for line in everything_seen(&client, &registry.reference("a")).lines() {
            assert!(!line.contains(char::is_control), "{round}: {line:?}");
        }
        registry.take_unexpected();
    }
}
