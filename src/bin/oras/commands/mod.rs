//! The commands, one file each: the flags, one call of the library, and the output.

mod annotations;
mod attach;
mod backup;
mod blob;
mod completion;
mod cp;
mod deletion;
mod discover;
mod filter;
#[cfg(test)]
mod flag_matrix_test;
mod login;
mod logout;
mod manifest;
mod pull;
mod push;
mod repo;
mod resolve;
mod restore;
mod tag;
mod version;

use crate::cli::groups::{Quiet, Tty};
use crate::cli::tree::Entry;
use crate::cli::{self, CommandLine, CommandSpec, FlagSpec, FlagTable, Outcome, parse};
use crate::error::CliError;
use crate::process::Process;

/// A command: the struct of its flags, its description, and the function that runs it.
pub(crate) trait Command: FlagTable {
    /// The description.
    const SPEC: &'static CommandSpec;

    /// Runs the command with these flags. Help and `--quiet` are handled already.
    fn run(self, line: &CommandLine, process: &mut Process) -> Result<(), CliError>;
}

/// Runs a command with its arguments.
pub(crate) type Run = fn(&mut Process, Vec<String>) -> Result<(), CliError>;

/// All commands, in the order of suggestions.
pub(crate) const ALL: &[Entry<Run>] = &[
    entry::<pull::PullFlags>(),
    entry::<push::PushFlags>(),
    entry::<login::LoginFlags>(),
    entry::<logout::LogoutFlags>(),
    entry::<version::VersionFlags>(),
    entry::<discover::DiscoverFlags>(),
    entry::<resolve::ResolveFlags>(),
    entry::<cp::CpFlags>(),
    entry::<tag::TagFlags>(),
    entry::<attach::AttachFlags>(),
    entry::<backup::BackupFlags>(),
    entry::<restore::RestoreFlags>(),
    entry::<blob::delete::BlobDeleteFlags>(),
    entry::<blob::fetch::BlobFetchFlags>(),
    entry::<blob::push::BlobPushFlags>(),
    entry::<manifest::delete::ManifestDeleteFlags>(),
    entry::<manifest::fetch::ManifestFetchFlags>(),
    entry::<manifest::fetch_config::ManifestFetchConfigFlags>(),
    entry::<manifest::push::ManifestPushFlags>(),
    entry::<manifest::index::create::IndexCreateFlags>(),
    entry::<manifest::index::update::IndexUpdateFlags>(),
    entry::<repo::ls::RepoLsFlags>(),
    entry::<repo::tags::RepoTagsFlags>(),
    entry::<completion::Bash>(),
    entry::<completion::Zsh>(),
    entry::<completion::Fish>(),
    entry::<completion::PowerShell>(),
];

const fn entry<C: Command>() -> Entry<Run> {
    Entry {
        spec: C::SPEC,
        flags: flag_specs::<C>,
        run: run::<C>,
    }
}

/// The flags of a command, including those that every command has.
fn flag_specs<C: Command>() -> Vec<FlagSpec> {
    let mut specs = cli::flag::specs::<C>();
    specs.extend(cli::flag::specs::<Quiet>());
    specs
}

/// Parses the arguments of a command, then prints its help or runs it.
fn run<C: Command>(process: &mut Process, arguments: Vec<String>) -> Result<(), CliError> {
    match parse::<C>(C::SPEC, arguments, process.stderr())? {
        Outcome::Help(text) => process.print(&text),
        Outcome::Run(command, line) => {
            if line.quiet {
                process.set_quiet();
            }
            command.run(&line, process)
        }
    }
}

/// Whether to show a progress bar next to content on stdout: only if the user asks for it, and never on
/// the same terminal.
fn tty_next_to_content(tty: Tty, process: &Process) -> Tty {
    Tty {
        no_tty: Some(tty.no_tty.unwrap_or(true) || process.is_stdout_terminal()),
    }
}

/// Splits `path[:type]` at the last colon; an empty type is none.
fn split_file(argument: &str) -> Result<(&str, Option<&str>), CliError> {
    let (path, media_type) = argument.rsplit_once(':').unwrap_or((argument, ""));
    if path.is_empty() {
        return Err(CliError::usage(format!(
            "found empty file path in {}",
            cli::quote::double(argument)
        )));
    }
    Ok((
        path,
        Some(media_type).filter(|media_type| !media_type.is_empty()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_colon_starts_the_media_type() {
        for (argument, path, media_type) in [
            ("hi.txt", "hi.txt", None),
            ("hi.txt:a/b", "hi.txt", Some("a/b")),
            ("hi:txt:", "hi:txt", None),
            ("a:b:c/d", "a:b", Some("c/d")),
        ] {
            assert_eq!(
                split_file(argument).unwrap(),
                (path, media_type),
                "{argument}"
            );
        }
        assert!(split_file(":a/b").is_err());
        assert!(split_file("").is_err());
    }

    /// Splits a line into words like a shell, up to a pipe or redirection.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quoted = None;
        for character in line.chars() {
            match (quoted, character) {
                (None, '\'' | '"') => quoted = Some(character),
                (Some(quote), _) if quote == character => quoted = None,
                (None, ' ') => words.push(String::new()),
                _ => words.last_mut().unwrap().push(character),
            }
        }
        let end = words
            .iter()
            .position(|word| ["|", "&&", ">", "<", ">>"].contains(&word.as_str()));
        words.truncate(end.unwrap_or(words.len()));
        words
    }

    /// The positional arguments among words. Unknown flags panic.
    fn positionals(words: &[String], flags: &[FlagSpec]) -> Vec<String> {
        let mut positionals = Vec::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let Some(name) =
                (word.strip_prefix('-')).filter(|name| !name.is_empty() && !name.starts_with(':'))
            else {
                positionals.push(word.clone());
                continue;
            };
            let (name, attached) = match name.split_once('=') {
                Some((name, _)) => (name, true),
                None => (name, false),
            };
            let flag = flags
                .iter()
                .find(|flag| match name.strip_prefix('-') {
                    Some(long) => flag.is_long(long),
                    None => flag.short.is_some_and(|short| name == short.to_string()),
                })
                .unwrap_or_else(|| panic!("unknown flag {word}"));
            if flag.value.is_some() && !attached {
                words.next().expect("a value");
            }
        }
        positionals
    }

    #[test]
    fn every_command_accepts_its_examples() {
        for entry in ALL {
            assert!(!entry.spec.examples.is_empty(), "{}", entry.spec.path);
            for (caption, line) in entry.spec.examples() {
                let line = line.trim_end_matches(')');
                let after = line
                    .find(entry.spec.path)
                    .unwrap_or_else(|| panic!("{line}"))
                    + entry.spec.path.len();
                let words: Vec<String> = words(&line[after..])
                    .into_iter()
                    .filter(|word| !word.is_empty())
                    .collect();
                let positionals = positionals(&words, &(entry.flags)());
                let checked = cli::parse::check_count(entry.spec, &positionals);
                assert!(checked.is_ok(), "{caption}: {line}");
            }
        }
    }

    #[test]
    fn flags_of_all_commands_pass_the_lint() {
        for entry in ALL {
            cli::lint::flags(entry.spec.path, &(entry.flags)());
        }
    }
}
