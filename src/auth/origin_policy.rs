//! The one rule of origins: what a server may make us do at an address it names.
//!
//! It decides over redirects, token services, upload locations and pagination links alike. Credentials, custom headers and
//! client certificates go to the registry's own origin; every other address is asked without them, or not at all.

use crate::text::url::{Origin, Scheme};

/// What may be sent to an address that a server named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It is the same origin: everything.
    Full,
    /// It is another origin: the request alone, without credentials, custom headers or client certificates.
    RequestOnly,
}

/// Decides what may be sent to `to` because `from` said so.
///
/// # Errors
///
/// Why nothing may: the address would leave https, or be nearer to us than who names it, which would let a stranger reach into
/// the network we are in, and that network into this machine.
pub fn trust(from: &Origin, to: &Origin) -> Result<Trust, &'static str> {
    if from == to {
        Ok(Trust::Full)
    } else if from.scheme() == Scheme::Https && to.scheme() == Scheme::Http {
        Err("it would leave https")
    } else if to.nearness() > from.nearness() {
        Err(
            "it is an address of this machine or of a private network, and the registry is not as near",
        )
    } else {
        Ok(Trust::RequestOnly)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::url::Url;

    #[test]
    fn the_rule() {
        let origin = |text: &str| Url::parse(text).unwrap().origin();
        for (from, to, wanted) in [
            ("https://r", "https://r:443", Ok(Trust::Full)),
            ("http://r:5000", "http://R:5000", Ok(Trust::Full)),
            ("https://r", "https://cdn", Ok(Trust::RequestOnly)),
            ("http://r", "https://cdn", Ok(Trust::RequestOnly)),
            ("http://r", "http://r:81", Ok(Trust::RequestOnly)),
            ("https://r", "http://r", Err(())),
            ("https://r", "https://127.0.0.1", Err(())),
            ("http://r", "http://169.254.169.254", Err(())),
            ("https://r", "https://localhost", Err(())),
            ("https://r", "https://[::ffff:10.0.0.1]", Err(())),
            (
                "http://127.0.0.1:5000",
                "http://127.0.0.1:6000",
                Ok(Trust::RequestOnly),
            ),
            ("http://10.0.0.1", "http://10.0.0.2", Ok(Trust::RequestOnly)),
            (
                "http://127.0.0.1",
                "http://10.0.0.1",
                Ok(Trust::RequestOnly),
            ),
            (
                "http://localhost:5000",
                "http://169.254.169.254",
                Ok(Trust::RequestOnly),
            ),
            ("http://10.0.0.1", "http://127.0.0.1", Err(())),
            ("http://10.0.0.1", "http://localhost", Err(())),
            ("http://10.0.0.1", "http://169.254.169.254", Err(())),
            ("http://[fd00::1]", "http://[fe80::1]", Err(())),
            ("http://169.254.0.1", "http://127.0.0.1", Err(())),
            (
                "http://169.254.0.1",
                "http://10.0.0.1",
                Ok(Trust::RequestOnly),
            ),
        ] {
            assert_eq!(
                trust(&origin(from), &origin(to)).map_err(|_| ()),
                wanted,
                "{from} -> {to}"
            );
        }
    }
}
