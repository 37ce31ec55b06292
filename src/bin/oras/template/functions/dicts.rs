//! Functions on dictionaries. Keys are sorted; sprig leaves their order open.
//!
//! Functions that change a dictionary in sprig return a changed copy here. `prepare` assigns it to
//! the variable.

use std::sync::Arc;

use gotmpl::{ToValue, Value};

use crate::template::limits;
use crate::template::values::{self, Members, text, type_name};

pub(crate) fn dict(values: &[Value]) -> Value {
    let pairs = values.chunks(2).map(|pair| {
        let value = pair.get(1).cloned().unwrap_or_else(|| "".to_value());
        (text(&pair[0]).into(), value)
    });
    values::dict(pairs)
}

pub(crate) fn set(dict: &Value, key: &str, value: &Value) -> Result<Members, String> {
    let Value::Map(members) = dict else {
        return Err("assignment to entry in nil map".to_owned());
    };
    let mut members = Members::clone(members);
    members.insert(key.into(), value.clone());
    Ok(members)
}

pub(crate) fn keys<'a>(dicts: impl Iterator<Item = &'a Members>) -> Result<Vec<Value>, String> {
    let mut keys = Vec::new();
    for dict in dicts {
        keys.extend(dict.keys().cloned().map(Value::String));
        limits::check_items(keys.len())?;
    }
    Ok(keys)
}

pub(crate) fn pluck<'a>(key: &str, dicts: impl Iterator<Item = &'a Members>) -> Vec<Value> {
    dicts.filter_map(|dict| dict.get(key)).cloned().collect()
}

/// Returns whether a list of strings contains `key`.
pub(crate) fn contains(keys: &[Value], key: &str) -> bool {
    keys.iter().any(|known| known.as_str() == Some(key))
}

/// Returns the members with the wanted keys.
pub(crate) fn select(dict: &Members, is_wanted: impl Fn(&str) -> bool) -> Members {
    let mut members = dict.clone();
    members.retain(|key, _| is_wanted(key));
    members
}

pub(crate) fn dig(values: &[Value]) -> Result<&Value, String> {
    let [keys @ .., default, start] = values else {
        return Err("dig needs at least three arguments".to_owned());
    };
    if keys.is_empty() {
        return Err("dig needs at least three arguments".to_owned());
    }
    let mut value = start;
    for key in keys {
        let Value::String(key) = key else {
            return Err(conversion_error(key, "string"));
        };
        value = match value {
            Value::Map(members) => match members.get(key) {
                Some(member) => member,
                None => return Ok(default),
            },
            other => return Err(conversion_error(other, "map[string]interface {}")),
        };
    }
    Ok(value)
}

/// Go's error for a failed type assertion.
fn conversion_error(value: &Value, wanted: &str) -> String {
    let actual = match value {
        Value::Nil => "nil",
        other => type_name(other),
    };
    format!("interface conversion: interface {{}} is {actual}, not {wanted}")
}

pub(crate) fn merge<'a>(
    target: &Members,
    sources: impl Iterator<Item = &'a Members>,
    overwrite: bool,
) -> Members {
    let mut target = target.clone();
    for source in sources {
        merge_into(&mut target, source, overwrite);
    }
    target
}

/// Adds members that are missing or empty, or all members with `overwrite`. Dictionaries that are
/// in both are merged.
fn merge_into(target: &mut Members, source: &Members, overwrite: bool) {
    for (key, value) in source {
        match (target.get_mut(key), value) {
            (Some(Value::Map(nested)), Value::Map(value)) if !nested.is_empty() => {
                merge_into(Arc::make_mut(nested), value, overwrite);
            }
            (Some(existing), _) if existing.is_truthy() && !overwrite => {}
            (_, Value::Nil) if !overwrite => {}
            _ => {
                target.insert(Arc::clone(key), value.clone());
            }
        }
    }
}
