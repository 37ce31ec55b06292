//! The flags in the help pages of both commands.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::cli::Oras;

/// Stands for all commands that send requests.
const WITH_REQUESTS: &str = "*";

/// Additional flags of this command, by the beginning of the command name.
const OURS: &[(&str, &str)] = &[
    ("oras", "-q, --quiet"),
    (WITH_REQUESTS, "--connect-timeout"),
    (WITH_REQUESTS, "--retries"),
    (WITH_REQUESTS, "--retry-max-wait"),
    (WITH_REQUESTS, "--timeout"),
    ("oras attach", "--title"),
    ("oras cp", "--force"),
    ("oras help", "--man"),
    ("oras help", "-o, --output"),
    ("oras pull", "--artifact-type"),
    ("oras pull", "--exclude"),
    ("oras pull", "--include"),
    ("oras pull", "--max-depth"),
    ("oras pull", "--max-unpacked-size"),
    ("oras pull", "--referrers"),
    ("oras pull", "--unnamed"),
    ("oras push", "--force"),
    ("oras push", "--if-absent"),
    ("oras push", "--preserve-mode"),
    ("oras push", "--title"),
    ("oras tag", "--if-absent"),
];

/// Additional commands.
const OUR_COMMANDS: &[&str] = &["oras check"];

/// Returns the commands that a page lists, without those that have no help page.
fn commands(page: &str) -> Vec<&str> {
    page.lines()
        .skip_while(|line| *line != "Available Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        // The further lines of a description are indented.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

/// Returns the flags that a page lists: `-o, --output`, or `--config` if there is no short form.
fn flags(page: &str) -> BTreeSet<String> {
    page.lines()
        .skip_while(|line| *line != "Flags:")
        .filter_map(|line| {
            let (head, rest) = line.trim_start().split_once("--")?;
            let is_flag = head.is_empty() || (head.starts_with('-') && head.ends_with(", "));
            let long = rest.split_whitespace().next()?;
            is_flag.then(|| format!("{head}--{long}"))
        })
        .collect()
}

#[test]
fn every_command_has_the_flags_of_the_original() {
    let Some(reference) = crate::prerequisites::reference() else {
        return;
    };
    let oras = Oras::new();
    let page = |program: &Path, place: &str| {
        let words = place.split(' ').skip(1).chain(["--help"]);
        oras.command_of(program, words).run().success().stdout()
    };
    let ours = Path::new(env!("CARGO_BIN_EXE_oras"));
    let mut left = vec!["oras".to_owned()];
    while let Some(place) = left.pop() {
        let (our_page, their_page) = (page(ours, &place), page(&reference, &place));
        let (our_flags, mut their_flags) = (flags(&our_page), flags(&their_page));
        let names = commands(&our_page);
        if names.is_empty() {
            let of_every_command = |start: &str| start == "oras" && place != "oras help";
            let sends = ["-H, --header", "--from-header"];
            let sends = sends.iter().any(|header| their_flags.contains(*header));
            let ours = OURS.iter().filter(|(start, _)| {
                of_every_command(start) || place == *start || (sends && *start == WITH_REQUESTS)
            });
            let ours: Vec<String> = ours.map(|(_, flag)| (*flag).to_owned()).collect();
            their_flags.extend(ours);
        }
        assert_eq!(our_flags, their_flags, "{place}");
        let places = names.iter().map(|name| format!("{place} {name}"));
        left.extend(places.filter(|place| !OUR_COMMANDS.contains(&place.as_str())));
    }
}
