use super::*;
use crate::oci::descriptor::REF_NAME;
use crate::oci::media_type::MediaType;

const A: &str = r#""mediaType":"a/a","digest":"sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb","size":1"#;
const B: &str = r#""mediaType":"b/b","digest":"sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d","size":1"#;

fn a() -> Descriptor {
    Descriptor::of(MediaType::from("a/a"), b"a")
}

fn b() -> Descriptor {
    Descriptor::of(MediaType::from("b/b"), b"b")
}

fn document(entries: &[String]) -> String {
    Index::EMPTY.replace("[]", &format!("[{}]", entries.join(",")))
}

fn plain(members: &str) -> String {
    format!("{{{members}}}")
}

fn tagged(members: &str, tag: &str) -> String {
    format!(r#"{{{members},"annotations":{{"org.opencontainers.image.ref.name":"{tag}"}}}}"#)
}

/// Returns the document after an edit.
fn edited(before: &str, edit: impl FnOnce(&mut Index)) -> String {
    let mut index = Index::parse(before.as_bytes()).unwrap();
    edit(&mut index);
    String::from_utf8(index.to_bytes()).unwrap()
}

#[test]
fn documents_with_too_many_entries_are_refused() {
    let document = format!(r#"{{"manifests":[{}0]}}"#, "0,".repeat(MAX_INDEX_ENTRIES));
    let error = Index::parse(document.as_bytes()).unwrap_err().to_string();
    assert!(
        error.contains("250001 entries are more than 250000"),
        "{error}"
    );
}

#[test]
fn tagging_keeps_the_order_and_all_manifests() {
    for (rule, before, target, tag, after) in [
        (
            "new content is added at the end",
            vec![tagged(A, "v1")],
            b(),
            "v2",
            vec![tagged(A, "v1"), tagged(B, "v2")],
        ),
        (
            "an entry without a tag is replaced in its position",
            vec![plain(A), plain(B)],
            a(),
            "v1",
            vec![tagged(A, "v1"), plain(B)],
        ),
        (
            "a second tag is a second entry",
            vec![tagged(A, "v1"), plain(B)],
            a(),
            "v2",
            vec![tagged(A, "v1"), plain(B), tagged(A, "v2")],
        ),
        (
            "a moved tag keeps its position, and the content that lost it stays listed",
            vec![tagged(A, "v1"), tagged(B, "v2")],
            b(),
            "v1",
            vec![tagged(B, "v1"), tagged(B, "v2"), plain(A)],
        ),
        (
            "content that has another tag gets no entry without one",
            vec![tagged(A, "v1"), tagged(A, "v2"), plain(B)],
            b(),
            "v1",
            vec![tagged(B, "v1"), tagged(A, "v2")],
        ),
        (
            "the same tag again changes nothing",
            vec![tagged(A, "v1"), plain(B)],
            a(),
            "v1",
            vec![tagged(A, "v1"), plain(B)],
        ),
        (
            "several entries with one tag become one",
            vec![tagged(A, "v1"), tagged(B, "v1")],
            b(),
            "v1",
            vec![tagged(B, "v1"), plain(A)],
        ),
        (
            "an empty tag counts as no tag",
            vec![tagged(A, "")],
            a(),
            "v1",
            vec![tagged(A, "v1")],
        ),
    ] {
        let got = edited(&document(&before), |index| index.tag(&target, tag));
        assert_eq!(got, document(&after), "{rule}");
    }
}

#[test]
fn untagged_content_keeps_its_entry_and_position() {
    for (rule, before, after) in [
        (
            "the entry stays without the tag",
            vec![tagged(A, "v1"), plain(B)],
            vec![plain(A), plain(B)],
        ),
        (
            "content that has another tag gets no entry without one",
            vec![tagged(A, "v1"), tagged(A, "v2")],
            vec![tagged(A, "v2")],
        ),
        (
            "all entries with the tag lose it",
            vec![tagged(A, "v1"), tagged(B, "v1"), tagged(A, "v1")],
            vec![plain(A), plain(B)],
        ),
    ] {
        let got = edited(&document(&before), |index| assert!(index.untag("v1")));
        assert_eq!(got, document(&after), "{rule}");
    }
    let other = document(&[tagged(A, "v2")]);
    assert_eq!(edited(&other, |index| assert!(!index.untag("v1"))), other);
}

#[test]
fn removed_content_has_no_entry_with_any_tag() {
    let before = document(&[tagged(A, "v1"), tagged(B, "v2"), plain(A), tagged(A, "v3")]);
    let mut index = Index::parse(before.as_bytes()).unwrap();
    index.remove(&HashSet::from([&a().digest]));
    assert_eq!(
        index,
        Index::parse(document(&[tagged(B, "v2")]).as_bytes()).unwrap()
    );
    assert!(index.tagged("v1").is_none());
    assert_eq!(index.tagged("v2").unwrap().unwrap().plain(), b());
}

#[test]
fn listing_adds_an_entry_only_if_the_digest_has_none() {
    let one = document(&[tagged(A, "v1")]);
    assert_eq!(edited(&one, |index| index.list(&a())), one);
    let mut from_elsewhere = b();
    from_elsewhere
        .annotations
        .insert(REF_NAME.to_owned(), "its tag there".to_owned());
    assert_eq!(
        edited(&one, |index| index.list(&from_elsewhere)),
        document(&[tagged(A, "v1"), plain(B)])
    );
}

#[test]
fn a_new_tag_keeps_known_members_of_the_entry() {
    let known = r#""annotations":{"a":"1","z":"2"},"platform":{"architecture":"arm","os":"linux","features":["x"]},"artifactType":"t/t","unknown":1.0"#;
    let before = document(&[format!("{{{A},{known}}}")]);
    let named = known.replace(
        r#","z""#,
        r#","org.opencontainers.image.ref.name":"v1","z""#,
    );
    let after = document(&[format!("{{{A},{named}}}")]);
    assert_eq!(edited(&before, |index| index.tag(&a(), "v1")), after);

    let known_index = Index::parse(before.as_bytes()).unwrap();
    let known_descriptor = known_index.listed(&a().digest).unwrap().clone();
    assert_eq!(
        edited(&before, |index| index.tag(&known_descriptor, "v1")),
        after
    );

    let mut other = a();
    other.annotations.insert("b".to_owned(), "3".to_owned());
    other.artifact_type = Some(MediaType::from("u/u"));
    let index = edited(&before, |index| index.tag(&other, "v1"));
    assert!(
        index.contains(
            r#""annotations":{"b":"3","org.opencontainers.image.ref.name":"v1"},"platform""#
        ),
        "{index}"
    );
    assert!(
        index.contains(r#""artifactType":"u/u","unknown":1.0"#),
        "{index}"
    );
}

#[test]
fn unedited_members_and_entries_keep_their_bytes() {
    let before = format!(
        "{{\n \"x\": 1.50, \"manifests\": [ {{\"y\": [ ], {A}}}, {{\"digest\":\"blake3:00\"}}, null ],\n\"schemaVersion\":2,\"z\":\"\\u0041\"}}"
    );
    let after = format!(
        r#"{{"x":1.50,"manifests":[{{"y": [ ], {A}}},{{"digest":"blake3:00"}},null,{}],"schemaVersion":2,"z":"\u0041"}}"#,
        tagged(B, "v1")
    );
    assert_eq!(edited(&before, |index| index.tag(&b(), "v1")), after);
}

#[test]
fn a_document_without_members_is_an_empty_index() {
    for text in [
        "null",
        "{}",
        " { } ",
        r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":null}"#,
    ] {
        assert_eq!(edited(text, |_| ()), Index::EMPTY, "{text}");
    }
    assert_eq!(
        edited(r#"{"schemaVersion":2}"#, |_| ()),
        r#"{"schemaVersion":2,"manifests":[]}"#
    );
}

#[test]
fn an_invalid_entry_is_an_error_only_when_its_tag_is_resolved() {
    let bad = r#"{"mediaType":"a/a","digest":"blake3:00","size":1,"annotations":{"org.opencontainers.image.ref.name":"bad"}}"#;
    let before = document(&[tagged(A, "v1"), bad.to_owned()]);
    let index = Index::parse(before.as_bytes()).unwrap();
    assert_eq!(index.tagged("v1").unwrap().unwrap().plain(), a());
    let error = index.tagged("bad").unwrap().unwrap_err().to_string();
    assert!(error.contains("the entry of tag \"bad\""), "{error}");
    assert_eq!(index.tags(), BTreeSet::from(["bad", "v1"]));
    assert_eq!(
        edited(&before, |index| index.tag(&b(), "bad")),
        document(&[
            tagged(A, "v1"),
            tagged(B, "bad"),
            r#"{"mediaType":"a/a","digest":"blake3:00","size":1}"#.to_owned()
        ])
    );
}

#[test]
fn every_prefix_of_a_document_is_an_error() {
    let text = document(&[tagged(A, "v1"), plain(B)]);
    for end in 0..text.len() {
        let error = Index::parse(&text.as_bytes()[..end]).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("invalid OCI Image Index: failed to decode index file: "),
            "{error}"
        );
    }
    assert!(Index::parse(b"[]").is_err());
    assert!(Index::parse(b"\xff").is_err());
}
