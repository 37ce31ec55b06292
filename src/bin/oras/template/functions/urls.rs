//! Splitting and joining URLs, as Go's `net/url`.

use std::fmt::Write as _;

use gotmpl::{ToValue as _, Value};

use crate::cli::quote;
use crate::template::values::{Members, kind};

// Characters that are not escaped in a part of a URL, besides letters, digits and `-_.~`.
const IN_PATH: &str = "$&+,/:;=@";
const IN_HOST: &str = "!$&'()*+,;=:[]<>\"";
const IN_FRAGMENT: &str = "$&+,/:;=?@!()*";
const IN_USER: &str = "$&+,;=";

pub(crate) fn parse(url: &str) -> Result<Members, String> {
    let failed = |why: &str| parse_error(url, why);
    if url.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err(failed("net/url: invalid control character in URL"));
    }
    let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
    let (scheme, rest) = split_scheme(rest).map_err(failed)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut parts = Members::new();
    let mut add = |name: &str, value: String| parts.insert(name.into(), value.to_value());
    add("scheme", scheme.to_ascii_lowercase());
    add("query", query.to_owned());
    let unescape = |text: &str| unescape(text).map_err(|why| failed(&why));
    add("fragment", unescape(fragment)?);
    let (mut authority, mut path, mut opaque) = ("", rest, "");
    if !rest.starts_with('/') && !scheme.is_empty() {
        (path, opaque) = ("", rest);
    } else if !rest.starts_with('/') && rest.split('/').next().is_some_and(|s| s.contains(':')) {
        return Err(failed("first path segment in URL cannot contain colon"));
    } else if let Some(after) = rest.strip_prefix("//")
        && (!scheme.is_empty() || !after.starts_with('/'))
    {
        (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
    }
    add("opaque", opaque.to_owned());
    add("path", unescape(path)?);
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    if host.starts_with('[') && !host.contains(']') {
        return Err(failed("missing ']' in host"));
    }
    let (name, port) = match host.rfind(':') {
        Some(colon) if !host[colon..].contains(']') => host.split_at(colon),
        _ => (host, ""),
    };
    if port.bytes().skip(1).any(|byte| !byte.is_ascii_digit()) {
        let port = quote::double(port);
        return Err(failed(&format!("invalid port {port} after host")));
    }
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    add("host", unescape(host)?);
    add("hostname", unescape(bare.unwrap_or(name))?);
    add("userinfo", escape_user(user).map_err(|why| failed(&why))?);
    Ok(parts)
}

#[inline(never)]
fn parse_error(url: &str, why: &str) -> String {
    format!("unable to parse url: parse {}: {why}", quote::double(url))
}

fn split_scheme(url: &str) -> Result<(&str, &str), &'static str> {
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    match url.find(|c| !is_scheme(c)) {
        Some(0) if url.starts_with(':') => Err("missing protocol scheme"),
        Some(end) if url[end..].starts_with(':') && url.starts_with(char::is_alphabetic) => {
            Ok((&url[..end], &url[end + 1..]))
        }
        _ => Ok(("", url)),
    }
}

/// Escapes a user name and password: `user:password`.
#[inline(never)]
fn escape_user(text: &str) -> Result<String, String> {
    let is_valid = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if !text.chars().all(is_valid) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    let mut out = String::new();
    for (index, part) in text.splitn(2, ':').enumerate() {
        if index > 0 {
            out.push(':');
        }
        out.push_str(&escape(&unescape(part)?, IN_USER));
    }
    Ok(out)
}

#[inline(never)]
fn unescape(text: &str) -> Result<String, String> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            out.push(*byte);
            continue;
        }
        let (digits, after) = rest.split_at(rest.len().min(2));
        let number = std::str::from_utf8(digits)
            .ok()
            .filter(|digits| digits.len() == 2);
        let Some(byte) = number.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
            let escape = format!("%{}", String::from_utf8_lossy(digits));
            return Err(format!("invalid URL escape {}", quote::double(&escape)));
        };
        out.push(byte);
        rest = after;
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

#[inline(never)]
fn escape(text: &str, allowed: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "-_.~".contains(c) || c.is_ascii() && allowed.contains(c) {
            out.push(c);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

pub(crate) fn join(parts: &Members) -> Result<String, String> {
    let part = |name: &str| match parts.get(name) {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.to_string()),
        Some(other) => {
            let kind = kind(other);
            Err(format!(
                "unable to parse {name} key, must be of type string, but {kind} found"
            ))
        }
    };
    let (scheme, host, path) = (part("scheme")?, part("host")?, part("path")?);
    let (query, opaque, fragment) = (part("query")?, part("opaque")?, part("fragment")?);
    let userinfo = part("userinfo")?;
    let user = escape_user(&userinfo).map_err(|why| {
        let url = quote::double(&format!("proto://{userinfo}@host"));
        format!("unable to parse userinfo in dict: parse {url}: {why}")
    })?;
    let mut out = String::new();
    if !scheme.is_empty() {
        out = scheme + ":";
    }
    if opaque.is_empty() {
        let has_authority = !host.is_empty() || !user.is_empty();
        if has_authority || !out.is_empty() && !path.is_empty() {
            out.push_str("//");
        }
        if !user.is_empty() {
            out.push_str(&user);
            out.push('@');
        }
        out.push_str(&escape(&host, IN_HOST));
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            out.push('/');
        }
        if out.is_empty() && path.split('/').next().is_some_and(|s| s.contains(':')) {
            out.push_str("./");
        }
        out.push_str(&escape(&path, IN_PATH));
    } else {
        out.push_str(&opaque);
    }
    for (mark, text) in [("?", query), ("#", escape(&fragment, IN_FRAGMENT))] {
        if !text.is_empty() {
            out.push_str(mark);
            out.push_str(&text);
        }
    }
    Ok(out)
}
