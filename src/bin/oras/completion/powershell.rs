//! Completion for `PowerShell`.

use std::fmt::Write as _;

use super::{HELP, spellings, steps, summary};
use crate::cli::Candidates;
use crate::cli::tree::Node;

/// Generates the script, with or without descriptions.
pub(crate) fn script(nodes: &[Node], descriptions: bool) -> String {
    let mut places = String::new();
    for (patterns, path) in steps(nodes) {
        for pattern in patterns {
            let _ = writeln!(
                places,
                "            {pattern} {{ $place = '{path}'; break }}"
            );
        }
    }
    let mut choices = String::new();
    let mut offers = String::new();
    for node in nodes {
        let _ = writeln!(offers, "        '{}' {{", node.path);
        for member in &node.members {
            let about = if descriptions {
                &*member.about
            } else {
                member.name
            };
            offers.push_str(&result(member.name, about, "ParameterValue"));
        }
        for flag in &node.flags {
            for spelled in spellings(flag) {
                let about = if descriptions {
                    summary(flag)
                } else {
                    spelled.clone()
                };
                offers.push_str(&result(&spelled, &about, "ParameterName"));
                match flag.candidates {
                    Candidates::NoValue => {}
                    Candidates::OneOf(values) => {
                        let _ = writeln!(choices, "        '{} {spelled}' {{", node.path);
                        for value in values {
                            choices.push_str(&result(value, value, "ParameterValue"));
                        }
                        choices.push_str("            break\n        }\n");
                    }
                    Candidates::Files | Candidates::Directories | Candidates::Text => {
                        // Without candidates the shell offers file names.
                        let _ = writeln!(choices, "        '{} {spelled}' {{ return }}", node.path);
                    }
                }
            }
        }
        offers.push_str("            break\n        }\n");
    }
    TEMPLATE
        .replace("@HELP@", HELP)
        .replace("@PLACES@\n", &places)
        .replace("@CHOICES@\n", &choices)
        .replace("@OFFERS@\n", &offers)
}

/// A candidate with its description.
fn result(word: &str, about: &str, kind: &str) -> String {
    format!(
        "            [System.Management.Automation.CompletionResult]::new('{word}', '{word}', '{kind}', '{}')\n",
        about.replace('\'', "''")
    )
}

const TEMPLATE: &str = r#"# Completion of oras for PowerShell.

Register-ArgumentCompleter -Native -CommandName oras -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    # Which command this is, and the word before the cursor.
    $place = 'oras'
    $previous = ''
    foreach ($element in @($commandAst.CommandElements | Select-Object -Skip 1)) {
        if ($element.Extent.EndOffset -ge $cursorPosition -and $wordToComplete) { break }
        $previous = $element.Extent.Text
        switch -CaseSensitive ("$place $previous") {
@PLACES@
        }
    }

    $values = @(switch -CaseSensitive ("$place $previous") {
@CHOICES@
    })
    $offers = if ($values) { $values } else { switch -CaseSensitive ($place) {
@OFFERS@
    } }
    $offers | Where-Object { $_.CompletionText.StartsWith($wordToComplete) }
}
"#;
