use super::*;
use crate::oci::{Algorithm, EMPTY_INDEX};

const A: &str = r#"{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb","size":1}"#;
const B: &str = r#"{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d","size":1}"#;

fn a() -> Descriptor {
    Descriptor::of(MediaType::IMAGE_MANIFEST, b"a")
}

fn b() -> Descriptor {
    Descriptor::of(MediaType::IMAGE_MANIFEST, b"b")
}

fn of_type(descriptor: Descriptor, artifact_type: &str) -> Descriptor {
    Descriptor {
        artifact_type: Some(artifact_type.into()),
        ..descriptor
    }
}

fn list(entries: &str) -> ReferrersIndex {
    ReferrersIndex::parse(
        EMPTY_INDEX
            .replace("[]", &format!("[{entries}]"))
            .as_bytes(),
    )
    .unwrap()
}

fn text(list: &ReferrersIndex) -> String {
    String::from_utf8(list.to_manifest().into_bytes()).unwrap()
}

fn referrer(media_type: MediaType, members: &str) -> Option<Referrer> {
    let text = format!(r#"{{"schemaVersion":2,{members},"annotations":{{"k":"v"}}}}"#);
    Referrer::from_manifest(&RawManifest::new(media_type, text.into_bytes())).unwrap()
}

#[test]
fn entries_have_the_artifact_type_of_the_manifest() {
    let config = A.replace("application/vnd.oci.image.manifest.v1+json", "config/type");
    let of_type = r#""artifactType":"a/b""#;
    let subject = format!(r#""subject":{B}"#);
    let image = format!(r#""config":{config},{subject}"#);
    for (media_type, members, wanted) in [
        (
            MediaType::IMAGE_MANIFEST,
            format!("{image},{of_type}"),
            Some("a/b"),
        ),
        (
            MediaType::IMAGE_MANIFEST,
            format!(r#"{image},"artifactType":"""#),
            Some("config/type"),
        ),
        (
            MediaType::IMAGE_INDEX,
            format!("{subject},{of_type}"),
            Some("a/b"),
        ),
        (MediaType::IMAGE_INDEX, subject.clone(), None),
        (
            MediaType::ARTIFACT_MANIFEST,
            format!(r#"{subject},{of_type},"mediaType":"x/y""#),
            Some("a/b"),
        ),
    ] {
        let got = referrer(media_type.clone(), &members).unwrap();
        assert_eq!(got.subject, b());
        assert_eq!(got.descriptor.media_type, media_type);
        assert_eq!(got.descriptor.annotations["k"], "v");
        let artifact_type = got.descriptor.artifact_type.as_ref();
        assert_eq!(artifact_type.map(MediaType::as_str), wanted, "{members}");
    }
}

#[test]
fn docker_manifests_and_manifests_without_a_subject_are_not_referrers() {
    let image = format!(r#""config":{A}"#);
    assert_eq!(referrer(MediaType::IMAGE_MANIFEST, &image), None);
    let with_subject = format!(r#"{image},"subject":{B}"#);
    assert_eq!(referrer(MediaType::DOCKER_MANIFEST, &with_subject), None);
    assert_eq!(referrer(MediaType::OCTET_STREAM, &with_subject), None);
}

#[test]
fn referrers_tags_are_truncated_to_the_length_of_a_tag() {
    let of = |algorithm| referrers_tag(&Digest::with(algorithm, b""));
    assert_eq!(
        of(Algorithm::Sha256),
        "sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(
        of(Algorithm::Sha384),
        "sha384-38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da"
    );
    assert_eq!(
        of(Algorithm::Sha512),
        "sha512-cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
    );
}

#[test]
fn referrers_tags_are_recognised_by_their_form() {
    for algorithm in Algorithm::ALL {
        let tag = referrers_tag(&Digest::with(algorithm, b""));
        assert!(is_referrers_tag(&tag), "{tag}");
        for other in [
            tag.to_uppercase(),
            format!("{tag}.sig"),
            format!("{tag}0"),
            tag[..tag.len() - 1].to_owned(),
            tag.replace('-', "_"),
            tag.replace("sha", "md"),
        ] {
            assert!(!is_referrers_tag(&other), "{other}");
        }
    }
}

/// Examples G10 and G11 of the original program.
#[test]
fn referrers_indexes_have_the_bytes_of_the_original() {
    let mut referrer = Descriptor::new(
        MediaType::IMAGE_MANIFEST,
        "sha256:25c7e3539deafd637cf448d0aedc1ac4824a49764833429c818025f69f0f3c12"
            .parse()
            .unwrap(),
        674,
    );
    referrer.artifact_type = Some("sig/example".into());
    referrer.annotations.insert(
        "org.opencontainers.image.created".to_owned(),
        "2000-01-01T00:00:00Z".to_owned(),
    );
    let mut list = ReferrersIndex::empty();
    list.add_all([&referrer]);
    assert_eq!(
        text(&list),
        r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:25c7e3539deafd637cf448d0aedc1ac4824a49764833429c818025f69f0f3c12","size":674,"annotations":{"org.opencontainers.image.created":"2000-01-01T00:00:00Z"},"artifactType":"sig/example"}]}"#
    );
    assert_eq!(
        list.to_manifest().descriptor().digest.as_str(),
        "sha256:e0202bb3b437241ab0286689b595967347d48d820f070a44e31f756e8515adfd"
    );
    list.remove(&referrer.digest);
    assert_eq!(
        list.to_manifest().descriptor().digest.as_str(),
        "sha256:dff9de10919148711140d349bf03f1a99eb06f94b03e51715ccebfa7cdc518e2"
    );
}

#[test]
fn unedited_members_and_entries_keep_their_bytes() {
    let before = format!(
        r#"{{"x": 1.50, "manifests": [ {{"y":[ ],{}, {{"digest":"blake3:00"}}, {B} ], "annotations": {{"k":"v"}}, "schemaVersion": 2}}"#,
        A.strip_prefix('{').unwrap()
    );
    let mut list = ReferrersIndex::parse(before.as_bytes()).unwrap();
    list.add_all([&a()]);
    list.remove(&b().digest);
    assert_eq!(
        text(&list),
        format!(
            r#"{{"x":1.50,"manifests":[{{"y":[ ],{},{{"digest":"blake3:00"}}],"annotations":{{"k":"v"}},"schemaVersion":2}}"#,
            A.strip_prefix('{').unwrap()
        )
    );
}

#[test]
fn empty_and_duplicate_entries_are_not_written() {
    let before = format!("{{}},{A},null,{A},{B}");
    assert_eq!(
        list(&before).to_manifest(),
        list(&format!("{A},{B}")).to_manifest()
    );
}

#[test]
fn tagged_manifests_that_are_not_referrers_indexes_are_refused() {
    let found = |media_type, text: &str| {
        let manifest = RawManifest::new(media_type, text.as_bytes().to_vec());
        ReferrersIndex::from_tagged(&manifest, &a().digest)
    };
    let index = |text: &str| found(MediaType::IMAGE_INDEX, text);
    assert!(index(EMPTY_INDEX).is_ok());
    assert!(index(r#"{"schemaVersion":2,"manifests":null}"#).is_ok());
    let with = |members: &str| EMPTY_INDEX.replace('}', &format!(",{members}}}"));
    for (text, wanted) in [
        ("{}", "it is no index of schema version 2"),
        (
            r#"{"schemaVersion":1,"manifests":[]}"#,
            "it is no index of schema version 2",
        ),
        (
            &with(r#""config":{}"#),
            "it is no index of schema version 2",
        ),
        (
            &with(r#""layers":[]"#),
            "it is no index of schema version 2",
        ),
        (&with(r#""subject":{}"#), "it has a subject of its own"),
        (r#"{"schemaVersion":2,"manifests":1}"#, "expected `[`"),
    ] {
        let reason = index(text).unwrap_err();
        assert!(reason.contains(wanted), "{text}: {reason}");
    }
    let reason = found(MediaType::IMAGE_MANIFEST, EMPTY_INDEX).unwrap_err();
    assert_eq!(
        reason,
        "it is a \"application/vnd.oci.image.manifest.v1+json\""
    );
    let itself = RawManifest::new(MediaType::IMAGE_INDEX, EMPTY_INDEX.as_bytes().to_vec());
    let reason = ReferrersIndex::from_tagged(&itself, &itself.descriptor().digest).unwrap_err();
    assert_eq!(reason, "it is the subject itself");
}

#[test]
fn indexes_with_too_many_entries_are_refused() {
    let document = format!(r#"{{"manifests":[{}0]}}"#, "0,".repeat(MAX_REFERRERS));
    let reason = ReferrersIndex::parse(document.as_bytes()).unwrap_err();
    assert!(
        reason.contains("100001 entries are more than 100000"),
        "{reason}"
    );
}

#[test]
fn truncated_indexes_are_refused() {
    let text = EMPTY_INDEX.replace("[]", &format!("[{A},{B}]"));
    for end in 0..text.len() {
        assert!(
            ReferrersIndex::parse(&text.as_bytes()[..end]).is_err(),
            "{end}"
        );
    }
    assert!(ReferrersIndex::parse(b"[]").is_err());
    assert!(ReferrersIndex::parse(b"\xff").is_err());
}

#[test]
fn each_referrer_of_the_artifact_type_is_returned_once() {
    let subject = Descriptor::of(MediaType::IMAGE_MANIFEST, b"subject");
    let select = |artifact_type, is_filtered| {
        let mut filter = ReferrerFilter::new(&subject, artifact_type);
        let mut digests = Vec::new();
        for page in [
            vec![of_type(a(), "x/x"), subject.clone()],
            vec![of_type(a(), "x/x"), b()],
        ] {
            let selected = filter.filter_page(&page, is_filtered).unwrap();
            digests.extend(selected.into_iter().map(|entry| entry.digest));
        }
        digests
    };
    assert_eq!(select(None, false), [a().digest, b().digest]);
    assert_eq!(select(Some("x/x"), false), [a().digest]);
    assert_eq!(select(Some("y/y"), false), []);
    // The registry filtered, so an entry without a type matches.
    assert_eq!(select(Some("y/y"), true), [b().digest]);
}

#[test]
fn too_many_referrers_are_refused() {
    let subject = Descriptor::of(MediaType::IMAGE_MANIFEST, b"subject");
    let mut filter = ReferrerFilter::new(&subject, None);
    let mut page = |start: usize, end: usize| {
        let page: Vec<_> = (start..end)
            .map(|number| {
                let digest = format!("sha256:{number:064x}").parse().unwrap();
                Descriptor::new(MediaType::IMAGE_MANIFEST, digest, 1)
            })
            .collect();
        filter.filter_page(&page, false)
    };
    page(0, MAX_REFERRERS).unwrap();
    page(0, MAX_REFERRERS).unwrap();
    let error = page(MAX_REFERRERS, MAX_REFERRERS + 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "number of referrers of {} size 100001 exceeds MaxReferrers 100000: size exceeds limit",
            subject.digest
        )
    );
}

#[test]
fn applied_filters_are_parsed() {
    for (filters, wanted) in [
        ("artifactType", true),
        ("x, artifactType ", true),
        ("", false),
        ("artifactTypes", false),
    ] {
        assert_eq!(includes_artifact_type(filters), wanted, "{filters}");
        let annotations = format!(
            r#"{{"annotations":{{"org.opencontainers.referrers.filtersApplied":"{filters}"}}}}"#
        );
        let list = ReferrersIndex::parse(annotations.as_bytes()).unwrap();
        assert_eq!(list.is_filtered(), wanted, "{filters}");
    }
    assert!(!list("").is_filtered());
}
