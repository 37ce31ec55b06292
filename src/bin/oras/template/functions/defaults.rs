//! Functions on any value: what counts as nothing, what something is, what equals what; and the environment.

use gotmpl::{ToValue, Value};

use super::functions::{Given, World};
use super::limits;
use super::values::{self, Outcome};

pub(super) fn default(given: &Given<'_>) -> Outcome {
    let value = given.get(1);
    Ok(if value.is_truthy() {
        value
    } else {
        given.get(0)
    }
    .clone())
}

pub(super) fn empty(given: &Given<'_>) -> Outcome {
    Ok((!given.get(0).is_truthy()).to_value())
}

pub(super) fn coalesce(given: &Given<'_>) -> Outcome {
    let found = given.values.iter().find(|value| value.is_truthy());
    Ok(found.cloned().unwrap_or(Value::Nil))
}

pub(super) fn all(given: &Given<'_>) -> Outcome {
    Ok(given.values.iter().all(Value::is_truthy).to_value())
}

pub(super) fn any(given: &Given<'_>) -> Outcome {
    Ok(given.values.iter().any(Value::is_truthy).to_value())
}

pub(super) fn ternary(given: &Given<'_>) -> Outcome {
    Ok(given.get(usize::from(!given.get(2).is_truthy())).clone())
}

pub(super) fn type_of(given: &Given<'_>) -> Outcome {
    Ok(values::type_name(given.get(0)).to_value())
}

pub(super) fn type_is(given: &Given<'_>) -> Outcome {
    Ok((values::type_name(given.get(1)) == given.text(0)).to_value())
}

pub(super) fn type_is_like(given: &Given<'_>) -> Outcome {
    let name = values::type_name(given.get(1));
    let wanted = given.text(0);
    Ok((name == wanted || name.strip_prefix('*') == Some(wanted)).to_value())
}

pub(super) fn kind_of(given: &Given<'_>) -> Outcome {
    Ok(values::kind(given.get(0)).to_value())
}

pub(super) fn kind_is(given: &Given<'_>) -> Outcome {
    Ok((values::kind(given.get(1)) == given.text(0)).to_value())
}

pub(super) fn deep_equal(given: &Given<'_>) -> Outcome {
    given.world.read(values::size(given.get(0))?)?;
    Ok((given.get(0) == given.get(1)).to_value())
}

pub(super) fn deep_copy(given: &Given<'_>) -> Outcome {
    Ok(given.get(0).clone())
}

fn variable<'a>(world: &'a World, name: &str) -> &'a str {
    let found = world.variables.iter().find(|(known, _)| known == name);
    found.map_or("", |(_, value)| value)
}

pub(super) fn env(given: &Given<'_>) -> Outcome {
    Ok(variable(given.world, given.text(0)).to_value())
}

/// Replaces `$name` and `${name}`, as Go does it.
pub(super) fn expandenv(given: &Given<'_>) -> Outcome {
    let mut out = String::new();
    let mut rest = given.text(0);
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, length) = variable_name(after);
        if length == 0 {
            out.push('$');
        }
        out.push_str(variable(given.world, name));
        limits::text(out.len())?;
        rest = &after[length..];
    }
    out.push_str(rest);
    Ok(out.to_value())
}

/// The name that a text begins with, and how long it is with the braces.
fn variable_name(text: &str) -> (&str, usize) {
    if let Some(inside) = text.strip_prefix('{') {
        return match inside.split_once('}') {
            Some((name, _)) => (name, name.len() + 2),
            None => ("", 1),
        };
    }
    if text.starts_with(|c: char| "*#$@!?-".contains(c) || c.is_ascii_digit()) {
        return (&text[..1], 1);
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let name = &text[..end.unwrap_or(text.len())];
    (name, name.len())
}
