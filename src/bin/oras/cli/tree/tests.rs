//! Command lines, and the commands and texts they select.

use super::*;
use crate::cli::groups::Debugging;

macro_rules! entries {
    ($($path:literal [$($alias:literal)*])*) => {
        &[$(Entry {
            spec: &CommandSpec {
                path: $path,
                aliases: &[$($alias),*],
                about: $path,
                ..CommandSpec::BASE
            },
            flags: specs::<Debugging>,
            run: (),
        }),*]
    };
}

const TREE: Tree<()> = Tree {
    commands: entries! {
        "oras pull" []
        "oras push" []
        "oras login" []
        "oras logout" []
        "oras version" []
        "oras discover" []
        "oras resolve" ["digest"]
        "oras cp" ["copy"]
        "oras tag" []
        "oras attach" []
        "oras backup" []
        "oras restore" []
        "oras blob fetch" ["get"]
        "oras manifest fetch" ["get" "show"]
        "oras manifest index create" ["pack"]
        "oras repo ls" ["list"]
        "oras repo tags" ["show-tags"]
        "oras completion bash" []
    },
};

/// The meaning of a command line: `path | arguments`, `help of <first line>`, or the error.
fn resolve(line: &[&str]) -> String {
    match TREE.resolve(line.iter().map(ToString::to_string).collect()) {
        Ok(Resolved::Run(entry, arguments)) => {
            format!("{} | {}", entry.spec.path, arguments.join(" "))
        }
        Ok(Resolved::Help(page)) => {
            let page = page.render(80);
            let usage = page
                .lines()
                .skip_while(|line| *line != "Usage:")
                .nth(1)
                .unwrap_or_default();
            format!("help: {}", usage.trim())
        }
        Ok(Resolved::Manual(pages, directory)) => {
            let files: Vec<_> = pages.iter().map(|page| page.file.as_str()).collect();
            format!("pages in {directory}: {}", files.join(" "))
        }
        Ok(Resolved::UnknownTopic(line, _)) => {
            format!("stderr: {}", line.trim_end())
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn words_name_commands() {
    for (line, found) in [
        ("push a b", "oras push | a b"),
        ("copy -r a b", "oras cp | -r a b"),
        ("digest a", "oras resolve | a"),
        ("push push", "oras push | push"),
        ("push help", "oras push | help"),
        ("manifest fetch a", "oras manifest fetch | a"),
        ("manifest show a", "oras manifest fetch | a"),
        ("manifest index pack a", "oras manifest index create | a"),
        ("repository show-tags", "oras repo tags | "),
        ("repo ls -- -x", "oras repo ls | -- -x"),
        ("- push a", "oras push | - a"),
    ] {
        assert_eq!(
            resolve(&line.split(' ').collect::<Vec<_>>()),
            found,
            "{line}"
        );
    }
    assert_eq!(resolve(&["", "push", "a"]), "oras push |  a");
}

#[test]
fn flags_before_a_command_may_take_the_next_word() {
    for (line, found) in [
        ("--plain-http=x push a", "oras push | --plain-http=x a"),
        ("-d=x push a", "oras push | -d=x a"),
        ("-dx push", "oras push | -dx"),
        ("repo -dd ls -x", "oras repo ls | -dd -x"),
        ("repo -d ls a", "unknown shorthand flag: 'd' in -d"),
        ("--foo push", "unknown flag: --foo"),
        ("--help push", "help: oras [command]"),
        ("repo --help ls", "help: oras repo [command]"),
        ("-- push", "help: oras [command]"),
    ] {
        assert_eq!(
            resolve(&line.split(' ').collect::<Vec<_>>()),
            found,
            "{line}"
        );
    }
    assert!(
        resolve(&["--plain-http", "push", "a"]).starts_with("unknown command \"a\" for \"oras\"\n")
    );
}

#[test]
fn a_group_without_a_known_command_shows_its_help() {
    for (line, found) in [
        ("", "help: oras [command]"),
        ("-h", "help: oras [command]"),
        ("--help=false", "help: oras [command]"),
        ("repo", "help: oras repo [command]"),
        ("repo foo -h", "help: oras repo [command]"),
        ("repository foo --help", "help: oras repo [command]"),
        ("repo help", "help: oras repo [command]"),
        ("manifest index", "help: oras manifest index [command]"),
        ("repo --foo", "unknown flag: --foo"),
        ("repo foo --foo", "unknown flag: --foo"),
        ("repo foo -d", "unknown shorthand flag: 'd' in -d"),
        ("--version", "unknown flag: --version"),
        ("-v", "unknown shorthand flag: 'v' in -v"),
    ] {
        assert_eq!(
            resolve(&line.split_whitespace().collect::<Vec<_>>()),
            found,
            "{line}"
        );
    }
}

#[test]
fn help_is_a_command_too() {
    for (line, found) in [
        ("help", "help: oras [command]"),
        ("help push", "help: oras push [flags]"),
        ("help push foo", "help: oras push [flags]"),
        ("help repo ls", "help: oras repo ls [flags]"),
        ("help manifest foo", "help: oras manifest [command]"),
        ("help help", "help: oras help [command] [flags]"),
        ("help -h", "help: oras help [command] [flags]"),
        ("help foo", "stderr: Unknown help topic [`foo`]"),
        ("help foo bar", "stderr: Unknown help topic [`foo` `bar`]"),
        (
            "help --help=false foo",
            "stderr: Unknown help topic [`foo`]",
        ),
        ("help a`b", "stderr: Unknown help topic [\"a`b\"]"),
        ("help --foo", "unknown flag: --foo"),
        ("help repo --x", "unknown flag: --x"),
    ] {
        assert_eq!(
            resolve(&line.split(' ').collect::<Vec<_>>()),
            found,
            "{line}"
        );
    }
}

#[test]
fn flags_of_help_request_manual_pages() {
    for (line, found) in [
        ("help -o there push", "pages in there: oras-push.1"),
        (
            "help --man --output=there manifest",
            "pages in there: oras-manifest.1 oras-manifest-fetch.1 oras-manifest-index.1 oras-manifest-index-create.1",
        ),
        ("help --man foo", "stderr: Unknown help topic [`foo`]"),
        ("help --man -h", "help: oras help [command] [flags]"),
        ("push --man", "oras push | --man"),
    ] {
        assert_eq!(
            resolve(&line.split(' ').collect::<Vec<_>>()),
            found,
            "{line}"
        );
    }
    let page = |words: &[&str]| match TREE.resolve(words.iter().map(ToString::to_string).collect())
    {
        Ok(Resolved::Help(page)) => page.render(80),
        _ => panic!("no page"),
    };
    assert!(page(&["help", "--man", "repo", "ls"]).starts_with(".TH ORAS\\-REPO\\-LS 1 "));
    let root = page(&["help", "--man"]);
    for part in [
        ".SH EXIT STATUS\n",
        ".SH ENVIRONMENT\n",
        "\n\\fBpush\\fR\noras push\n",
    ] {
        assert!(root.contains(part), "{part}");
    }
}

#[test]
fn an_unknown_command_is_an_error_with_suggestions() {
    for (word, similar) in [
        ("foo", &[][..]),
        ("pus", &["pull", "push"]),
        ("PULL", &["pull", "push"]),
        ("man", &["tag", "manifest"]),
        ("comp", &["cp", "completion"]),
        ("r", &["resolve", "cp", "restore", "repo"]),
        ("a", &["cp", "tag", "attach"]),
        ("l", &["login", "logout", "cp"]),
        ("blpo", &["blob", "repo"]),
        ("b", &["cp", "backup", "blob"]),
        ("vresion", &["version"]),
        ("hel", &[]),
        ("digst", &[]),
    ] {
        let suggestions = match similar {
            [] => String::new(),
            names => format!("\nDid you mean this?\n\t{}\n\n", names.join("\n\t")),
        };
        let text = format!(
            "unknown command \"{word}\" for \"oras\"\n{suggestions}Run 'oras --help' for usage."
        );
        assert_eq!(resolve(&[word, "--help"]), text);
    }
    for (line, group, similar) in [
        (
            "repo tag x",
            "oras repo",
            "\nDid you mean this?\n\ttags\n\n",
        ),
        (
            "repository -- lst",
            "oras repo",
            "\nDid you mean this?\n\tls\n\n",
        ),
        ("manifest index new", "oras manifest index", ""),
    ] {
        let words: Vec<_> = line.split(' ').collect();
        let word = words
            .iter()
            .find(|word| ["tag", "lst", "new"].contains(word));
        let text = format!(
            "unknown command \"{}\" for \"{group}\"\n{similar}Run '{group} --help' for usage.",
            word.unwrap()
        );
        assert_eq!(resolve(&words), text);
    }
}

#[test]
fn the_page_of_a_group_lists_its_members() {
    let Ok(Resolved::Help(page)) = TREE.resolve(vec!["manifest".to_owned()]) else {
        panic!("no help")
    };
    let expected = "\
Work with manifests

Usage:
  oras manifest [command]

Available Commands:
  fetch       oras manifest fetch
  index       [Experimental] Work with image indexes

Flags:
  -h, --help   show this help

Use \"oras manifest [command] --help\" for more information about a command.
";
    assert_eq!(page.render(80), expected);
}

#[test]
fn a_group_without_commands_does_not_exist() {
    const FEW: Tree<()> = Tree {
        commands: entries! { "oras push" [] "oras manifest index create" ["pack"] },
    };
    let Ok(Resolved::Help(page)) = FEW.resolve(Vec::new()) else {
        panic!("no help")
    };
    let page = page.render(80);
    let names: Vec<_> = page
        .lines()
        .take_while(|line| *line != "Flags:")
        .filter_map(|line| line.strip_prefix("  ")?.split_once("  "))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["help", "manifest", "push"]);
    assert!(FEW.resolve(vec!["repo".to_owned()]).is_err());
}
