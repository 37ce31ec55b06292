//! Selection of files from an artifact, and errors about empty selections.

use oras::Descriptor;
use oras::filter::{Filter, Pattern};
use oras::pull::Listed;

use crate::commands::prelude::*;

/// Maximum number of file names in a recommendation.
const MAX_SHOWN_NAMES: usize = 20;

/// Parses the patterns of a flag.
pub(super) fn patterns(flag: &str, texts: &[String]) -> Result<Vec<Pattern>, CliError> {
    let parse = |text: &String| {
        text.parse()
            .map_err(|error| CliError::from(&error).context(&format!("--{flag}")))
    };
    texts.iter().map(parse).collect()
}

/// The file to write to stdout. More or less than one is an error.
pub(super) fn only<'l>(
    target: &Target,
    listed: &'l Listed,
    filter: &Filter,
    unnamed: bool,
) -> Result<&'l Descriptor, CliError> {
    let raw = target.raw();
    match &listed.files[..] {
        [file] => Ok(file),
        [] if !filter.is_empty() => Err(nothing(target, &listed.unselected, unnamed)),
        [] => Err(no_layer(target, unnamed)),
        files => {
            let names = files
                .iter()
                .map(|file| file.title().unwrap_or(file.digest.as_str()));
            Err(CliError::usage(format!(
                "{raw}: only one file can be written to stdout, and there are {}",
                files.len()
            ))
            .recommend(format!(
                "Please choose one by `--include`: {}",
                enumerated(names)
            )))
        }
    }
}

/// The error that the artifact has no layer, or none with a name. `unnamed` is the flag.
pub(super) fn no_layer(target: &Target, unnamed: bool) -> CliError {
    if unnamed {
        return CliError::not_found(format!("{}: there are no layers", target.raw()));
    }
    CliError::not_found(format!("{}: no layer has a name", target.raw()))
        .recommend("Please use `--unnamed` for layers without one")
}

/// The error that no file matches the patterns. `unnamed` is the flag.
pub(super) fn nothing(target: &Target, unselected: &[String], unnamed: bool) -> CliError {
    if unselected.is_empty() && unnamed {
        return no_layer(target, unnamed);
    }
    let cli_error = CliError::not_found(format!("{}: no file fits the patterns", target.raw()));
    if unselected.is_empty() {
        return cli_error
            .recommend("There is none with a name. `--unnamed` pulls layers without one");
    }
    let names = unselected.iter().map(String::as_str);
    cli_error.recommend(format!("There are: {}", enumerated(names)))
}

/// Lists names, at most [`MAX_SHOWN_NAMES`].
fn enumerated<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let more = names.len().saturating_sub(MAX_SHOWN_NAMES);
    let mut shown: Vec<_> = names.take(MAX_SHOWN_NAMES).map(quote::double).collect();
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    shown.join(", ")
}
