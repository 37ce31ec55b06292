//! Completion for bash 3.2 and later, without the bash-completion package.

use std::fmt::Write as _;

use super::{HELP, patterns, spellings, steps};
use crate::cli::Candidates;
use crate::cli::tree::Node;

/// Generates the script. Bash has no descriptions of candidates.
pub(crate) fn script(nodes: &[Node], _descriptions: bool) -> String {
    let mut places = format!("            'oras {HELP}') asked=help ;;\n");
    for (patterns, path) in steps(nodes) {
        let _ = writeln!(
            places,
            "            {}) place='{path}' ;;",
            patterns.join(" | ")
        );
    }
    let mut offers = String::new();
    let mut choices = String::new();
    for node in nodes {
        let _ = writeln!(offers, "        '{}')", node.path);
        if !node.members.is_empty() {
            let names: Vec<_> = node.members.iter().map(|member| member.name).collect();
            let _ = writeln!(offers, "            commands='{}'", names.join(" "));
        }
        let (mut all, mut files, mut directories, mut texts) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for flag in &node.flags {
            let spelled = spellings(flag);
            all.extend(spelled.clone());
            match flag.candidates {
                Candidates::NoValue => {}
                Candidates::OneOf(values) => {
                    let patterns = patterns(node.path, &spelled).join(" | ");
                    let values = values.join(" ");
                    let _ = writeln!(choices, "        {patterns}) choices='{values}' ;;");
                }
                Candidates::Files => files.extend(spelled),
                Candidates::Directories => directories.extend(spelled),
                Candidates::Text => texts.extend(spelled),
            }
        }
        for (name, flags) in [
            ("flags", all),
            ("files", files),
            ("directories", directories),
            ("texts", texts),
        ] {
            if !flags.is_empty() {
                let _ = writeln!(offers, "            {name}=' {} '", flags.join(" "));
            }
        }
        offers.push_str("            ;;\n");
    }
    TEMPLATE
        .replace("@PLACES@\n", &places)
        .replace("@OFFERS@\n", &offers)
        .replace("@CHOICES@\n", &choices)
}

const TEMPLATE: &str = r#"# Completion of oras for bash.

_oras() {
    local cur=${COMP_WORDS[COMP_CWORD]} word='' place=oras asked='' flag='' attached='' index
    local commands='' flags='' files='' directories='' texts='' choices=''
    COMPREPLY=()

    # Which command this is.
    for ((index = 1; index < COMP_CWORD; index++)); do
        word=${COMP_WORDS[index]}
        case "$place $word" in
            *' --') asked=files; break ;;
@PLACES@
        esac
    done

    # Which flag this is the value of. Bash takes a flag and its value for three words if there is a = between them.
    word=${COMP_WORDS[COMP_CWORD - 1]}
    if [[ $cur == '=' ]]; then
        flag=$word attached=yes cur=''
    elif [[ $word == '=' ]]; then
        flag=${COMP_WORDS[COMP_CWORD - 2]} attached=yes
    elif [[ $word == -* && $asked != files ]]; then
        flag=$word
    fi

    case $place in
@OFFERS@
    esac
    case "$place $flag" in
@CHOICES@
    esac

    # File names are what bash completes by itself where nothing is said.
    if [[ -n $flag ]]; then
        if [[ -n $choices ]]; then
            COMPREPLY=($(compgen -W "$choices" -- "$cur"))
            return
        elif [[ $files == *" $flag "* ]]; then
            return
        elif [[ $directories == *" $flag "* ]]; then
            compopt -o dirnames +o default 2> /dev/null
            return
        elif [[ $texts == *" $flag "* ]]; then
            compopt +o default 2> /dev/null
            return
        elif [[ -n $attached ]]; then
            COMPREPLY=($(compgen -W 'true false' -- "$cur"))
            return
        fi
    fi
    if [[ $asked == files ]]; then
        return
    elif [[ -n $asked ]]; then
        compopt +o default 2> /dev/null
        COMPREPLY=($(compgen -W "$commands" -- "$cur"))
    elif [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$flags" -- "$cur"))
    elif [[ -n $commands ]]; then
        compopt +o default 2> /dev/null
        COMPREPLY=($(compgen -W "$commands" -- "$cur"))
    fi
}

complete -o default -F _oras oras
"#;
