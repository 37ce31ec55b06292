//! Questions that programs ask about errors.

use std::io;
use std::time::Duration;

use oras::Error;
use oras::store::Source;

use crate::setup::client;
use crate::support::registry::{TestRegistry, on};

/// The error of a request that fails in this way.
fn error(fault: crate::support::registry::Fault) -> Error {
    let registry = TestRegistry::start().with(fault);
    let repository = client().repository(&registry.reference("a")).unwrap();
    repository
        .fetch_manifest_by_reference("v1", 1000)
        .unwrap_err()
}

fn manifests() -> crate::support::registry::Fault {
    on("GET", "/v2/*")
}

#[test]
fn refusals_are_classified() {
    type Check = fn(&Error) -> bool;
    for (status, code, is) in [
        (404, "MANIFEST_UNKNOWN", Error::is_not_found as Check),
        (403, "DENIED", Error::is_unauthorized),
        (401, "UNAUTHORIZED", Error::is_unauthorized),
        (429, "TOOMANYREQUESTS", Error::is_rate_limited),
        (429, "TOOMANYREQUESTS", Error::is_transient),
        (503, "UNAVAILABLE", Error::is_transient),
        (520, "UNKNOWN", Error::is_transient),
    ] {
        let error = error(manifests().error(status, code, "no")).context("outer");
        assert!(is(&error), "{status}: {error:?}");
        if status != 404 {
            assert_eq!(error.status(), Some(status));
            assert_eq!(error.registry_code(), Some(code));
        }
        let checks: [Check; 3] = [
            Error::is_not_found,
            Error::is_unauthorized,
            Error::is_transient,
        ];
        assert_eq!(checks.iter().filter(|check| check(&error)).count(), 1);
        assert!(!error.is_timeout());
    }
}

#[test]
fn a_requested_wait_is_kept() {
    let error = error(manifests().status(429).retry_after(3600));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert!(error.is_rate_limited());
    assert!(error.to_string().contains("3600 seconds"), "{error}");
    assert_eq!(Error::not_found("a").retry_after(), None);
}

#[test]
fn connection_errors_keep_the_error_of_the_system() {
    let registry = TestRegistry::start();
    let reference = registry.reference("a");
    drop(registry);
    let error = client()
        .repository(&reference)
        .unwrap()
        .resolve("v1")
        .unwrap_err();

    let refused = cause::<io::Error>(&error).unwrap();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    assert!(error.is_transient());
    assert_eq!((error.status(), error.registry_code()), (None, None));
    let message = error.chain().to_string();
    assert!(
        message.ends_with("connect: connection refused"),
        "{message}"
    );
}

/// The first cause of this type.
pub(crate) fn cause<E: std::error::Error + 'static>(error: &Error) -> Option<&E> {
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        next = cause.source();
    }
    None
}
