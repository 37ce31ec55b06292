//! The only loop over arguments.
//!
//! Owns how arguments become flags, values and positional arguments. Must not know any particular flag or command.
//!
//! lexopt splits the arguments. The reference client's `pflag` differs from it in three places, which are handled here:
//!
//! - `---x` and `--=x` are no flags at all;
//! - `-o=` is `-o` with the value `=`, and for a switch it is the switch and a flag called `=`;
//! - an unknown short flag is reported with the rest of its cluster.

use std::ffi::OsString;
use std::io::Write;

use lexopt::Arg;

use super::command::{Command, flags, groups};
use super::error::UsageError;
use super::groups::Quiet;
use super::present::SetFlags;
use super::table::{Group, Listed};
use super::{help, value};

/// What arguments ask for.
pub(crate) enum Outcome<C> {
    /// Print this text and be done.
    Help(String),
    /// Run the command, and print as little as was asked for.
    Run(Parsed<C>, Quiet),
}

/// What the user typed after the name of a command.
pub(crate) struct Parsed<C> {
    /// The command, with the values of its flags.
    pub(crate) command: C,
    /// Which flags were typed.
    pub(crate) given: SetFlags,
    /// The other arguments. Their number is right.
    pub(crate) positionals: Vec<String>,
}

/// Reads the arguments of a command. Deprecated flags are named on `notices`, before anything else is said.
///
/// # Errors
///
/// The first fault from the left; a wrong number of arguments counts only when no help is asked for.
pub(crate) fn parse<C: Command>(
    arguments: Vec<String>,
    notices: &mut dyn Write,
) -> Result<Outcome<C>, UsageError> {
    let (mut command, mut quiet) = (C::default(), Quiet::default());
    let line = Line::read(&mut groups(&mut command, &mut quiet), arguments)?;
    for notice in &line.notices {
        // Where even this cannot be written, nobody is listening; that is no reason not to do what was asked.
        let _ = writeln!(notices, "{notice}");
    }
    if line.help {
        return Ok(Outcome::Help(help::command(C::SPEC, &flags::<C>())));
    }
    C::SPEC.positionals.check(C::SPEC, &line.positionals)?;
    let parsed = Parsed {
        command,
        given: line.given,
        positionals: line.positionals,
    };
    Ok(Outcome::Run(parsed, quiet))
}

/// Refuses arguments that are not text: they end up in references, annotations and JSON, none of which could hold them.
pub(crate) fn utf8(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Vec<String>, UsageError> {
    let text = |argument: OsString| {
        argument
            .into_string()
            .map_err(|argument| UsageError::NotUtf8 {
                lossy: argument.to_string_lossy().into_owned(),
            })
    };
    arguments.into_iter().map(text).collect()
}

/// The arguments, sorted. The values of flags are in the groups already.
#[derive(Default)]
pub(super) struct Line {
    pub(super) help: bool,
    pub(super) given: SetFlags,
    pub(super) positionals: Vec<String>,
    notices: Vec<String>,
}

impl Line {
    pub(super) fn read(
        groups: &mut [Group<'_>],
        arguments: Vec<String>,
    ) -> Result<Self, UsageError> {
        let listed = groups.iter().map(Group::listed).enumerate();
        let flags = listed
            .flat_map(|(group, flags)| flags.into_iter().map(move |flag| (Some(group), flag)));
        let flags = flags.chain([(None, Listed::HELP)]).collect();
        let parser = lexopt::Parser::from_args(arguments);
        Reader {
            parser,
            cluster: String::new(),
            groups,
            flags,
            line: Self::default(),
        }
        .read()
    }
}

/// A flag, and the index of the group it belongs to; `--help` belongs to none.
type Known = (Option<usize>, Listed);

struct Reader<'a, 'g> {
    parser: lexopt::Parser,
    /// What is left of a cluster of short flags.
    cluster: String,
    groups: &'a mut [Group<'g>],
    flags: Vec<Known>,
    line: Line,
}

impl Reader<'_, '_> {
    fn read(mut self) -> Result<Line, UsageError> {
        loop {
            if let Some(mut rest) = self.parser.try_raw_args() {
                let Some(argument) = rest.peek() else {
                    return Ok(self.line);
                };
                let argument = argument.to_string_lossy();
                if argument == "--" {
                    self.line
                        .positionals
                        .extend(rest.by_ref().skip(1).map(text));
                    continue;
                }
                if argument.starts_with("---") || argument.starts_with("--=") {
                    return Err(UsageError::BadSyntax {
                        argument: argument.into_owned(),
                    });
                }
                // Standard input with a media type. No flag is called so.
                if argument.starts_with("-:") {
                    self.line.positionals.extend(rest.next().map(text));
                    continue;
                }
                argument
                    .strip_prefix('-')
                    .unwrap_or_default()
                    .clone_into(&mut self.cluster);
            }
            match self.parser.next() {
                Ok(Some(Arg::Value(positional))) => self.line.positionals.push(text(positional)),
                Ok(Some(Arg::Long(long))) => {
                    let long = long.to_owned();
                    self.long(long)?;
                }
                Ok(Some(Arg::Short(short))) => self.short(short)?,
                Ok(None) => return Ok(self.line),
                // `=` within a cluster, where no flag took it as the start of its value.
                Err(_) => {
                    return Err(UsageError::UnknownShort {
                        cluster: self.cluster,
                    });
                }
            }
        }
    }

    fn long(&mut self, long: String) -> Result<(), UsageError> {
        let Some(&known) = self.flags.iter().find(|(_, flag)| flag.is_long(&long)) else {
            return Err(UsageError::UnknownFlag { long });
        };
        let attached = self.parser.optional_value().map(text);
        let value = self.value_of(known.1, attached, || format!("--{long}"))?;
        self.set(known, &value)
    }

    fn short(&mut self, short: char) -> Result<(), UsageError> {
        let Some(&known) = self
            .flags
            .iter()
            .find(|(_, flag)| flag.short() == Some(short))
        else {
            return Err(UsageError::UnknownShort {
                cluster: std::mem::take(&mut self.cluster),
            });
        };
        self.cluster.drain(..short.len_utf8());
        let is_switch = known.1.value().is_none();
        let attached = match self.cluster.as_str() {
            "" => None,
            "=" if is_switch => None,
            "=" => self.parser.optional_value().map(|_| "=".to_owned()),
            rest if is_switch && !rest.starts_with('=') => None,
            _ => self.parser.optional_value().map(text),
        };
        let value = self.value_of(known.1, attached, || format!("'{short}' in -{short}"))?;
        self.set(known, &value)
    }

    /// The value attached to a flag, or else the next argument; a switch takes only the former.
    fn value_of(
        &mut self,
        flag: Listed,
        attached: Option<String>,
        spelled: impl FnOnce() -> String,
    ) -> Result<String, UsageError> {
        match attached {
            Some(value) => Ok(value),
            None if flag.value().is_none() => Ok("true".to_owned()),
            None => self
                .parser
                .value()
                .map(text)
                .map_err(|_| UsageError::MissingValue { flag: spelled() }),
        }
    }

    fn set(&mut self, (group, flag): Known, value: &str) -> Result<(), UsageError> {
        let set = match group {
            Some(group) => self.groups[group].set(&flag, value),
            None => value::boolean(value).map(|help| self.line.help = help),
        };
        let long = flag.long();
        set.map_err(|reason| UsageError::InvalidValue {
            value: value.to_owned(),
            flag: flag.short().map_or_else(
                || format!("--{long}"),
                |short| format!("-{short}, --{long}"),
            ),
            reason,
        })?;
        if let Some(why) = flag.deprecated() {
            self.line
                .notices
                .push(format!("Flag --{long} has been deprecated, {why}"));
        }
        self.line.given.insert(long);
        Ok(())
    }
}

/// An argument that came from a `String`.
fn text(argument: OsString) -> String {
    argument
        .into_string()
        .unwrap_or_else(|argument| argument.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests;
