//! Registries with artifacts that a push of files does not produce.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

use crate::support::registry::TestRegistry;

pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const ARTIFACT: &str = "application/vnd.oci.artifact.manifest.v1+json";
const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const TITLE: &str = "org.opencontainers.image.title";

/// A repository to fill.
pub(super) struct Repository<'r> {
    pub(super) registry: &'r TestRegistry,
    pub(super) name: &'static str,
}

impl Repository<'_> {
    fn blob(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = self.registry.seed_blob(self.name, bytes);
        json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
    }

    fn named(&self, title: &str, bytes: &[u8]) -> Value {
        with_title(self.blob(LAYER, bytes), title)
    }

    pub(super) fn empty_config(&self) -> Value {
        self.blob("application/vnd.oci.empty.v1+json", b"{}")
    }

    /// Stores a document and returns its descriptor.
    pub(super) fn document(&self, media_type: &str, document: &Value, tag: Option<&str>) -> Value {
        let bytes = document.to_string();
        let digest = self
            .registry
            .seed_manifest(self.name, media_type, bytes.as_bytes(), tag);
        json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
    }

    fn image(&self, tag: Option<&str>, config: &Value, layers: &[Value]) -> Value {
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers });
        self.document(MANIFEST, &manifest, tag)
    }

    pub(super) fn artifact(&self, tag: &str, layers: &[Value]) -> Value {
        self.image(Some(tag), &self.empty_config(), layers)
    }

    pub(super) fn index(&self, tag: &str, manifests: &[Value]) -> Value {
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
        self.document(INDEX, &index, Some(tag))
    }
}

pub(super) fn with(mut descriptor: Value, member: &str, value: Value) -> Value {
    descriptor[member] = value;
    descriptor
}

fn without(mut descriptor: Value, member: &str) -> Value {
    if let Some(members) = descriptor.as_object_mut() {
        members.remove(member);
    }
    descriptor
}

fn with_title(descriptor: Value, title: &str) -> Value {
    with(descriptor, "annotations", json!({ TITLE: title }))
}

/// `p`: a multi-platform image.
pub(super) fn platforms(registry: TestRegistry) -> TestRegistry {
    let p = Repository {
        registry: &registry,
        name: "p",
    };
    let build = |os: &str, architecture: &str, variant: Option<&str>| {
        let mut platform = json!({ "architecture": architecture, "os": os });
        if let Some(variant) = variant {
            platform["variant"] = json!(variant);
        }
        let config = p.blob(IMAGE_CONFIG, platform.to_string().as_bytes());
        let title = format!("{os}-{architecture}{}.txt", variant.unwrap_or_default());
        let layer = p.named(&title, title.as_bytes());
        with(p.image(None, &config, &[layer]), "platform", platform)
    };
    let amd64 = build("linux", "amd64", None);
    let arms = [
        build("linux", "arm", Some("v6")),
        build("linux", "arm", Some("v7")),
    ];
    let windows = with(
        build("windows", "amd64", None),
        "platform",
        json!({ "architecture": "amd64", "os": "windows", "os.version": "10.0.17763.1" }),
    );
    let described = with(amd64, "annotations", json!({ "note": "<first>" }));
    let all = [vec![described.clone()], arms.to_vec(), vec![windows]].concat();
    let multi = p.index("multi", &all);
    p.index("nested", &[multi]);
    let config = p.blob(IMAGE_CONFIG, br#"{"architecture":"s390x","os":"linux"}"#);
    let single = p.image(Some("single"), &config, &[p.named("s390x.txt", b"s390x")]);
    let config = p.blob(DOCKER_CONFIG, br#"{"architecture":"amd64","os":"linux"}"#);
    let manifest = json!({ "schemaVersion": 2, "mediaType": DOCKER, "config": config, "layers": [p.named("docker.txt", b"docker")] });
    let docker = p.document(DOCKER, &manifest, Some("docker"));
    let list = json!({
        "schemaVersion": 2,
        "mediaType": DOCKER_LIST,
        "manifests": [with(docker, "platform", json!({ "architecture": "amd64", "os": "linux" }))],
    });
    p.document(DOCKER_LIST, &list, Some("docker-list"));
    p.artifact("no-platform", &[p.named("a.txt", b"a")]);
    p.index("without-platforms", &[single]);
    registry
}

/// `r`: artifacts with referrers.
pub(super) fn referrers(registry: TestRegistry) -> TestRegistry {
    let r = Repository {
        registry: &registry,
        name: "r",
    };
    let attach = |subject: &Value, artifact_type: &str| {
        let title = artifact_type.rsplit('/').next().unwrap_or(artifact_type);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": artifact_type, "config": r.empty_config(),
            "layers": [r.named(&format!("{title}.txt"), title.as_bytes())], "subject": subject,
            "annotations": { "about": title },
        });
        r.document(MANIFEST, &manifest, None)
    };
    let single = r.artifact("v1", &[r.named("a.txt", b"a\n")]);
    let signature = attach(&single, "application/vnd.me.signature");
    attach(&signature, "application/vnd.me.receipt");
    let platform = |os: &str| {
        let config = json!({ "architecture": "amd64", "os": os });
        let config = r.blob(IMAGE_CONFIG, config.to_string().as_bytes());
        let layer = r.named(&format!("{os}.txt"), os.as_bytes());
        with(
            r.image(None, &config, &[layer]),
            "platform",
            json!({ "architecture": "amd64", "os": os }),
        )
    };
    let (linux, windows) = (platform("linux"), platform("windows"));
    attach(
        &without(linux.clone(), "platform"),
        "application/vnd.me.sbom",
    );
    let inner = r.index("inner", std::slice::from_ref(&windows));
    attach(
        &without(windows, "platform"),
        "application/vnd.me.provenance",
    );
    let index = r.index("index", &[linux, inner]);
    attach(&index, "application/vnd.me.signature");
    registry
}

/// `o`: valid artifacts that a push of files does not produce.
pub(super) fn oddities(registry: TestRegistry) -> TestRegistry {
    let o = Repository {
        registry: &registry,
        name: "o",
    };
    let config = o.blob("application/vnd.me.config", br#"{"k":"v"}"#);
    let other_config = o.blob("application/vnd.other.config", br#"{"k":"w"}"#);
    o.image(Some("config"), &config, &[o.named("a.txt", b"a\n")]);
    o.image(
        Some("named-config"),
        &with_title(config.clone(), "named.json"),
        &[o.named("a.txt", b"a\n")],
    );
    o.image(
        Some("unnamed"),
        &o.empty_config(),
        &[o.blob(LAYER, b"nameless"), o.named("a.txt", b"a\n")],
    );
    o.image(
        Some("only-unnamed"),
        &o.empty_config(),
        &[o.blob(LAYER, b"nameless")],
    );
    o.artifact(
        "twins",
        &[o.named("one.txt", b"same\n"), o.named("two.txt", b"same\n")],
    );
    o.artifact(
        "thrice",
        &[o.named("one.txt", b"same\n"), o.named("one.txt", b"same\n")],
    );
    o.artifact("nothing", &[]);
    o.artifact(
        "deep",
        &[
            o.named("a/b/c.txt", b"c\n"),
            o.named("a/d.txt", b"d\n"),
            o.named("a/./b/../e.txt", b"e\n"),
        ],
    );
    o.artifact(
        "names",
        &[
            o.named("with blank.txt", b"1"),
            o.named("with:colon.txt", b"2"),
            o.named("grün.txt", b"3"),
        ],
    );
    let foreign = with_title(
        o.blob(
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            b"far away",
        ),
        "foreign.txt",
    );
    o.artifact("foreign", &[foreign, o.named("a.txt", b"a\n")]);
    let described = with(
        o.named("a.txt", b"a\n"),
        "artifactType",
        json!("application/vnd.me.layer"),
    );
    o.artifact("described", &[described]);
    let one = o.image(None, &config, &[o.named("one.txt", b"1\n")]);
    let two = o.image(None, &other_config, &[o.named("two.txt", b"2\n")]);
    let clash = o.image(
        None,
        &o.empty_config(),
        &[o.named("one.txt", b"another 1\n")],
    );
    o.index("index", &[one.clone(), two.clone()]);
    o.index("clash", &[one.clone(), clash]);
    o.index("named-child", &[with_title(one.clone(), "child.json")]);
    let signature = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.me.signature", "config": o.empty_config(),
        "layers": [o.named("signature.txt", b"signed\n")], "subject": two,
    });
    o.document(MANIFEST, &signature, Some("signature"));
    let old = json!({ "mediaType": ARTIFACT, "artifactType": "application/vnd.me.old", "blobs": [o.named("old.txt", b"old\n")] });
    o.document(ARTIFACT, &old, Some("artifact"));
    let text = json!("neither manifest nor index");
    o.document("application/vnd.me.text+json", &text, Some("text"));
    let large = json!({ "schemaVersion": 2, "config": config, "layers": [], "annotations": { "large": "x".repeat(4 * 1024 * 1024) } });
    o.document(MANIFEST, &large, Some("large"));
    let escaped = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [], "annotations": { "z": "<&>\u{2028}é", "a": "1" } });
    o.document(MANIFEST, &escaped, Some("escaped"));
    registry
}

/// `s`: an image with two tags, and an index, with referrers of referrers. With `with_lists`, there
/// are referrers tags too, one of them for a missing subject.
pub(super) fn nested_referrers(registry: TestRegistry, with_lists: bool) -> TestRegistry {
    let s = Repository {
        registry: &registry,
        name: "s",
    };
    let image = |tag: Option<&str>, name: &str| {
        s.image(tag, &s.empty_config(), &[s.named(name, name.as_bytes())])
    };
    let attach = |subjects: &[&Value], kind: &str| {
        let attached = subjects.iter().map(|&subject| {
            let manifest = json!({
                "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": format!("application/vnd.me.{kind}"),
                "config": s.empty_config(), "layers": [s.named(&format!("{kind}.txt"), kind.as_bytes())], "subject": subject,
            });
            s.document(MANIFEST, &manifest, None)
        });
        let attached: Vec<Value> = attached.collect();
        if with_lists {
            for (subject, referrer) in subjects.iter().zip(&attached) {
                let list =
                    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [referrer] });
                let tag = subject["digest"]
                    .as_str()
                    .map(|digest| digest.replace(':', "-"));
                s.document(INDEX, &list, tag.as_deref());
            }
        }
        attached
    };
    let first = image(Some("v1"), "first.txt");
    image(Some("latest"), "first.txt");
    let second = image(None, "second.txt");
    let index = s.index("index", &[first.clone(), second.clone()]);
    let signatures = attach(&[&first, &second, &index], "signature");
    attach(&[&signatures[0]], "proof");
    if with_lists {
        let missing = json!({ "mediaType": MANIFEST, "digest": format!("sha256:{}", "0".repeat(64)), "size": 2 });
        attach(&[&missing], "signature");
    }
    registry
}

/// `h`: artifacts whose titles and archives lead outside of the output directory.
pub(super) fn hostile(registry: TestRegistry) -> TestRegistry {
    let h = Repository {
        registry: &registry,
        name: "h",
    };
    let outside = |title: &str| h.named(title, b"outside\n");
    for (tag, title) in [
        ("absolute", "/oras-test-outside.txt"),
        ("parent", "../outside.txt"),
        ("hidden-parent", "a/../../outside.txt"),
        ("dot", "."),
        ("parent-itself", ".."),
        ("through-link", "link/outside.txt"),
        ("at-link", "link"),
        ("reserved", "a/.oras-00000000-0123456789abcdef.tmp"),
        ("control", "a\u{1b}[2Jb\n.txt"),
    ] {
        h.artifact(tag, &[h.named("good.txt", b"good\n"), outside(title)]);
    }
    h.artifact("alias", &[h.named("x", b"one\n"), h.named("./x", b"two\n")]);
    h.artifact(
        "alias-in-directory",
        &[h.named("a/x", b"one\n"), h.named("a//b/../x", b"two\n")],
    );
    h.artifact(
        "same-name",
        &[h.named("x", b"one\n"), h.named("x", b"two\n")],
    );
    h.artifact(
        "file-and-directory",
        &[h.named("x", b"one\n"), h.named("x/y", b"two\n")],
    );
    h.artifact("unnamed-twice", &[h.named("", b"one\n")]);
    h.artifact(
        "title-with-controls",
        &[h.named("t\u{1b}[2J\n\u{202e}", b"one\n")],
    );
    hostile_archives(&h);
    registry
}

/// Archives that lead outside of their directory, or are none.
fn hostile_archives(h: &Repository<'_>) {
    let archives = [
        (
            "archive-parent",
            entries(&[
                ("d", EntryType::Directory, ""),
                ("d/../../outside.txt", EntryType::Regular, ""),
            ]),
        ),
        (
            "archive-absolute",
            entries(&[
                ("d", EntryType::Directory, ""),
                ("/oras-test-outside.txt", EntryType::Regular, ""),
            ]),
        ),
        (
            "archive-elsewhere",
            entries(&[
                ("d", EntryType::Directory, ""),
                ("e/outside.txt", EntryType::Regular, ""),
            ]),
        ),
        (
            "archive-link-out",
            entries(&[
                ("d", EntryType::Directory, ""),
                ("d/link", EntryType::Symlink, "../.."),
            ]),
        ),
        (
            "archive-through-link",
            entries(&[
                ("d", EntryType::Directory, ""),
                ("d/sub", EntryType::Directory, ""),
                ("d/link", EntryType::Symlink, "sub"),
                ("d/link/x", EntryType::Regular, ""),
            ]),
        ),
        (
            "archive-hard-link-out",
            entries(&[
                ("d", EntryType::Directory, ""),
                ("d/hard", EntryType::Link, "../../hi.txt"),
            ]),
        ),
        (
            "archive-link-with-controls",
            entries(&[
                ("d", EntryType::Directory, ""),
                (
                    "d/l\u{1b}]0;t\u{7}\u{202e}",
                    EntryType::Symlink,
                    "../..\u{1b}[2J\nx",
                ),
            ]),
        ),
        (
            "archive-fifo-with-controls",
            entries(&[
                ("d", EntryType::Directory, ""),
                ("d/f\u{1b}[2J\n\u{202e}", EntryType::Fifo, ""),
            ]),
        ),
        (
            "archive-broken",
            b"\x1f\x8b\x08 this is no archive".to_vec(),
        ),
        ("archive-plain", b"this is no archive".to_vec()),
    ];
    for (tag, archive) in archives {
        h.artifact(tag, &[directory(h, &archive, None)]);
    }
    let good = entries(&[
        ("d", EntryType::Directory, ""),
        ("d/a.txt", EntryType::Regular, ""),
    ]);
    h.artifact("archive-wrong-digest", &[directory(h, &good, Some("0"))]);
}

/// A layer that is unpacked as the directory `d`.
fn directory(repository: &Repository<'_>, archive: &[u8], digest: Option<&str>) -> Value {
    let mut annotations = json!({ TITLE: "d", "io.deis.oras.content.unpack": "true" });
    if let Some(digit) = digest {
        annotations["io.deis.oras.content.digest"] = json!(format!("sha256:{}", digit.repeat(64)));
    }
    with(
        repository.blob(LAYER_GZIP, archive),
        "annotations",
        annotations,
    )
}

/// An archive of entries: name, type and link target. Files contain `inside`.
fn entries(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
    // Not compressed, so that digests do not depend on the compressor.
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::none()));
    for (name, kind, link) in entries {
        let content: &[u8] = if *kind == EntryType::Regular {
            b"inside\n"
        } else {
            b""
        };
        let mut header = Header::new_ustar();
        header.set_entry_type(*kind);
        header.set_mode(if *kind == EntryType::Directory {
            0o755
        } else {
            0o644
        });
        header.set_size(content.len() as u64);
        // Sets the bytes directly, because the crate rejects names that lead outside.
        let fields = header.as_ustar_mut().expect("the header is a ustar header");
        let _ = (&mut fields.name[..]).write(name.as_bytes());
        let _ = (&mut fields.linkname[..]).write(link.as_bytes());
        header.set_cksum();
        builder
            .append(&header, content)
            .expect("writing to memory does not fail");
    }
    let gzip = builder
        .into_inner()
        .expect("writing to memory does not fail");
    gzip.finish().expect("writing to memory does not fail")
}
