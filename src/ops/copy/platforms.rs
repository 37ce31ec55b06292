//! Selection of several platforms of an index, and the reduced index that contains only them.
//!
//! The original keeps the bytes of the members and entries that stay, so that a reduced index has
//! the same digest whichever client made it.

use std::collections::HashSet;

use crate::error::{Error, Expected, Result};
use crate::oci::{Descriptor, Digest, Manifest, Platform, RawManifest};
use crate::text::json::edit::{elements, members, text_of};

/// Annotation of an attestation manifest: the digest of the attested image.
const REFERENCE_DIGEST: &str = "vnd.docker.reference.digest";

/// The content that a copy of several platforms of an index copies.
#[derive(Debug)]
pub(super) enum SelectedPlatforms {
    /// The index: all its entries stay.
    Index,
    /// The manifest of the only entry that stays.
    Manifest(Descriptor),
    /// A new index.
    Reduced(RawManifest),
}

/// Selects `platforms` of `index`, which `reference` names.
///
/// # Errors
///
/// [`Error::WrongKind`] if the manifest is not an index, [`Error::InvalidInput`] if the index does
/// not have one of the platforms or cannot be reduced.
pub(super) fn select_platforms(
    index: &RawManifest,
    reference: &str,
    platforms: &[Platform],
) -> Result<SelectedPlatforms> {
    if !index.descriptor().media_type.is_index() {
        return Err(Error::WrongKind {
            name: reference.to_owned(),
            expected: Expected::Index,
        });
    }
    let list = manifests_array(index.bytes()).map_err(invalid)?;
    let Manifest::Index(view) = index.view()? else {
        return Ok(SelectedPlatforms::Index);
    };
    let entries = &view.manifests;
    let unmatched = unmatched(entries, platforms);
    if !unmatched.is_empty() {
        return Err(invalid(format!(
            "unmatched platforms: [{}]\navailable platforms in index: [{}]",
            join(&unmatched),
            join(&available(entries)),
        )));
    }
    let stays = staying(entries, platforms);
    let mut staying = entries.iter().zip(&stays).filter(|(_, stays)| **stays);
    if stays.iter().all(|stays| *stays) {
        return Ok(SelectedPlatforms::Index);
    }
    if let (Some((entry, _)), None) = (staying.next(), staying.next())
        && entry.platform.is_some()
    {
        return Ok(SelectedPlatforms::Manifest(entry.clone()));
    }
    let bytes = reduce(index.bytes(), &list, &stays)
        .ok_or_else(|| invalid("index does not match its bytes".to_owned()))?;
    let media_type = index.descriptor().media_type.clone();
    Ok(SelectedPlatforms::Reduced(RawManifest::new(
        media_type, bytes,
    )))
}

fn invalid(reason: String) -> Error {
    Error::invalid_option("platforms", reason)
}

/// The platform of an entry, if the entry is not an attestation.
fn image_platform(entry: &Descriptor) -> Option<&Platform> {
    let is_attestation = entry.annotations.contains_key(REFERENCE_DIGEST);
    entry.platform.as_deref().filter(|_| !is_attestation)
}

/// The platforms without an entry.
fn unmatched<'p>(entries: &[Descriptor], platforms: &'p [Platform]) -> Vec<&'p Platform> {
    let matches = |platform: &&Platform| {
        let mut got = entries.iter().filter_map(image_platform);
        !got.any(|got| got.satisfies(platform))
    };
    platforms.iter().filter(matches).collect()
}

/// The platforms of the entries, each once.
fn available(entries: &[Descriptor]) -> Vec<&Platform> {
    let mut seen = HashSet::new();
    let platforms = entries.iter().filter_map(image_platform);
    platforms
        .filter(|platform| seen.insert(platform.to_string()))
        .collect()
}

/// Whether each entry stays: those of the platforms, their attestations, and those without a
/// platform, unless the same manifest has another entry that does not stay.
fn staying(entries: &[Descriptor], platforms: &[Platform]) -> Vec<bool> {
    let is_selected = |entry: &Descriptor| {
        let got = entry.platform.as_ref();
        got.is_some_and(|got| platforms.iter().any(|platform| got.satisfies(platform)))
    };
    let (mut selected, mut rejected) = (HashSet::new(), HashSet::new());
    for entry in entries.iter().filter(|entry| entry.platform.is_some()) {
        let digests: &mut HashSet<&Digest> = if is_selected(entry) {
            &mut selected
        } else {
            &mut rejected
        };
        digests.insert(&entry.digest);
    }
    let stays = |entry: &Descriptor| match entry.annotations.get(REFERENCE_DIGEST) {
        Some(image) => selected.iter().any(|digest| digest.as_str() == image),
        None if entry.platform.is_none() => !rejected.contains(&entry.digest),
        None => is_selected(entry),
    };
    entries.iter().map(stays).collect()
}

/// The text of the only `manifests` member of an index.
fn manifests_array(index: &[u8]) -> std::result::Result<String, String> {
    let text = String::from_utf8_lossy(index);
    let members = members(&text).unwrap_or_default();
    let mut lists = members.iter().filter(|(name, _)| name == "manifests");
    match (lists.next(), lists.next()) {
        (Some((_, list)), None) => Ok(list.to_string()),
        // No entry matches, which is the clearer error.
        (None, _) => Ok("[]".to_owned()),
        _ => Err("failed to filter index: index contains multiple manifests arrays".into()),
    }
}

/// The bytes of an index with only the entries that stay. Members keep their order, and values
/// their bytes.
fn reduce(index: &[u8], list: &str, stays: &[bool]) -> Option<Vec<u8>> {
    let entries = elements(list)
        .ok()
        .filter(|entries| entries.len() == stays.len())?;
    let entries = entries.into_iter().zip(stays).filter(|(_, stays)| **stays);
    let entries: Vec<&str> = entries.map(|(entry, _)| entry).collect();
    let list = format!("[{}]", entries.join(","));
    let members = members(str::from_utf8(index).ok()?).ok()?;
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| {
            let value = if name == "manifests" { &list } else { &**value };
            format!("{}:{value}", text_of(name))
        })
        .collect();
    Some(format!("{{{}}}", members.join(",")).into_bytes())
}

fn join(platforms: &[&Platform]) -> String {
    let platforms: Vec<String> = platforms.iter().map(ToString::to_string).collect();
    platforms.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::MediaType;

    /// Returns an entry for the manifest `name`: `platform`, `for image` for an attestation, both,
    /// or nothing.
    fn entry(name: &str, platform: &str, image: &str) -> Descriptor {
        let mut entry = Descriptor::of(MediaType::IMAGE_MANIFEST, name.as_bytes());
        entry.platform = Some(platform)
            .filter(|it| !it.is_empty())
            .map(|it| Box::new(it.parse().unwrap()));
        if !image.is_empty() {
            let digest = Digest::of(image.as_bytes()).to_string();
            entry
                .annotations
                .insert(REFERENCE_DIGEST.to_owned(), digest);
        }
        entry
    }

    fn platforms(text: &str) -> Vec<Platform> {
        text.split(',').map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn entries_stay_by_platform_attested_image_or_missing_platform() {
        let unknown = "unknown/unknown";
        for (entries, wanted, stays) in [
            (
                &[("a", "l/x", ""), ("b", "l/y", ""), ("c", "l/z", "")][..],
                "l/x,l/z",
                "+-+",
            ),
            // A request without a variant or version selects all of them.
            (
                &[
                    ("a", "l/arm/v6", ""),
                    ("b", "l/arm/v7", ""),
                    ("c", "l/x", ""),
                ],
                "l/arm,l/q",
                "++-",
            ),
            (
                &[("a", "w/x:1", ""), ("b", "w/x:2", ""), ("c", "l/x", "")],
                "w/x:2,l/x",
                "-++",
            ),
            // Attestations.
            (
                &[
                    ("a", "l/x", ""),
                    ("b", "l/y", ""),
                    ("t", unknown, "a"),
                    ("u", unknown, "b"),
                ],
                "l/y,l/q",
                "-+-+",
            ),
            (
                &[("a", "l/x", ""), ("t", "", "a"), ("u", "", "b")],
                "l/x,l/q",
                "++-",
            ),
            (&[("a", "l/x", ""), ("t", "l/x", "b")], "l/x,l/q", "+-"),
            // Entries without a platform.
            (
                &[("a", "l/x", ""), ("b", "l/y", ""), ("n", "", "")],
                "l/x,l/q",
                "+-+",
            ),
            (
                &[
                    ("a", "", ""),
                    ("a", "l/x", ""),
                    ("b", "", ""),
                    ("b", "l/y", ""),
                ],
                "l/x,l/q",
                "++--",
            ),
        ] {
            let entries: Vec<_> = entries.iter().map(|(n, p, i)| entry(n, p, i)).collect();
            let found: String = staying(&entries, &platforms(wanted))
                .iter()
                .map(|stays| if *stays { '+' } else { '-' })
                .collect();
            assert_eq!(found, stays, "{entries:?} {wanted}");
        }
    }

    #[test]
    fn every_platform_needs_an_entry_that_is_not_an_attestation() {
        let entries = [
            entry("a", "l/x", ""),
            entry("b", "w/x:1", ""),
            entry("c", "l/x", ""),
            entry("t", "u/u", "a"),
        ];
        for (wanted, missing) in [
            ("l/x,w/x", ""),
            ("l/x,w/x:1", ""),
            ("w/x:2,l/x,l/x/v1,u/u", "w/x:2, l/x/v1, u/u"),
        ] {
            assert_eq!(
                join(&unmatched(&entries, &platforms(wanted))),
                missing,
                "{wanted}"
            );
        }
        assert_eq!(join(&available(&entries)), "l/x, w/x:1");
    }

    #[test]
    fn a_reduced_index_keeps_members_and_entries_as_written() {
        for (before, stays, after) in [
            (
                r#"{ "a<b": "x" , "schemaVersion": 2 ,"manifests" : [ {"e" : 1} , 2,3 ], "n": 1.00e2 }"#,
                [true, true, false],
                r#"{"a\u003cb":"x","schemaVersion":2,"manifests":[{"e" : 1},2],"n":1.00e2}"#,
            ),
            (
                r#"{"manifests":[1,2,3],"a":[ "<", "\u0061" ],"a":1,"\u0062":{ }}"#,
                [false, false, true],
                r#"{"manifests":[3],"a":[ "<", "\u0061" ],"a":1,"b":{ }}"#,
            ),
        ] {
            let list = manifests_array(before.as_bytes()).unwrap();
            let reduced = reduce(before.as_bytes(), &list, &stays).unwrap();
            assert_eq!(str::from_utf8(&reduced).unwrap(), after);
        }
    }

    #[test]
    fn an_index_with_several_manifests_arrays_is_not_reduced() {
        let error = manifests_array(br#"{"manifests":[],"manifests":[]}"#).unwrap_err();
        assert_eq!(
            error,
            "failed to filter index: index contains multiple manifests arrays"
        );
    }
}
