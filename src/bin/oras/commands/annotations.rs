//! Annotations on the command line: `--annotation key=value`, or a file.

use std::collections::HashMap;
use std::io::Read as _;

use oras::Annotations;

use crate::cli::groups::Annotations as Flags;
use crate::error::CliError;

/// Maximum size of an annotation file, in bytes: a manifest with its annotations cannot be larger.
const MAX_FILE_BYTES: u64 = oras::manifest::MAX_MANIFEST_BYTES;
/// Key of the manifest's annotations in a file.
const MANIFEST: &str = "$manifest";
/// Key of the config's annotations in a file.
const CONFIG: &str = "$config";

/// Annotations of a manifest, its config and its files.
#[derive(Debug, Default)]
pub(super) struct ArtifactAnnotations {
    pub(super) manifest: Annotations,
    pub(super) config: Annotations,
    files: HashMap<String, Annotations>,
}

impl ArtifactAnnotations {
    /// Parses the flag, or reads the file if there is one.
    pub(super) fn parse(flags: &Flags, file: &str) -> Result<Self, CliError> {
        if !file.is_empty() {
            if !flags.annotations.is_empty() {
                return Err(CliError::usage(
                    "`--annotation` and `--annotation-file` cannot be both specified",
                ));
            }
            return Self::read(file);
        }
        Ok(Self {
            manifest: parse(&flags.annotations)?,
            ..Self::default()
        })
    }

    /// The annotations of the file `path`.
    pub(super) fn for_file(&self, path: &str) -> Annotations {
        self.files.get(path).cloned().unwrap_or_default()
    }

    fn read(path: &str) -> Result<Self, CliError> {
        let cli_error = || {
            CliError::usage(format!("invalid annotation json file: failed to load annotations from {path}")).recommend(
                "Annotation file doesn't match the required format. Please refer to the document at \
                 https://oras.land/docs/how_to_guides/manifest_annotations",
            )
        };
        let mut text = String::new();
        let file = oras::internal::open_once(path.as_ref()).map_err(|_| cli_error())?;
        file.take(MAX_FILE_BYTES)
            .read_to_string(&mut text)
            .map_err(|_| cli_error())?;
        // Like the reference client, ignore everything after the first JSON value.
        let mut values = serde_json::Deserializer::from_str(&text)
            .into_iter::<Option<HashMap<String, Option<Annotations>>>>();
        let mut all = values
            .next()
            .and_then(Result::ok)
            .ok_or_else(cli_error)?
            .unwrap_or_default();
        let mut take = |key: &str| all.remove(key).flatten().unwrap_or_default();
        Ok(Self {
            manifest: take(MANIFEST),
            config: take(CONFIG),
            files: all
                .into_iter()
                .map(|(key, annotations)| (key, annotations.unwrap_or_default()))
                .collect(),
        })
    }
}

/// Parses `key=value` pairs.
fn parse(pairs: &[String]) -> Result<Annotations, CliError> {
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
        let pairs =
            |pairs: &[&str]| parse(&pairs.iter().map(ToString::to_string).collect::<Vec<_>>());
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
