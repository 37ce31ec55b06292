//! Annotations on the command line: `--annotation key=value`, or a file.

use std::io::Read as _;

use oras::{AnnotationFile, Annotations};

use crate::cli::groups::Annotations as Flags;
use crate::error::CliError;

/// Parses the flag, or reads the file if there is one.
pub(super) fn parse(flags: &Flags, file: &str) -> Result<AnnotationFile, CliError> {
    if !file.is_empty() {
        if !flags.annotations.is_empty() {
            return Err(CliError::usage(
                "`--annotation` and `--annotation-file` cannot be both specified",
            ));
        }
        return read(file);
    }
    let mut annotations = AnnotationFile::default();
    annotations.manifest = parse_pairs(&flags.annotations)?;
    Ok(annotations)
}

fn read(path: &str) -> Result<AnnotationFile, CliError> {
    let cli_error = || {
        CliError::usage(format!(
            "invalid annotation json file: failed to load annotations from {path}"
        ))
        .recommend(
            "Annotation file doesn't match the required format. Please refer to the document at \
             https://oras.land/docs/how_to_guides/manifest_annotations",
        )
    };
    let mut json = Vec::new();
    let file = oras::internal::open_once(path.as_ref()).map_err(|_| cli_error())?;
    file.take(oras::manifest::MAX_MANIFEST_BYTES + 1)
        .read_to_end(&mut json)
        .map_err(|_| cli_error())?;
    AnnotationFile::parse(&json).map_err(|_| cli_error())
}

/// Parses `key=value` pairs.
fn parse_pairs(pairs: &[String]) -> Result<Annotations, CliError> {
    let mut annotations = Annotations::new();
    for pair in pairs {
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            CliError::usage("annotation value doesn't match the required format")
                .recommend("Please use the correct format in the flag: --annotation \"key=value\"")
        })?;
        if annotations
            .insert(key.to_owned(), value.to_owned())
            .is_some()
        {
            return Err(CliError::usage(format!(
                "duplicate annotation key: {key}, "
            )));
        }
    }
    Ok(annotations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_split_at_the_first_equals_sign_and_keys_are_unique() {
        let pairs = |pairs: &[&str]| {
            parse_pairs(&pairs.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let annotations = pairs(&["a=b=c,d", "=", "e="]).unwrap();
        let got: Vec<_> = annotations
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(got, [("", ""), ("a", "b=c,d"), ("e", "")]);
        assert!(pairs(&["a"]).is_err());
        assert!(pairs(&["a=1", "a=2"]).is_err());
    }
}
