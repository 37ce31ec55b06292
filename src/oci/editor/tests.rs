use super::*;
use crate::oci::media_type::MediaType;

const A: &str = "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
const B: &str = "sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d";

fn editor(media_type: &MediaType, text: &str) -> ManifestEditor {
    RawManifest::new(media_type.clone(), text.as_bytes().to_vec())
        .edit()
        .unwrap()
}

fn text(editor: &ManifestEditor) -> String {
    String::from_utf8(editor.finish().into_bytes()).unwrap()
}

/// A descriptor as text, with an unknown member.
fn entry(digest: &str) -> String {
    format!(r#"{{"size": 1,"mediaType":"m/m","digest":"{digest}","x": [ 1.50 ]}}"#)
}

/// Every kind of manifest with the members that all of them can have, and others.
fn manifests() -> Vec<(MediaType, String)> {
    let (a, b) = (entry(A), entry(B));
    let image = format!(
        r#"{{"z":{{"deep":{}1{}}},"layers":[{a}, {b}],"config":{a},"Layers":[],"schemaVersion":2,"x":"\u0041"}}"#,
        "[".repeat(100),
        "]".repeat(100)
    );
    let index = format!(
        r#"{{"Annotations":{{}},"manifests":[{a}, {b}],"schemaVersion":2,"x":"\u0041","signatures":[-0]}}"#
    );
    let artifact = format!(r#"{{"mediaType":"a/a","annotation":1,"blobs":[{a}, {b}],"x":null}}"#);
    vec![
        (MediaType::IMAGE_MANIFEST, image.clone()),
        (MediaType::DOCKER_MANIFEST, image),
        (MediaType::IMAGE_INDEX, index.clone()),
        (MediaType::DOCKER_MANIFEST_LIST, index),
        (MediaType::ARTIFACT_MANIFEST, artifact),
    ]
}

#[test]
fn a_manifest_without_changes_keeps_its_bytes_and_descriptor() {
    for (media_type, written) in manifests() {
        let spaced = format!(" {}\n", written.replace("],", "] ,\n  "));
        let mut editor = editor(&media_type, &spaced);
        editor.set_entries(&editor.entries());
        editor.set_annotation("k", "v");
        assert!(editor.remove_annotation("k"));
        assert!(!editor.remove_annotation("k"));
        let edited = editor.finish();
        assert_eq!(edited.bytes(), spaced.as_bytes(), "{media_type}");
        assert_eq!(edited.descriptor().media_type, media_type);
    }
}

#[test]
fn annotations_are_added_and_all_other_members_keep_their_text() {
    for (media_type, written) in manifests() {
        let mut editor = editor(&media_type, &written);
        editor.set_annotation("k", "<v>");
        let edited = editor.finish();
        assert_eq!(edited.descriptor().media_type, media_type);
        assert_eq!(edited.view().unwrap().annotations()["k"], "<v>");
        let after = text(&editor);
        let added = r#""annotations":{"k":"\u003cv\u003e"}"#;
        let rest = after
            .replace(&format!(",{added}"), "")
            .replace(&format!("{added},"), "");
        assert_eq!(rest, written.replace(", {", ",{"), "{media_type}");
    }
}

#[test]
fn annotations_keep_their_order_and_spelling() {
    let written = r#"{"annotations":{"b":"\u0031","a": "2" ,"d":null},"manifests":[]}"#;
    let mut editor = editor(&MediaType::IMAGE_INDEX, written);
    editor.set_annotation("b", "1");
    assert_eq!(text(&editor), written);
    editor.set_annotation("a", "3");
    editor.set_annotation("c", "4");
    assert_eq!(
        text(&editor),
        r#"{"annotations":{"b":"\u0031","a":"3","c":"4","d":null},"manifests":[]}"#
    );
    editor.set_annotation("d", "");
    for name in ["a", "b", "c"] {
        assert!(editor.remove_annotation(name));
    }
    assert_eq!(text(&editor), r#"{"annotations":{"d":""},"manifests":[]}"#);
    assert!(editor.remove_annotation("d"));
    assert_eq!(text(&editor), r#"{"manifests":[]}"#);
}

#[test]
fn new_members_are_inserted_in_the_order_of_the_specification() {
    let subject = Descriptor::of(MediaType::IMAGE_MANIFEST, b"a");
    let stated = text_of(&subject);
    for (media_type, written, wanted) in [
        (
            MediaType::IMAGE_MANIFEST,
            r#"{"schemaVersion":2,"layers":[],"annotations":{"k":"v"},"x":1}"#,
            format!(
                r#"{{"schemaVersion":2,"layers":[],"subject":{stated},"annotations":{{"k":"v"}},"x":1}}"#
            ),
        ),
        (
            MediaType::ARTIFACT_MANIFEST,
            r#"{"mediaType":"a/a","x":1}"#,
            format!(r#"{{"mediaType":"a/a","blobs":[],"subject":{stated},"x":1}}"#),
        ),
    ] {
        let mut editor = editor(&media_type, written);
        editor.set_subject(Some(&subject)).unwrap();
        assert_eq!(text(&editor), wanted);
        editor.set_subject(None).unwrap();
        assert_eq!(text(&editor), written);
    }
}

#[test]
fn descriptors_of_the_same_digest_keep_their_unknown_members() {
    let (a, b) = (entry(A), entry(B));
    let written = format!(r#"{{"config":{a},"layers":[{a},{b},{a}]}}"#);
    let mut editor = editor(&MediaType::DOCKER_MANIFEST, &written);
    let mut layers = editor.entries();
    layers[1].annotations.insert("k".into(), "v".into());
    layers[1].size = 2;
    layers.swap(0, 1);
    let new = Descriptor::of(MediaType::OCTET_STREAM, b"c");
    layers[2] = new.clone();
    editor.set_entries(&layers);
    let mut config = layers[1].clone();
    config.media_type = MediaType::DOCKER_CONFIG;
    editor.set_config(&config).unwrap();
    assert_eq!(
        text(&editor),
        format!(
            r#"{{"config":{},"layers":[{},{a},{}]}}"#,
            format_args!(
                r#"{{"size":1,"mediaType":"application/vnd.docker.container.image.v1+json","digest":"{A}","x":[ 1.50 ]}}"#
            ),
            format_args!(
                r#"{{"size":2,"mediaType":"m/m","digest":"{B}","annotations":{{"k":"v"}},"x":[ 1.50 ]}}"#
            ),
            text_of(&new)
        )
    );
}

#[test]
fn members_that_a_kind_does_not_have_are_refused() {
    let descriptor = Descriptor::empty();
    for (media_type, written) in manifests() {
        let mut editor = editor(&media_type, &written);
        let is_image = media_type.is_image_manifest();
        assert_eq!(editor.set_config(&descriptor).is_ok(), is_image);
        assert_eq!(
            editor.set_subject(Some(&descriptor)).is_err(),
            media_type.is_docker()
        );
    }
}

#[test]
fn documents_that_are_not_manifests_are_refused() {
    for (media_type, text) in [
        (MediaType::IMAGE_MANIFEST, "[]"),
        (MediaType::IMAGE_MANIFEST, r#"{"layers":[],"manifests":[]}"#),
        (MediaType::IMAGE_INDEX, r#"{"manifests":{}}"#),
        (MediaType::IMAGE_INDEX, r#"{"manifests":[],"manifests":[]}"#),
        (MediaType::OCTET_STREAM, "{}"),
    ] {
        let manifest = RawManifest::new(media_type, text.as_bytes().to_vec());
        assert!(manifest.edit().is_err(), "{text}");
    }
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let _ = RawManifest::new(MediaType::IMAGE_INDEX, deep.into_bytes()).edit();
}
