//! Unusual and invalid referrers indexes.

use serde_json::{Value, json};

use super::artifacts::{INDEX, MANIFEST, Repository, with};
use crate::support::registry::TestRegistry;

/// `l`: artifacts with unusual documents at their referrers tags.
pub(super) fn odd(registry: TestRegistry) -> TestRegistry {
    let l = Repository {
        registry: &registry,
        name: "l",
    };
    let image = |name: &str| {
        let config = l.empty_config();
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [], "annotations": { "name": name } });
        l.document(MANIFEST, &manifest, Some(name))
    };
    let list = |subject: &Value, entries: &[Value]| {
        let tag = subject["digest"]
            .as_str()
            .unwrap_or_default()
            .replace(':', "-");
        l.index(&tag, entries)
    };
    let of_type = |descriptor: &Value, artifact_type: &str| {
        with(descriptor.clone(), "artifactType", json!(artifact_type))
    };

    let itself = image("itself");
    let one = image("one");
    list(&itself, &[of_type(&itself, "self"), of_type(&one, "other")]);

    let (circle, back) = (image("circle"), image("back"));
    list(&circle, &[of_type(&back, "forth")]);
    list(&back, &[of_type(&circle, "back")]);

    let described = with(of_type(&one, "first"), "annotations", json!({ "n": "2" }));
    list(
        &image("twice"),
        &[of_type(&one, "first"), of_type(&one, "second"), described],
    );

    let everything = with(
        of_type(&image("five"), "everything"),
        "annotations",
        json!({ "a": "b" }),
    );
    let everything = with(everything, "urls", json!(["https://example.com"]));
    let everything = with(
        everything,
        "platform",
        json!({ "os": "linux", "architecture": "arm" }),
    );
    let everything = with(everything, "data", json!("e30="));
    list(
        &image("types"),
        &[
            image("two"),
            of_type(&image("three"), ""),
            of_type(&image("four"), "größer/日本"),
            of_type(&one, "two\nlines"),
            of_type(&image("six"), "\u{1b}[2J"),
            of_type(&image("seven"), "\u{1b}"),
            everything,
        ],
    );

    let gone = of_type(
        &json!({ "mediaType": MANIFEST, "digest": format!("sha256:{}", "0".repeat(64)), "size": 5 }),
        "gone",
    );
    list(&image("gone"), &[gone]);

    let unreadable = json!({ "mediaType": MANIFEST, "digest": "sha256:12", "size": 5 });
    list(
        &image("unreadable"),
        &[of_type(&one, "first"), unreadable, json!("text"), json!({})],
    );

    let no_list = image("no-list");
    let tag = no_list["digest"]
        .as_str()
        .unwrap_or_default()
        .replace(':', "-");
    l.artifact(&tag, &[]);

    let index = image("index");
    let platform = json!({ "os": "linux", "architecture": "arm" });
    let document = json!({
        "schemaVersion": 2, "mediaType": INDEX, "manifests": [with(one, "platform", platform)], "annotations": { "a": "b" },
    });
    let tag = index["digest"]
        .as_str()
        .unwrap_or_default()
        .replace(':', "-");
    l.document(INDEX, &document, Some(&tag));
    registry
}
