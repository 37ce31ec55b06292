//! Errors in a command line, and their messages.
//!
//! Owns the exact texts that follow `Error: `. Must not know where errors are printed, nor the exit
//! status.

use std::fmt;

use super::command::CommandSpec;
use super::quote;

/// An error in a command line. Its text follows `Error: ` and may have several lines.
#[derive(Debug)]
pub(crate) enum UsageError {
    /// A word after a group that is not one of its members, and similar names.
    UnknownCommand {
        /// All words of the group.
        group: &'static str,
        name: String,
        similar: Vec<&'static str>,
    },
    /// An unknown long flag, and similar names.
    UnknownFlag { long: String, similar: Vec<String> },
    /// An unknown short flag: the rest of its cluster, starting with the flag.
    UnknownShort { cluster: String },
    /// An argument that starts like a flag but is not a valid one.
    BadSyntax { argument: String },
    /// The last argument is a flag that needs a value, spelled `--long` or `'s' in -s`.
    MissingValue { flag: String },
    /// A value the flag does not accept. `flag` is `--long`, or `-s, --long` if it has a short
    /// form.
    InvalidValue {
        value: String,
        flag: String,
        reason: String,
    },
    /// Flags that exclude each other, as typed.
    Exclusive { flags: Vec<String> },
    /// Missing required flags, by long name.
    RequiredFlags { flags: Vec<&'static str> },
    /// Too few or too many positional arguments.
    ArgumentCount {
        command: &'static CommandSpec,
        rule: &'static str,
        wanted: usize,
        what: &'static str,
        got: usize,
    },
    /// A positional argument of a command that takes none.
    UnexpectedArgument {
        command: &'static CommandSpec,
        argument: String,
    },
    /// An argument that is not UTF-8.
    NotUtf8 { lossy: String },
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCommand {
                group,
                name,
                similar,
            } => {
                write!(f, "unknown command {} for \"{group}\"", quote::double(name))?;
                if !similar.is_empty() {
                    f.write_str("\n\nDid you mean this?\n")?;
                    similar
                        .iter()
                        .try_for_each(|name| writeln!(f, "\t{name}"))?;
                }
                write!(f, "\nRun '{group} --help' for usage.")
            }
            Self::UnknownFlag { long, similar } => {
                write!(f, "unknown flag: --{long}")?;
                match &similar[..] {
                    [] => Ok(()),
                    similar => write!(f, "\nDid you mean --{}?", similar.join(" or --")),
                }
            }
            Self::UnknownShort { cluster } => {
                // The reference client splits clusters into bytes, and shows a byte as the
                // character with that number.
                let byte = cluster.bytes().next().unwrap_or_default();
                write!(
                    f,
                    "unknown shorthand flag: {} in -{cluster}",
                    quote::single(byte.into())
                )
            }
            Self::BadSyntax { argument } => write!(f, "bad flag syntax: {argument}"),
            Self::MissingValue { flag } => write!(f, "flag needs an argument: {flag}"),
            Self::InvalidValue {
                value,
                flag,
                reason,
            } => {
                write!(
                    f,
                    "invalid argument {} for \"{flag}\" flag: {reason}",
                    quote::double(value)
                )
            }
            Self::Exclusive { flags } => {
                write!(f, "{} cannot be used at the same time", flags.join(", "))
            }
            Self::RequiredFlags { flags } => {
                write!(f, "required flag(s) \"{}\" not set", flags.join("\", \""))
            }
            Self::ArgumentCount {
                command,
                rule,
                wanted,
                what,
                got,
            } => {
                let noun = if *wanted == 1 {
                    "argument"
                } else {
                    "arguments"
                };
                writeln!(
                    f,
                    "\"{}\" requires {rule} {wanted} {noun} but got {got}",
                    command.path
                )?;
                writeln!(f, "{}", command.usage_line())?;
                write!(
                    f,
                    "Please specify {rule} {wanted} {noun} as {what}. {}",
                    command.see_help()
                )
            }
            Self::UnexpectedArgument { command, argument } => {
                write!(
                    f,
                    "unknown command {} for \"{}\"",
                    quote::double(argument),
                    command.path
                )
            }
            Self::NotUtf8 { lossy } => write!(f, "argument \"{lossy}\" is not valid UTF-8"),
        }
    }
}

impl std::error::Error for UsageError {}
