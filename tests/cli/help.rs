//! Help: the pages of all commands, and all forms of `help`.

use std::collections::BTreeMap;

use crate::support::cli::Oras;
use crate::support::golden::assert_golden_text;

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
