//! `oras completion`: scripts that shells accept, and the completions of bash.

use std::path::Path;

use crate::help::{commands, pages};
use crate::support::cli::Oras;
use crate::support::prerequisites::program;

transcripts! {
    "completion":
    arguments,
}

const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "powershell"];

/// Returns bash's completions of the last word.
fn completed(words: &[&str]) -> Vec<String> {
    let oras = Oras::new();
    let script = r#"
        source <(oras completion bash)
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _oras
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let program = Path::new(env!("CARGO_BIN_EXE_oras"));
    let arguments = [&["-c", script, "bash"], words].concat();
    let outcome = oras
        .command_of("bash", arguments)
        .finding(program.parent().expect("it is in a directory"))
        .run()
        .success();
    let mut offers: Vec<_> = outcome
        .stdout()
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    offers.sort();
    offers
}

/// Returns the long flags of a help page, with dashes.
fn flags(page: &str) -> Vec<String> {
    let mut flags: Vec<_> = page
        .lines()
        .skip_while(|line| *line != "Flags:")
        .filter_map(|line| line.get(6..)?.split_whitespace().next())
        .filter(|word| word.starts_with("--"))
        .map(str::to_owned)
        .collect();
    flags.sort();
    flags
}

#[test]
fn bash_completes_commands_and_flags() {
    for (words, offers) in [
        (&["oras", "pu"][..], &["pull", "push"][..]),
        (&["oras", "push", "--im"], &["--image-spec"]),
        (&["oras", "manifest", "fetch"], &["fetch", "fetch-config"]),
        (&["oras", "manifest", "get", "--pr"], &["--pretty"]),
        (&["oras", "repository", ""], &["ls", "tags"]),
        (
            &["oras", "help", "manifest", "f"],
            &["fetch", "fetch-config"],
        ),
        (&["oras", "help", "push", "-"], &[]),
        (&["oras", "pu", "x"], &[]),
    ] {
        assert_eq!(completed(words), offers, "{words:?}");
    }
}

#[test]
fn bash_completes_values_of_a_fixed_set() {
    let formats = &["go-template", "json", "text"][..];
    for (words, offers) in [
        (&["oras", "push", "--format", ""][..], formats),
        (&["oras", "push", "--format", "="], formats),
        (&["oras", "push", "--format", "=", "j"], &["json"]),
        (
            &["oras", "discover", "--format", ""],
            &["go-template", "json", "table", "tree"],
        ),
        (&["oras", "discover", "-o", "t"], &["table", "tree"]),
        (&["oras", "push", "--image-spec", "v1.0"], &["v1.0"]),
        (&["oras", "push", "--debug", "=", ""], &["false", "true"]),
        // Bash completes file names; other values have no completion.
        (&["oras", "pull", "--output", ""], &[]),
        (&["oras", "push", "--annotation", "--"], &[]),
        (&["oras", "push", "hi"], &[]),
        (&["oras", "push", "--", "--"], &[]),
    ] {
        assert_eq!(completed(words), offers, "{words:?}");
    }
}

#[test]
fn all_commands_and_flags_of_help_are_completed() {
    for (place, page) in pages() {
        let words = |last| place.split(' ').chain([last]).collect::<Vec<_>>();
        let mut names: Vec<_> = commands(&page).collect();
        names.sort_unstable();
        if !names.is_empty() {
            assert_eq!(completed(&words("")), names, "{place}");
        }
        if place != "oras help" {
            assert_eq!(completed(&words("--")), flags(&page), "{place}");
        }
    }
}

#[test]
fn every_script_contains_every_command_and_flag() {
    let pages = pages();
    for shell in SHELLS {
        let script = Oras::new().run(["completion", shell]).success().stdout();
        for (place, page) in &pages {
            assert!(script.contains(place.as_str()), "{shell}: {place}");
            for flag in flags(page) {
                let flag = if shell == "fish" {
                    flag.replacen("--", "-l ", 1)
                } else {
                    flag
                };
                assert!(script.contains(&flag), "{shell}: {place} {flag}");
            }
        }
    }
}

#[test]
fn shells_accept_their_scripts() {
    for shell in ["bash", "zsh", "fish"] {
        if program(shell).is_none() {
            continue;
        }
        let oras = Oras::new();
        for arguments in [
            &["completion", shell][..],
            &["completion", shell, "--no-descriptions"],
        ] {
            let script = oras.run(arguments).success().stdout();
            oras.write("script", script);
            let outcome = oras.command_of(shell, ["-n", "script"]).run().success();
            assert_eq!(outcome.stderr(), "", "{shell}");
        }
    }
}

#[test]
fn no_descriptions_omits_descriptions() {
    for shell in ["zsh", "fish", "powershell"] {
        let script = |arguments: &[&str]| Oras::new().run(arguments).success().stdout();
        let about = "Push files to a registry or an OCI image layout";
        let with = script(&["completion", shell]);
        let without = script(&["completion", shell, "--no-descriptions"]);
        assert!(with.contains(about), "{shell}");
        assert!(!without.contains(about), "{shell}");
    }
}
