//! Go templates over the JSON of a result, by the gotmpl crate.
//!
//! The engine prints numbers as Rust does. So each action that prints something gets one more step at its end, which makes
//! text of numbers as Go does; comparisons and arithmetic in between still see numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::parse::{CommandNode, Expr, ListNode, Node, Parser};
use gotmpl::{Template, TemplateError, Value};
use serde_json::Value as Json;

use crate::context::Context;
use crate::failure::Failure;

/// What the template is called in error messages.
const NAME: &str = "format output";
/// The name of the step that makes text of numbers. No template can spell it.
const SHOW: &str = "show numbers";

/// Prints `data` through a template. No newline is added.
pub(super) fn render(template: &str, data: &Json, context: &mut Context) -> Result<(), Failure> {
    let out = rendered(template, data).map_err(|error| {
        let text = error.to_string();
        let known = text.starts_with("template: ");
        Failure::new(if known {
            text
        } else {
            format!("template: {NAME}: {text}")
        })
    })?;
    context.print_bytes(&out)
}

fn rendered(text: &str, data: &Json) -> Result<Vec<u8>, TemplateError> {
    let (mut main, defines) = Parser::with_name(Some(NAME), text, "{{", "}}")?.parse()?;
    show_numbers(&mut main);
    let mut template = Template::new(NAME)
        .func(SHOW, |values| Ok(values.first().map_or(Value::Nil, shown)))
        .add_parse_tree(NAME, main);
    for mut define in defines {
        show_numbers(&mut define.body);
        template = template.add_parse_tree(&define.name, define.body);
    }
    let mut out = Vec::new();
    template.execute_template(&mut out, NAME, &value_of(data))?;
    Ok(out)
}

/// Adds the last step to every action that prints something.
fn show_numbers(list: &mut ListNode) {
    for node in &mut list.nodes {
        match node {
            Node::Action(action) if action.pipe.decl.is_empty() => {
                let pos = action.pos;
                let args = vec![Expr::Identifier(pos, SHOW.into())];
                action.pipe.commands.push(CommandNode { pos, args });
            }
            Node::If(branch) | Node::Range(branch) | Node::With(branch) => {
                show_numbers(&mut branch.body);
                branch.else_body.iter_mut().for_each(show_numbers);
            }
            Node::List(list) => show_numbers(list),
            _ => {}
        }
    }
}

/// JSON as templates see it: all numbers are floating-point numbers.
fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => Value::String(text.as_str().into()),
        Json::Array(items) => Value::List(items.iter().map(value_of).collect()),
        Json::Object(members) => {
            let members: BTreeMap<Arc<str>, Value> = members
                .iter()
                .map(|(key, value)| (key.as_str().into(), value_of(value)))
                .collect();
            Value::Map(Arc::new(members))
        }
    }
}

/// A value whose numbers are texts.
fn shown(value: &Value) -> Value {
    match value {
        Value::Float(number) => Value::String(go_float(*number).into()),
        Value::List(items) => Value::List(items.iter().map(shown).collect()),
        Value::Map(members) => {
            let members: BTreeMap<_, _> = members
                .iter()
                .map(|(key, value)| (Arc::clone(key), shown(value)))
                .collect();
            Value::Map(Arc::new(members))
        }
        other => other.clone(),
    }
}

/// A number in Go's `%v`: the shortest digits, with an exponent below 1e-4 and from 1e+06 on.
fn go_float(number: f64) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_prints_what_go_prints() {
        let data = serde_json::json!({
            "small": 584, "large": 3_000_000, "odd": 1_234_567, "list": ["a", null], "nested": {"x": true, "n": 1e6},
        });
        for (template, wanted) in [
            ("{{.small}}", "584"),
            ("{{.large}} {{.odd}}", "3e+06 1.234567e+06"),
            (
                "{{if gt .large 2999999.0}}{{.large}}{{else}}small{{end}}",
                "3e+06",
            ),
            ("{{$x := .large}}{{$x}}", "3e+06"),
            ("{{range .list}}[{{.}}]{{end}}", "[a][<no value>]"),
            ("{{.nested}} {{.missing}}", "map[n:1e+06 x:true] <no value>"),
            (
                "{{define \"t\"}}{{.n}}{{end}}{{template \"t\" .nested}}",
                "1e+06",
            ),
            ("no newline", "no newline"),
        ] {
            let out = rendered(template, &data).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), wanted, "{template}");
        }
    }

    #[test]
    fn a_bad_template_is_named() {
        let error = rendered("{{", &Json::Null).unwrap_err().to_string();
        assert!(error.starts_with("template: format output:1"), "{error}");
    }
}
