//! Coverage of transcripts: every flag and every alias of every command is used in one.
//!
//! The command lists its flags and aliases. Loops over commands do not count, because they contain
//! no names.

use std::collections::{BTreeMap, BTreeSet};

use crate::help::pages;
use crate::support::cli::Oras;
use crate::support::transcript::{self, Transcript};

/// A command or a group of commands under one of its names.
struct Callable {
    /// The words after `oras`.
    words: Vec<String>,
    /// The canonical name, as in messages.
    place: String,
    /// The flags, long and short. A group has none.
    flags: BTreeSet<String>,
}

impl Callable {
    /// Returns the canonical name and the last word of this name.
    fn name(&self) -> Option<(&str, &str)> {
        Some((&self.place, self.words.last()?))
    }
}

/// Returns all commands and groups under all names.
fn callables() -> Vec<Callable> {
    let pages = pages();
    let mut callables = Vec::new();
    for (place, page) in &pages {
        let mut ways: Vec<Vec<String>> = vec![Vec::new()];
        for (end, _) in place.match_indices(' ').chain([(place.len(), "")]).skip(1) {
            let above = &place[..end];
            let names = names(above, &pages[above]);
            ways = ways
                .iter()
                .flat_map(|way| {
                    names
                        .iter()
                        .map(|name| [&way[..], std::slice::from_ref(name)].concat())
                })
                .collect();
        }
        let flags = if page.contains("Available Commands:") {
            BTreeSet::new()
        } else {
            flags(place, page)
        };
        callables.extend(ways.into_iter().map(|words| Callable {
            words,
            place: place.clone(),
            flags: flags.clone(),
        }));
    }
    callables
}

/// Returns the last word of a command and its aliases.
fn names(place: &str, page: &str) -> Vec<String> {
    let mut lines = page.lines().skip_while(|line| *line != "Aliases:");
    match lines.nth(1) {
        Some(names) => names.trim().split(", ").map(str::to_owned).collect(),
        None => place.rsplit(' ').take(1).map(str::to_owned).collect(),
    }
}

/// Returns the flags of a page, as `-o` and `--output`, without those for help, which the tests of
/// help pages use.
fn flags(place: &str, page: &str) -> BTreeSet<String> {
    let mut flags: BTreeSet<String> = page
        .lines()
        .skip_while(|line| *line != "Flags:")
        .filter(|line| line.starts_with("  -") || line.starts_with("      --"))
        .flat_map(|line| line.split_whitespace().take(2))
        .filter(|word| word.starts_with('-'))
        .map(|word| word.trim_end_matches(',').to_owned())
        .collect();
    assert!(flags.remove("-h") && flags.remove("--help"), "{place}");
    // This flag is hidden.
    let words = place.split(' ').skip(1).chain(["--verbose=perhaps"]);
    let outcome = Oras::new().run(words);
    if outcome.stderr().contains("invalid argument \"perhaps\"") {
        flags.extend(["-v".to_owned(), "--verbose".to_owned()]);
    }
    flags
}

/// Returns the calls of `oras` in a shell command line, each without the word `oras`.
fn calls(line: &str) -> Vec<Vec<String>> {
    let mut calls = Vec::new();
    let mut words: Vec<String> = vec![String::new()];
    let mut quote = None;
    for c in line.chars().chain(";".chars()) {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '|' | ';' | '&' | '(' | ')' | '\n') => {
                let oras = words.iter().position(|word| word == "oras");
                calls.extend(oras.map(|oras| words.split_off(oras + 1)));
                words = vec![String::new()];
            }
            (None, ' ') => words.push(String::new()),
            _ => words.last_mut().expect("there is one").push(c),
        }
    }
    calls
}

/// Returns the flags in a word: `-ab` contains two flags, unless `b` is the value of the first.
fn used<'f>(word: &str, flags: &'f BTreeSet<String>) -> Vec<&'f String> {
    let known = |name: &str| flags.get(name);
    if word == "$TLS" {
        return known("--resolve").into_iter().collect();
    }
    match word.strip_prefix("--") {
        Some(long) => {
            let name = long.split('=').next().unwrap_or_default();
            known(&format!("--{name}")).into_iter().collect()
        }
        None => word
            .strip_prefix('-')
            .unwrap_or_default()
            .chars()
            .map_while(|short| known(&format!("-{short}")))
            .collect(),
    }
}

/// Returns the called command: the one with the longest matching name.
fn called<'c>(words: &[String], callables: &'c [Callable]) -> Option<&'c Callable> {
    callables
        .iter()
        .filter(|callable| words.starts_with(&callable.words))
        .max_by_key(|callable| callable.words.len())
}

#[test]
fn every_flag_and_every_name_is_in_a_transcript() {
    let callables = callables();
    let mut unused: BTreeMap<&str, BTreeSet<String>> = callables
        .iter()
        .map(|callable| (&*callable.place, callable.flags.clone()))
        .collect();
    let mut unheard: BTreeSet<_> = callables.iter().filter_map(Callable::name).collect();
    for name in transcript::all() {
        for line in Transcript::read(&name).lines() {
            for words in calls(&line) {
                let Some(callable) = called(&words, &callables) else {
                    continue;
                };
                for depth in 1..=callable.words.len() {
                    let name = called(&words[..depth], &callables).and_then(Callable::name);
                    unheard.retain(|unheard| Some(*unheard) != name);
                }
                let unused = unused.entry(&callable.place).or_default();
                for flag in words.iter().flat_map(|word| used(word, &callable.flags)) {
                    unused.remove(flag);
                }
            }
        }
    }
    unused.retain(|_, flags| !flags.is_empty());
    assert!(unused.is_empty(), "no transcript has {unused:#?}");
    assert!(unheard.is_empty(), "no transcript has {unheard:#?}");
}
