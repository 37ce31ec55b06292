//! The commands, one file each: the flags, one call of the library, and the output.

mod annotations;
mod attach;
mod backup;
mod blob;
mod check;
mod command;
mod completion;
mod cp;
mod deletion;
mod discover;
mod filter;
#[cfg(test)]
mod flag_matrix_test;
mod layers;
mod login;
mod logout;
mod manifest;
mod prelude;
mod pull;
mod push;
mod repo;
mod resolve;
mod restore;
mod tag;
mod version;

use command::{Run, entry};

use crate::cli::tree::Entry;

/// All commands, in the order of suggestions.
pub(crate) const ALL: &[Entry<Run>] = &[
    entry::<pull::PullFlags>(),
    entry::<push::PushFlags>(),
    entry::<check::CheckFlags>(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{self, FlagSpec};

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
                let checked =
                    cli::parse::check_count(entry.spec, entry.spec.positionals, &positionals);
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
