//! Values of the template engine in Go's terms: type names, printing and numeric conversions.
//!
//! The engine has no type for times or versions. Both are dictionaries of their parts here, plus
//! the hidden member [`TEXT`], which holds the printed form and cannot be named as a field.

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::{ToValue, Value};
use serde_json::Value as Json;

use super::limits;
use super::runtime::Runtime;

/// The result of a function, or an error message.
pub(super) type Outcome = Result<Value, String>;

/// The members of a dictionary, by key.
pub(super) type Members = BTreeMap<Arc<str>, Value>;

/// Hidden member of times and versions: the printed form.
pub(super) const TEXT: &str = " text";

/// Converts JSON data for a template. All numbers are floating-point numbers, as in Go.
pub(super) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => text.to_value(),
        Json::Array(items) => Value::List(items.iter().map(from_json).collect()),
        Json::Object(members) => dict(
            members
                .iter()
                .map(|(key, value)| (key.as_str().into(), from_json(value))),
        ),
    }
}

/// A dictionary of `pairs`; the last of several equal keys wins.
pub(super) fn dict(pairs: impl IntoIterator<Item = (Arc<str>, Value)>) -> Value {
    // Inserting one by one makes a smaller binary: collecting would instantiate a sort.
    let mut members = Members::new();
    for (key, value) in pairs {
        members.insert(key, value);
    }
    Value::Map(Arc::new(members))
}

/// A time or a version, as a dictionary of its parts.
pub(super) fn parts(texts: &[(&str, &str)], numbers: &[(&str, i64)]) -> Value {
    let texts = texts.iter().map(|(name, text)| (*name, text.to_value()));
    let numbers = numbers.iter().map(|(name, n)| (*name, Value::Int(*n)));
    dict(
        texts
            .chain(numbers)
            .map(|(name, value)| (name.into(), value)),
    )
}

/// A value as Go's `%v` prints it.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        other => printable(other).to_string(),
    }
}

/// Replaces the parts of a value that the engine prints in another way than Go.
pub(super) fn printable(value: &Value) -> Value {
    match value {
        Value::Float(number) => float(*number).to_value(),
        Value::List(items) => Value::List(items.iter().map(printable).collect()),
        Value::Map(members) => match members.get(TEXT) {
            Some(text) => text.clone(),
            None => dict(
                members
                    .iter()
                    .map(|(key, value)| (Arc::clone(key), printable(value))),
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
    match exponent_of(&format!("{number:e}")) {
        Some((digits, exponent)) if !(-4..6).contains(&exponent) && number != 0.0 => {
            scientific(digits, exponent)
        }
        _ => number.to_string(),
    }
}

/// Splits Rust's scientific notation into digits and exponent.
pub(super) fn exponent_of(scientific: &str) -> Option<(&str, i32)> {
    let (digits, exponent) = scientific.split_once('e')?;
    Some((digits, exponent.parse().ok()?))
}

/// Go's scientific notation: a sign and at least two digits in the exponent.
pub(super) fn scientific(digits: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// Concatenates values as Go's `fmt.Sprint`: with a space between two values that are not strings.
pub(super) fn sprint(values: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    let mut last_was_other = false;
    for value in values {
        let is_string = matches!(value, Value::String(_));
        if last_was_other && !is_string {
            out.push(' ');
        }
        out.push_str(&text(value));
        last_was_other = !is_string;
        limits::check_text(out.len())?;
    }
    Ok(out)
}

/// Go's name for the type of a value.
pub(super) fn type_name(value: &Value) -> &'static str {
    match kind(value) {
        "invalid" => "<nil>",
        "slice" => "[]interface {}",
        "map" => "map[string]interface {}",
        "struct" => "time.Time",
        "ptr" => "*semver.Version",
        kind => kind,
    }
}

/// Go's name for the kind of a value's type.
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

/// Returns whether a value has the type `name`, or is a pointer to it.
pub(super) fn has_type_like(value: &Value, name: &str) -> bool {
    let actual = type_name(value);
    actual == name || actual.strip_prefix('*') == Some(name)
}

/// Compares values with everything nested in them.
pub(super) fn deep_equal(one: &Value, other: &Value, runtime: &Runtime) -> Result<bool, String> {
    runtime.charge_read(budget_size(one)?)?;
    Ok(one == other)
}

/// Converts any value to an integer, as sprig's `int64`: 0 if it is not a number.
#[expect(
    clippy::cast_possible_truncation,
    reason = "Go truncates floating-point numbers too"
)]
pub(super) fn integer(value: &Value) -> i64 {
    match value {
        Value::Int(number) => *number,
        Value::Float(number) => *number as i64,
        Value::Bool(value) => i64::from(*value),
        Value::String(text) => parse_integer(text).unwrap_or(0),
        _ => 0,
    }
}

/// Parses a Go integer literal: `0x1f`, `0o17`, `017`, `0b11`, `1_000`. Ignores a fraction.
fn parse_integer(text: &str) -> Option<i64> {
    let text = match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|byte| byte.is_ascii_digit()) => whole,
        _ => text,
    };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, &*lower),
    };
    if digits.starts_with(['+', '-']) || base == 10 && digits.starts_with('_') {
        return None;
    }
    let number = i128::from_str_radix(&without_separators(digits)?, base).ok()?;
    i64::try_from(if negative { -number } else { number }).ok()
}

/// Removes the `_` between digits.
fn without_separators(digits: &str) -> Option<String> {
    let is_malformed = digits.ends_with('_') || digits.contains("__");
    (!is_malformed).then(|| digits.replace('_', ""))
}

/// Converts any value to a floating-point number, as sprig's `float64`: 0 if it is not a number.
#[expect(clippy::cast_precision_loss, reason = "Go rounds large integers too")]
pub(super) fn number(value: &Value) -> f64 {
    match value {
        Value::Float(number) => *number,
        Value::String(text) => {
            let digits = without_separators(text).filter(|_| !text.starts_with('_'));
            let number: Option<f64> = digits.and_then(|digits| digits.parse().ok());
            // Go rejects numbers that overflow, but accepts "inf" and "nan".
            let is_name = !text.contains(|c: char| c.is_ascii_digit());
            let number = number.filter(|number| number.is_finite() || is_name);
            number.unwrap_or(0.0)
        }
        other => integer(other) as f64,
    }
}

/// The number of bytes of a string, or of direct items of a list or dictionary.
pub(super) fn len(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::List(items) => items.len(),
        Value::Map(members) => members.len(),
        _ => 0,
    }
}

/// The size of a value in units of the budget: bytes of a string, otherwise nested items. Fails if
/// the value is larger than a function may return.
pub(super) fn budget_size(value: &Value) -> Result<usize, String> {
    let size = Size::of(value)?;
    Ok(match value {
        Value::String(text) => text.len(),
        _ => size.items,
    })
}

/// The size of a value with everything nested in it. Shared values count each time they occur.
#[derive(Default)]
pub(super) struct Size {
    /// Bytes of strings.
    pub(super) bytes: usize,
    /// Values.
    pub(super) items: usize,
}

impl Size {
    pub(super) fn of(value: &Value) -> Result<Self, String> {
        let mut size = Self::default();
        size.add(value, 0)?;
        Ok(size)
    }

    fn add(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        limits::check_nesting(depth)?;
        self.items += 1;
        limits::check_items(self.items)?;
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
        limits::check_text(self.bytes)
    }
}
