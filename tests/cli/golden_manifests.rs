//! The golden examples of `fixtures/manifests`, byte for byte, in a registry and in a layout.

use crate::support::cli::Oras;
use crate::support::registry::{RegistryProfile, TestRegistry, sha256};
use crate::support::{golden, scenario};

const CREATED: &str = "org.opencontainers.image.created=2000-01-01T00:00:00Z";
const TYPE: &[&str] = &["--artifact-type", "application/vnd.example+type"];

/// A command line and its manifest.
struct Example {
    name: &'static str,
    digest: &'static str,
    flags: &'static [&'static [&'static str]],
    files: &'static [&'static str],
}

#[rustfmt::skip]
const EXAMPLES: &[Example] = &[
    Example {
        name: "G1",
        digest: "sha256:b93f443e51f8a260b9e12750a53ae5e2a8ab74ef960bb74ed6bec68f05ed7db2",
        flags: &[],
        files: &[],
    },
    Example {
        name: "G2",
        digest: "sha256:0c7892b25f47b6c5109a00befdcd3b5616ed397d9677180e3f2e20b7cb92b5a9",
        flags: &[TYPE],
        files: &["hello.txt"],
    },
    Example {
        name: "G4",
        digest: "sha256:4e691ea44c2afb894ec61b6b521113be46b75ebbd0c07db91fb1517c51903bb0",
        flags: &[
            TYPE,
            &["-a", r#"k<&>=a<b>&"c"\d"#, "-a", "Zed=é", "-a", "ctl=x\ty\u{2028}z"],
        ],
        files: &["hello.txt"],
    },
    Example {
        name: "G6a",
        digest: "sha256:aebbf9eee09fedfc54a0791335c09044ca76daa3393e666ab2682c4960a668dd",
        flags: &[&["--image-spec", "v1.0"]],
        files: &["hello.txt"],
    },
    Example {
        name: "G6b",
        digest: "sha256:341e6a953901c58809f4334f89529982d5cab9e584cacfd188153bf994cccb5b",
        flags: &[&["--image-spec", "v1.0"]],
        files: &[],
    },
    Example {
        name: "G7",
        digest: "sha256:1ab80cbf7a5beb05bb5e1572e7eadee20ca675bbb696525d4aa9dd1e2466a2d8",
        flags: &[TYPE, &["--artifact-platform", "linux/arm/v7"]],
        files: &["hello.txt"],
    },
    Example {
        name: "G8a",
        digest: "sha256:d9b8169f653b11fffae7ea454850f3d53bce738e52016be8e997d7fb64af3225",
        flags: &[TYPE, &["--config", "config.json:application/vnd.me.config"]],
        files: &["hello.txt"],
    },
    Example {
        name: "G8b",
        digest: "sha256:6011c1748e7d1e6672684411ae100479d5656c7a59508d9425317dde5452bd17",
        flags: &[&["--config", "config.json:application/vnd.me.config"]],
        files: &["hello.txt"],
    },
];

impl Example {
    fn push(&self, oras: &Oras, target: &[&str]) {
        let created: &[&str] = &["push", "-a", CREATED];
        let arguments = [created, &self.flags.concat(), target, self.files].concat();
        let outcome = oras.run(arguments).success();
        let digest = format!("Digest: {}\n", self.digest);
        assert!(
            outcome.stdout().ends_with(&digest),
            "{}\n{outcome}",
            self.name
        );
    }

    #[track_caller]
    fn is(&self, manifest: &[u8]) {
        let text = String::from_utf8(manifest.to_vec()).expect("JSON is Unicode");
        golden::assert_fixture(&format!("manifests/{}.json", self.name), &text);
        assert_eq!(sha256(manifest), self.digest);
    }
}

#[test]
fn in_a_registry() {
    let registry = TestRegistry::start();
    let oras = Oras::new();
    scenario::standard_files(&oras.directory());
    for example in EXAMPLES {
        let name = format!("golden:{}", example.name);
        example.push(&oras, &["--plain-http", &registry.reference(&name)]);
        let manifest = registry.manifest("golden", example.name);
        example.is(&manifest.expect("it was pushed"));
    }
}

#[test]
fn in_a_layout() {
    let oras = Oras::new();
    scenario::standard_files(&oras.directory());
    for example in EXAMPLES {
        let name = format!("layout:{}", example.name);
        example.push(&oras, &["--oci-layout", &name]);
        let (_, hex) = example.digest.split_once(':').expect("a digest");
        example.is(&oras.read(&format!("layout/blobs/sha256/{hex}")));
        let fetched = oras.run(["manifest", "fetch", "--oci-layout", &name]);
        example.is(&fetched.success().stdout_bytes);
    }
}

/// G3. Only the tar archive is compared, because the gzip bytes depend on the implementation.
#[test]
fn a_directory() {
    let oras = Oras::new();
    scenario::standard_files(&oras.directory());
    let arguments = ["push", "-a", CREATED, "--oci-layout", "layout:g3", "d"];
    oras.run([&arguments[..], TYPE].concat()).success();
    let fetched = oras.run(["manifest", "fetch", "--oci-layout", "layout:g3"]);
    let manifest = fetched.success().stdout();
    let layer = |manifest: &str| {
        let mut manifest: serde_json::Value =
            serde_json::from_str(manifest).expect("a manifest is JSON");
        let layer = &mut manifest["layers"][0];
        layer["digest"] = serde_json::Value::Null;
        layer["size"] = serde_json::Value::Null;
        manifest
    };
    let golden = include_str!("../../fixtures/manifests/G3.json");
    assert_eq!(layer(&manifest), layer(golden));
}

/// G5a, and G11 where clients maintain the referrers tag of G2.
#[test]
fn an_attached_artifact() {
    let registry = TestRegistry::start_as(RegistryProfile::distribution());
    let oras = Oras::new();
    scenario::standard_files(&oras.directory());
    let attach = ["attach", "-a", CREATED, "--artifact-type", "sig/example"];
    let g2 = &EXAMPLES[1];
    let in_registry = registry.reference("golden:g2");
    let by_digest = format!("layout@{}", g2.digest);
    let (_, subject) = g2.digest.split_once(':').expect("a digest");
    let is = |example: &str, manifest: Vec<u8>| {
        let text = String::from_utf8(manifest).expect("JSON is Unicode");
        golden::assert_fixture(&format!("manifests/{example}.json"), &text);
    };
    g2.push(&oras, &["--plain-http", &in_registry]);
    g2.push(&oras, &["--oci-layout", "layout:g2"]);

    for target in [
        ["--plain-http", &in_registry],
        ["--oci-layout", "layout:g2"],
        ["--oci-layout", &by_digest],
    ] {
        let export = ["--export-manifest", "g5a.json"];
        oras.run([&attach[..], &target, &export].concat()).success();
        is("G5a", oras.read("g5a.json"));
    }

    let list = registry.manifest("golden", &format!("sha256-{subject}"));
    is("G11", list.expect("it is kept by clients"));
}

/// G9.
#[test]
fn an_index() {
    let oras = Oras::new();
    scenario::standard_files(&oras.directory());
    let push = ["push", "-a", CREATED, "--oci-layout"];
    let amd64 = ["layout:amd64", "--artifact-platform", "linux/amd64"];
    let arm = ["layout:arm", "--artifact-platform", "linux/arm/v7"];
    let file = &["hello.txt"];
    oras.run([&push[..], &amd64, TYPE, file].concat()).success();
    oras.run([&push[..], &arm, file].concat()).success();
    let create = ["manifest", "index", "create", "--oci-layout", "-a", "k=v"];

    let made = oras.run([&create[..], &["-o", "-", "layout", "amd64", "arm"]].concat());
    let golden = |text: &str| golden::assert_fixture("manifests/G9.json", text);
    golden(&made.success().stdout());

    oras.run([&create[..], &["layout:g9", "amd64", "arm"]].concat())
        .success();
    let fetched = oras.run(["manifest", "fetch", "--oci-layout", "layout:g9"]);
    golden(&fetched.success().stdout());
}

/// G10 and G12.
#[test]
fn a_new_layout() {
    let oras = Oras::new();
    let arguments = ["tag", "--oci-layout", "layout:v1", "v2"];
    oras.run(arguments).fails_with(3);
    for (file, example) in [("oci-layout", "G12"), ("index.json", "G10")] {
        let text = String::from_utf8(oras.read(&format!("layout/{file}"))).expect("it is JSON");
        golden::assert_fixture(&format!("manifests/{example}.json"), &text);
    }
}
