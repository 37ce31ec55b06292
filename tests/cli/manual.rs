//! Manual pages of all commands, generated from the same tables as their help.

use std::process::Command;

use crate::help::pages;
use crate::support::cli::Oras;
use crate::support::golden::assert_golden_text;
use crate::support::prerequisites::program;

transcripts! {
    "manual":
    files,
}

/// Returns the manual page of a command.
fn page(place: &str) -> String {
    let words = ["help", "--man"]
        .into_iter()
        .chain(place.split(' ').skip(1));
    Oras::new().run(words).success().stdout()
}

/// Returns the text of a page without formatting requests.
fn plain(page: &str) -> String {
    let mut text = page
        .replace("\\-", "-")
        .replace("\\(aq", "'")
        .replace("\\(dq", "\"");
    for (escape, character) in [
        ("\\(ga", "`"),
        ("\\(ti", "~"),
        ("\\(ha", "^"),
        ("\\(rs", "\\"),
    ] {
        text = text.replace(escape, character);
    }
    for font in ["\\fB", "\\fI", "\\fR", "\\&"] {
        text = text.replace(font, "");
    }
    text
}

#[test]
fn pages_match_the_golden_files() {
    assert_golden_text("cli/manual/oras.1", &page("oras"));
    assert_golden_text("cli/manual/oras-attach.1", &page("oras attach"));
}

#[test]
fn a_page_contains_everything_in_help() {
    for (place, help) in pages() {
        let page = plain(&page(&place));
        let name = place.replace(' ', "-");
        assert!(
            page.starts_with(&format!(".TH {} 1 ", name.to_uppercase())),
            "{place}"
        );
        let mut lines = help.lines();
        while let Some(line) = lines.next() {
            if line.starts_with("Example - ") {
                let mut caption = line;
                while !caption.ends_with(':') {
                    caption = lines.next().expect("a caption ends with a colon");
                }
                let mut example = String::new();
                while let Some(line) = lines.next().filter(|line| !line.is_empty()) {
                    example += line.trim().trim_end_matches('\\');
                }
                assert!(
                    page.contains(&format!("\n{example}\n")),
                    "{place}: {example}"
                );
            } else if line == "Flags:" {
                break;
            }
        }
        let flags = lines
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.get(6..)?.split_whitespace().next())
            .filter(|word| word.starts_with("--"));
        for flag in flags {
            let items = page
                .split("\n.TP\n")
                .filter(|item| {
                    item.lines()
                        .next()
                        .unwrap_or_default()
                        .split([' ', ','])
                        .any(|word| word == flag)
                })
                .count();
            assert_eq!(items, 1, "{place}: {flag}");
        }
    }
}

#[test]
fn pages_contain_only_ascii_and_known_requests() {
    const REQUESTS: [&str; 10] = [
        ".TH", ".SH", ".PP", ".TP", ".br", ".RS", ".RE", ".nf", ".nh", ".ad",
    ];
    for place in pages().into_keys() {
        let page = page(&place);
        assert!(page.is_ascii(), "{place}");
        for line in page.lines().filter(|line| line.starts_with(['.', '\''])) {
            let request = line.split(' ').next().unwrap_or_default();
            assert!(
                REQUESTS.contains(&request) || request == ".fi",
                "{place}: {line}"
            );
        }
    }
}

/// If groff is installed, it prints no warning about any page.
#[test]
fn groff_accepts_every_page() {
    let directory = crate::support::tempdir::TempDir::new();
    let path = directory.path().to_str().expect("it is text");
    Oras::new()
        .run(["help", "--output", path])
        .success()
        .prints("");
    let files: Vec<_> = std::fs::read_dir(directory.path())
        .expect("it is there")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    assert_eq!(files.len(), pages().len());
    let Some(groff) = program("groff") else {
        return;
    };
    for file in files {
        let output = Command::new(&groff)
            .args(["-man", "-ww", "-z", "-Tutf8"])
            .arg(&file)
            .output()
            .expect("groff runs");
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{}: {}",
            file.display(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
