//! The command line: flags and commands as tables, the parser, and the texts made from the tables.
//!
//! | Module | Contents |
//! |---|---|
//! | [`flag`] | flags, and the macro that declares a struct of fields with their flags |
//! | [`value`], [`quote`] | reading values, and quoting them in messages |
//! | [`groups`] | the flags that several commands share, one struct each |
//! | [`command`] | the description of a command and of a group of commands |
//! | [`parse`] | the only loop over arguments |
//! | [`present`] | the set of flags on the command line, and the rules between flags |
//! | [`tree`] | the search for the command that the arguments name |
//! | [`page`] | pages of text, laid out for the width that they are printed in |
//! | [`help`], [`manual`], [`suggest`], [`error`] | texts made from the tables |
//! | [`environment_docs`] | exit statuses and environment variables, as help describes them |
//!
//! **Invariant:** nothing here reads the environment, a file, a terminal or a clock, and nothing
//! here knows what a command does. The result is what the user typed. Therefore `--help` works on a
//! broken machine, and unit tests cover every rule.
//!
//! The grammar and the messages are those of the reference client (its `pflag` and `cobra`).

pub(crate) mod command;
pub(crate) mod environment_docs;
pub(crate) mod error;
pub(crate) mod flag;
pub(crate) mod groups;
pub(crate) mod help;
pub(crate) mod manual;
pub(crate) mod page;
pub(crate) mod parse;
pub(crate) mod present;
pub(crate) mod quote;
pub(crate) mod suggest;
pub(crate) mod tree;
pub(crate) mod value;

#[cfg(test)]
pub(crate) mod lint;

pub(crate) use command::{CommandSpec, Positionals};
pub(crate) use error::UsageError;
pub(crate) use flag::{Candidates, Flag, FlagSpec, FlagTable, Side, Stage};
pub(crate) use parse::{CommandLine, Outcome, parse, utf8};
pub(crate) use present::SetFlags;
