//! Go templates over the JSON of a result, by the gotmpl crate.

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::{Template, Value};
use serde_json::Value as Json;

use crate::context::Context;
use crate::failure::Failure;

/// Prints `data` through a template. No newline is added.
pub(super) fn render(template: &str, data: &Json, context: &mut Context) -> Result<(), Failure> {
    // The engine names the template itself.
    let failure = |error: gotmpl::TemplateError| Failure::new(error.to_string());
    let template = Template::new("format output")
        .parse(template)
        .map_err(failure)?;
    let mut out = Vec::new();
    template
        .execute(&mut out, &value_of(data))
        .map_err(failure)?;
    context.print_bytes(&out)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_floating_point_numbers_do() {
        let data = serde_json::json!({"small": 584, "large": 3_000_000, "list": ["a", null], "nested": {"x": true}});
        for (template, wanted) in [
            ("{{.small}}", "584"),
            ("{{.large}}", "3e+06"),
            ("{{range .list}}[{{.}}]{{end}}", "[a][<no value>]"),
            ("{{.nested.x}} {{.missing}}", "true <no value>"),
        ] {
            let template = Template::new("t").parse(template).unwrap();
            assert_eq!(
                template.execute_to_string(&value_of(&data)).unwrap(),
                wanted
            );
        }
    }
}
