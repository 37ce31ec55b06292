//! Completion for zsh, with its `_arguments` and `_describe`.

use std::fmt::Write as _;

use super::{HELP, steps, summary};
use crate::cli::tree::Node;
use crate::cli::{Candidates, FlagSpec};

/// Generates the script, with or without descriptions.
pub(crate) fn script(nodes: &[Node], descriptions: bool) -> String {
    let mut places = String::new();
    for (patterns, path) in steps(nodes) {
        let _ = writeln!(
            places,
            "            ({}) place='{path}'; start=index ;;",
            patterns.join("|")
        );
    }
    let mut offers = String::new();
    for node in nodes {
        let _ = writeln!(offers, "        ('{}')", node.path);
        if node.members.is_empty() {
            offers.push_str("            arguments=(\n");
            for flag in &node.flags {
                let _ = writeln!(
                    offers,
                    "                {}",
                    specification(flag, descriptions)
                );
            }
            offers.push_str("            )\n");
        } else {
            offers.push_str("            commands=(\n");
            for member in &node.members {
                let about = if descriptions { &*member.about } else { "" };
                let item = described(member.name, about);
                let _ = writeln!(offers, "                '{}'", escape_quotes(&item));
            }
            offers.push_str("            )\n");
        }
        offers.push_str("            ;;\n");
    }
    TEMPLATE
        .replace("@HELP@", HELP)
        .replace("@PLACES@\n", &places)
        .replace("@OFFERS@\n", &offers)
}

/// `name:description`, or the name alone.
fn described(name: &str, about: &str) -> String {
    if about.is_empty() {
        name.to_owned()
    } else {
        format!("{name}:{about}")
    }
}

/// The specification of a flag for `_arguments`. `*` allows it more than once.
fn specification(flag: &FlagSpec, descriptions: bool) -> String {
    let explanation = if descriptions {
        format!("[{}]", escape_brackets(&summary(flag)))
    } else {
        String::new()
    };
    let name = escape_brackets(flag.value.unwrap_or_default());
    let value = match flag.candidates {
        Candidates::NoValue => String::new(),
        Candidates::OneOf(values) => format!(":{name}:({})", values.join(" ")),
        Candidates::Files => format!(":{name}:_files"),
        Candidates::Directories => format!(":{name}:_files -/"),
        Candidates::Text => format!(":{name}: "),
    };
    let rest = escape_quotes(&format!("{explanation}{value}"));
    let (long, ends) = (
        flag.long_name(),
        if value.is_empty() {
            ["", ""]
        } else {
            ["=", "+"]
        },
    );
    match flag.short {
        None => format!("'*--{long}{}{rest}'", ends[0]),
        Some(short) => format!("'*'{{--{long}{},-{short}{}}}'{rest}'", ends[0], ends[1]),
    }
}

/// Escapes text for single quotes.
fn escape_quotes(text: &str) -> String {
    text.replace('\'', "'\\''")
}

/// Escapes text for `[…]` and for the message after it.
fn escape_brackets(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if matches!(c, '\\' | '[' | ']' | ':') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

const TEMPLATE: &str = r#"#compdef oras
# Completion of oras for zsh.
compdef _oras oras

_oras() {
    local place=oras word asked
    local -a commands arguments
    integer index start=1

    # Which command this is.
    for ((index = 2; index < CURRENT; index++)); do
        word=${words[index]}
        case "$place $word" in
            (*' --') break ;;
            ('oras @HELP@') asked=help ;;
@PLACES@
        esac
    done
    case $place in
@OFFERS@
    esac

    if (($#commands)); then
        if [[ $PREFIX == -* && -z $asked ]]; then
            _arguments -s : '--help' '-h'
        else
            _describe -t commands 'command' commands
        fi
    elif [[ -z $asked ]]; then
        shift $((start - 1)) words
        ((CURRENT -= start - 1))
        _arguments -s -S : $arguments '*:file:_files'
    fi
}

# Not when it is only read, as by source.
if [[ $funcstack[1] == _oras ]]; then
    _oras "$@"
fi
"#;
