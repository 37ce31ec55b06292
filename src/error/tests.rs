//! Tests of error messages and conversions.

use super::*;

#[test]
fn errors_are_small_send_and_sync() {
    fn assert_send_and_sync<T: Send + Sync>() {}
    assert_send_and_sync::<Error>();
    assert!(size_of::<Error>() <= 96, "{}", size_of::<Error>());
}

#[test]
fn messages_are_one_line_whatever_names_they_contain() {
    let name = || "a\u{1b}[2J\r\nb\u{9b}\u{202e}".repeat(100_000);
    for error in [
        Error::not_found(name()),
        Error::unsupported(name()),
        Error::malformed(name(), name()),
        Error::Conflict {
            name: name(),
            conflict: Conflict::DuplicateName,
        },
        Error::PathTraversal {
            name: name(),
            reason: "leads out",
        },
        Error::Conflict {
            name: name(),
            conflict: Conflict::ReferencedBy(name()),
        },
        Error::InvalidReference {
            reference: name(),
            reason: name(),
            suggestion: Some(name()),
        },
        Error::io(IoOp::Open, name())(io::Error::other(name())),
        Error::not_found("").context(name()),
    ] {
        for shown in [error.to_string(), error.chain().to_string()] {
            assert!(!shown.contains(char::is_control), "{shown:?}");
            assert!(!shown.contains('\u{202e}'), "{shown:?}");
            assert!(shown.chars().count() < 20_000);
        }
    }
}

#[test]
fn a_chain_contains_each_message_once() {
    let error = Error::io(IoOp::Open, "/a/b")(io::Error::other("boom")).context("failed to push");
    assert_eq!(error.chain().to_string(), "failed to push: open /a/b: boom");
}

#[test]
fn a_malformed_document_keeps_the_error_of_the_parser() {
    let parse = serde_json::from_str::<u8>("{").unwrap_err();
    let shown = format!("invalid manifest m: {parse}");
    let error = Error::malformed_by(parse, "manifest m");
    assert!(error.source().unwrap().is::<serde_json::Error>());
    assert_eq!(error.to_string(), shown);
    assert_eq!(error.chain().to_string(), shown);
    let outer = Error::Io {
        operation: IoOp::Read,
        path: "x".into(),
        source: error.into_io(),
    };
    assert_eq!(outer.chain().to_string(), format!("read x: {shown}"));
}

#[test]
fn a_library_error_survives_conversion_to_io_error_and_back() {
    let error = Error::io(IoOp::Read, "x")(Error::not_found("y").into_io());
    assert!(matches!(error, Error::NotFound { .. }));
}

#[test]
fn error_responses_display_the_errors_of_the_body() {
    let mut response = RegistryErrorResponse {
        method: "GET",
        url: "http://r/v2/".to_owned(),
        host: "r".to_owned(),
        status: 401,
        errors: vec![],
        excerpt: None,
        retry_after: None,
        wait: None,
        by: Responder::Registry,
    };
    assert_eq!(
        response.to_string(),
        r#"GET "http://r/v2/": response status code 401: Unauthorized"#
    );
    let error = |code: &str, message: &str, detail: &str| RegistryError {
        code: code.to_owned(),
        message: message.to_owned(),
        detail: detail.to_owned(),
    };
    response.errors = vec![
        error("NAME_UNKNOWN", "", "lost"),
        error("DENIED", "no", "[why]"),
    ];
    assert_eq!(
        response.errors_in_one_line().unwrap(),
        "name unknown; denied: no: [why]"
    );
    assert!(response.has_code("name_unknown"));
    response.status = 400;
    assert!(Error::Refused(Box::new(response.clone())).is_unauthorized());
    response.errors.pop();
    assert!(!Error::Refused(Box::new(response)).is_unauthorized());
}
