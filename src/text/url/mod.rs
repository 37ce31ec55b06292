//! URLs of registries: parsing, relative resolution (RFC 3986 §5), origins, and display without
//! secrets.
//!
//! A [`Url`] has the scheme `http` or `https`, no user information and no fragment. Host names stay
//! as written, so that the binary needs no Unicode tables.
//!
//! The crate `fluent-uri` 0.4 adds 27 KB to a small release program. It refuses the spaces, `|` and
//! incomplete percent escapes that registries send in `Location`. It would replace the splitting
//! and the dot segments, about 100 lines, but not the rules for hosts, origins and secrets.

mod locality;
mod origin;
mod parse;
mod resolve;

use std::fmt;

pub use self::locality::Locality;
pub use self::origin::{Origin, Scheme};
pub use self::parse::InvalidUrl;
use crate::text::percent::encode_component;
use crate::text::redact::redact_query;
use crate::text::sanitize::truncate;

pub(crate) use self::locality::BlockedAddress;
pub(crate) use self::origin::{split_port, without_brackets};

/// An absolute `http` or `https` URL.
///
/// `Display` replaces the values of query parameters unless they are known not to be secret.
/// [`Url::exact`] returns the URL as it is sent.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Url {
    scheme: Scheme,
    /// Host and port as written.
    authority: String,
    /// Starts with `/`.
    path: String,
    query: Option<String>,
}

impl Url {
    /// Creates the URL of `path` at a registry.
    pub(crate) fn from_registry(scheme: Scheme, host_and_port: &str, path: &str) -> Self {
        Self {
            scheme,
            authority: host_and_port.to_owned(),
            path: path.to_owned(),
            query: None,
        }
    }

    /// Appends a query parameter. The existing query stays unchanged.
    #[must_use]
    pub fn with_parameter(mut self, name: &str, value: &str) -> Self {
        let query = self.query.get_or_insert_with(String::new);
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(name);
        query.push('=');
        query.push_str(&encode_component(value));
        self
    }

    /// Replaces the scheme. An explicit port stays.
    #[must_use]
    pub(crate) fn with_scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// Returns the scheme.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns host and port as written.
    pub fn host_and_port(&self) -> &str {
        &self.authority
    }

    /// Returns the path, which starts with `/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the query without the question mark.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Returns the origin.
    pub fn origin(&self) -> Origin {
        Origin::new(self.scheme, &self.authority)
    }

    /// Returns the URL as it is sent, including secrets.
    pub fn exact(&self) -> String {
        self.to_string_with(str::to_owned)
    }

    fn to_string_with(&self, convert_query: impl Fn(&str) -> String) -> String {
        let mut text = format!("{}://{}{}", self.scheme.as_str(), self.authority, self.path);
        if let Some(query) = &self.query {
            text.push('?');
            text.push_str(&convert_query(query));
        }
        text
    }
}

/// Limit of a displayed URL, in characters.
const MAX_DISPLAY_CHARS: usize = 1024;

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&truncate(
            self.to_string_with(redact_query),
            MAX_DISPLAY_CHARS,
        ))
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_and_debug_have_no_secrets() {
        let url = Url::parse(
            "https://s3/x?X-Amz-Signature=canary&digest=sha256%3A0&sig=canary&_state=canary&canary",
        )
        .unwrap();
        assert_eq!(
            format!("{url}"),
            "https://s3/x?X-Amz-Signature=REDACTED&digest=sha256%3A0&sig=REDACTED&_state=REDACTED&REDACTED"
        );
        assert!(!format!("{url:?}").contains("canary"));
        assert!(url.exact().contains("canary"));
    }

    #[test]
    fn a_parameter_is_appended_to_an_unchanged_query() {
        let url = Url::parse("http://r/v2/a/blobs/uploads/1?_state=a%2Bb%3D&x=1").unwrap();
        assert_eq!(
            url.with_parameter("digest", "sha256:0").exact(),
            "http://r/v2/a/blobs/uploads/1?_state=a%2Bb%3D&x=1&digest=sha256%3A0"
        );
        assert_eq!(
            Url::parse("http://r")
                .unwrap()
                .with_parameter("n", "2")
                .exact(),
            "http://r/?n=2"
        );
    }

    #[test]
    fn query_values_are_redacted_unless_known_to_be_public() {
        for (query, wanted) in [
            ("digest=sha256%3A0&n=2", "digest=sha256%3A0&n=2"),
            ("canary", "REDACTED"),
            ("n=2&canary", "n=2&REDACTED"),
            ("canary=", "canary=REDACTED"),
            ("digest=0;sig=canary", "digest=REDACTED"),
            ("n=1%26sig=canary", "n=REDACTED"),
            ("eyJhbGciOiJub25lIn0.canary.canary=", "REDACTED"),
            ("a%20canary=1", "REDACTED"),
            ("", ""),
            ("&", "&"),
        ] {
            let url = Url::parse(&format!("http://r/?{query}")).unwrap();
            assert_eq!(url.to_string(), format!("http://r/?{wanted}"), "{query}");
        }
    }

    #[test]
    fn long_urls_are_truncated() {
        let url = Url::parse(&format!("http://r/{}", "a".repeat(10_000))).unwrap();
        assert_eq!(url.to_string().chars().count(), MAX_DISPLAY_CHARS + 1);
    }
}
