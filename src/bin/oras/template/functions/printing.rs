//! Go's own functions that print: they know the engine's numbers, times and versions only with some help.

use gotmpl::{Template, TemplateError, ToValue, Value};

use super::functions::Given;
use super::values::{self, Outcome, TEXT, joined, text, type_name};
use super::{limits, tree};
use crate::cli::quote;

pub(super) fn html(given: &Given<'_>) -> Outcome {
    Ok(gotmpl::html_escape(&told(given)?).to_value())
}

pub(super) fn js(given: &Given<'_>) -> Outcome {
    Ok(gotmpl::js_escape(&told(given)?).to_value())
}

pub(super) fn urlquery(given: &Given<'_>) -> Outcome {
    Ok(gotmpl::url_encode(&told(given)?).to_value())
}

/// Values as one text. What is missing is told.
fn told(given: &Given<'_>) -> Result<String, String> {
    let told = given.values.iter().map(|value| match value {
        Value::Nil => "<no value>".to_value(),
        other => other.clone(),
    });
    joined(&told.collect::<Vec<_>>())
}

pub(super) fn print(given: &Given<'_>) -> Outcome {
    Ok(joined(given.values)?.to_value())
}

pub(super) fn println(given: &Given<'_>) -> Outcome {
    let mut out = String::new();
    for (index, value) in given.values.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(&text(value));
        limits::text(out.len())?;
    }
    Ok((out + "\n").to_value())
}

/// The engine's `printf`, which is handed as text what it prints in another way than Go.
pub(super) fn printf(given: &Given<'_>) -> Outcome {
    check_length(given)?;
    let mut args = given.values.to_vec();
    let mut format = String::new();
    let mut next = 1;
    let mut rest = given.text(0);
    while let Some((before, directive)) = rest.split_once('%') {
        let end = directive.find(|c: char| !(c.is_ascii_digit() || "+-# .".contains(c)));
        let (flags, after) = directive.split_at(end.unwrap_or(directive.len()));
        for number in flags.split(|c: char| !c.is_ascii_digit()) {
            limits::within(
                number.parse().unwrap_or(0),
                limits::MAX_WIDTH,
                "digits of a width",
            )?;
        }
        format.extend([before, "%", flags]);
        rest = after;
        match rest.chars().next() {
            // Arguments by number, and widths among them, are the engine's alone.
            Some('*' | '[') => {
                next = args.len();
                break;
            }
            Some('%') => {
                format.push('%');
                rest = &rest[1..];
            }
            Some(verb) => {
                rest = &rest[verb.len_utf8()..];
                let verb = match (verb, args.get(next)) {
                    ('v', Some(Value::Int(_))) => 'd',
                    ('v', Some(Value::Float(_))) => 'g',
                    _ => verb,
                };
                let text = args.get(next).and_then(|arg| in_words(verb, arg));
                format.push(if text.is_some() { 's' } else { verb });
                if let Some(text) = text {
                    args[next] = text.to_value();
                }
                next += 1;
            }
            None => {
                format.truncate(format.len() - flags.len());
                format.push_str("%!(NOVERB)");
            }
        }
    }
    format.push_str(rest);
    // What no verb takes is told.
    let more = args.iter_mut().skip(next);
    for (index, arg) in more.enumerate() {
        format.push_str(if index == 0 { "%%!(EXTRA %s" } else { ", %s" });
        *arg = typed(arg).to_value();
    }
    if next < args.len() {
        format.push(')');
    }
    args[0] = format.to_value();
    by_engine("printf", args)
}

/// Calls a function of the engine, which shows them to templates only.
fn by_engine(name: &str, args: Vec<Value>) -> Outcome {
    let mut call = format!("{{{{{name}");
    for index in 0..args.len() {
        call.extend([" (index . ", &index.to_string(), ")"]);
    }
    let failed = |error: TemplateError| error.to_string();
    let (tree, _) = tree::parsed(&(call + "}}")).map_err(failed)?;
    let mut out = Vec::new();
    super::execute(
        &Template::new("").add_parse_tree("", tree),
        "",
        &Value::List(args.into()),
        &mut |bytes| {
            out.extend_from_slice(bytes);
            Ok(())
        },
    )
    .map_err(failed)?;
    Ok(String::from_utf8_lossy(&out).to_value())
}

/// That no more can be printed than a text may have, whatever the format takes of the arguments how often.
fn check_length(given: &Given<'_>) -> Result<(), String> {
    let directives = given.text(0).matches('%').count();
    let mut longest = limits::MAX_WIDTH;
    for value in given.from(1) {
        let size = values::size_of(value)?;
        given.world.read(size.items)?;
        longest = longest.max(size.bytes);
    }
    let most = directives.saturating_mul(longest);
    limits::within(most, limits::MAX_FORMATTED, "bytes that printf may make")
}

/// What Go prints of an argument for a verb, where the engine prints something else.
fn in_words(verb: char, arg: &Value) -> Option<String> {
    let fits = match (verb, arg) {
        ('v', Value::String(_)) => return None,
        ('v', _) => return Some(text(arg)),
        ('T', _) => return Some(type_name(arg).to_owned()),
        ('s' | 'q' | 'd', Value::List(_) | Value::Map(_)) => return Some(in_list(verb, arg)),
        (_, Value::List(_) | Value::Map(_)) => false,
        (_, Value::Float(_)) => "eEfFgG".contains(verb),
        (_, Value::Int(_)) => !"eEfFgGst".contains(verb),
        _ => true,
    };
    (!fits).then(|| misfit(verb, arg))
}

/// A list, a dictionary, or what is in it, each for the verb.
fn in_list(verb: char, item: &Value) -> String {
    match (verb, item) {
        (_, Value::List(items)) => {
            let items = items.iter().map(|item| in_list(verb, item));
            format!("[{}]", items.collect::<Vec<_>>().join(" "))
        }
        (_, Value::Map(members)) if !members.contains_key(TEXT) => {
            let members = members.iter().map(|(key, value)| {
                let key = in_list(verb, &Value::String(key.clone()));
                format!("{key}:{}", in_list(verb, value))
            });
            format!("map[{}]", members.collect::<Vec<_>>().join(" "))
        }
        ('q', Value::String(_) | Value::Map(_)) => quote::double(&text(item)),
        (_, Value::Nil) | ('s', Value::String(_) | Value::Map(_)) | ('d', Value::Int(_)) => {
            text(item)
        }
        _ => misfit(verb, item),
    }
}

fn misfit(verb: char, arg: &Value) -> String {
    format!("%!{verb}({})", typed(arg))
}

/// A value with its type.
fn typed(value: &Value) -> String {
    match value {
        Value::Nil => text(value),
        _ => format!("{}={}", type_name(value), text(value)),
    }
}
