//! The names that most commands use.

pub(super) use crate::cli::flag::{Candidates, flags};
pub(super) use crate::cli::{CommandLine, CommandSpec, Positionals, SetFlags, Stage, quote};
pub(super) use crate::commands::command::Command;
pub(super) use crate::error::CliError;
pub(super) use crate::output::format::{Format, print_descriptor, print_json};
pub(super) use crate::output::{file, model};
pub(super) use crate::process::Process;
pub(super) use crate::target::{Target, check_further_tags, parse_platform};
