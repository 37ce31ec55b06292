//! Completion for fish.

use std::fmt::Write as _;

use super::{HELP, steps, summary};
use crate::cli::tree::Node;
use crate::cli::{Candidates, FlagSpec};

/// Generates the script, with or without descriptions.
pub(crate) fn script(nodes: &[Node], descriptions: bool) -> String {
    let mut script =
        format!("{HEAD}            case 'oras {HELP}'\n                set asked help\n");
    for (patterns, path) in steps(nodes) {
        let _ = writeln!(
            script,
            "            case {}\n                set place '{path}'",
            patterns.join(" ")
        );
    }
    script.push_str(TAIL);
    let description = |text: &str| {
        if descriptions {
            format!(" -d '{}'", escape_quotes(text))
        } else {
            String::new()
        }
    };
    for node in nodes {
        script.push('\n');
        let complete = format!("complete -c oras -n '__oras_at \"{}\"'", node.path);
        if !node.members.is_empty() {
            let _ = writeln!(script, "{complete} -f");
        }
        for member in &node.members {
            let about = description(&member.about);
            let _ = writeln!(script, "{complete} -f -a {}{about}", member.name);
        }
        let complete = format!("complete -c oras -n '__oras_at \"{}\" flags'", node.path);
        for flag in &node.flags {
            let about = description(&summary(flag));
            let _ = writeln!(script, "{complete} {}{about}", options(flag));
        }
    }
    script
}

/// The options of `complete` for a flag.
fn options(flag: &FlagSpec) -> String {
    let short = flag
        .short
        .map_or_else(String::new, |short| format!(" -s {short}"));
    let value = match flag.candidates {
        Candidates::NoValue => String::new(),
        Candidates::OneOf(values) => format!(" -x -a '{}'", values.join(" ")),
        Candidates::Files => " -r -F".to_owned(),
        Candidates::Directories => " -x -a '(__fish_complete_directories)'".to_owned(),
        Candidates::Text => " -x".to_owned(),
    };
    format!("-l {}{short}{value}", flag.long_name())
}

/// Escapes text for single quotes.
fn escape_quotes(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

const HEAD: &str = r#"# Completion of oras for fish.

# Whether the line is about this command; with a second word, whether it goes on with its flags; or whether it asks for help.
function __oras_at
    set -l place oras
    set -l asked
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        switch "$place $word"
"#;

const TAIL: &str = r#"        end
    end
    test "$asked" = "$argv[1]"; and return
    test "$place" = "$argv[1]"; and test -z "$asked" -o -z "$argv[2]"
end

complete -c oras -e
complete -c oras -n '__oras_at help' -f
"#;
