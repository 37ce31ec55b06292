//! Addresses in parts and back.

use std::fmt::Write as _;

use gotmpl::{ToValue, Value};

use super::functions::Given;
use super::values::{self, Members, Outcome, kind};
use crate::cli::quote;

/// What need not be escaped, besides letters, digits and `-_.~`.
const IN_PATH: &str = "$&+,/:;=@";
const IN_HOST: &str = "!$&'()*+,;=:[]<>\"";
const IN_FRAGMENT: &str = "$&+,/:;=?@!()*";
const IN_USER: &str = "$&+,;=";

pub(super) fn parse(given: &Given<'_>) -> Outcome {
    let address = given.text(0);
    let failed = |why: &str| failed(address, why);
    if address.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err(failed("net/url: invalid control character in URL"));
    }
    let (rest, fragment) = address.split_once('#').unwrap_or((address, ""));
    let (scheme, rest) = split_scheme(rest).map_err(failed)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut parts = Members::new();
    let mut add = |name: &str, value: String| parts.insert(name.into(), value.to_value());
    add("scheme", scheme.to_ascii_lowercase());
    add("query", query.to_owned());
    let escape = |text: &str| unescaped(text).map_err(|why| failed(&why));
    add("fragment", escape(fragment)?);
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
    add("path", escape(path)?);
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
    add("host", escape(host)?);
    add("hostname", escape(bare.unwrap_or(name))?);
    add("userinfo", user_of(user).map_err(|why| failed(&why))?);
    Ok(values::dict(parts))
}

#[inline(never)]
fn failed(address: &str, why: &str) -> String {
    let address = quote::double(address);
    format!("unable to parse url: parse {address}: {why}")
}

fn split_scheme(address: &str) -> Result<(&str, &str), &'static str> {
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    match address.find(|c| !is_scheme(c)) {
        Some(0) if address.starts_with(':') => Err("missing protocol scheme"),
        Some(end)
            if address[end..].starts_with(':') && address.starts_with(char::is_alphabetic) =>
        {
            Ok((&address[..end], &address[end + 1..]))
        }
        _ => Ok(("", address)),
    }
}

/// A user, and a password if there is one, escaped as they have to be.
#[inline(never)]
fn user_of(text: &str) -> Result<String, String> {
    let is_valid = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if !text.chars().all(is_valid) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    let mut out = String::new();
    for (index, part) in text.splitn(2, ':').enumerate() {
        if index > 0 {
            out.push(':');
        }
        out.push_str(&escaped(&unescaped(part)?, IN_USER));
    }
    Ok(out)
}

#[inline(never)]
fn unescaped(text: &str) -> Result<String, String> {
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
fn escaped(text: &str, allowed: &str) -> String {
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

pub(super) fn join(given: &Given<'_>) -> Outcome {
    let part = |name: &str| match given.member(0, name) {
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
    let given_user = part("userinfo")?;
    let user = user_of(&given_user).map_err(|why| {
        let address = quote::double(&format!("proto://{given_user}@host"));
        format!("unable to parse userinfo in dict: parse {address}: {why}")
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
        out.push_str(&escaped(&host, IN_HOST));
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            out.push('/');
        }
        if out.is_empty() && path.split('/').next().is_some_and(|s| s.contains(':')) {
            out.push_str("./");
        }
        out.push_str(&escaped(&path, IN_PATH));
    } else {
        out.push_str(&opaque);
    }
    for (mark, text) in [("?", query), ("#", escaped(&fragment, IN_FRAGMENT))] {
        if !text.is_empty() {
            out.push_str(mark);
            out.push_str(&text);
        }
    }
    Ok(out.to_value())
}
