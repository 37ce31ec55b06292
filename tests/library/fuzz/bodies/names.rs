//! References and URLs: text that is accepted is written as it was read.

use oras::reference::TagOrDigest;
use oras::url::Url;
use oras::{Digest, MediaType, Platform, Reference};

use super::check_error;

/// The limit of a URL in bytes (`limits::MAX_URL_BYTES`).
const MAX_URL_BYTES: usize = 16 * 1024;

/// Parses text as each kind of name.
pub(super) fn references(text: &str) {
    match text.parse::<Reference>() {
        Ok(reference) => {
            let written = reference.to_string();
            let again: Reference = written.parse().expect("a written reference");
            assert_eq!(again, reference);
            let repository = reference.repository().as_str();
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
            assert!(repository.bytes().all(is_plain), "{repository}");
            assert!(!format!("/{repository}/").contains("/../"), "{repository}");
            let host = reference.registry().host_and_port();
            // A server cannot name a host such as `0`, but users can.
            if let Ok(url) = Url::parse(&format!("https://{host}/v2/{repository}/")) {
                assert_eq!(url.host_and_port(), host);
                assert_eq!(url.path(), format!("/v2/{repository}/"));
            }
        }
        Err(error) => check_error(&error),
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.as_str(), text);
        assert_eq!(digest.encoded().len(), digest.algorithm().encoded_len());
    }
    if let Ok(name) = text.parse::<TagOrDigest>() {
        // A tag before a digest is ignored.
        let written = text.split_once('@').map_or(text, |(_, digest)| digest);
        assert_eq!(name.as_str(), written);
    }
    if let Ok(platform) = text.parse::<Platform>() {
        let again: Platform = platform.to_string().parse().expect("a written platform");
        assert_eq!(again, platform);
        assert!(platform.satisfies(&platform));
    }
    let media_type = MediaType::new(text);
    assert_eq!(media_type.as_str(), text);
    assert!(!media_type.is_manifest() || media_type.is_valid());
}

/// Parses the first line as a URL, and resolves the rest against it.
pub(super) fn urls(text: &str) {
    let (base, reference) = text.split_once('\n').unwrap_or((text, ""));
    let url = match Url::parse(base) {
        Ok(url) => url,
        Err(error) => {
            assert!(error.to_string().chars().count() < 500, "{error}");
            return;
        }
    };
    check_url(&url);
    let changed = url.clone().with_parameter("name", reference);
    assert_eq!(changed.origin(), url.origin());
    let query = changed.query().expect("the parameter");
    let value = query.rsplit_once("name=").expect("the name").1;
    assert!(!value.contains(['&', '#', ' ', '+']), "{value}");
    if let Ok(joined) = url.join(reference) {
        check_url(&joined);
        let is_path = !reference.starts_with("//") && !reference.contains(':');
        assert!(!is_path || joined.origin() == url.origin(), "{joined:?}");
    }
}

/// Checks that a URL can be sent in a request line and read again.
fn check_url(url: &Url) {
    let exact = url.exact();
    assert_eq!(Url::parse(&exact).as_ref(), Ok(url));
    assert!(exact.bytes().all(|byte| byte.is_ascii_graphic()), "{exact}");
    assert!(!exact.contains('#'), "{exact}");
    assert!(!url.host_and_port().contains(['@', '/', '?']), "{exact}");
    assert!(url.path().starts_with('/'), "{exact}");
    let mut segments = url.path().split('/');
    assert!(!segments.any(|it| it == "." || it == ".."), "{exact}");
    assert!(exact.len() <= MAX_URL_BYTES, "{} bytes", exact.len());
    assert!(url.to_string().chars().count() <= 1025);
    let origin = url.origin();
    assert!(!origin.host().is_empty(), "{exact}");
    assert_eq!(origin.scheme(), url.scheme());
}
