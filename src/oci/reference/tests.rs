use super::*;

const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

#[test]
fn valid_references_split_into_their_parts() {
    let digest = format!("@{DIGEST}");
    for (text, registry, repository, name) in [
        ("localhost/hello", "localhost", "hello", None),
        ("r.example./a", "r.example.", "a", None),
        ("r.example.:5000/a", "r.example.:5000", "a", None),
        (
            "localhost:5000/hello:v1",
            "localhost:5000",
            "hello",
            Some("v1"),
        ),
        (
            "r.example/a/b-c/d__e.f:V_1.-x",
            "r.example",
            "a/b-c/d__e.f",
            Some("V_1.-x"),
        ),
        ("[::1]:5000/a", "[::1]:5000", "a", None),
        ("[::1]/a", "[::1]", "a", None),
        (
            "127.0.0.1/blobs/uploads",
            "127.0.0.1",
            "blobs/uploads",
            None,
        ),
        ("r/a:", "r", "a", None),
        ("r/a@", "r", "a", None),
        (&format!("r/a{digest}"), "r", "a", Some(DIGEST)),
        (&format!("r/a:v1{digest}"), "r", "a", Some(DIGEST)),
        (&format!("r/a:not a tag{digest}"), "r", "a", Some(DIGEST)),
    ] {
        let reference: Reference = text.parse().unwrap();
        assert_eq!(reference.registry().as_str(), registry, "{text}");
        assert_eq!(reference.repository().as_str(), repository, "{text}");
        assert_eq!(reference.name().map(TagOrDigest::as_str), name, "{text}");
    }
}

#[test]
fn invalid_references_say_which_part_is_wrong() {
    for (text, reason) in [
        ("hello", "missing registry or repository"),
        ("", "missing registry or repository"),
        ("r/A", "invalid repository \"A\""),
        ("r/", "invalid repository \"\""),
        ("r/a//b", "invalid repository \"a//b\""),
        ("r/a___b", "invalid repository \"a___b\""),
        ("r/a.-b", "invalid repository \"a.-b\""),
        ("r/a:v 1", "invalid tag \"v 1\""),
        ("r/a:v1:v2", "invalid tag \"v1:v2\""),
        ("/a", "invalid registry \"\""),
        ("./a", "invalid registry \".\""),
        ("r../a", "invalid registry \"r..\""),
        (".r/a", "invalid registry \".r\""),
        ("r..x/a", "invalid registry \"r..x\""),
        ("u@r/a", "invalid registry \"u@r\""),
        ("r:99999/a", "invalid registry \"r:99999\""),
        ("r:+1/a", "invalid registry \"r:+1\""),
        ("http://r/a", "invalid registry \"http:\""),
        (
            "r/a@sha256:00",
            "invalid digest \"sha256:00\": invalid checksum digest length",
        ),
        (
            "r/a:v1@",
            "invalid digest \"\": invalid checksum digest format",
        ),
        (
            "r/a@v1",
            "invalid digest \"v1\": invalid checksum digest format",
        ),
    ] {
        match text.parse::<Reference>() {
            Err(Error::InvalidReference {
                reference,
                reason: got,
                ..
            }) => {
                assert_eq!((reference.as_str(), got.as_str()), (text, reason));
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn references_are_normalized_on_request() {
    for (text, normalized) in [
        ("alpine", "docker.io/library/alpine"),
        ("alpine:3", "docker.io/library/alpine:3"),
        ("library/alpine", "docker.io/library/alpine"),
        ("docker.io/alpine", "docker.io/library/alpine"),
        ("a/b:v1", "docker.io/a/b:v1"),
        ("a/b/c", "docker.io/a/b/c"),
        ("localhost/a", "localhost/a"),
        ("r:5000/a", "r:5000/a"),
        ("r.example/a/b", "r.example/a/b"),
        ("docker://alpine", "docker.io/library/alpine"),
        ("https://r.example/a:v1", "r.example/a:v1"),
        ("oci://r.example/a", "r.example/a"),
    ] {
        assert_eq!(&*Reference::normalized(text).unwrap(), normalized, "{text}");
    }
    for text in ["", "A", "a b://r/a", "https://", "r.example/"] {
        assert!(Reference::normalized(text).is_err(), "{text}");
    }
}

#[test]
fn errors_suggest_a_reference() {
    for (text, message) in [
        (
            "alpine:3",
            r#""alpine:3": invalid reference: missing registry or repository, did you mean "docker.io/library/alpine:3"?"#,
        ),
        (
            "https://r.example/a",
            r#""https://r.example/a": invalid reference: invalid registry "https:", did you mean "r.example/a"?"#,
        ),
        ("r/A", r#""r/A": invalid reference: invalid repository "A""#),
    ] {
        let error = text.parse::<Reference>().unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn docker_hub_has_an_api_host_of_its_own() {
    let reference: Reference = "docker.io/library/alpine".parse().unwrap();
    assert_eq!(reference.registry().host_and_port(), "registry-1.docker.io");
    assert_eq!(reference.path(), "docker.io/library/alpine");
}

#[test]
fn a_tag_has_at_most_128_characters() {
    assert!("a".repeat(128).parse::<Tag>().is_ok());
    assert!("a".repeat(129).parse::<Tag>().is_err());
    assert!(".a".parse::<Tag>().is_err());
}

#[test]
fn a_tag_before_a_digest_is_ignored() {
    for (text, name) in [
        ("v1".to_owned(), Some("v1")),
        (DIGEST.to_owned(), Some(DIGEST)),
        (format!("v1@{DIGEST}"), Some(DIGEST)),
        (format!("@{DIGEST}"), Some(DIGEST)),
        (format!("not a tag@{DIGEST}"), Some(DIGEST)),
        ("v1@".to_owned(), None),
        ("v1@v2".to_owned(), None),
        ("v1:v2".to_owned(), None),
        (format!("v1@{DIGEST}@{DIGEST}"), None),
    ] {
        let parsed = text.parse::<TagOrDigest>().ok();
        assert_eq!(parsed.as_deref(), name, "{text}");
    }
}
