//! JSON, base64, base32 and Adler-32.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gotmpl::Value;
use serde_json::Value as Json;

use super::dates;
use crate::template::values::{self, Outcome, TEXT};

pub(crate) fn from_json(text: &str) -> Outcome {
    let json = oras::internal::json::parse(text.as_bytes()).map_err(|error| error.to_string())?;
    Ok(values::from_json(&json))
}

pub(crate) fn to_json(value: &Value) -> Result<String, String> {
    Ok(utf8(&oras::internal::json::to_vec(&json(value)?)))
}

pub(crate) fn to_pretty_json(value: &Value) -> Result<String, String> {
    let compact = oras::internal::json::to_vec(&json(value)?);
    let indented =
        oras::internal::json::indent(&compact).map_err(|error| format!("invalid JSON: {error}"))?;
    Ok(utf8(&indented))
}

pub(crate) fn to_raw_json(value: &Value) -> Result<String, String> {
    let json = json(value)?.to_string();
    // Go escapes these two even without HTML escaping.
    Ok(json
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029"))
}

fn utf8(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(value: &Value) -> Result<Json, String> {
    Ok(match value {
        Value::Nil => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(number) => Json::from(*number),
        Value::Uint(number) => Json::from(*number),
        Value::Float(number) => json_number(*number)?,
        Value::String(text) => Json::from(&**text),
        Value::List(items) => {
            let mut array = Vec::new();
            for item in items.iter() {
                array.push(json(item)?);
            }
            Json::Array(array)
        }
        Value::Map(members) => match (dates::json_text(value), members.get(TEXT)) {
            (Some(time), _) => Json::from(time),
            (None, Some(text)) => json(text)?,
            (None, None) => {
                let mut object = serde_json::Map::new();
                for (key, value) in members.iter() {
                    object.insert(key.to_string(), json(value)?);
                }
                Json::Object(object)
            }
        },
        Value::Function(_) => return Err("json: unsupported type: func".to_owned()),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the number is whole and in range"
)]
fn json_number(number: f64) -> Result<Json, String> {
    // Go writes whole numbers without a decimal point.
    if number.fract() == 0.0 && number.abs() < 9e18 {
        return Ok(Json::from(number as i64));
    }
    serde_json::Number::from_f64(number)
        .map(Json::Number)
        .ok_or_else(|| format!("json: unsupported value: {}", values::float(number)))
}

pub(crate) fn b64enc(text: &str) -> String {
    STANDARD.encode(text)
}

pub(crate) fn b64dec(text: &str) -> String {
    match STANDARD.decode(without_newlines(text)) {
        Ok(bytes) => utf8(&bytes),
        Err(_) => "illegal base64 data".to_owned(),
    }
}

/// Removes line ends: Go's decoders ignore them.
fn without_newlines(text: &str) -> String {
    text.replace(['\r', '\n'], "")
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

pub(crate) fn b32enc(text: &str) -> String {
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(5) {
        let mut bytes = [0; 8];
        bytes[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(bytes);
        let used = (chunk.len() * 8).div_ceil(5);
        for digit in 0..8 {
            let index = (bits >> (35 - 5 * digit)) & 31;
            out.push(if digit < used {
                char::from(BASE32[usize::try_from(index).unwrap_or(0)])
            } else {
                '='
            });
        }
    }
    out
}

pub(crate) fn b32dec(text: &str) -> String {
    match decode_base32(without_newlines(text).as_bytes()) {
        Some(bytes) => utf8(&bytes),
        None => "illegal base32 data".to_owned(),
    }
}

fn decode_base32(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut chunks = text.chunks(8).peekable();
    while let Some(chunk) = chunks.next() {
        let padding = chunk.iter().rev().take_while(|byte| **byte == b'=').count();
        let used = chunk.len() - padding;
        let complete = chunk.len() == 8 && matches!(used, 2 | 4 | 5 | 7 | 8);
        if !complete || padding > 0 && chunks.peek().is_some() {
            return None;
        }
        let mut bits = 0;
        for byte in &chunk[..used] {
            let digit = BASE32.iter().position(|known| known == byte)?;
            bits = bits << 5 | u64::try_from(digit).ok()?;
        }
        bits <<= 5 * padding + 24;
        out.extend_from_slice(&bits.to_be_bytes()[..used * 5 / 8]);
    }
    Some(out)
}

pub(crate) fn adler32sum(text: &str) -> String {
    let (mut low, mut high) = (1_u32, 0_u32);
    for byte in text.bytes() {
        low = (low + u32::from(byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    (high << 16 | low).to_string()
}
