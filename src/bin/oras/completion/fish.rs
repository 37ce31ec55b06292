//! Completion for fish.

use std::fmt::Write as _;

use super::{HELP, Takes, steps, summary, takes};
use crate::cli::table::Listed;
use crate::cli::tree::Node;

/// The script, with or without descriptions.
pub(crate) fn script(nodes: &[Node], descriptions: bool) -> String {
    let mut script =
        format!("{HEAD}            case 'oras {HELP}'\n                set asked help\n");
    for (from, words, to) in steps(nodes) {
        let patterns: Vec<_> = words
            .iter()
            .map(|word| format!("'{from} {word}'"))
            .collect();
        let _ = writeln!(
            script,
            "            case {}\n                set place '{to}'",
            patterns.join(" ")
        );
    }
    script.push_str(TAIL);
    let description = |text: &str| {
        if descriptions {
            format!(" -d '{}'", quoted(text))
        } else {
            String::new()
        }
    };
    for node in nodes {
        script.push('\n');
        let at = format!("complete -c oras -n '__oras_at \"{}\"'", node.path);
        if !node.members.is_empty() {
            let _ = writeln!(script, "{at} -f");
        }
        for member in &node.members {
            let about = description(&member.about);
            let _ = writeln!(script, "{at} -f -a {}{about}", member.name);
        }
        let at = format!("complete -c oras -n '__oras_at \"{}\" flags'", node.path);
        for flag in &node.flags {
            let about = description(&summary(flag));
            let _ = writeln!(script, "{at} {}{about}", options(flag));
        }
    }
    script
}

/// How a flag is spelled and what follows it.
fn options(flag: &Listed) -> String {
    let short = flag
        .short()
        .map_or_else(String::new, |short| format!(" -s {short}"));
    let value = match takes(flag) {
        Takes::Nothing => String::new(),
        Takes::OneOf(values) => format!(" -x -a '{}'", values.join(" ")),
        Takes::File => " -r -F".to_owned(),
        Takes::Directory => " -x -a '(__fish_complete_directories)'".to_owned(),
        Takes::Text => " -x".to_owned(),
    };
    format!("-l {}{short}{value}", flag.long())
}

/// For single quotes.
fn quoted(text: &str) -> String {
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
