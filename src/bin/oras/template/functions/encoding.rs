//! JSON, base64, base32 and checksums.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gotmpl::{ToValue, Value};
use oras::digest::{Algorithm, Digest};
use serde_json::Value as Json;

use super::dates::Time;
use super::functions::Given;
use super::values::{self, Outcome, TEXT};

pub(super) fn from_json(given: &Given<'_>) -> Outcome {
    Ok(must_from_json(given).unwrap_or(Value::Nil))
}

pub(super) fn must_from_json(given: &Given<'_>) -> Outcome {
    let json: Json = serde_json::from_str(given.text(0)).map_err(|error| error.to_string())?;
    Ok(values::of_json(&json))
}

pub(super) fn to_json(given: &Given<'_>) -> Outcome {
    Ok(must_to_json(given).unwrap_or_else(|_| "".to_value()))
}

pub(super) fn must_to_json(given: &Given<'_>) -> Outcome {
    text_of(&oras::json::to_vec(&json_of(given.get(0))?))
}

pub(super) fn to_pretty_json(given: &Given<'_>) -> Outcome {
    Ok(must_to_pretty_json(given).unwrap_or_else(|_| "".to_value()))
}

pub(super) fn must_to_pretty_json(given: &Given<'_>) -> Outcome {
    let json = oras::json::to_vec(&json_of(given.get(0))?);
    let indented = oras::json::indent(&json).map_err(|error| format!("invalid JSON: {error}"))?;
    text_of(&indented)
}

pub(super) fn to_raw_json(given: &Given<'_>) -> Outcome {
    let json = json_of(given.get(0))?.to_string();
    // Go escapes these in any case.
    Ok(json
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
        .to_value())
}

fn text_of(json: &[u8]) -> Outcome {
    Ok(String::from_utf8_lossy(json).to_value())
}

fn json_of(value: &Value) -> Result<Json, String> {
    Ok(match value {
        Value::Nil => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(number) => Json::from(*number),
        Value::Uint(number) => Json::from(*number),
        Value::Float(number) => number_of(*number)?,
        Value::String(text) => Json::from(&**text),
        Value::List(items) => {
            let mut array = Vec::new();
            for item in items.iter() {
                array.push(json_of(item)?);
            }
            Json::Array(array)
        }
        Value::Map(members) => match (Time::of(value), members.get(TEXT)) {
            (Some(time), _) => Json::from(time.rfc3339()),
            (None, Some(text)) => json_of(text)?,
            (None, None) => {
                let mut object = serde_json::Map::new();
                for (key, value) in members.iter() {
                    object.insert(key.to_string(), json_of(value)?);
                }
                Json::Object(object)
            }
        },
        Value::Function(_) => return Err("json: unsupported type: func".to_owned()),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "it is a whole number in range"
)]
fn number_of(number: f64) -> Result<Json, String> {
    // Go writes whole numbers without a point.
    if number.fract() == 0.0 && number.abs() < 9e18 {
        return Ok(Json::from(number as i64));
    }
    serde_json::Number::from_f64(number)
        .map(Json::Number)
        .ok_or_else(|| format!("json: unsupported value: {}", values::float(number)))
}

pub(super) fn b64enc(given: &Given<'_>) -> Outcome {
    Ok(STANDARD.encode(given.text(0)).to_value())
}

pub(super) fn b64dec(given: &Given<'_>) -> Outcome {
    // Go takes line ends for nothing.
    let text: String = given.text(0).replace(['\r', '\n'], "");
    Ok(match STANDARD.decode(text) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).to_value(),
        Err(_) => "illegal base64 data".to_value(),
    })
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

pub(super) fn b32enc(given: &Given<'_>) -> Outcome {
    let mut out = String::new();
    for chunk in given.text(0).as_bytes().chunks(5) {
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
    Ok(out.to_value())
}

pub(super) fn b32dec(given: &Given<'_>) -> Outcome {
    let text: String = given.text(0).replace(['\r', '\n'], "");
    Ok(match base32_decoded(text.as_bytes()) {
        Some(bytes) => String::from_utf8_lossy(&bytes).to_value(),
        None => "illegal base32 data".to_value(),
    })
}

fn base32_decoded(text: &[u8]) -> Option<Vec<u8>> {
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

fn sum(algorithm: Algorithm, text: &str) -> Outcome {
    Ok(Digest::with(algorithm, text.as_bytes())
        .encoded()
        .to_value())
}

pub(super) fn sha256sum(given: &Given<'_>) -> Outcome {
    sum(Algorithm::Sha256, given.text(0))
}

pub(super) fn sha512sum(given: &Given<'_>) -> Outcome {
    sum(Algorithm::Sha512, given.text(0))
}

pub(super) fn adler32sum(given: &Given<'_>) -> Outcome {
    let (mut low, mut high) = (1_u32, 0_u32);
    for byte in given.text(0).bytes() {
        low = (low + u32::from(byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    Ok((high << 16 | low).to_string().to_value())
}
