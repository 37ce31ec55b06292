//! Annotation files: a JSON object with the annotations of a manifest, its config and its files.

use std::collections::HashMap;

use super::MAX_MANIFEST_BYTES;
use crate::error::{Error, Result};
use crate::limits::Limit;
use crate::text::json::Annotations;

/// Key of the manifest's annotations.
const MANIFEST: &str = "$manifest";
/// Key of the config's annotations.
const CONFIG: &str = "$config";

/// Annotations of a manifest, its config and its files, as in the files of `oras push
/// --annotation-file` and of the option `annotation_file` of ORAS Python.
///
/// ```
/// use oras::AnnotationFile;
/// use oras::push::{PushFile, PushOptions};
///
/// // The content of the file, for example from `std::fs::read`.
/// let json = br#"{"$manifest": {"team": "a"}, "hello.txt": {"lang": "en"}}"#;
/// let annotations = AnnotationFile::parse(json)?;
///
/// let mut hello = PushFile::from("hello.txt");
/// hello.annotations = annotations.for_file("hello.txt");
/// let mut options = PushOptions::default();
/// options.files.push(hello);
/// options.annotations = annotations.manifest;
/// options.config_annotations = annotations.config;
/// # Ok::<(), oras::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnnotationFile {
    /// The annotations of the manifest, with the key `$manifest`.
    pub manifest: Annotations,
    /// The annotations of the config, with the key `$config`.
    pub config: Annotations,
    /// The annotations of files, by path.
    pub files: HashMap<String, Annotations>,
}

impl AnnotationFile {
    /// Parses an annotation file. Text after the JSON object is ignored, as the reference client
    /// does.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`], and [`Error::TooLarge`] for more than
    /// [`MAX_MANIFEST_BYTES`]: a manifest with the annotations cannot be larger.
    pub fn parse(json: &[u8]) -> Result<Self> {
        const WHAT: &str = "annotation file";
        let limit = (Limit::MetadataBytes, MAX_MANIFEST_BYTES);
        Error::check_limit(WHAT, json.len() as u64, limit.0, limit.1)?;
        let mut values = serde_json::Deserializer::from_slice(json)
            .into_iter::<Option<HashMap<String, Option<Annotations>>>>();
        let mut files = match values.next() {
            Some(Ok(files)) => files.unwrap_or_default(),
            Some(Err(error)) => return Err(Error::malformed_by(error, WHAT)),
            None => return Err(Error::malformed(WHAT, "it is empty")),
        };
        let mut take = |key: &str| files.remove(key).flatten().unwrap_or_default();
        Ok(Self {
            manifest: take(MANIFEST),
            config: take(CONFIG),
            files: files
                .into_iter()
                .map(|(path, annotations)| (path, annotations.unwrap_or_default()))
                .collect(),
        })
    }

    /// Returns the annotations of the file `path`.
    pub fn for_file(&self, path: &str) -> Annotations {
        self.files.get(path).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_optional_and_text_after_them_is_ignored() {
        let annotations = |value: &str| Annotations::from([("k", value)]);
        for (json, manifest, config, file) in [
            ("null", None, None, None),
            (r#"{"$manifest":{"k":"m"},"a":null}"#, Some("m"), None, None),
            (
                r#"{"$config":{"k":"c"},"a":{"k":"f"}} x"#,
                None,
                Some("c"),
                Some("f"),
            ),
        ] {
            let wanted = [manifest, config, file].map(|value| value.map(annotations));
            let parsed = AnnotationFile::parse(json.as_bytes()).unwrap();
            let found = [
                parsed.manifest.clone(),
                parsed.config.clone(),
                parsed.for_file("a"),
            ];
            assert_eq!(found, wanted.map(Option::unwrap_or_default), "{json}");
        }
        for json in ["", "{", "[]", r#"{"a":"b"}"#, r#"{"a":{"k":1}}"#] {
            let error = AnnotationFile::parse(json.as_bytes()).unwrap_err();
            assert!(matches!(error, Error::Malformed { .. }), "{json}");
        }
    }
}
