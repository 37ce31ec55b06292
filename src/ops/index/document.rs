//! An index that is being changed, with everything it says.
//!
//! What the specification knows is written as in a new index, in that order and spelling: then the same change makes the same
//! bytes, whoever makes it, and whoever wrote the index. What the specification does not know follows as it was written.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::oci::descriptor::Descriptor;
use crate::oci::digest::Digest;
use crate::oci::manifest::{ImageIndex, Manifest, RawManifest};
use crate::oci::media_type::MediaType;
use crate::oci::platform::Platform;
use crate::text::json::edit::{Object, elements, text_of};

/// An index.
#[derive(Debug)]
pub(super) struct Document {
    media_type: MediaType,
    /// All members but the entries.
    members: Object,
    entries: Vec<Entry>,
}

/// One of the `manifests`.
#[derive(Debug)]
struct Entry {
    digest: Digest,
    text: String,
}

impl Document {
    /// Reads an index.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when it is none.
    pub(super) fn parse(manifest: &RawManifest) -> Result<Self> {
        let descriptor = manifest.descriptor();
        let malformed =
            |reason: String| Error::malformed(format!("index {}", descriptor.digest), reason);
        let Manifest::Index(mut index) = manifest.view()? else {
            return Err(malformed(format!("it is \"{}\"", descriptor.media_type)));
        };
        let known = std::mem::take(&mut index.manifests);
        let read = || -> serde_json::Result<Self> {
            let text = str::from_utf8(manifest.bytes()).map_err(serde::de::Error::custom)?;
            let written = Object::parse(text)?;
            let texts = elements(written.value("manifests").unwrap_or("null"))?;
            let entries = known.iter().zip(texts).map(|(descriptor, written)| {
                Ok(Entry {
                    digest: descriptor.digest.clone(),
                    text: whole_descriptor(descriptor, written)?,
                })
            });
            let entries = entries.collect::<serde_json::Result<_>>()?;
            let subject = match (&index.subject, written.value("subject")) {
                (Some(subject), Some(written)) => Some(whole_descriptor(subject, written)?),
                _ => None,
            };
            let mut document = Self {
                media_type: descriptor.media_type.clone(),
                members: whole(&index, ImageIndex::MEMBERS, written)?,
                entries,
            };
            if let Some(subject) = subject {
                document.put("subject", subject);
            }
            Ok(document)
        };
        read().map_err(|error| malformed(error.to_string()))
    }

    /// Sets the type of the artifact, or removes it.
    pub(super) fn set_artifact_type(&mut self, artifact_type: Option<&MediaType>) {
        match artifact_type {
            Some(artifact_type) => self.put("artifactType", text_of(artifact_type)),
            None => self.members.remove("artifactType"),
        }
    }

    /// Removes all entries of a digest, and says whether there was one.
    pub(super) fn remove(&mut self, digest: &Digest) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.digest != *digest);
        self.entries.len() < before
    }

    /// Adds an entry at the end.
    pub(super) fn add(&mut self, descriptor: &Descriptor) {
        self.entries.push(Entry {
            digest: descriptor.digest.clone(),
            text: text_of(descriptor),
        });
    }

    /// Adds the entries of another index at the end.
    pub(super) fn merge(&mut self, other: Self) {
        self.entries.extend(other.entries);
    }

    /// The index as it is now.
    pub(super) fn into_manifest(mut self) -> RawManifest {
        let texts: Vec<_> = self.entries.iter().map(|entry| &*entry.text).collect();
        let manifests = format!("[{}]", texts.join(","));
        self.put("manifests", manifests);
        RawManifest::new(self.media_type, self.members.to_text().into_bytes())
    }

    fn put(&mut self, name: &str, value: String) {
        put(&mut self.members, ImageIndex::MEMBERS, name, value);
    }
}

/// Puts a known member where the order has it.
fn put(object: &mut Object, order: &[&str], name: &str, value: String) {
    let rank = |name: &str| {
        let known = order.iter().position(|known| *known == name);
        known.unwrap_or(order.len())
    };
    let own = rank(name);
    object.put(name, value, |other| rank(other) > own);
}

/// A descriptor and its platform with everything that was written of them.
fn whole_descriptor(descriptor: &Descriptor, written: &str) -> serde_json::Result<String> {
    let written = Object::parse(written)?;
    let platform = match (&descriptor.platform, written.value("platform")) {
        (Some(platform), Some(written)) => {
            let written = Object::parse(written)?;
            Some(whole(platform, Platform::MEMBERS, written)?)
        }
        _ => None,
    };
    let mut object = whole(descriptor, Descriptor::MEMBERS, written)?;
    if let Some(platform) = platform {
        put(
            &mut object,
            Descriptor::MEMBERS,
            "platform",
            platform.to_text(),
        );
    }
    Ok(object.to_text())
}

/// What is known, followed by what was written besides.
fn whole(known: &impl Serialize, names: &[&str], written: Object) -> serde_json::Result<Object> {
    let mut object = Object::of(known)?;
    object.extend_except(names, written);
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
    const B: &str = "sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d";

    fn index(text: &str) -> RawManifest {
        RawManifest::new(MediaType::IMAGE_INDEX, text.as_bytes().to_vec())
    }

    fn document(text: &str) -> Document {
        Document::parse(&index(text)).unwrap()
    }

    fn text(document: Document) -> String {
        String::from_utf8(document.into_manifest().into_bytes()).unwrap()
    }

    #[test]
    fn a_written_index_is_written_again_byte_by_byte() {
        let all = format!(
            r#"{{"schemaVersion":2,"mediaType":"a/\u003cb\u003e","artifactType":"x/y","manifests":[{{"mediaType":"m/m","digest":"{A}","size":1,"urls":["u"],"annotations":{{"Z":"1","a":"\u0026"}},"data":"YQ==","platform":{{"architecture":"","os":"linux","os.version":"1","os.features":["f"],"variant":"v"}},"artifactType":"t/t"}},{{"mediaType":"m/m","digest":"{B}","size":1}}],"subject":{{"mediaType":"m/m","digest":"{B}","size":1}},"annotations":{{"k":"v"}}}}"#
        );
        assert_eq!(text(document(&all)), all);
    }

    #[test]
    fn known_members_are_spelled_and_ordered_as_everybody_does() {
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
            text(document(&before)),
            format!(
                r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"m/m","digest":"{A}","size":1,"annotations":{{"a":"2","b":"\u003c1\u003e"}},"platform":{{"architecture":"amd64","os":"linux"}}}}]}}"#
            )
        );
    }

    #[test]
    fn unknown_members_stay_as_they_were_written() {
        let before = format!(
            r#"{{"z": [ 1.50 ],"schemaVersion":2,"manifests":[{{"y": -0,"mediaType":"m/m","platform":{{"features": ["sse4"],"os":"linux","architecture":"amd64"}},"digest":"{A}","size":1,"x":"\u0041"}}],"subject":{{"mediaType":"m/m","digest":"{B}","w":{{}},"size":1}},"a":"<>"}}"#
        );
        let mut document = document(&before);
        document.set_artifact_type(Some(&"x/y".into()));
        document.add(&Descriptor::of(MediaType::IMAGE_MANIFEST, b"b"));
        assert_eq!(
            text(document),
            format!(
                r#"{{"schemaVersion":2,"artifactType":"x/y","manifests":[{{"mediaType":"m/m","digest":"{A}","size":1,"platform":{{"architecture":"amd64","os":"linux","features":["sse4"]}},"y":-0,"x":"\u0041"}},{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{B}","size":1}}],"subject":{{"mediaType":"m/m","digest":"{B}","size":1,"w":{{}}}},"z":[ 1.50 ],"a":"<>"}}"#
            )
        );
    }

    #[test]
    fn entries_are_removed_wherever_they_are_and_merged_behind_the_others() {
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

        assert!(first.remove(&A.parse().unwrap()));
        assert!(!first.remove(&A.parse().unwrap()));
        first.merge(document(&with(&[one.clone(), two.clone()])));

        assert_eq!(text(first), with(&[two.clone(), one, two]));
    }

    #[test]
    fn null_is_an_empty_list() {
        for list in ["", r#","manifests":null"#, r#","manifests":[]"#] {
            assert_eq!(
                text(document(&format!(r#"{{"schemaVersion":2{list}}}"#))),
                r#"{"schemaVersion":2,"manifests":[]}"#
            );
        }
    }

    #[test]
    fn the_type_of_the_artifact_is_replaced_and_removed() {
        let mut document = document(r#"{"schemaVersion":2,"artifactType":"a/b","manifests":[]}"#);
        document.set_artifact_type(Some(&"c/d".into()));
        assert_eq!(document.members.value("artifactType"), Some(r#""c/d""#));
        document.set_artifact_type(None);
        assert_eq!(text(document), r#"{"schemaVersion":2,"manifests":[]}"#);
    }

    #[test]
    fn what_is_no_index_is_refused() {
        let whole = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"m/m","digest":"{A}","size":1}}],"x":[1,{{"y":"z"}}]}}"#
        );
        for end in 0..whole.len() {
            assert!(Document::parse(&index(&whole[..end])).is_err(), "{end}");
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
            assert!(Document::parse(&index(text)).is_err(), "{text}");
        }
        let image = RawManifest::new(MediaType::IMAGE_MANIFEST, b"{}".to_vec());
        assert!(Document::parse(&image).is_err());
    }

    /// Looking for each of many members among all others would take minutes.
    #[test]
    fn many_unknown_members_are_no_danger() {
        let members: Vec<_> = (0..300_000).map(|n| format!(r#""{n}":0"#)).collect();
        let before = format!(
            r#"{{"schemaVersion":2,"manifests":[],{}}}"#,
            members.join(",")
        );
        assert_eq!(text(document(&before)), before);
    }
}
