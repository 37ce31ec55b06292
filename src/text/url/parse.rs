//! Parsing of URLs.

use std::error::Error;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::Url;
use super::origin::{Scheme, split_port};
use crate::limits::MAX_URL_BYTES;
use crate::text::percent::encode_forbidden;
use crate::text::redact::excerpt;

/// The error of parsing a string that is not an `http` or `https` URL.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidUrl {
    /// The string without secrets, shortened.
    pub url: String,
    /// The rule that the string breaks.
    pub reason: &'static str,
}

impl InvalidUrl {
    /// Keeps the string up to its query, without user information.
    fn new(text: &str, reason: &'static str) -> Self {
        let shown = text.split(['?', '#']).next().unwrap_or_default();
        let shown = match shown.rsplit_once('@') {
            Some((front, rest)) => {
                let scheme = front.find("://").map_or(0, |end| end + "://".len());
                format!("{}…@{rest}", &front[..scheme])
            }
            None => shown.to_owned(),
        };
        Self {
            url: excerpt(&shown, MAX_INVALID_CHARS),
            reason,
        }
    }
}

impl fmt::Display for InvalidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid URL \"{}\": {}", self.url, self.reason)
    }
}

impl Error for InvalidUrl {}

/// Limit of an invalid URL in an error, in characters.
const MAX_INVALID_CHARS: usize = 200;

impl Url {
    /// Parses an absolute URL. Drops the fragment, and percent-encodes characters that a request
    /// line cannot carry.
    ///
    /// # Errors
    ///
    /// [`InvalidUrl`] if the scheme is neither `http` nor `https`, the host or port is not valid,
    /// the URL has user information, or it is longer than 16 KiB.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        let invalid = |reason| InvalidUrl::new(text, reason);
        let (scheme, rest) = split_scheme(text).ok_or_else(|| invalid("it has no scheme"))?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(invalid("its scheme is neither http nor https")),
        };
        let rest = rest
            .strip_prefix("//")
            .ok_or_else(|| invalid("it has no host"))?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        if !is_authority(authority) {
            return Err(invalid("its host is not valid"));
        }
        Self {
            scheme,
            authority: authority.to_owned(),
            path: String::new(),
            query: None,
        }
        .with_path_and_query(tail)
    }

    /// Replaces path and query by those in `tail`, without dot segments and fragment.
    pub(crate) fn with_path_and_query(mut self, tail: &str) -> Result<Self, InvalidUrl> {
        let tail = tail.split('#').next().unwrap_or_default();
        let (path, query) = match tail.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (tail, None),
        };
        self.path = remove_dot_segments(&encode_forbidden(path));
        self.query = query.map(encode_forbidden);
        if self.exact().len() > MAX_URL_BYTES {
            return Err(InvalidUrl::new(
                &self.to_string(),
                "it is longer than 16384 bytes",
            ));
        }
        Ok(self)
    }
}

pub(super) fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    (scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && !scheme.contains(['/', '?', '#']))
    .then_some((scheme, rest))
}

/// Whether `authority` is `host` or `host:port`. User information is not accepted: it serves to
/// disguise the host.
fn is_authority(authority: &str) -> bool {
    let (host, port) = split_port(authority);
    let port_is_valid = port
        .is_none_or(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok());
    if let Some(rest) = host.strip_prefix('[') {
        let address = rest.strip_suffix(']');
        return port_is_valid && address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    let characters_are_valid = !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'));
    // Resolvers read `127.1`, `2130706433` and `0x7f000001` as addresses. The origin policy does
    // not, so only the usual notation is accepted.
    let last = host
        .trim_end_matches('.')
        .rsplit('.')
        .next()
        .unwrap_or_default();
    let is_number =
        last.bytes().all(|b| b.is_ascii_digit()) || last.to_ascii_lowercase().starts_with("0x");
    port_is_valid && characters_are_valid && (!is_number || host.parse::<Ipv4Addr>().is_ok())
}

/// Removes the segments `.` and `..` from a path (RFC 3986 §5.2.4).
fn remove_dot_segments(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    let mut ends_in_directory = true;
    for segment in path.split('/').skip(1) {
        ends_in_directory = false;
        match segment {
            "." => ends_in_directory = true,
            ".." => {
                segments.pop();
                ends_in_directory = true;
            }
            other => segments.push(other),
        }
    }
    let mut out = String::with_capacity(path.len() + 1);
    for segment in &segments {
        out.push('/');
        out.push_str(segment);
    }
    if ends_in_directory || out.is_empty() {
        out.push('/');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambiguous_hosts_and_user_information_are_refused() {
        for text in [
            "http://user@host/",
            "http://user:secret@host/",
            "ftp://host/",
            "host/path",
            "http:/path",
            "http://",
            "http://host:port/",
            "http://host:99999/",
            "http://ho st/",
            "http://[::1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://127.0.0.1./",
            "http://0177.1/",
            "http://017700000001/",
            "http://127.0.0.0x1/",
            "http://0X7F.0.0.1/",
            "http://[fe80::1%25eth0]/",
            "http://[fe80::1%eth0]/",
            "http://[::1].example/",
            "http://%6c%6fcalhost/",
            "http://127\u{3002}0\u{3002}0\u{3002}1/",
            "http://\u{2460}27.0.0.1/",
            "http://r.example\\@127.0.0.1/",
            "javascript:alert(1)",
            "http://h\u{f6}st/",
        ] {
            let error = Url::parse(text).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn bytes_that_a_request_line_cannot_carry_are_encoded() {
        let url = Url::parse("http://r/a b<>?q=\"ü\"").unwrap();
        assert_eq!(url.exact(), "http://r/a%20b%3C%3E?q=%22%C3%BC%22");
    }

    #[test]
    fn invalid_urls_are_displayed_without_secrets() {
        for text in [
            "http://me:canary@[::1",
            "http:\\\\me:canary@host",
            "me:canary@host/x",
            "http://[?token=canary",
            "http://[#access_token=canary",
            "https://a@b:canary@c d",
        ] {
            let error = Url::parse(text).unwrap_err().to_string();
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
