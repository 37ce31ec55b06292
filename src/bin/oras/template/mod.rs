//! Go templates over the JSON of a result, by the gotmpl crate, with the functions of sprig v3.3.0.
//!
//! [`functions`] is the table of all functions, and of those that are left out: nothing here has keys, certificates, ciphers,
//! randomness or regular expressions, and a template does not use the network. Numbers of the data are floating-point numbers,
//! as in Go; all others are integers of one kind. Where results differ from those of the original:
//!
//! - Errors have the engine's words. Of what is found when a template of several lines runs, they do not tell the line.
//! - `typeOf`, `kindOf` and `deepEqual` know one kind of integers, of lists and of dictionaries, whatever is in them. What takes
//!   an `int` takes what was computed, and `duration` takes a plain number for seconds.
//! - `set`, `unset` and `merge` change a dictionary if it is a variable and they come first in an action or a declaration:
//!   `{{$_ := set $d "k" 1}}`. Anywhere else they only return the changed copy, and other names of it see no change.
//! - Times and versions are dictionaries of their parts, such as `now.Year` and `(semver "1.2.3").Major`; of their methods with
//!   arguments there are `Format` and `Compare`, and `eq` does not compare them.
//! - `printf` has no `%#v`, no `% x`, and pads neither characters nor texts with zeros; its widths end at 65535.
//! - `toJson` writes numbers from 9e18 on with an exponent; `b64dec` and `b32dec` do not tell where a text is broken.
//! - Text is text: bytes that are no UTF-8, as from `b64dec` or where `trunc` cuts a character, become U+FFFD.
//! - `initials` and `nospace` take characters, where sprig takes bytes for characters.
//! - `keys` and `values` come in the order of the keys; sprig leaves it open.
//! - Local time is UTC, and no other zone is known by name: `dateInZone` with one is an error.
//! - What would take too much time or memory is an error: see [`limits`].

#![expect(
    clippy::unnecessary_wraps,
    reason = "functions of templates have one signature"
)]

mod builtins;
mod dates;
mod defaults;
mod dicts;
mod encoding;
mod functions;
mod limits;
mod lists;
mod math;
mod paths;
mod semver;
mod strings;
#[cfg(test)]
mod tests;
mod tree;
mod urls;
mod values;

use std::io::{self, Write};
use std::sync::Arc;

use gotmpl::{Template, TemplateError, Value};
use serde_json::Value as Json;

use self::functions::World;
use crate::cli::quote;
use crate::error::CliError;
use crate::process::Process;

/// What the template is called in error messages.
const NAME: &str = "format output";

/// Prints `data` through a template. No newline is added. What is printed before a failure is out.
pub(super) fn render(template: &str, data: &Json, process: &mut Process) -> Result<(), CliError> {
    let world = World::new(process.variables(), process.now());
    let stdout = process.stdout();
    let result = run(template, data, world, &mut |bytes| stdout.write_all(bytes));
    // What was printed comes before what is wrong.
    process.flush()?;
    result.map_err(|error| match error {
        TemplateError::Io(error) => CliError::stdout(error),
        other => CliError::new(told(&other, template)),
    })
}

fn run<'a>(text: &str, data: &Json, world: World, out: &'a mut Print<'a>) -> gotmpl::Result<()> {
    let (main, defines) = tree::read(text)?;
    let world = Arc::new(world);
    let entered = Arc::clone(&world);
    let mut template = functions::register(Template::new(NAME), &world)
        .max_range_iters(limits::MAX_ROUNDS)
        .func(tree::SHOW, |values| {
            Ok(values.first().map_or(Value::Nil, values::shown))
        })
        .func(tree::ENTER, move |values| {
            entered.spend(0).map_err(TemplateError::Exec)?;
            Ok(values.first().cloned().unwrap_or(Value::Nil))
        })
        .add_parse_tree(NAME, main);
    for define in defines {
        let body = template.lookup(&define.name);
        let is_empty = define.body.is_empty_tree();
        // An empty one does not replace another.
        match body.map(gotmpl::parse::ListNode::is_empty_tree) {
            Some(false) if is_empty => {}
            Some(false) => {
                let name = quote::double(&define.name);
                let message = format!("template: multiple definition of template {name}");
                return Err(tree::wrong(define.pos.line, message));
            }
            _ => template = template.add_parse_tree(&define.name, define.body),
        }
    }
    execute(&template, NAME, &values::of_json(data), out)
}

fn execute<'a>(
    template: &Template,
    name: &str,
    data: &Value,
    out: &'a mut Print<'a>,
) -> gotmpl::Result<()> {
    let left = limits::MAX_PRINTED;
    template.execute_template(&mut Limited { out, left }, name, data)
}

/// What is wrong with `template`, as the original says it where that is known.
fn told(error: &TemplateError, template: &str) -> String {
    // Where a template fails that runs, the engine does not tell. Most have but one line.
    let place = if template.contains('\n') {
        NAME.to_owned()
    } else {
        format!("{NAME}:1")
    };
    match error {
        TemplateError::Parse { line, message, .. } | TemplateError::Lex { line, message, .. } => {
            // Of what is nested too deeply, the parser does not say where it is.
            let message = match message.as_str() {
                "empty command" => "missing value for command",
                "unterminated string" => "unterminated quoted string",
                message => message,
            };
            format!("template: {NAME}:{}: {message}", (*line).max(1))
        }
        TemplateError::Exec(message) => format!("template: {place}: {message}"),
        other => format!("template: {place}: {other}"),
    }
}

/// Takes what is printed.
type Print<'a> = dyn FnMut(&[u8]) -> io::Result<()> + 'a;

/// A writer that takes so many bytes.
struct Limited<'a> {
    out: &'a mut Print<'a>,
    left: usize,
}

impl Write for Limited<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or_else(|| {
            io::Error::other("too much for a template: more than 1 GiB of output")
        })?;
        (self.out)(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
