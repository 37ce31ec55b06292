//! The parser: the only loop over arguments.
//!
//! Owns the split of arguments into flags, values and positional arguments. Must not know any
//! particular flag or command.
//!
//! lexopt splits the arguments. The reference client's `pflag` differs from it in three places,
//! which are handled here:
//!
//! - `---x` and `--=x` are not flags;
//! - `-o=` is `-o` with the value `=`, and for a switch it is the switch and a flag called `=`;
//! - the error about an unknown short flag names the rest of its cluster.

use std::ffi::OsString;
use std::io::Write;

use lexopt::Arg;

use super::command::{CommandSpec, Positionals};
use super::error::UsageError;
use super::flag::{Flag, FlagSpec, FlagTable, Side};
use super::groups::Quiet;
use super::help;
use super::page::HelpPage;
use super::present::SetFlags;
use super::suggest;

/// Result of parsing the arguments of a command.
pub(crate) enum Outcome<F> {
    /// Print this page instead of running the command.
    Help(HelpPage),
    /// Run the command with these flags.
    Run(F, CommandLine),
}

/// The command line, except for the values of flags.
pub(crate) struct CommandLine {
    /// The command that was called.
    pub(crate) command: &'static CommandSpec,
    /// The flags that are set.
    pub(crate) set: SetFlags,
    /// The positional arguments. Their number is right.
    pub(crate) positionals: Vec<String>,
    /// Whether to print only the result.
    pub(crate) quiet: bool,
}

impl CommandLine {
    /// The command line as one side of a command with two targets has it: the flags of that side,
    /// under the names they have elsewhere.
    pub(crate) fn for_side(&self, side: Side) -> Self {
        Self {
            command: self.command,
            set: self.set.for_side(side),
            positionals: self.positionals.clone(),
            quiet: self.quiet,
        }
    }
}

/// Parses the arguments of `command`, and writes a line to `notices` for each use of a deprecated
/// flag.
///
/// # Errors
///
/// The leftmost error. A wrong number of arguments is reported only if help is not requested.
pub(crate) fn parse<F: FlagTable>(
    command: &'static CommandSpec,
    arguments: Vec<String>,
    notices: &mut dyn Write,
) -> Result<Outcome<F>, UsageError> {
    let (mut table, mut quiet) = (F::default(), Quiet::default());
    let mut flags = table.flags();
    flags.extend(quiet.flags());
    let specs: Vec<_> = flags.iter().map(|flag| flag.spec).collect();
    let words = Words::read(flags, arguments)?;
    for notice in &words.notices {
        // A notice that cannot be written is not a reason to fail.
        let _ = writeln!(notices, "{notice}");
    }
    if words.help {
        return Ok(Outcome::Help(help::command(command, &specs)));
    }
    check_count(command, command.positionals, &words.positionals)?;
    let line = CommandLine {
        command,
        set: words.set,
        positionals: words.positionals,
        quiet: quiet.quiet,
    };
    Ok(Outcome::Run(table, line))
}

/// Checks the number of positional arguments.
pub(crate) fn check_count(
    command: &'static CommandSpec,
    rule: Positionals,
    positionals: &[String],
) -> Result<(), UsageError> {
    let got = positionals.len();
    let (rule, wanted, what) = match rule {
        Positionals::None if got > 0 => {
            return Err(UsageError::unexpected_argument(command, &positionals[0]));
        }
        Positionals::Exactly(wanted, what) if got != wanted => ("exactly", wanted, what),
        Positionals::AtLeast(wanted, what) if got < wanted => ("at least", wanted, what),
        Positionals::Between(wanted, _, what) if got < wanted => ("at least", wanted, what),
        Positionals::Between(_, wanted, what) if got > wanted => ("at most", wanted, what),
        _ => return Ok(()),
    };
    Err(UsageError::argument_count(command, rule, wanted, what, got))
}

/// Rejects arguments that are not UTF-8: references, annotations and JSON cannot contain them.
pub(crate) fn utf8(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Vec<String>, UsageError> {
    let text = |argument: OsString| {
        let text = argument.into_string();
        text.map_err(|argument| UsageError::not_utf8(&argument.to_string_lossy()))
    };
    arguments.into_iter().map(text).collect()
}

/// The arguments, split. The values of flags are in their fields.
#[derive(Default)]
pub(super) struct Words {
    pub(super) help: bool,
    pub(super) set: SetFlags,
    pub(super) positionals: Vec<String>,
    notices: Vec<String>,
}

impl Words {
    /// Splits arguments into positional arguments and these flags, to which `--help` is added.
    pub(super) fn read(flags: Vec<Flag<'_>>, arguments: Vec<String>) -> Result<Self, UsageError> {
        let mut help = false;
        let mut flags = flags;
        flags.push(Flag::new(&mut help, FlagSpec::HELP));
        let reader = Reader {
            parser: lexopt::Parser::from_args(arguments),
            cluster: String::new(),
            flags,
            words: Self::default(),
        };
        let words = reader.read()?;
        Ok(Self { help, ..words })
    }
}

struct Reader<'a> {
    parser: lexopt::Parser,
    /// The rest of a cluster of short flags.
    cluster: String,
    flags: Vec<Flag<'a>>,
    words: Words,
}

impl Reader<'_> {
    fn read(mut self) -> Result<Words, UsageError> {
        loop {
            if let Some(mut rest) = self.parser.try_raw_args() {
                let Some(argument) = rest.peek() else {
                    return Ok(self.words);
                };
                let argument = argument.to_string_lossy();
                if argument == "--" {
                    self.words
                        .positionals
                        .extend(rest.by_ref().skip(1).map(text));
                    continue;
                }
                if argument.starts_with("---") || argument.starts_with("--=") {
                    return Err(UsageError::bad_syntax(&argument));
                }
                // Standard input with a media type. No flag has this name.
                if argument.starts_with("-:") {
                    self.words.positionals.extend(rest.next().map(text));
                    continue;
                }
                argument
                    .strip_prefix('-')
                    .unwrap_or_default()
                    .clone_into(&mut self.cluster);
            }
            match self.parser.next() {
                Ok(Some(Arg::Value(positional))) => self.words.positionals.push(text(positional)),
                Ok(Some(Arg::Long(long))) => {
                    let long = long.to_owned();
                    self.long(&long)?;
                }
                Ok(Some(Arg::Short(short))) => self.short(short)?,
                Ok(None) => return Ok(self.words),
                // `=` within a cluster that is not the start of a value.
                Err(_) => return Err(UsageError::unknown_short(&self.cluster)),
            }
        }
    }

    fn long(&mut self, long: &str) -> Result<(), UsageError> {
        let Some(index) = self.flags.iter().position(|flag| flag.spec.is_long(long)) else {
            let names = self.flags.iter().map(|flag| &flag.spec);
            let names = names.filter(|spec| spec.deprecated.is_none());
            let similar = suggest::similar_flags(long, names.map(FlagSpec::long_name));
            return Err(UsageError::unknown_flag(long, &similar));
        };
        let attached = self.parser.optional_value().map(text);
        self.set(index, attached, || format!("--{long}"))
    }

    fn short(&mut self, short: char) -> Result<(), UsageError> {
        let flags = &self.flags;
        let Some(index) = flags.iter().position(|flag| flag.spec.short == Some(short)) else {
            return Err(UsageError::unknown_short(&self.cluster));
        };
        self.cluster.drain(..short.len_utf8());
        let is_switch = self.flags[index].spec.value.is_none();
        let attached = match self.cluster.as_str() {
            "" => None,
            "=" if is_switch => None,
            "=" => self.parser.optional_value().map(|_| "=".to_owned()),
            rest if is_switch && !rest.starts_with('=') => None,
            _ => self.parser.optional_value().map(text),
        };
        self.set(index, attached, || format!("'{short}' in -{short}"))
    }

    /// Sets a flag to the attached value, or else to the next argument. A switch takes only an
    /// attached value.
    fn set(
        &mut self,
        index: usize,
        attached: Option<String>,
        spelled: impl FnOnce() -> String,
    ) -> Result<(), UsageError> {
        let flag = &mut self.flags[index];
        let value = match attached {
            Some(value) => value,
            None if flag.spec.value.is_none() => "true".to_owned(),
            None => match self.parser.value() {
                Ok(value) => text(value),
                Err(_) => return Err(UsageError::missing_value(&spelled())),
            },
        };
        let long = flag.spec.long_name();
        if let Err(reason) = flag.set(&value) {
            let flag = match flag.spec.short {
                Some(short) => format!("-{short}, --{long}"),
                None => format!("--{long}"),
            };
            return Err(UsageError::invalid_value(&value, &flag, &reason));
        }
        if let Some(reason) = flag.spec.deprecated {
            self.words
                .notices
                .push(format!("Flag --{long} has been deprecated, {reason}"));
        }
        self.words.set.insert(long);
        Ok(())
    }
}

/// Converts an argument back to the `String` it was made from.
fn text(argument: OsString) -> String {
    argument
        .into_string()
        .unwrap_or_else(|argument| argument.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests;
