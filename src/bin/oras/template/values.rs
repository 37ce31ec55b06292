//! What functions need to know of the engine's values: Go's names for them, and how Go prints them.
//!
//! The engine has no times and no versions. Here they are dictionaries of their parts, with one member more that no template
//! can name as a field: the text as which they are printed.

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::{ToValue, Value};
use serde_json::Value as Json;

use super::limits;

/// What a function comes to, or what is wrong.
pub(super) type Outcome = Result<Value, String>;

/// Members by name.
pub(super) type Members = BTreeMap<Arc<str>, Value>;

/// The member of times and versions that is their text.
pub(super) const TEXT: &str = " text";

/// JSON as templates see it: all numbers are floating-point numbers.
pub(super) fn of_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => text.to_value(),
        Json::Array(items) => Value::List(items.iter().map(of_json).collect()),
        Json::Object(members) => dict(
            members
                .iter()
                .map(|(key, value)| (key.as_str().into(), of_json(value))),
        ),
    }
}

pub(super) fn dict(pairs: impl IntoIterator<Item = (Arc<str>, Value)>) -> Value {
    // One after the other: to collect them would bring an algorithm for sorting.
    let mut members = Members::new();
    for (key, value) in pairs {
        members.insert(key, value);
    }
    Value::Map(Arc::new(members))
}

/// A time or a version.
pub(super) fn of_parts(texts: &[(&str, &str)], numbers: &[(&str, i64)]) -> Value {
    let mut members = Members::new();
    for (name, text) in texts {
        members.insert((*name).into(), text.to_value());
    }
    for (name, number) in numbers {
        members.insert((*name).into(), Value::Int(*number));
    }
    Value::Map(Arc::new(members))
}

/// A value as Go prints it.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        other => shown(other).to_string(),
    }
}

/// A value that the engine prints as Go does.
pub(super) fn shown(value: &Value) -> Value {
    match value {
        Value::Float(number) => float(*number).to_value(),
        Value::List(items) => Value::List(items.iter().map(shown).collect()),
        Value::Map(members) => match members.get(TEXT) {
            Some(text) => text.clone(),
            None => dict(
                members
                    .iter()
                    .map(|(key, value)| (Arc::clone(key), shown(value))),
            ),
        },
        other => other.clone(),
    }
}

/// A number in Go's `%v`: the shortest digits, with an exponent below 1e-4 and from 1e+06 on.
pub(super) fn float(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let exponent = scientific
        .split_once('e')
        .and_then(|(digits, exponent)| Some((digits, exponent.parse::<i32>().ok()?)));
    match exponent {
        Some((digits, exponent)) if !(-4..6).contains(&exponent) && number != 0.0 => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => number.to_string(),
    }
}

/// Values as one text, with spaces between those that are no texts.
pub(super) fn joined(values: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    let mut spaced = false;
    for value in values {
        let is_text = matches!(value, Value::String(_));
        if spaced && !is_text {
            out.push(' ');
        }
        out.push_str(&text(value));
        spaced = !is_text;
        limits::text(out.len())?;
    }
    Ok(out)
}

/// Go's name of the type.
pub(super) fn type_name(value: &Value) -> &'static str {
    match (kind(value), value) {
        ("invalid", _) => "<nil>",
        ("slice", _) => "[]interface {}",
        ("map", _) => "map[string]interface {}",
        ("struct", _) => "time.Time",
        ("ptr", _) => "*semver.Version",
        (kind, _) => kind,
    }
}

/// Go's name of the kind of types.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Nil => "invalid",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Uint(_) => "uint",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::List(_) => "slice",
        Value::Map(members) if !members.contains_key(TEXT) => "map",
        Value::Map(members) if members.contains_key("Unix") => "struct",
        Value::Map(_) => "ptr",
        Value::Function(_) => "func",
    }
}

/// What a value counts for among all that is made: its bytes if it is a text, or what is in it, as often as it is there. That
/// it could be printed is checked.
pub(super) fn size(value: &Value) -> Result<usize, String> {
    let size = size_of(value)?;
    Ok(match value {
        Value::String(text) => text.len(),
        _ => size.items,
    })
}

/// What there is in a value.
pub(super) fn size_of(value: &Value) -> Result<Size, String> {
    let mut size = Size::default();
    size.add(value, 0)?;
    Ok(size)
}

/// How long a value is, without what is in its items.
pub(super) fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::List(items) => items.len(),
        Value::Map(members) => members.len(),
        _ => 0,
    }
}

/// Bytes of texts, and values, as often as they are there.
#[derive(Default)]
pub(super) struct Size {
    pub(super) bytes: usize,
    pub(super) items: usize,
}

impl Size {
    fn add(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        limits::nested(depth)?;
        self.items += 1;
        limits::items(self.items)?;
        match value {
            Value::String(text) => self.bytes += text.len(),
            Value::List(list) => {
                for item in list.iter() {
                    self.add(item, depth + 1)?;
                }
            }
            Value::Map(members) => {
                for (key, value) in members.iter() {
                    self.bytes += key.len();
                    self.add(value, depth + 1)?;
                }
            }
            _ => {}
        }
        limits::text(self.bytes)
    }
}
