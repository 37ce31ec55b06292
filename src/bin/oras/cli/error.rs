//! Errors in a command line, and their messages.
//!
//! Owns the exact texts that follow `Error: `. Must not know where errors are printed, nor the exit
//! status.

use std::fmt;

use super::command::CommandSpec;
use super::quote;

/// An error in a command line. Its text follows `Error: ` and may have several lines.
#[derive(Debug)]
pub(crate) struct UsageError(String);

impl UsageError {
    /// A word after a group that is not one of its members, and similar names.
    pub(super) fn unknown_command(group: &str, name: &str, similar: &[&str]) -> Self {
        let suggestion = match similar {
            [] => String::new(),
            names => format!("\n\nDid you mean this?\n\t{}\n", names.join("\n\t")),
        };
        Self(format!(
            "unknown command {} for \"{group}\"{suggestion}\nRun '{group} --help' for usage.",
            quote::double(name)
        ))
    }

    /// An unknown long flag, and similar names.
    pub(super) fn unknown_flag(long: &str, similar: &[String]) -> Self {
        let suggestion = match similar {
            [] => String::new(),
            names => format!("\nDid you mean --{}?", names.join(" or --")),
        };
        Self(format!("unknown flag: --{long}{suggestion}"))
    }

    /// An unknown short flag: the rest of its cluster, starting with the flag.
    pub(super) fn unknown_short(cluster: &str) -> Self {
        let byte = cluster.bytes().next().unwrap_or_default();
        let flag = quote::single(byte.into());
        Self(format!("unknown shorthand flag: {flag} in -{cluster}"))
    }

    /// An argument that starts like a flag but is not a valid one.
    pub(super) fn bad_syntax(argument: &str) -> Self {
        Self(format!("bad flag syntax: {argument}"))
    }

    /// The last argument is a flag that needs a value, spelled `--long` or `'s' in -s`.
    pub(super) fn missing_value(flag: &str) -> Self {
        Self(format!("flag needs an argument: {flag}"))
    }

    /// A value the flag does not accept. `flag` is `--long`, or `-s, --long` if it has a short
    /// form.
    pub(super) fn invalid_value(value: &str, flag: &str, reason: &str) -> Self {
        let value = quote::double(value);
        Self(format!(
            "invalid argument {value} for \"{flag}\" flag: {reason}"
        ))
    }

    /// Flags that exclude each other, as typed.
    pub(super) fn exclusive(flags: &[String]) -> Self {
        let flags = flags.join(", ");
        Self(format!("{flags} cannot be used at the same time"))
    }

    /// Missing required flags, by long name.
    pub(super) fn required_flags(flags: &[&str]) -> Self {
        let flags = flags.join("\", \"");
        Self(format!("required flag(s) \"{flags}\" not set"))
    }

    /// Too few or too many positional arguments.
    pub(super) fn argument_count(
        command: &CommandSpec,
        rule: &str,
        wanted: usize,
        what: &str,
        got: usize,
    ) -> Self {
        let plural = if wanted == 1 { "" } else { "s" };
        let wanted = format!("{rule} {wanted} argument{plural}");
        Self(format!(
            "\"{}\" requires {wanted} but got {got}\n{}\nPlease specify {wanted} as {what}. {}",
            command.path,
            command.usage_line(),
            command.see_help()
        ))
    }

    /// A positional argument of a command that takes none.
    pub(super) fn unexpected_argument(command: &CommandSpec, argument: &str) -> Self {
        let (argument, path) = (quote::double(argument), command.path);
        Self(format!("unknown command {argument} for \"{path}\""))
    }

    /// An argument that is not UTF-8.
    pub(super) fn not_utf8(lossy: &str) -> Self {
        Self(format!("argument \"{lossy}\" is not valid UTF-8"))
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
