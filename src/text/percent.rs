//! Percent-encoding (RFC 3986 §2.1).

/// Percent-encodes the bytes that a request line cannot carry. Existing escapes stay as they are.
pub(crate) fn encode_forbidden(text: &str) -> String {
    encode(text.as_bytes(), |byte| {
        byte.is_ascii_graphic()
            && !matches!(
                byte,
                b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
            )
    })
}

/// Percent-encodes the value of a query parameter. RFC 3986 allows `/` and `:` in a query, but some
/// servers reject a literal colon.
pub(crate) fn encode_component(value: impl AsRef<[u8]>) -> String {
    encode(value.as_ref(), |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
    })
}

fn encode(bytes: &[u8], is_allowed: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
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

/// Decodes percent escapes: `a%40b` becomes `a@b`. Returns `None` for an incomplete escape, or if
/// the decoded bytes are not UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
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
