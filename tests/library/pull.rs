//! Pulling with a filter, and pulling layers without a title: downloads, files and reports.

use oras::Descriptor;
use oras::Result;
use oras::filter::Filter;
use oras::progress::Event;
use oras::pull::{Listed, PullOptions, Pulled, list, pull};
use serde_json::{Value, json};

use crate::observers::collecting;
use crate::setup::client;
use crate::support::registry::{TestRegistry, sha256};
use crate::support::tempdir::TempDir;
use crate::support::tree::{assert_tree, file};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

pub(crate) fn filter(include: &[&str], exclude: &[&str]) -> Filter {
    let patterns = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    updated!(Filter {
        include: patterns(include),
        exclude: patterns(exclude),
        ..Filter::default()
    })
}

/// A layer. An empty title means no title.
pub(crate) fn layer(
    registry: &TestRegistry,
    title: &str,
    media_type: &str,
    content: &str,
) -> Value {
    let mut annotations = json!({});
    if !title.is_empty() {
        annotations["org.opencontainers.image.title"] = title.into();
    }
    json!({
        "mediaType": media_type,
        "digest": registry.seed_blob("a", content.as_bytes()),
        "size": content.len(),
        "annotations": annotations,
    })
}

pub(crate) fn image(
    registry: &TestRegistry,
    tag: &str,
    config: &Value,
    layers: &[Value],
) -> String {
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config,
        "layers": layers,
    });
    registry.seed_manifest("a", MANIFEST, manifest.to_string().as_bytes(), Some(tag))
}

/// A registry with an artifact `v1` that has these files, as title and content.
pub(crate) fn registry_with(files: &[(&str, &str)]) -> TestRegistry {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"{}");
    let layers: Vec<_> = files
        .iter()
        .map(|(title, content)| layer(&registry, title, "text/plain", content))
        .collect();
    image(&registry, "v1", &empty(), &layers);
    registry
}

pub(crate) fn empty() -> Value {
    json!({
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": sha256(b"{}"),
        "size": 2,
    })
}

/// A registry with three files in `v1`, and in `v2` the same with two layers and a config without a
/// title.
fn registry() -> TestRegistry {
    let registry = TestRegistry::start();
    registry.seed_blob("a", b"{}");
    let files = [
        layer(&registry, "readme.md", "text/markdown", "readme"),
        layer(&registry, "docs/one.txt", "text/plain", "one"),
        layer(&registry, "docs/deep/two.txt", LAYER, "two"),
    ];
    image(&registry, "v1", &empty(), &files);
    let config = layer(&registry, "", "application/json", "{\"k\":1}");
    let mut with_unnamed = files.to_vec();
    with_unnamed.push(layer(&registry, "", LAYER, "untitled"));
    with_unnamed.push(layer(&registry, "", "text/plain", "untitled text"));
    image(&registry, "v2", &config, &with_unnamed);
    registry
}

pub(crate) fn run(
    registry: &TestRegistry,
    tag: &str,
    options: PullOptions,
    output: &TempDir,
) -> Result<Pulled> {
    let client = client();
    let repository = client.repository(&registry.reference("a"))?;
    let options = updated!(PullOptions {
        output: output.join("out"),
        ..options
    });
    pull(&repository, tag, options)
}

fn titles(pulled: &Pulled) -> Vec<String> {
    pulled
        .files
        .iter()
        .map(|file| file.descriptor.title().unwrap_or("-").to_owned())
        .collect()
}

/// Returns the content of the blobs that were downloaded.
pub(crate) fn downloaded(registry: &TestRegistry) -> Vec<String> {
    registry
        .log()
        .iter()
        .filter_map(|line| line.strip_prefix("GET /v2/a/blobs/"))
        .map(|rest| {
            let digest = rest.split(' ').next().unwrap();
            String::from_utf8(registry.blob("a", digest).unwrap()).unwrap()
        })
        .collect()
}

#[test]
fn only_selected_files_are_downloaded() {
    for (include, exclude, wanted) in [
        (&["readme.md"][..], &[][..], &["readme"][..]),
        (&["docs/*"], &[], &["one"]),
        (&["docs/**"], &[], &["one", "two"]),
        (&["**/*.txt"], &["**/two*"], &["one"]),
        (&[], &["docs/**"], &["readme"]),
        (&["type=text/*"], &[], &["readme", "one"]),
        (&["type=text/*"], &["*.md"], &["one"]),
        (&["readme.md", "type=text/plain"], &[], &["readme", "one"]),
    ] {
        let registry = registry();
        let output = TempDir::new();
        let options = updated!(PullOptions {
            filter: filter(include, exclude),
            ..PullOptions::default()
        });

        let pulled = run(&registry, "v1", options, &output).unwrap();

        assert_eq!(downloaded(&registry), wanted, "{include:?} {exclude:?}");
        assert_eq!(pulled.files.len(), wanted.len());
        assert_eq!(pulled.unselected.len(), 3 - wanted.len());
        assert!(!pulled.skipped_unnamed);
        for file in &pulled.files {
            assert!(file.path.is_file());
        }
    }
}

#[test]
fn a_digest_selects_the_layer_with_it() {
    let registry = registry();
    let output = TempDir::new();
    let options = updated!(PullOptions {
        filter: filter(&[&sha256(b"one")], &[]),
        ..PullOptions::default()
    });

    let pulled = run(&registry, "v1", options, &output).unwrap();

    assert_eq!(titles(&pulled), ["docs/one.txt"]);
    assert_eq!(pulled.unselected, ["readme.md", "docs/deep/two.txt"]);
}

#[test]
fn a_filter_without_a_match_downloads_nothing() {
    let registry = registry();
    let output = TempDir::new();
    let options = updated!(PullOptions {
        filter: filter(&["nothing"], &[]),
        ..PullOptions::default()
    });

    let pulled = run(&registry, "v1", options, &output).unwrap();

    assert!(pulled.files.is_empty());
    assert_eq!(pulled.unselected.len(), 3);
    assert!(downloaded(&registry).is_empty());
}

#[test]
fn a_filter_applies_to_the_files_of_every_manifest() {
    let registry = registry();
    let one = image(
        &registry,
        "one",
        &empty(),
        &[layer(&registry, "amd64.bin", LAYER, "amd64")],
    );
    let two = image(
        &registry,
        "two",
        &empty(),
        &[layer(&registry, "arm64.bin", LAYER, "arm64")],
    );
    registry.seed_index("a", "all", &[&one, &two]);
    let output = TempDir::new();
    let options = updated!(PullOptions {
        filter: filter(&["arm64*"], &[]),
        ..PullOptions::default()
    });

    let pulled = run(&registry, "all", options, &output).unwrap();

    assert_eq!(titles(&pulled), ["arm64.bin"]);
    assert_eq!(downloaded(&registry), ["arm64"]);
    assert!(!pulled.skipped_unnamed, "manifests are not files");
}

#[test]
fn the_files_of_an_unselected_titled_manifest_are_pulled() {
    let registry = registry();
    let inner = image(
        &registry,
        "inner",
        &empty(),
        &[layer(&registry, "inside.txt", LAYER, "inside")],
    );
    let size = registry.manifest("a", &inner).unwrap().len();
    let index = json!({ "schemaVersion": 2, "manifests": [{
        "mediaType": MANIFEST,
        "digest": inner,
        "size": size,
        "annotations": { "org.opencontainers.image.title": "inner.json" },
    }]});
    let index_type = "application/vnd.oci.image.index.v1+json";
    registry.seed_manifest("a", index_type, index.to_string().as_bytes(), Some("outer"));
    for (include, wanted) in [
        (&["inside.txt"][..], &["inside.txt"][..]),
        (&["in*"], &["inner.json", "inside.txt"]),
    ] {
        let output = TempDir::new();
        let options = updated!(PullOptions {
            filter: filter(include, &[]),
            ..PullOptions::default()
        });
        let pulled = run(&registry, "outer", options, &output).unwrap();
        assert_eq!(titles(&pulled), wanted);
        assert_eq!(output.join("out/inner.json").exists(), wanted.len() == 2);
    }
}

#[test]
fn untitled_layers_are_named_by_digest_on_request() {
    let registry = registry();
    let output = TempDir::new();
    let options = updated!(PullOptions {
        unnamed: true,
        ..PullOptions::default()
    });

    let pulled = run(&registry, "v2", options, &output).unwrap();

    let name = |content: &str| sha256(content.as_bytes()).replace(':', "-");
    assert_tree(
        &output.join("out"),
        &[
            file("docs/deep/two.txt", "two"),
            file("docs/one.txt", "one"),
            file("readme.md", "readme"),
            file(&name("untitled"), "untitled"),
            file(&name("untitled text"), "untitled text"),
        ],
    );
    assert!(!pulled.skipped_unnamed);
    assert_eq!(
        titles(&pulled),
        ["readme.md", "docs/one.txt", "docs/deep/two.txt", "-", "-"],
        "descriptors equal those of the manifest"
    );
    let last = pulled.files.last().unwrap();
    assert!(last.path.ends_with(name("untitled text")));
    assert!(!downloaded(&registry).contains(&"{\"k\":1}".to_owned()));
}

#[test]
fn untitled_layers_are_filtered_by_type_digest_and_file_name() {
    for (include, wanted) in [
        ("type=text/plain", &["one", "untitled text"][..]),
        (&sha256(b"untitled"), &["untitled"]),
        ("sha256-*", &["untitled", "untitled text"]),
    ] {
        let registry = registry();
        let output = TempDir::new();
        let options = updated!(PullOptions {
            unnamed: true,
            filter: filter(&[include], &[]),
            ..PullOptions::default()
        });
        run(&registry, "v2", options, &output).unwrap();
        assert_eq!(downloaded(&registry), wanted, "{include}");
    }
}

#[test]
fn skipped_untitled_layers_are_reported_only_if_the_filter_selects_them() {
    for (include, exclude, is_reported) in [
        (&[][..], &[][..], true),
        (&["*.md"], &[], false),
        (&["type=text/plain"], &[], true),
        (&[&*sha256(b"untitled")], &[], true),
        (&[], &["*.md"], true),
        (&[], &["type=*"], false),
    ] {
        let registry = registry();
        let output = TempDir::new();
        let options = updated!(PullOptions {
            filter: filter(include, exclude),
            ..PullOptions::default()
        });
        let pulled = run(&registry, "v2", options, &output).unwrap();
        assert_eq!(
            pulled.skipped_unnamed, is_reported,
            "{include:?} {exclude:?}"
        );
    }
}

#[test]
fn the_archive_of_an_untitled_directory_is_not_unpacked() {
    let registry = registry();
    let mut directory = layer(&registry, "", LAYER, "no archive at all");
    directory["annotations"] = json!({ "io.deis.oras.content.unpack": "true" });
    // Two manifests refer to it, as base layers of images.
    let one = image(&registry, "one", &empty(), &[directory.clone()]);
    let mut other = empty();
    other["annotations"] = json!({ "other": "manifest" });
    let two = image(&registry, "two", &other, &[directory]);
    registry.seed_index("a", "both", &[&one, &two]);
    let output = TempDir::new();
    let options = updated!(PullOptions {
        unnamed: true,
        ..PullOptions::default()
    });

    let pulled = run(&registry, "both", options, &output).unwrap();

    let name = sha256(b"no archive at all").replace(':', "-");
    assert_tree(&output.join("out"), &[file(&name, "no archive at all")]);
    assert_eq!(pulled.files.len(), 1);
}

#[test]
fn a_requested_config_is_pulled_whatever_the_filter() {
    let registry = registry();
    let output = TempDir::new();
    let options = updated!(PullOptions {
        filter: filter(&["readme.md"], &[]),
        config: Some(("config.json".to_owned(), None)),
        ..PullOptions::default()
    });

    run(&registry, "v2", options, &output).unwrap();

    assert_tree(
        &output.join("out"),
        &[
            file("config.json", "{\"k\":1}"),
            file("readme.md", "readme"),
        ],
    );
}

#[test]
fn a_titled_config_is_pulled_as_a_file() {
    let registry = registry();
    let config = layer(&registry, "config.json", "application/json", "{\"k\":1}");
    let readme = layer(&registry, "readme.md", "text/markdown", "readme");
    image(&registry, "named", &config, &[readme]);
    for (include, wanted) in [
        (&[][..], &["config.json", "readme.md"][..]),
        (&["*.json"], &["config.json"]),
        (&["*.md"], &["readme.md"]),
    ] {
        let output = TempDir::new();
        let options = || {
            updated!(PullOptions {
                filter: filter(include, &[]),
                ..PullOptions::default()
            })
        };
        let pulled = run(&registry, "named", options(), &output).unwrap();
        assert_eq!(titles(&pulled), wanted, "{include:?}");
        for file in &pulled.files {
            assert!(file.path.exists(), "{}", file.path.display());
        }
        let listed = listed(&registry, "named", options());
        let listed: Vec<_> = listed.files.iter().filter_map(Descriptor::title).collect();
        assert_eq!(listed, wanted, "{include:?}");
    }
}

#[test]
fn layers_that_the_filter_rejects_are_not_reported_as_skipped() {
    let registry = registry();
    let output = TempDir::new();
    let (observer, skipped) = collecting(|event| match event {
        Event::Skipped(node) => Some(node.digest.to_string()),
        _ => None,
    });
    let options = updated!(PullOptions {
        filter: filter(&["readme.md"], &[]),
        observer: Some(observer),
        ..PullOptions::default()
    });
    run(&registry, "v2", options, &output).unwrap();
    assert_eq!(skipped.take(), [""; 0]);
}

fn listed(registry: &TestRegistry, tag: &str, options: PullOptions) -> Listed {
    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    list(&repository, tag, options).unwrap()
}

#[test]
fn a_list_names_the_files_of_a_pull_and_downloads_none() {
    let registry = registry();
    let contents = |listed: &Listed| -> Vec<String> {
        let content = |file: &Descriptor| registry.blob("a", file.digest.as_str()).unwrap();
        let texts = listed.files.iter().map(content);
        texts
            .map(|bytes| String::from_utf8(bytes).unwrap())
            .collect()
    };

    let files = listed(&registry, "v2", PullOptions::default());
    assert_eq!(contents(&files), ["readme", "one", "two"]);
    let with_unnamed = updated!(PullOptions {
        unnamed: true,
        filter: filter(&[], &["docs/**"]),
        ..PullOptions::default()
    });
    let files = listed(&registry, "v2", with_unnamed);
    assert_eq!(contents(&files), ["readme", "untitled", "untitled text"]);
    assert_eq!(files.unselected, ["docs/one.txt", "docs/deep/two.txt"]);
    assert!(downloaded(&registry).is_empty());
}

#[test]
fn content_with_two_titles_is_listed_once() {
    let registry = registry();
    let twins = [
        layer(&registry, "one", LAYER, "same"),
        layer(&registry, "two", LAYER, "same"),
    ];
    image(&registry, "twins", &empty(), &twins);

    let files = listed(&registry, "twins", PullOptions::default());

    assert_eq!(files.files.len(), 1);
    assert_eq!(files.files[0].title(), Some("one"));
}

#[test]
fn a_repeated_untitled_layer_is_reported_as_skipped_once() {
    let registry = registry();
    let untitled = layer(&registry, "", LAYER, "untitled");
    let other = layer(&registry, "", LAYER, "other");
    image(
        &registry,
        "repeated",
        &empty(),
        &[untitled.clone(), other, untitled],
    );
    let output = TempDir::new();
    let (observer, skipped) = collecting(|event| match event {
        Event::Skipped(node) => Some(node.digest.to_string()),
        _ => None,
    });
    let options = updated!(PullOptions {
        observer: Some(observer),
        ..PullOptions::default()
    });
    run(&registry, "repeated", options, &output).unwrap();
    assert_eq!(skipped.take(), [sha256(b"untitled"), sha256(b"other")]);
}
