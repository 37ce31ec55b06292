//! Functions on values of any type: defaults, type names and equality; and environment variables.

use gotmpl::Value;

use crate::template::limits;
use crate::template::runtime::Runtime;
use crate::template::values::{self, budget_size, type_name};

pub(in crate::template) fn default<'a>(default: &'a Value, values: &'a [Value]) -> &'a Value {
    let value = values.first().unwrap_or(&Value::Nil);
    if value.is_truthy() { value } else { default }
}

pub(in crate::template) fn empty(value: &Value) -> bool {
    !value.is_truthy()
}

pub(in crate::template) fn coalesce(values: &[Value]) -> &Value {
    let found = values.iter().find(|value| value.is_truthy());
    found.unwrap_or(&Value::Nil)
}

pub(in crate::template) fn all(values: &[Value]) -> bool {
    values.iter().all(Value::is_truthy)
}

pub(in crate::template) fn any(values: &[Value]) -> bool {
    values.iter().any(Value::is_truthy)
}

pub(in crate::template) fn ternary<'a>(
    yes: &'a Value,
    no: &'a Value,
    condition: bool,
) -> &'a Value {
    if condition { yes } else { no }
}

pub(in crate::template) fn type_of(value: &Value) -> &'static str {
    type_name(value)
}

pub(in crate::template) fn type_is(name: &str, value: &Value) -> bool {
    type_name(value) == name
}

pub(in crate::template) fn type_is_like(name: &str, value: &Value) -> bool {
    type_is(name, value) || type_name(value).strip_prefix('*') == Some(name)
}

pub(in crate::template) fn kind_of(value: &Value) -> &'static str {
    values::kind(value)
}

pub(in crate::template) fn kind_is(name: &str, value: &Value) -> bool {
    values::kind(value) == name
}

pub(in crate::template) fn deep_equal(
    one: &Value,
    other: &Value,
    runtime: &Runtime,
) -> Result<bool, String> {
    runtime.charge_read(budget_size(one)?)?;
    Ok(one == other)
}

pub(in crate::template) fn deep_copy(value: &Value) -> &Value {
    value
}

pub(in crate::template) fn env<'a>(name: &str, runtime: &'a Runtime) -> &'a str {
    runtime.variable(name)
}

/// Replaces `$name` and `${name}` as Go's `os.ExpandEnv`.
pub(in crate::template) fn expandenv(text: &str, runtime: &Runtime) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, length) = variable_name(after);
        if length == 0 {
            out.push('$');
        }
        out.push_str(runtime.variable(name));
        limits::check_text(out.len())?;
        rest = &after[length..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The name at the start of a string, and its length including braces.
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
