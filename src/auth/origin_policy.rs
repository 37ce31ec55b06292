//! The origin policy: what may be sent to a URL that a server named.
//!
//! It decides about redirects, token services, upload locations and pagination links. Credentials,
//! custom headers and client certificates are sent to the registry's own origin only. Requests to
//! another origin carry none of them, or are refused.

use crate::text::url::{Origin, Scheme};

/// The kind of request that may be sent to a URL that a server named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginPolicy {
    /// The URL has the origin of the server: everything may be sent.
    SameOrigin,
    /// The URL has another origin: the request is sent without credentials, custom headers and
    /// client certificates.
    NoCredentials,
}

impl OriginPolicy {
    /// Decides what may be sent to `to`, a URL that `from` named.
    ///
    /// # Errors
    ///
    /// The reason why nothing may be sent: `from` is https and `to` is not, or `to` is more local
    /// than `from`. A server on the internet must not make the client send requests into the
    /// client's network, nor a server on that network into the client's machine (SSRF).
    pub(crate) fn between(from: &Origin, to: &Origin) -> Result<Self, &'static str> {
        if from == to {
            Ok(Self::SameOrigin)
        } else if from.scheme() == Scheme::Https && to.scheme() == Scheme::Http {
            Err("it would leave https")
        } else if to.locality() > from.locality() {
            Err(
                "it is an address of this machine or of a private network, and the registry is not as near",
            )
        } else {
            Ok(Self::NoCredentials)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::url::Url;

    #[test]
    fn another_origin_gets_no_credentials_and_a_more_local_one_no_request() {
        let origin = |text: &str| Url::parse(text).unwrap().origin();
        for (from, to, wanted) in [
            ("https://r", "https://r:443", Ok(OriginPolicy::SameOrigin)),
            (
                "http://r:5000",
                "http://R:5000",
                Ok(OriginPolicy::SameOrigin),
            ),
            ("https://r", "https://cdn", Ok(OriginPolicy::NoCredentials)),
            ("http://r", "https://cdn", Ok(OriginPolicy::NoCredentials)),
            ("http://r", "http://r:81", Ok(OriginPolicy::NoCredentials)),
            ("https://r", "http://r", Err(())),
            ("https://r", "https://127.0.0.1", Err(())),
            ("http://r", "http://169.254.169.254", Err(())),
            ("https://r", "https://localhost", Err(())),
            ("https://r", "https://[::ffff:10.0.0.1]", Err(())),
            (
                "http://127.0.0.1:5000",
                "http://127.0.0.1:6000",
                Ok(OriginPolicy::NoCredentials),
            ),
            (
                "http://10.0.0.1",
                "http://10.0.0.2",
                Ok(OriginPolicy::NoCredentials),
            ),
            (
                "http://127.0.0.1",
                "http://10.0.0.1",
                Ok(OriginPolicy::NoCredentials),
            ),
            (
                "http://localhost:5000",
                "http://169.254.169.254",
                Ok(OriginPolicy::NoCredentials),
            ),
            ("http://10.0.0.1", "http://127.0.0.1", Err(())),
            ("http://10.0.0.1", "http://localhost", Err(())),
            ("http://10.0.0.1", "http://169.254.169.254", Err(())),
            ("http://[fd00::1]", "http://[fe80::1]", Err(())),
            ("http://169.254.0.1", "http://127.0.0.1", Err(())),
            (
                "http://169.254.0.1",
                "http://10.0.0.1",
                Ok(OriginPolicy::NoCredentials),
            ),
        ] {
            assert_eq!(
                OriginPolicy::between(&origin(from), &origin(to)).map_err(|_| ()),
                wanted,
                "{from} -> {to}"
            );
        }
    }
}
