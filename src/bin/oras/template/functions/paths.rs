//! Functions on paths with slashes, whatever the system is.

use gotmpl::{ToValue, Value};

use super::functions::Given;
use super::values::Outcome;

/// The shortest path of the same meaning.
pub(super) fn cleaned(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." if names.last().is_some_and(|last| *last != "..") => {
                names.pop();
            }
            ".." if is_absolute => {}
            name => names.push(name),
        }
    }
    let names = names.join("/");
    match (is_absolute, &*names) {
        (true, _) => format!("/{names}"),
        (false, "") => ".".to_owned(),
        (false, _) => names,
    }
}

pub(super) fn clean(given: &Given<'_>) -> Outcome {
    Ok(cleaned(given.text(0)).to_value())
}

pub(super) fn base(given: &Given<'_>) -> Outcome {
    let path = given.text(0);
    let name = path
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    Ok(match (path, name) {
        ("", _) => ".",
        (_, "") => "/",
        (_, name) => name,
    }
    .to_value())
}

pub(super) fn dir(given: &Given<'_>) -> Outcome {
    let path = given.text(0);
    let end = path.rfind('/').map_or(0, |slash| slash + 1);
    Ok(cleaned(&path[..end]).to_value())
}

pub(super) fn ext(given: &Given<'_>) -> Outcome {
    let name = given.text(0).rsplit('/').next().unwrap_or_default();
    let dot = name.rfind('.').unwrap_or(name.len());
    Ok(name[dot..].to_value())
}

pub(super) fn is_abs(given: &Given<'_>) -> Outcome {
    Ok(Value::Bool(given.text(0).starts_with('/')))
}
