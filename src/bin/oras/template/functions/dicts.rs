//! Functions on dictionaries. Keys are in order, which sprig leaves open. Those that change a dictionary in sprig return the
//! changed copy: see `tree` for how it comes into the variable.

use std::sync::Arc;

use gotmpl::{ToValue, Value};

use super::functions::Given;
use super::limits;
use super::lists::made;
use super::values::{self, Members, Outcome, text, type_name};

pub(super) fn dict(given: &Given<'_>) -> Outcome {
    let pairs = given.values.chunks(2).map(|pair| {
        let value = pair.get(1).cloned().unwrap_or_else(|| "".to_value());
        (text(&pair[0]).into(), value)
    });
    Ok(values::dict(pairs))
}

pub(super) fn get(given: &Given<'_>) -> Outcome {
    let value = given.member(0, given.text(1));
    Ok(value.cloned().unwrap_or_else(|| "".to_value()))
}

pub(super) fn set(given: &Given<'_>) -> Outcome {
    if matches!(given.get(0), Value::Nil) {
        return Err("assignment to entry in nil map".to_owned());
    }
    let mut members = given.dict(0).clone();
    members.insert(given.text(1).into(), given.get(2).clone());
    Ok(Value::Map(Arc::new(members)))
}

pub(super) fn unset(given: &Given<'_>) -> Outcome {
    omit(given)
}

pub(super) fn has_key(given: &Given<'_>) -> Outcome {
    Ok(given.member(0, given.text(1)).is_some().to_value())
}

pub(super) fn keys(given: &Given<'_>) -> Outcome {
    let mut keys = Vec::new();
    for index in 0..given.values.len() {
        keys.extend(given.dict(index).keys().cloned().map(Value::String));
        limits::items(keys.len())?;
    }
    made(keys)
}

pub(super) fn values(given: &Given<'_>) -> Outcome {
    made(given.dict(0).values().cloned().collect())
}

pub(super) fn pluck(given: &Given<'_>) -> Outcome {
    let found = given
        .from(1)
        .iter()
        .filter_map(|dict| dict.field(given.text(0)));
    made(found.cloned().collect())
}

pub(super) fn pick(given: &Given<'_>) -> Outcome {
    named_or_not(given, true)
}

pub(super) fn omit(given: &Given<'_>) -> Outcome {
    named_or_not(given, false)
}

/// The members that are among the names that are given, or those that are not.
fn named_or_not(given: &Given<'_>, wanted: bool) -> Outcome {
    let mut members = Members::new();
    for (key, value) in given.dict(0) {
        let is_named = given.from(1).iter().any(|name| name.as_str() == Some(key));
        if is_named == wanted {
            members.insert(Arc::clone(key), value.clone());
        }
    }
    Ok(Value::Map(Arc::new(members)))
}

pub(super) fn dig(given: &Given<'_>) -> Outcome {
    let [keys @ .., default, start] = given.values else {
        return Err("dig needs at least three arguments".to_owned());
    };
    if keys.is_empty() {
        return Err("dig needs at least three arguments".to_owned());
    }
    let mut value = start;
    for key in keys {
        let Value::String(key) = key else {
            return Err(wrong_type(key, "string"));
        };
        value = match value {
            Value::Map(members) => match members.get(key) {
                Some(member) => member,
                None => return Ok(default.clone()),
            },
            other => return Err(wrong_type(other, "map[string]interface {}")),
        };
    }
    Ok(value.clone())
}

fn wrong_type(value: &Value, wanted: &str) -> String {
    let is = match value {
        Value::Nil => "nil",
        other => type_name(other),
    };
    format!("interface conversion: interface {{}} is {is}, not {wanted}")
}

pub(super) fn merge(given: &Given<'_>) -> Outcome {
    merged(given, false)
}

pub(super) fn merge_overwrite(given: &Given<'_>) -> Outcome {
    merged(given, true)
}

fn merged(given: &Given<'_>, overwrite: bool) -> Outcome {
    let mut target = given.dict(0).clone();
    for source in given.from(1) {
        if let Value::Map(source) = source {
            merge_into(&mut target, source, overwrite);
        }
    }
    Ok(Value::Map(Arc::new(target)))
}

/// Adds what is not there, or counts as nothing; below dictionaries that both have as well.
fn merge_into(target: &mut Members, source: &Members, overwrite: bool) {
    for (key, value) in source {
        match (target.get_mut(key), value) {
            (Some(Value::Map(below)), Value::Map(value)) if !below.is_empty() => {
                merge_into(Arc::make_mut(below), value, overwrite);
            }
            (Some(there), _) if there.is_truthy() && !overwrite => {}
            (_, Value::Nil) if !overwrite => {}
            _ => {
                target.insert(Arc::clone(key), value.clone());
            }
        }
    }
}
