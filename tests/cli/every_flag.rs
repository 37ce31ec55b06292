//! That every flag and every other name of every command is used in a transcript of that command.
//!
//! Which there are is asked of the command itself. What is in a loop over commands does not count: it has no name there.

use std::collections::{BTreeMap, BTreeSet};

use crate::help::pages;
use crate::support::cli::Oras;
use crate::support::transcript::{self, Transcript};

/// A way to call a command or a group of them.
struct Callable {
    /// The words behind `oras`.
    words: Vec<String>,
    /// What it is called by messages.
    place: String,
    /// Its flags as they may be typed; a group has none.
    flags: BTreeSet<String>,
}

impl Callable {
    /// What is called, and the last word of how.
    fn name(&self) -> Option<(&str, &str)> {
        Some((&self.place, self.words.last()?))
    }
}

/// All ways to call anything.
fn callables() -> Vec<Callable> {
    let pages = pages();
    let mut callables = Vec::new();
    for (place, page) in &pages {
        let mut ways: Vec<Vec<String>> = vec![Vec::new()];
        for (end, _) in place.match_indices(' ').chain([(place.len(), "")]).skip(1) {
            let above = &place[..end];
            let names = names_of(above, &pages[above]);
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
            flags_of(place, page)
        };
        callables.extend(ways.into_iter().map(|words| Callable {
            words,
            place: place.clone(),
            flags: flags.clone(),
        }));
    }
    callables
}

/// The last word of a command, and the others for it.
fn names_of(place: &str, page: &str) -> Vec<String> {
    let mut lines = page.lines().skip_while(|line| *line != "Aliases:");
    match lines.nth(1) {
        Some(names) => names.trim().split(", ").map(str::to_owned).collect(),
        None => place.rsplit(' ').take(1).map(str::to_owned).collect(),
    }
}

/// The flags of a page: `-o` and `--output`. Those for help are on every page, and typed by the tests of pages.
fn flags_of(place: &str, page: &str) -> BTreeSet<String> {
    let mut flags: BTreeSet<String> = page
        .lines()
        .skip_while(|line| *line != "Flags:")
        .filter(|line| line.starts_with("  -") || line.starts_with("      --"))
        .flat_map(|line| line.split_whitespace().take(2))
        .filter(|word| word.starts_with('-'))
        .map(|word| word.trim_end_matches(',').to_owned())
        .collect();
    assert!(flags.remove("-h") && flags.remove("--help"), "{place}");
    // This one is hidden.
    let words = place.split(' ').skip(1).chain(["--verbose=perhaps"]);
    let outcome = Oras::new().run(words);
    if outcome.stderr().contains("invalid argument \"perhaps\"") {
        flags.extend(["-v".to_owned(), "--verbose".to_owned()]);
    }
    flags
}

/// The command lines in what a shell is told, each from the word after `oras`.
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

/// What a word uses of these flags: `-ab` uses two, unless the first takes `b` as its value.
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

/// What words call: that which has most of them in its name.
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
