//! Go templates over the JSON of a result: the engine gotmpl with the functions of sprig v3.3.0.
//!
//! | Module, lowest first | Contains |
//! |---|---|
//! | [`limits`], [`values`], [`runtime`] | limits; values in Go's terms; state of a run |
//! | [`args`] | type checks, extraction and conversion of arguments and results |
//! | [`functions`] | the implementations |
//! | [`table`] | names, parameters and implementations of all functions |
//! | [`prepare`] | parsing, checks and rewriting for the engine |
//!
//! [`table`] also lists the functions that are not supported: there are no keys, certificates,
//! ciphers, random numbers or regular expressions, and a template does not use the network. Numbers
//! of the data are floating-point numbers, as in Go; all others are integers of one type.
//!
//! Differences from the original:
//!
//! - Error messages are those of the engine. Errors that occur while a template of several lines
//!   runs do not contain the line.
//! - `typeOf`, `kindOf` and `deepEqual` distinguish neither types of integers nor element types of
//!   lists and dictionaries. A parameter of type `int` accepts any computed integer, and `duration`
//!   accepts an integer of seconds.
//! - `set`, `unset` and `merge` change a dictionary if it is a variable and they come first in an
//!   action or declaration: `{{$_ := set $d "k" 1}}`. Anywhere else they only return the changed
//!   copy. Other variables with the same dictionary do not change.
//! - Times and versions are dictionaries of their parts, such as `now.Year` and
//!   `(semver "1.2.3").Major`. `Format` and `Compare` are their only methods with arguments, and
//!   `eq` does not compare them.
//! - `printf` has no `%#v` and no `% x`, does not pad characters and strings with zeros, and limits
//!   widths to 65535.
//! - `toJson` writes numbers from 9e18 on with an exponent. Errors of `b64dec` and `b32dec` do not
//!   contain the position.
//! - Strings are UTF-8: other bytes, as from `b64dec` or where `trunc` cuts a character, become
//!   U+FFFD.
//! - `initials` and `nospace` work on characters, in sprig on bytes.
//! - `keys` and `values` are sorted by key; sprig leaves the order open.
//! - Local time is UTC, and there are no other time zones: `dateInZone` with one is an error.
//! - A template that takes too much time or memory is an error: see [`limits`].

mod args;
mod functions;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod limits;
mod prepare;
mod runtime;
mod table;
#[cfg(test)]
mod tests;
mod values;

use std::io::{self, Write};
use std::sync::Arc;

use gotmpl::{Template, TemplateError, Value};
use oras::http::clock::{Clock as _, SystemClock};
use serde_json::Value as Json;

use self::runtime::Runtime;
use crate::cli::quote;
use crate::error::CliError;
use crate::process::Process;

/// The name of the template in error messages.
const NAME: &str = "format output";

/// Prints `data` through a template, without a trailing newline. Output that precedes an error is
/// printed.
pub(super) fn render(template: &str, data: &Json, process: &mut Process) -> Result<(), CliError> {
    let runtime = Runtime::new(process.variables(), SystemClock.now());
    let stdout = process.stdout();
    let result = run(template, data, runtime, &mut |bytes| {
        stdout.write_all(bytes)
    });
    // Output precedes the error message.
    process.flush()?;
    result.map_err(|error| match error {
        TemplateError::Io(error) => CliError::stdout(error),
        other => CliError::new(error_message(&other, template)),
    })
}

fn run<'a>(
    text: &str,
    data: &Json,
    runtime: Runtime,
    out: &'a mut Print<'a>,
) -> gotmpl::Result<()> {
    let (main, defines) = prepare::parse(text)?;
    let runtime = Arc::new(runtime);
    let mut template = table::register(Template::new(NAME), &runtime)
        .max_range_iters(limits::MAX_ITERATIONS)
        .func(prepare::PRINTABLE, |values| {
            Ok(values.first().map_or(Value::Nil, values::printable))
        })
        .func(prepare::CHARGE_CALL, move |values| {
            runtime.charge_call(0).map_err(TemplateError::Exec)?;
            Ok(values.first().cloned().unwrap_or(Value::Nil))
        })
        .add_parse_tree(NAME, main);
    for define in defines {
        let body = template.lookup(&define.name);
        let is_empty = define.body.is_empty_tree();
        // As in Go, an empty definition does not replace another.
        match body.map(gotmpl::parse::ListNode::is_empty_tree) {
            Some(false) if is_empty => {}
            Some(false) => {
                let name = quote::double(&define.name);
                let message = format!("template: multiple definition of template {name}");
                return Err(prepare::parse_error(define.pos.line, message));
            }
            _ => template = template.add_parse_tree(&define.name, define.body),
        }
    }
    let mut out = LimitedWriter {
        out,
        remaining: limits::MAX_OUTPUT,
    };
    template.execute_template(&mut out, NAME, &values::from_json(data))
}

/// The message for an error in `template`, in the original's words where they are known.
fn error_message(error: &TemplateError, template: &str) -> String {
    // The engine does not return the line of an error at run time. Most templates have one line.
    let location = if template.contains('\n') {
        NAME.to_owned()
    } else {
        format!("{NAME}:1")
    };
    match error {
        TemplateError::Parse { line, message, .. } | TemplateError::Lex { line, message, .. } => {
            let message = match message.as_str() {
                "empty command" => "missing value for command",
                "unterminated string" => "unterminated quoted string",
                message => message,
            };
            // The parser returns line 0 if blocks are nested too deeply.
            format!("template: {NAME}:{}: {message}", (*line).max(1))
        }
        TemplateError::Exec(message) => format!("template: {location}: {message}"),
        other => format!("template: {location}: {other}"),
    }
}

/// A callback that writes output.
type Print<'a> = dyn FnMut(&[u8]) -> io::Result<()> + 'a;

/// A writer that fails after `remaining` bytes.
struct LimitedWriter<'a> {
    out: &'a mut Print<'a>,
    remaining: usize,
}

impl Write for LimitedWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.remaining = self.remaining.checked_sub(bytes.len()).ok_or_else(|| {
            io::Error::other("too much for a template: more than 1 GiB of output")
        })?;
        (self.out)(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
