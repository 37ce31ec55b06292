//! Go's own functions that print their arguments, except `printf`.
//!
//! The functions of the engine print numbers, times and versions differently from Go.

use gotmpl::{ToValue, Value};

use crate::template::limits;
use crate::template::values::{sprint, text};

pub(crate) fn html(values: &[Value]) -> Result<String, String> {
    Ok(gotmpl::html_escape(&escapable(values)?))
}

pub(crate) fn js(values: &[Value]) -> Result<String, String> {
    Ok(gotmpl::js_escape(&escapable(values)?))
}

pub(crate) fn urlquery(values: &[Value]) -> Result<String, String> {
    Ok(gotmpl::url_encode(&escapable(values)?))
}

/// Concatenates values for escaping. Go writes `<no value>` for nil there.
fn escapable(values: &[Value]) -> Result<String, String> {
    let values = values.iter().map(|value| match value {
        Value::Nil => "<no value>".to_value(),
        other => other.clone(),
    });
    sprint(&values.collect::<Vec<_>>())
}

pub(crate) fn println(values: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(&text(value));
        limits::check_text(out.len())?;
    }
    out.push('\n');
    Ok(out)
}
