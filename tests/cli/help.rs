//! Help: the pages of all commands, and all forms of `help`.

use std::collections::BTreeMap;

use crate::support::cli::Oras;
use crate::support::golden::assert_golden_text;
use crate::support::terminal::Terminal;

transcripts! {
    "help":
    ways_to_help,
}

/// Returns all help pages by command, following the commands that each page lists.
pub(crate) fn pages() -> BTreeMap<String, String> {
    let oras = Oras::new();
    let mut pages = BTreeMap::new();
    let mut left = vec!["oras".to_owned()];
    while let Some(place) = left.pop() {
        let words = place.split(' ').skip(1).chain(["--help"]);
        let page = oras.run(words).success().stdout();
        left.extend(commands(&page).map(|name| format!("{place} {name}")));
        pages.insert(place, page);
    }
    pages
}

/// Returns the commands that a page lists.
pub(crate) fn commands(page: &str) -> impl Iterator<Item = &str> {
    page.lines()
        .skip_while(|line| *line != "Available Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        // The further lines of a description are indented.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
}

#[test]
fn every_page_matches_the_golden_file() {
    let pages = pages();
    let text: Vec<_> = pages
        .iter()
        .map(|(place, page)| format!("$ {place} --help\n{page}"))
        .collect();
    assert_golden_text("cli/help/pages.txt", &text.join("\n"));
}

#[test]
fn all_forms_of_help_print_the_same_page() {
    let oras = Oras::new();
    for (place, page) in pages() {
        let words: Vec<_> = place.split(' ').skip(1).collect();
        for way in [
            [&words[..], &["-h"]].concat(),
            [&["help"], &words[..]].concat(),
        ] {
            oras.run(&way).success().prints(&page);
        }
    }
}

/// Returns the flags of a page with their descriptions, each in one line.
pub(crate) fn flags(page: &str) -> BTreeMap<String, String> {
    let lines = page.lines().skip_while(|line| *line != "Flags:").skip(1);
    let mut flags: Vec<String> = Vec::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        if line.starts_with("  -") || line.starts_with("      --") {
            flags.push(line.trim().to_owned());
        } else if let Some(flag) = flags.last_mut() {
            flag.push(' ');
            flag.push_str(line.trim());
        }
    }
    let named = flags.into_iter().map(|flag| {
        let long = flag.find("--").expect("a flag has a long name");
        let name = flag[long + 2..].split(' ').next().unwrap_or_default();
        (name.to_owned(), flag.clone())
    });
    named.collect()
}

#[test]
fn everything_that_the_original_lacks_is_marked() {
    let known = include_str!("../../fixtures/cli/help/flags_of_oras_1.3.6.txt");
    let known: BTreeMap<&str, Vec<&str>> = known
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(command, flags)| (command, flags.split_whitespace().collect()))
        .collect();
    for (command, page) in pages() {
        let Some(known) = known.get(command.as_str()) else {
            let (text, _) = page.split_once("\nUsage:\n").expect("a page has a usage");
            let is_marked = text.contains("not in oras 1.3.6");
            assert!(is_marked, "{command} is not marked");
            continue;
        };
        for (flag, text) in flags(&page) {
            let is_known = flag == "help" || known.contains(&flag.as_str());
            let is_marked = text.contains("not in oras 1.3.6");
            assert_eq!(is_marked, !is_known, "{command}: {text}");
        }
    }
}

#[test]
fn pages_are_wrapped_to_80_columns_or_the_width_of_the_terminal() {
    let is_short = |columns: usize| {
        move |line: &&str| {
            line.chars().count() > columns && line.contains(' ') && !is_one_word(line)
        }
    };
    for (command, page) in pages() {
        let long: Vec<_> = page.lines().filter(is_short(80)).collect();
        assert!(long.is_empty(), "{command}: {long:#?}");
        for columns in [40, 60, 200] {
            let terminal = Terminal::new();
            terminal.resize(u16::try_from(columns).unwrap(), 24);
            let words = command.split(' ').skip(1).chain(["--help"]);
            let child = Oras::new().command(words).start_at(&terminal);
            let (text, _) = terminal.finish(child);
            let text = text.replace("\r\n", "\n");
            let long: Vec<_> = text.lines().filter(is_short(columns)).collect();
            assert!(long.is_empty(), "{command}, {columns} columns: {long:#?}");
            let words = |page: &str| {
                let page = page.replace(" \\\n", " ");
                page.split_whitespace()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            assert_eq!(words(&text), words(&page), "{command}, {columns} columns");
        }
    }
}

/// Whether a line cannot be split: a quoted argument, the usage, or a term.
fn is_one_word(line: &str) -> bool {
    let line = line.trim_end_matches(" \\");
    line.starts_with("  oras ")
        || line.starts_with("    -")
        || line.trim().split(' ').count() <= 2
        || line.contains("{{")
}
