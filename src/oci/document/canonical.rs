//! The canonical form of an index.
//!
//! Members of the specification are written in its order and in canonical spelling, as in a new
//! index, so that the same update gives the same bytes whichever client wrote the index. Unknown
//! members follow as they were written.

use serde::Serialize;

use super::{DocumentEntry, ManifestDocument};
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Manifest, ManifestKind, Platform, RawManifest};
use crate::text::json::edit::Object;

impl ManifestDocument {
    /// Parses an index and converts it to canonical form.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if the manifest is not an index.
    pub(crate) fn parse_canonical(manifest: &RawManifest) -> Result<Self> {
        let descriptor = manifest.descriptor();
        let what = format!("index {}", descriptor.digest);
        let Manifest::Index(index) = manifest.view()? else {
            return Err(Error::malformed(
                what,
                format!("it is \"{}\"", descriptor.media_type),
            ));
        };
        let written = Self::parse(manifest.bytes(), usize::MAX)
            .map_err(|error| Error::malformed_by(error, what.as_str()))?;
        let mut index = index.clone();
        let descriptors = std::mem::take(&mut index.manifests);
        if descriptors.len() != written.entries.len() {
            return Err(Error::malformed(what, "an entry has no digest"));
        }
        let convert = || -> serde_json::Result<Self> {
            let entries = descriptors.iter().zip(&written.entries);
            let entries = entries
                .map(|(descriptor, entry)| {
                    canonical_descriptor(descriptor, entry.text())
                        .map(|text| DocumentEntry::parse(&text))
                })
                .collect::<serde_json::Result<_>>()?;
            let subject = match (&index.subject, written.member("subject")) {
                (Some(subject), Some(text)) => Some(canonical_descriptor(subject, text)?),
                _ => None,
            };
            let mut document = Self {
                kind: ManifestKind::Index,
                members: canonical(&index, ManifestKind::Index.members(), written.members)?,
                entries,
            };
            if subject.is_some() {
                document.set_member("subject", subject);
            }
            Ok(document)
        };
        convert().map_err(|error| Error::malformed_by(error, what))
    }
}

/// Returns the canonical text of a descriptor, with all unknown members of it and its platform.
fn canonical_descriptor(descriptor: &Descriptor, written: &str) -> serde_json::Result<String> {
    let written = Object::parse(written)?;
    let platform = match (descriptor.platform.as_deref(), written.value("platform")) {
        (Some(platform), Some(text)) => {
            let written = Object::parse(text)?;
            Some(canonical(platform, Platform::MEMBERS, written)?)
        }
        _ => None,
    };
    let mut object = canonical(descriptor, Descriptor::MEMBERS, written)?;
    if let Some(platform) = platform {
        object.put_in_order("platform", platform.to_text(), Descriptor::MEMBERS);
    }
    Ok(object.to_text())
}

/// Returns the known members from `value`, followed by the unknown ones from `written`.
fn canonical(
    value: &impl Serialize,
    known: &[&str],
    written: Object,
) -> serde_json::Result<Object> {
    let mut object = Object::of(value)?;
    object.extend_except(known, written);
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::media_type::MediaType;

    const A: &str = "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
    const B: &str = "sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d";

    fn index(text: &str) -> RawManifest {
        RawManifest::new(MediaType::IMAGE_INDEX, text.as_bytes().to_vec())
    }

    fn document(text: &str) -> ManifestDocument {
        ManifestDocument::parse_canonical(&index(text)).unwrap()
    }

    fn text(document: &ManifestDocument) -> String {
        String::from_utf8(document.to_bytes()).unwrap()
    }

    #[test]
    fn a_canonical_index_keeps_its_bytes() {
        let all = format!(
            r#"{{"schemaVersion":2,"mediaType":"a/\u003cb\u003e","artifactType":"x/y","manifests":[{{"mediaType":"m/m","digest":"{A}","size":1,"urls":["u"],"annotations":{{"Z":"1","a":"\u0026"}},"data":"YQ==","platform":{{"architecture":"","os":"linux","os.version":"1","os.features":["f"],"variant":"v"}},"artifactType":"t/t"}},{{"mediaType":"m/m","digest":"{B}","size":1}}],"subject":{{"mediaType":"m/m","digest":"{B}","size":1}},"annotations":{{"k":"v"}}}}"#
        );
        assert_eq!(text(&document(&all)), all);
    }

    #[test]
    fn known_members_get_canonical_order_and_spelling() {
        let before = format!(
            r#"{{
   "annotations": {{}},
   "manifests": [
      {{
         "size": 1,
         "digest": "{A}",
         "annotations": {{ "b": "<1>", "a": "\u0032" }},
         "urls": [],
         "platform": {{ "os": "linux", "architecture": "amd64" }},
         "mediaType": "m/m"
      }}
   ],
   "subject": null,
   "schemaVersion": 2
}}"#
        );
        assert_eq!(
            text(&document(&before)),
            format!(
                r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"m/m","digest":"{A}","size":1,"annotations":{{"a":"2","b":"\u003c1\u003e"}},"platform":{{"architecture":"amd64","os":"linux"}}}}]}}"#
            )
        );
    }

    #[test]
    fn unknown_members_keep_their_bytes() {
        let before = format!(
            r#"{{"z": [ 1.50 ],"schemaVersion":2,"manifests":[{{"y": -0,"mediaType":"m/m","platform":{{"features": ["sse4"],"os":"linux","architecture":"amd64"}},"digest":"{A}","size":1,"x":"\u0041"}}],"subject":{{"mediaType":"m/m","digest":"{B}","w":{{}},"size":1}},"a":"<>"}}"#
        );
        let mut document = document(&before);
        document.set_member("artifactType", Some(r#""x/y""#.to_owned()));
        let added = Descriptor::of(MediaType::IMAGE_MANIFEST, b"b");
        document
            .entries
            .push(DocumentEntry::from_descriptor(&added));
        assert_eq!(
            text(&document),
            format!(
                r#"{{"schemaVersion":2,"artifactType":"x/y","manifests":[{{"mediaType":"m/m","digest":"{A}","size":1,"platform":{{"architecture":"amd64","os":"linux","features":["sse4"]}},"y":-0,"x":"\u0041"}},{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{B}","size":1}}],"subject":{{"mediaType":"m/m","digest":"{B}","size":1,"w":{{}}}},"z":[ 1.50 ],"a":"<>"}}"#
            )
        );
    }

    #[test]
    fn all_entries_of_a_digest_are_removed_and_merged_entries_come_last() {
        let entry = |digest: &str, name: &str| {
            format!(r#"{{"mediaType":"m/{name}","digest":"{digest}","size":1}}"#)
        };
        let with = |entries: &[String]| {
            format!(
                r#"{{"schemaVersion":2,"manifests":[{}]}}"#,
                entries.join(",")
            )
        };
        let (one, two, three) = (entry(A, "one"), entry(B, "two"), entry(A, "three"));
        let mut first = document(&with(&[one.clone(), two.clone(), three.clone()]));

        assert!(first.remove(|digest| digest.as_str() == A));
        assert!(!first.remove(|digest| digest.as_str() == A));
        let second = document(&with(&[one.clone(), two.clone()]));
        first.entries.extend(second.entries);

        assert_eq!(text(&first), with(&[two.clone(), one, two]));
    }

    #[test]
    fn missing_and_null_manifests_are_an_empty_list() {
        for list in ["", r#","manifests":null"#, r#","manifests":[]"#] {
            assert_eq!(
                text(&document(&format!(r#"{{"schemaVersion":2{list}}}"#))),
                r#"{"schemaVersion":2,"manifests":[]}"#
            );
        }
    }

    #[test]
    fn the_artifact_type_is_replaced_and_removed() {
        let mut document = document(r#"{"schemaVersion":2,"artifactType":"a/b","manifests":[]}"#);
        document.set_member("artifactType", Some(r#""c/d""#.to_owned()));
        assert_eq!(document.member("artifactType"), Some(r#""c/d""#));
        document.set_member("artifactType", None);
        assert_eq!(text(&document), r#"{"schemaVersion":2,"manifests":[]}"#);
    }

    #[test]
    fn documents_that_are_not_indexes_are_refused() {
        let whole = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"m/m","digest":"{A}","size":1}}],"x":[1,{{"y":"z"}}]}}"#
        );
        for end in 0..whole.len() {
            assert!(
                ManifestDocument::parse_canonical(&index(&whole[..end])).is_err(),
                "{end}"
            );
        }
        for text in [
            "[2,null,null,[]]",
            "[]",
            "2",
            r#"{"manifests":{}}"#,
            r#"{"manifests":[null]}"#,
            r#"{"manifests":[{}]}"#,
            r#"{"manifests":[],"manifests":[]}"#,
            r#"{"manifests":[],"layers":[]}"#,
        ] {
            assert!(
                ManifestDocument::parse_canonical(&index(text)).is_err(),
                "{text}"
            );
        }
        let image = RawManifest::new(MediaType::IMAGE_MANIFEST, b"{}".to_vec());
        assert!(ManifestDocument::parse_canonical(&image).is_err());
    }

    /// A search for each member among all others would take minutes.
    #[test]
    fn many_unknown_members_are_read_in_linear_time() {
        let members: Vec<_> = (0..300_000).map(|n| format!(r#""{n}":0"#)).collect();
        let before = format!(
            r#"{{"schemaVersion":2,"manifests":[],{}}}"#,
            members.join(",")
        );
        assert_eq!(text(&document(&before)), before);
    }
}
