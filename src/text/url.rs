//! Addresses: parsing, relative resolution (RFC 3986 §5), origins, and printing without secrets.
//!
//! Only what registries use: `http` and `https`, no user information, no fragment. Host names stay as they are written,
//! which keeps Unicode tables out of the binary.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::limits::MAX_URL_BYTES;
use crate::text::redact::quoted;

/// The scheme of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// Plain http.
    Http,
    /// http over TLS.
    Https,
}

impl Scheme {
    /// The text in front of `://`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Scheme, host and port: who is talked to. Secrets of one origin are never sent to another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
}

impl Origin {
    /// The scheme.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, whether it was written or is the scheme's own.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How near the host is, as far as its name or literal address tells.
    pub fn nearness(&self) -> Nearness {
        let name = self.host.trim_end_matches('.');
        if name.ends_with(".localhost") || NAMES_OF_THIS_MACHINE.contains(&name) {
            return Nearness::Machine;
        }
        match self
            .host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse()
        {
            Ok(IpAddr::V4(address)) => nearness_v4(address),
            Ok(IpAddr::V6(address)) => nearness_v6(address),
            Err(_) => Nearness::Internet,
        }
    }
}

/// How near a host is to this machine. The nearer it is, the more it trusts us: a server leads us to nothing that is nearer
/// than it is itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// Somewhere, or who knows where its name leads.
    Internet,
    /// In a private network.
    Network,
    /// On the link, where clouds tell a machine its secrets.
    Link,
    /// This machine.
    Machine,
}

/// What `/etc/hosts` calls the loopback addresses on one system or another.
const NAMES_OF_THIS_MACHINE: [&str; 8] = [
    "ip6-localhost",
    "ip6-loopback",
    "localhost",
    "localhost.localdomain",
    "localhost4",
    "localhost4.localdomain4",
    "localhost6",
    "localhost6.localdomain6",
];

/// What leads to this machine, or to a network that is not the internet (RFC 6890).
const fn nearness_v4(address: Ipv4Addr) -> Nearness {
    let [first, second, third, _] = address.octets();
    // This network is above all 0.0.0.0, which leads to this machine.
    if address.is_loopback() || first == 0 {
        Nearness::Machine
    // Multicast, and what is reserved up to the broadcast address, go no further than the link if they go anywhere.
    } else if address.is_link_local() || first >= 224 {
        Nearness::Link
    } else if address.is_private()
        // Shared address space (RFC 6598).
        || (first == 100 && second & 0xc0 == 64)
        // Protocol assignments, and benchmarks (RFC 2544).
        || matches!((first, second, third), (192, 0, 0) | (198, 18 | 19, _))
    {
        Nearness::Network
    } else {
        Nearness::Internet
    }
}

fn nearness_v6(address: Ipv6Addr) -> Nearness {
    let segments = address.segments();
    let itself = if address.is_loopback() || address.is_unspecified() {
        Nearness::Machine
    } else if address.is_unicast_link_local() || address.is_multicast() {
        Nearness::Link
    } else if address.is_unique_local()
        // Site-local, which was deprecated and is still a private network (RFC 3879).
        || segments[0] & 0xffc0 == 0xfec0
        // Translation of a network's own (RFC 8215).
        || matches!(segments, [0x64, 0xff9b, 1, ..])
    {
        Nearness::Network
    } else {
        Nearness::Internet
    };
    let within = embedded_v4(segments).map_or(Nearness::Internet, nearness_v4);
    itself.max(within)
}

/// The IPv4 address that an IPv6 address leads to, where it is one in disguise.
const fn embedded_v4(segments: [u16; 8]) -> Option<Ipv4Addr> {
    let (high, low) = match segments {
        // Compatible and mapped addresses (RFC 4291), translated ones (RFC 2765) and those of NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        // 6to4 (RFC 3056), and ISATAP within any network (RFC 5214).
        | [0x2002, high, low, ..]
        | [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => (high, low),
        // Teredo, which inverts it (RFC 4380).
        [0x2001, 0, .., high, low] => (!high, !low),
        _ => return None,
    };
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Some(Ipv4Addr::new(a, b, c, d))
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if self.port != self.scheme.default_port() {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

/// An absolute `http` or `https` address.
///
/// `Display` hides the values of query parameters that are not known to be harmless; [`Url::exact`] is what is sent.
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
    /// Parses an absolute address. A fragment is dropped; characters that no request line can carry are percent-encoded.
    ///
    /// # Errors
    ///
    /// [`InvalidUrl`] if the string has no scheme of `http` or `https`, or no valid host.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        let (scheme, rest) = split_scheme(text).ok_or_else(|| invalid(text, "it has no scheme"))?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(invalid(text, "its scheme is neither http nor https")),
        };
        let rest = rest
            .strip_prefix("//")
            .ok_or_else(|| invalid(text, "it has no host"))?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        Self {
            scheme,
            authority: checked_authority(authority)
                .ok_or_else(|| invalid(text, "its host is not valid"))?,
            path: String::new(),
            query: None,
        }
        .with_path_and_query(tail)
    }

    /// The address of a path at a registry.
    pub(crate) fn of_registry(scheme: Scheme, host_and_port: &str, path: &str) -> Self {
        Self {
            scheme,
            authority: host_and_port.to_owned(),
            path: path.to_owned(),
            query: None,
        }
    }

    /// Resolves a reference, relative or absolute, against this address (RFC 3986 §5.2).
    ///
    /// # Errors
    ///
    /// [`InvalidUrl`] if the result is not a valid URL.
    pub fn join(&self, reference: &str) -> Result<Self, InvalidUrl> {
        if split_scheme(reference).is_some_and(|(scheme, _)| {
            scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'+')
        }) {
            return Self::parse(reference);
        }
        if reference.starts_with("//") {
            return Self::parse(&format!("{}:{reference}", self.scheme.as_str()));
        }
        if reference.starts_with('/') {
            return self.clone().with_path_and_query(reference);
        }
        if reference.is_empty() || reference.starts_with(['?', '#']) {
            let query = reference.starts_with('?');
            let joined = Self {
                query: if query { None } else { self.query.clone() },
                ..self.clone()
            };
            let tail = format!("{}{reference}", self.path);
            return if query {
                joined.with_path_and_query(&tail)
            } else {
                Ok(joined)
            };
        }
        let directory = &self.path[..=self.path.rfind('/').unwrap_or(0)];
        self.clone()
            .with_path_and_query(&format!("{directory}{reference}"))
    }

    fn with_path_and_query(mut self, tail: &str) -> Result<Self, InvalidUrl> {
        let tail = tail.split('#').next().unwrap_or_default();
        let (path, query) = match tail.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (tail, None),
        };
        self.path = without_dot_segments(&encode_forbidden(path));
        self.query = query.map(encode_forbidden);
        if self.exact().len() > MAX_URL_BYTES {
            return Err(invalid(&self.to_string(), "it is longer than 16384 bytes"));
        }
        Ok(self)
    }

    /// Adds a query parameter behind those there are, which stay exactly as they are.
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

    /// The same address over another scheme, keeping a written port.
    #[must_use]
    pub(crate) fn with_scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// The scheme.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Host and port as written.
    pub fn host_and_port(&self) -> &str {
        &self.authority
    }

    /// The path, which starts with `/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query, without the question mark.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Who this address talks to.
    pub fn origin(&self) -> Origin {
        let (host, port) = split_port(&self.authority);
        Origin {
            scheme: self.scheme,
            host: host.to_ascii_lowercase(),
            port: port
                .and_then(|port| port.parse().ok())
                .unwrap_or_else(|| self.scheme.default_port()),
        }
    }

    /// The whole address as it is sent, secrets included.
    pub fn exact(&self) -> String {
        let mut text = format!("{}://{}{}", self.scheme.as_str(), self.authority, self.path);
        if let Some(query) = &self.query {
            text.push('?');
            text.push_str(query);
        }
        text
    }
}

/// The error of parsing a string that is not an `http` or `https` URL.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidUrl {
    /// The string without secrets, shortened.
    pub url: String,
    /// The rule that the string breaks.
    pub reason: &'static str,
}

impl fmt::Display for InvalidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid URL \"{}\": {}", self.url, self.reason)
    }
}

impl Error for InvalidUrl {}

/// Query parameters of the registry protocol, none of them secret.
const HARMLESS_PARAMETERS: [&str; 11] = [
    "artifactType",
    "digest",
    "digest-algorithm",
    "from",
    "last",
    "mount",
    "n",
    "ns",
    "scope",
    "service",
    "tag",
];

/// How much of a longer address is shown, in characters.
const MAX_SHOWN_CHARS: usize = 1024;

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = format!("{}://{}{}", self.scheme.as_str(), self.authority, self.path);
        if let Some(query) = &self.query {
            shown.push('?');
            shown.push_str(&shown_query(query));
        }
        match shown.char_indices().nth(MAX_SHOWN_CHARS) {
            Some((end, _)) => write!(f, "{}…", &shown[..end]),
            None => f.write_str(&shown),
        }
    }
}

/// A query without the values of parameters that are not known to be harmless.
fn shown_query(query: &str) -> String {
    let parameters = query.split('&').map(|parameter| {
        let (name, value) = match parameter.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (parameter, None),
        };
        match value {
            Some(value) if HARMLESS_PARAMETERS.contains(&name) && is_plain(value) => {
                parameter.to_owned()
            }
            Some(_) if is_parameter_name(name) => format!("{name}=REDACTED"),
            None if parameter.is_empty() => String::new(),
            // A parameter without a value is all secret, if it is one.
            Some(_) | None => "REDACTED".to_owned(),
        }
    });
    parameters.collect::<Vec<_>>().join("&")
}

/// Whether a value holds no further parameters, however those may be separated.
fn is_plain(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%:/,+@*".contains(&byte))
}

/// Names are words; what is longer or has other characters may be a value.
fn is_parameter_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 32
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// A text in which the addresses, if there are any, hide what [`Url`] hides: user information and values of queries.
pub(crate) fn without_secrets(text: &str) -> String {
    text.split_inclusive(|character: char| {
        character.is_whitespace() || matches!(character, '"' | '\'' | '<' | '>')
    })
    .map(|word| {
        let end = word
            .trim_end_matches(|character: char| {
                character.is_whitespace() || matches!(character, '"' | '\'' | '<' | '>')
            })
            .len();
        let (word, delimiter) = word.split_at(end);
        address_without_secrets(word) + delimiter
    })
    .collect()
}

/// As [`without_secrets`], of one word.
fn address_without_secrets(word: &str) -> String {
    let Some(start) = word.find('/') else {
        return word.to_owned();
    };
    let end = word[start..]
        .find(['?', '#'])
        .map_or(word.len(), |end| start + end);
    let (address, rest) = word.split_at(end);
    let mut parts = address.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find('/').unwrap_or(part.len());
        let host = part[..end].rfind('@').map_or(0, |at| at + 1);
        shown.push_str(if host > 0 { "://…@" } else { "://" });
        shown.push_str(&part[host..]);
    }
    let (query, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    if let Some(query) = query.strip_prefix('?') {
        shown.push('?');
        shown.push_str(&shown_query(query));
    }
    if !fragment.is_empty() {
        shown.push_str("#…");
    }
    shown
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}

fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    (scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && !scheme.contains(['/', '?', '#']))
    .then_some((scheme, rest))
}

/// Splits `host:port`, minding the colons of `[::1]:port`.
pub(crate) fn split_port(text: &str) -> (&str, Option<&str>) {
    let host_end = text.rfind(']').unwrap_or(0);
    match text[host_end..].find(':') {
        Some(colon) => (
            &text[..host_end + colon],
            Some(&text[host_end + colon + 1..]),
        ),
        None => (text, None),
    }
}

/// Accepts `host[:port]`, never user information: what is in front of an `@` is there to mislead.
fn checked_authority(authority: &str) -> Option<String> {
    let (host, port) = split_port(authority);
    let host_is_valid = match host.strip_prefix('[') {
        Some(rest) => rest
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
        }
    };
    let port_is_valid = port
        .is_none_or(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok());
    // `127.1`, `2130706433` and `0x7f000001` are the same address to a resolver, and none to a rule about addresses.
    let last = host
        .trim_end_matches('.')
        .rsplit('.')
        .next()
        .unwrap_or_default();
    let is_number =
        last.bytes().all(|b| b.is_ascii_digit()) || last.to_ascii_lowercase().starts_with("0x");
    let host_is_valid =
        host_is_valid && (host.starts_with('[') || !is_number || host.parse::<Ipv4Addr>().is_ok());
    (host_is_valid && port_is_valid).then(|| authority.to_owned())
}

fn without_dot_segments(path: &str) -> String {
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

/// Percent-encodes the bytes that cannot stand in a request line, and nothing else: what is encoded already stays.
pub(crate) fn encode_forbidden(text: &str) -> String {
    encode(text, |byte| {
        byte.is_ascii_graphic()
            && !matches!(
                byte,
                b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
            )
    })
}

/// Percent-encodes a value of a query parameter. Slashes and colons may stand there, but some servers disagree on colons.
pub(crate) fn encode_component(text: &str) -> String {
    encode(text, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
    })
}

fn encode(text: &str, is_allowed: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_allowed(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 0xf] {
                out.push(char::from(b"0123456789ABCDEF"[usize::from(nibble)]));
            }
        }
    }
    out
}

/// Shows the address up to its query, without what stands in front of an `@`.
fn invalid(url: &str, reason: &'static str) -> InvalidUrl {
    let shown = url.split(['?', '#']).next().unwrap_or_default();
    let shown = match shown.rsplit_once('@') {
        Some((front, rest)) => {
            let scheme = front.find("://").map_or(0, |end| end + "://".len());
            format!("{}…@{rest}", &front[..scheme])
        }
        None => shown.to_owned(),
    };
    InvalidUrl {
        url: quoted(&shown, MAX_INVALID_CHARS),
        reason,
    }
}

/// `a%40b` as `a@b`; `None` if it is not encoded properly, or does not encode text.
pub(crate) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex_digit(rest.next()?)? << 4 | hex_digit(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16)?.try_into().ok()
}

/// How much of what is no address is shown, in characters.
const MAX_INVALID_CHARS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_references_resolve_as_in_rfc_3986() {
        let base = Url::parse("http://a/b/c/d?q").unwrap();
        for (reference, wanted) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("?y", "http://a/b/c/d?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d?q"),
            ("g#s", "http://a/b/c/g"),
            ("", "http://a/b/c/d?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("https://x:5000/y", "https://x:5000/y"),
        ] {
            assert_eq!(base.join(reference).unwrap().exact(), wanted, "{reference}");
        }
    }

    #[test]
    fn origins_are_equal_when_scheme_host_and_effective_port_are() {
        let origin = |text: &str| Url::parse(text).unwrap().origin();
        assert_eq!(
            origin("https://R.example/a"),
            origin("https://r.example:443/b?c")
        );
        assert_ne!(origin("https://r.example/"), origin("http://r.example/"));
        assert_ne!(
            origin("http://r.example/"),
            origin("http://r.example:5000/")
        );
        assert_eq!(
            origin("http://[::1]:5000/").to_string(),
            "http://[::1]:5000"
        );
    }

    #[test]
    fn addresses_that_hide_something_are_refused() {
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
    fn what_is_printed_has_no_secrets() {
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
    fn a_parameter_is_added_behind_a_query_that_stays_as_it_is() {
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
    fn bytes_that_no_request_line_can_carry_are_encoded() {
        let url = Url::parse("http://r/a b<>?q=\"ü\"").unwrap();
        assert_eq!(url.exact(), "http://r/a%20b%3C%3E?q=%22%C3%BC%22");
    }

    #[test]
    fn a_query_hides_whatever_may_be_a_value() {
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
    fn long_addresses_are_shown_in_part() {
        let url = Url::parse(&format!("http://r/{}", "a".repeat(10_000))).unwrap();
        assert_eq!(url.to_string().chars().count(), MAX_SHOWN_CHARS + 1);
    }

    #[test]
    fn addresses_in_a_text_hide_what_addresses_hide() {
        for (text, wanted) in [
            ("no address here?", "no address here?"),
            ("https://r/x", "https://r/x"),
            (
                "GET \"https://s3/x?X-Amz-Signature=canary&n=1\": no",
                "GET \"https://s3/x?X-Amz-Signature=REDACTED&n=1\": no",
            ),
            (
                "Bearer realm=\"/token?key=canary\",service=\"s\"",
                "Bearer realm=\"/token?key=REDACTED\",service=\"s\"",
            ),
            (
                "Bearer realm=https://me:canary@r/t,x=http://canary@s",
                "Bearer realm=https://…@r/t,x=http://…@s",
            ),
            (
                "see </a#canary> and\n/b?canary",
                "see </a#…> and\n/b?REDACTED",
            ),
            (
                "{\"u\":\"http:\\/\\/h\\/?s=canary\"}",
                "{\"u\":\"http:\\/\\/h\\/?s=REDACTED\"}",
            ),
        ] {
            assert_eq!(without_secrets(text), wanted);
        }
    }

    #[test]
    fn what_is_no_address_is_shown_without_secrets_too() {
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

    #[test]
    fn local_addresses_are_known_in_every_spelling() {
        for (nearness, hosts) in [
            (
                Nearness::Machine,
                &[
                    "localhost",
                    "LOCALHOST",
                    "localhost.",
                    "localhost..",
                    "a.localhost",
                    "a.localhost.",
                    "localhost.localdomain",
                    "ip6-localhost",
                    "0.0.0.0",
                    "0.1.2.3",
                    "127.0.0.1",
                    "127.1.2.3",
                    "[::]",
                    "[::1]",
                    "[0:0:0:0:0:0:0:1]",
                    "[::127.0.0.1]",
                    "[::ffff:127.0.0.1]",
                    "[::FFFF:7f00:1]",
                    "[64:ff9b::127.0.0.1]",
                    "[2002:7f00:1::]",
                    "[2001:0:808:808::80ff:fffe]",
                    "[2001:db8::5efe:127.0.0.1]",
                    "[fe80::5efe:127.0.0.1]",
                ][..],
            ),
            (
                Nearness::Link,
                &[
                    "169.254.169.254",
                    "224.0.0.1",
                    "240.0.0.1",
                    "255.255.255.255",
                    "[64:ff9b::a9fe:a9fe]",
                    "[2002:a9fe:a9fe::1]",
                    "[fe80::1]",
                    "[febf::1]",
                    "[ff02::1]",
                ][..],
            ),
            (
                Nearness::Network,
                &[
                    "10.0.0.1",
                    "100.64.0.1",
                    "100.127.255.255",
                    "172.16.0.1",
                    "172.31.255.255",
                    "192.0.0.170",
                    "192.168.1.1",
                    "198.18.0.1",
                    "[::ffff:0:10.0.0.1]",
                    "[64:ff9b:1::8.8.8.8]",
                    "[2001:db8::200:5efe:10.0.0.1]",
                    "[fc00::1]",
                    "[fd00::1]",
                    "[fec0::1]",
                    "[feff::1]",
                ][..],
            ),
            (
                Nearness::Internet,
                &[
                    "r.example",
                    "localhost.example",
                    "notlocalhost",
                    "8.8.8.8",
                    "11.0.0.1",
                    "100.128.0.1",
                    "169.253.0.1",
                    "172.32.0.1",
                    "192.1.0.1",
                    "223.255.255.255",
                    "[2001:4860::1]",
                    "[::ffff:8.8.8.8]",
                    "[64:ff9b::8.8.8.8]",
                    "[2002:808:808::1]",
                    "[2001:0:808:808::f7f7:f7f7]",
                ][..],
            ),
        ] {
            for host in hosts {
                let url = Url::parse(&format!("http://{host}/")).unwrap();
                assert_eq!(url.origin().nearness(), nearness, "{host}");
            }
        }
    }
}
