//! The commands: one file each, in three parts. What can be typed, what must hold of it, and the one library call it makes.

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

use crate::cli::tree::Entry;
use crate::cli::{Command, Outcome, Parsed, parse};
use crate::error::CliError;
use crate::process::Process;

/// Runs a command with its arguments.
pub(crate) type Run = fn(&mut Process, Vec<String>) -> Result<(), CliError>;

/// All commands, in the order in which suggestions name them.
pub(crate) const ALL: &[Entry<Run>] = &[
    Entry::new::<pull::Args>(pull::run),
    Entry::new::<push::Args>(push::run),
    Entry::new::<login::Args>(login::run),
    Entry::new::<logout::Args>(logout::run),
    Entry::new::<version::Args>(version::run),
    Entry::new::<discover::Args>(discover::run),
    Entry::new::<resolve::Args>(resolve::run),
    Entry::new::<cp::Args>(cp::run),
    Entry::new::<tag::Args>(tag::run),
    Entry::new::<attach::Args>(attach::run),
    Entry::new::<backup::Args>(backup::run),
    Entry::new::<restore::Args>(restore::run),
    Entry::new::<blob::delete::Args>(blob::delete::run),
    Entry::new::<blob::fetch::Args>(blob::fetch::run),
    Entry::new::<blob::push::Args>(blob::push::run),
    Entry::new::<manifest::delete::Args>(manifest::delete::run),
    Entry::new::<manifest::fetch::Args>(manifest::fetch::run),
    Entry::new::<manifest::fetch_config::Args>(manifest::fetch_config::run),
    Entry::new::<manifest::push::Args>(manifest::push::run),
    Entry::new::<manifest::index::create::Args>(manifest::index::create::run),
    Entry::new::<manifest::index::update::Args>(manifest::index::update::run),
    Entry::new::<repo::ls::Args>(repo::ls::run),
    Entry::new::<repo::tags::Args>(repo::tags::run),
    Entry::new::<completion::Args<completion::Bash>>(completion::run::<completion::Bash>),
    Entry::new::<completion::Args<completion::Zsh>>(completion::run::<completion::Zsh>),
    Entry::new::<completion::Args<completion::Fish>>(completion::run::<completion::Fish>),
    Entry::new::<completion::Args<completion::PowerShell>>(
        completion::run::<completion::PowerShell>,
    ),
];

/// Reads the arguments of a command and does what they mean in every command, such as to print its help.
fn arguments<C: Command>(
    process: &mut Process,
    arguments: Vec<String>,
) -> Result<Option<Parsed<C>>, CliError> {
    match parse(arguments, process.stderr())? {
        Outcome::Help(text) => process.print(&text).map(|()| None),
        Outcome::Run(parsed, quiet) => {
            if quiet.quiet {
                process.set_quiet();
            }
            Ok(Some(parsed))
        }
    }
}

/// Splits `path[:type]` at the last colon; an empty type is none.
fn split_file(argument: &str) -> Result<(&str, Option<&str>), CliError> {
    let (path, media_type) = argument.rsplit_once(':').unwrap_or((argument, ""));
    if path.is_empty() {
        return Err(CliError::usage(format!(
            "found empty file path in {}",
            crate::cli::quote::double(argument)
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

    /// The words of a line, as a shell splits it, up to where another program takes over.
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

    /// The positional arguments among words, all of whose flags are known.
    fn positionals(words: &[String], flags: &[crate::cli::table::Listed]) -> Vec<String> {
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
                    None => flag.short().is_some_and(|short| name == short.to_string()),
                })
                .unwrap_or_else(|| panic!("unknown flag {word}"));
            if flag.value().is_some() && !attached {
                words.next().expect("a value");
            }
        }
        positionals
    }

    #[test]
    fn every_command_has_examples_that_it_accepts() {
        for entry in ALL {
            assert!(!entry.spec.examples.is_empty(), "{}", entry.spec.path);
            for (caption, line) in entry.spec.examples {
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
                let checked = entry.spec.positionals.check(entry.spec, &positionals);
                assert!(checked.is_ok(), "{caption}: {line}");
            }
        }
    }

    #[test]
    fn the_flags_of_every_command_keep_the_rules() {
        for entry in ALL {
            crate::cli::lint::flags(entry.spec.path, &(entry.flags)());
        }
    }
}
