//! The command line: flags and commands as tables, one parser, and the texts made from the tables.
//!
//! | Module | Owns |
//! |---|---|
//! | [`spec`] | what a flag is, and the field it writes to |
//! | [`table`] | how a struct says which flags write to it, and how a command lists such structs |
//! | [`command`] | what a command is: path, usage, positional arguments, groups of flags |
//! | [`groups`] | the flags that several commands share, one struct each |
//! | [`parse`] | the only loop over arguments |
//! | [`given`] | which flags were typed, whatever their value, and the rules between them |
//! | [`tree`] | which command the arguments name |
//! | [`help`], [`manual`], [`suggest`], [`error`] | texts made from all that |
//! | [`surroundings`] | what is told about all commands: exit statuses, the environment |
//! | [`value`], [`quote`] | spellings of values, in and out |
//!
//! **Invariant:** nothing here reads the environment, a file, a terminal or a clock, and nothing here knows what a command
//! does. What comes out is what the user typed. Therefore `--help` works on a broken machine, and every rule is a plain test.
//!
//! The grammar is that of the reference client (its `pflag` and `cobra`), message by message.
//!
//! A command names its flags once, each with the field it writes to:
//!
//! ```ignore
//! #[derive(Default)]
//! struct Own {
//!     full_reference: bool,
//! }
//!
//! impl FlagTable for Own {
//!     const FLAGS: &'static [Flag<Self>] = &[Flag::switch(
//!         "full-reference",
//!         "print the full reference instead of the digest alone",
//!         |own: &mut Self, on| own.full_reference = on,
//!     )
//!     .short('l')];
//! }
//!
//! #[derive(Default)]
//! struct Resolve {
//!     own: Own,
//!     remote: Remote,
//!     platform: Platform,
//! }
//!
//! impl Command for Resolve {
//!     const SPEC: &'static CommandSpec = &CommandSpec {
//!         path: "oras resolve",
//!         aliases: &["digest"],
//!         usage: "[flags] <name>{:<tag>|@<digest>}",
//!         about: "Print the digest of an artifact",
//!         positionals: Positionals::Exactly(1, "the target artifact reference to resolve"),
//!         stage: Stage::Preview,
//!         ..CommandSpec::BASE
//!     };
//!
//!     fn groups(&mut self) -> Vec<Group<'_>> {
//!         vec![self.own.group(), self.remote.group(), self.platform.group()]
//!     }
//! }
//! ```

pub(crate) mod command;
pub(crate) mod environment_docs;
pub(crate) mod error;
pub(crate) mod groups;
pub(crate) mod help;
pub(crate) mod manual;
pub(crate) mod parse;
pub(crate) mod present;
pub(crate) mod quote;
pub(crate) mod spec;
pub(crate) mod suggest;
pub(crate) mod table;
pub(crate) mod tree;
pub(crate) mod value;

#[cfg(test)]
pub(crate) mod lint;

pub(crate) use command::{Command, CommandSpec, Positionals};
pub(crate) use error::UsageError;
pub(crate) use parse::{Outcome, Parsed, parse, utf8};
pub(crate) use present::SetFlags;
pub(crate) use spec::{Flag, Stage};
pub(crate) use table::{FlagTable, Side};
