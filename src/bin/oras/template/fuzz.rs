//! The fuzz target `template`: templates and data of any form.

#[cfg(test)]
#[path = "../../../../tests/support/mutations.rs"]
mod mutations;

use std::io;
use std::time::UNIX_EPOCH;

use gotmpl::TemplateError;
use serde_json::Value as Json;

use super::runtime::Runtime;
use super::{error_message, run};

/// The line between template and data.
const SEPARATOR: &str = "\n---\n";
/// Bytes of output after which a run is stopped.
const MAX_OUTPUT: usize = 1 << 20;

/// Renders the template before the separator with the JSON after it, twice with the same result.
pub(crate) fn body(input: &[u8]) {
    let Ok(input) = std::str::from_utf8(input) else {
        return;
    };
    let (template, data) = input.split_once(SEPARATOR).unwrap_or((input, ""));
    let data: Json = serde_json::from_str(data).unwrap_or_default();
    let (output, error) = render(template, &data);
    std::str::from_utf8(&output).expect("text");
    assert_ne!(error.as_deref(), Some(""));
    assert_eq!(render(template, &data), (output, error));
}

/// Returns the output and the error message.
fn render(template: &str, data: &Json) -> (Vec<u8>, Option<String>) {
    let mut output = Vec::new();
    let runtime = Runtime::new(vec![("HOME".to_owned(), "/root".to_owned())], UNIX_EPOCH);
    let result = run(template, data, runtime, &mut |bytes| {
        output.extend_from_slice(bytes);
        if output.len() > MAX_OUTPUT {
            return Err(io::Error::other("enough"));
        }
        Ok(())
    });
    let message = |error: TemplateError| error_message(&error, template);
    (output, result.err().map(message))
}

#[test]
fn templates_of_any_form_are_rendered_or_refused() {
    mutations::run("template", body);
}
