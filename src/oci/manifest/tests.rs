use super::*;

const BLOB: &str = r#"{"mediaType":"a/b","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}"#;

fn raw(media_type: MediaType, text: &str) -> RawManifest {
    RawManifest::new(media_type, text.as_bytes().to_vec())
}

#[test]
fn successors_have_the_order_of_each_manifest_type() {
    let subject = BLOB.replace("a/b", "subject/x");
    let image =
        format!(r#"{{"schemaVersion":2,"config":{BLOB},"layers":[{BLOB}],"subject":{subject}}}"#);
    let types = |raw: RawManifest| -> Vec<String> {
        raw.successors()
            .unwrap()
            .iter()
            .map(|d| d.media_type.to_string())
            .collect()
    };
    assert_eq!(
        types(raw(MediaType::IMAGE_MANIFEST, &image)),
        ["subject/x", "a/b", "a/b"]
    );
    assert_eq!(
        types(raw(MediaType::DOCKER_MANIFEST, &image)),
        ["a/b", "a/b"]
    );
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{BLOB}],"subject":{subject}}}"#);
    assert_eq!(
        types(raw(MediaType::IMAGE_INDEX, &index)),
        ["subject/x", "a/b"]
    );
    let artifact = format!(r#"{{"mediaType":"x/y","blobs":[{BLOB}],"subject":{subject}}}"#);
    assert_eq!(
        types(raw(MediaType::ARTIFACT_MANIFEST, &artifact)),
        ["subject/x", "a/b"]
    );
    assert!(types(raw(MediaType::OCTET_STREAM, "anything")).is_empty());
}

#[test]
fn missing_and_unset_members_are_no_successors() {
    let untyped = BLOB.replace(r#""mediaType":"a/b","#, "");
    for (members, wanted) in [
        (String::new(), 0),
        (r#""config":null,"layers":null"#.to_owned(), 0),
        (r#""config":{},"layers":[null,{}]"#.to_owned(), 0),
        (format!(r#""layers":[{BLOB}]"#), 1),
        (format!(r#""config":{BLOB},"layers":null"#), 1),
        (
            format!(r#""config":{{"mediaType":"","digest":"","size":0}},"layers":[{BLOB}]"#),
            1,
        ),
        (
            format!(r#""config":{untyped},"layers":[{{}},{untyped}]"#),
            2,
        ),
        (r#""subject":null,"annotations":{"k":null}"#.to_owned(), 0),
        (
            r#""subject":{},"schemaVersion":null,"mediaType":null,"artifactType":null"#.to_owned(),
            0,
        ),
    ] {
        let image = raw(MediaType::IMAGE_MANIFEST, &format!("{{{members}}}"));
        assert_eq!(image.successors().unwrap().len(), wanted, "{members}");
    }
    for members in [
        r#""manifests":null,"annotations":null"#,
        r#""manifests":[null]"#,
    ] {
        let index = raw(MediaType::IMAGE_INDEX, &format!("{{{members}}}"));
        assert!(index.successors().unwrap().is_empty(), "{members}");
    }
    assert!(
        raw(MediaType::ARTIFACT_MANIFEST, "{}")
            .successors()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_shape_indicates_the_media_type() {
    for (text, wanted) in [
        ("{}", None),
        (r#"{"manifests":null,"config":null}"#, None),
        (r#"{"manifests":[]}"#, Some(MediaType::IMAGE_INDEX)),
        (r#"{"config":{}}"#, Some(MediaType::IMAGE_MANIFEST)),
        (r#"{"layers":[]}"#, Some(MediaType::IMAGE_MANIFEST)),
    ] {
        let shape = ManifestShape::parse(text.as_bytes()).unwrap();
        assert_eq!(shape.inferred_media_type(), wanted, "{text}");
    }
}

#[test]
fn a_document_that_is_manifest_and_index_is_refused() {
    let both = format!(r#"{{"schemaVersion":2,"config":{BLOB},"layers":[],"manifests":[]}}"#);
    for media_type in [MediaType::IMAGE_MANIFEST, MediaType::IMAGE_INDEX] {
        assert!(matches!(
            raw(media_type, &both).view(),
            Err(Error::Malformed { .. })
        ));
    }
}

#[test]
fn every_prefix_of_a_manifest_is_an_error_that_names_it() {
    let text = format!(
        r#"{{"schemaVersion":2,"config":{BLOB},"layers":[{BLOB}],"annotations":{{"k":"v"}}}}"#
    );
    for end in 0..text.len() {
        let prefix = raw(MediaType::IMAGE_MANIFEST, &text[..end]);
        let error = prefix.view().unwrap_err().to_string();
        assert!(
            error.contains(prefix.descriptor().digest.as_str()),
            "{error}"
        );
    }
}
