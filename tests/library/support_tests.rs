//! Tests of the test support: code that decides whether other tests pass.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

use crate::support::canaries::{Canaries, Canary};
use crate::support::golden::{difference, normalise};
use crate::support::registry::TestRegistry;
use crate::support::rng::Rng;
use crate::support::tempdir::TempDir;
use crate::support::tree::{self, directory, file, symlink};

#[test]
fn variable_parts_become_placeholders() {
    let cases = [
        (
            "a registry",
            "Pushed [registry] 127.0.0.1:40123/a:v1",
            "Pushed [registry] [REGISTRY]/a:v1",
        ),
        ("a known value", "see /tmp/x/work/out", "see [DIR]/out"),
        (
            "the longer known value first",
            "/tmp/x/work and /tmp/x",
            "[DIR] and [UP]",
        ),
        ("a time", "at 2026-01-31T23:59:59Z.", "at [TIME]."),
        (
            "a time with fraction and offset",
            "\"2026-01-31T23:59:59.123+02:00\"",
            "\"[TIME]\"",
        ),
        (
            "a duration",
            "took 1.25s or 30ms",
            "took [ELAPSED] or [ELAPSED]",
        ),
        (
            "words that look like durations",
            "v2s sha256 12seconds 3s4",
            "v2s sha256 12seconds 3s4",
        ),
        ("multi-byte text around", "é 5µs é", "é [ELAPSED] é"),
        ("half a time", "2026-01-31T23:59", "2026-01-31T23:59"),
    ];
    for (name, text, expected) in cases {
        let known = [("/tmp/x", "[UP]"), ("/tmp/x/work", "[DIR]")];
        assert_eq!(normalise(text, &known), expected, "{name}");
    }
}

#[test]
fn a_diff_contains_the_differing_lines() {
    assert_eq!(
        difference("a\nb\nc\n", "a\nx\ny\nc\n"),
        "@@ after 1 equal lines, before 1 @@\n-b\n+x\n+y"
    );
    assert_eq!(difference("a\n", "a"), "only the ends of lines differ");
}

#[test]
fn a_tree_has_the_entries_it_was_built_from() {
    let temporary = TempDir::new();
    let entries = [
        file("a.txt", "hello").mode(0o640),
        file("d/run.sh", "#!/bin/sh\n").mode(0o755),
        directory("d/empty").mode(0o700),
        symlink("d/link", "../a.txt"),
    ];
    let (left, right) = (temporary.join("left"), temporary.join("right"));
    tree::build(&left, &entries);
    tree::build(&right, &entries);
    tree::assert_tree(&left, &entries);
    tree::assert_same(&left, &right);

    let changed = [
        file("a.txt", "jello").mode(0o640),
        file("d/run.sh", "#!/bin/sh\n").mode(0o700),
        directory("d/empty").mode(0o700),
        file("new", ""),
    ];
    let differences = tree::differences(&changed, &entries);
    assert_eq!(
        differences,
        [
            "-a.txt \"jello\" 0640",
            "+a.txt \"hello\" 0640",
            "-d/run.sh \"#!/bin/sh\\n\" 0700",
            "+d/run.sh \"#!/bin/sh\\n\" 0755",
            "-new \"\"",
            "+d/link -> ../a.txt",
        ]
    );
}

#[test]
fn dropping_a_temporary_directory_removes_it() {
    let temporary = TempDir::new();
    temporary.write("a/b", "hello");
    assert_eq!(temporary.read("a/b"), b"hello");
    let path = temporary.path().to_owned();
    drop(temporary);
    assert!(!path.exists());
}

#[test]
fn a_seed_always_gives_the_same_content() {
    // Reference values of splitmix64 for the seed 1234567.
    let mut rng = Rng::new(1_234_567);
    let numbers: Vec<_> = (0..3).map(|_| rng.next_u64()).collect();
    assert_eq!(
        numbers,
        [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423
        ]
    );

    let mut streamed = Vec::new();
    Rng::new(7)
        .stream(21)
        .read_to_end(&mut streamed)
        .expect("a generator does not fail");
    assert_eq!(streamed, Rng::new(7).bytes(21));
}

/// Percent-encodes all bytes that `is_kept` rejects.
fn percent_encoded(text: &str, is_kept: impl Fn(u8) -> bool) -> String {
    text.bytes()
        .map(|byte| match byte {
            kept if is_kept(kept) => char::from(kept).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[test]
fn a_canary_is_found_in_every_encoding() {
    for canary in Canary::ALL {
        let plain = canary.value();
        let json = serde_json::Value::from(plain).to_string();
        let component = percent_encoded(plain, |byte| byte.is_ascii_alphanumeric());
        let hexadecimal = percent_encoded(plain, |_| false).replace('%', "");
        let mut forms = vec![
            plain.to_owned(),
            plain.to_lowercase(),
            json.clone(),
            json.replace('/', "\\/").replace('&', "\\u0026"),
            format!("{plain:?}"),
            component.clone(),
            component.to_lowercase(),
            percent_encoded(plain, |byte| byte.is_ascii_graphic() && byte != b'%'),
            percent_encoded(&component, |byte| byte.is_ascii_alphanumeric()),
            percent_encoded(plain, |_| false),
            hexadecimal.to_lowercase(),
            hexadecimal,
        ];
        for user in ["", "a", "ab", "abc", "user"] {
            let pair = format!("{user}:{plain}");
            let basic = STANDARD.encode(&pair);
            forms.extend([
                format!("Authorization: Basic {basic}"),
                percent_encoded(&basic, |byte| byte.is_ascii_alphanumeric()),
                basic.trim_end_matches('=').to_owned(),
                URL_SAFE.encode(&pair),
                URL_SAFE_NO_PAD.encode(&pair),
                STANDARD.encode(format!("{pair} and more")),
            ]);
        }
        for form in forms {
            let text = format!("a line\nsome {form} text\n");
            Canaries::in_text(&text).are(&[canary], &form);
        }
    }
}

#[test]
fn other_text_is_not_taken_for_a_canary() {
    for text in [
        "",
        "canary",
        "canary-",
        "Y2FuYXJ5",
        "Basic YWxpY2U6b3Blbg==",
        "%63anary",
    ] {
        Canaries::in_text(text).are_absent(text);
    }
}

#[test]
fn canaries_are_found_in_every_part_of_a_request() {
    let registry = TestRegistry::start();
    let secret = Canary::AccessToken.value();
    let body = format!("a={secret}");
    for (target, header, body) in [
        (format!("/v2/{secret}"), "", ""),
        (format!("/v2/?a={secret}"), "", ""),
        ("/v2/".to_owned(), secret, ""),
        ("/v2/".to_owned(), "", body.as_str()),
    ] {
        registry.clear_log();
        let mut stream = TcpStream::connect(registry.host()).unwrap();
        write!(
            stream,
            "POST {target} HTTP/1.1\r\nX-A: {header}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();

        Canaries::sent_to(&registry).are(&[Canary::AccessToken], &target);
    }
    registry.take_unexpected();
}

#[test]
#[should_panic(expected = "the attacker has {Password} instead of {}")]
fn a_leaked_canary_fails_the_test() {
    Canaries::in_text(Canary::Password.value()).are_absent("the attacker");
}

#[test]
#[should_panic(expected = "the registry has {} instead of {Header}")]
fn a_missing_canary_fails_the_test() {
    Canaries::in_text("nothing").are(&[Canary::Header], "the registry");
}
