//! Downloads that are interrupted: the next command continues them.
#![expect(
    clippy::disallowed_methods,
    reason = "the product asks others for time; its tests are those others"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::support::cli::Oras;
use crate::support::registry::{TestRegistry, on};
use crate::support::rng::Rng;

const MIB: usize = 1 << 20;
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Size of the content.
const BYTES: usize = 3 * MIB;
/// Bytes of one repeated download that are acceptable after an interruption: those that arrived and
/// were not written yet.
const MAX_REPEATED: u64 = 1 << 20;

/// A command that downloads content.
struct Download {
    name: &'static str,
    /// The arguments. `@` is the repository, `#` the digest of the blob.
    arguments: &'static str,
    /// The directory of the beginning.
    hidden: &'static str,
    cache: &'static str,
    /// Whether the content is the archive of a directory.
    is_archive: bool,
    /// Bytes in the file of the beginning that precede the content.
    offset: u64,
}

const PULL: Download = Download {
    name: "pull",
    arguments: "pull --plain-http -o out @:v1",
    hidden: "out",
    cache: "",
    is_archive: false,
    offset: 0,
};

const DOWNLOADS: [Download; 8] = [
    PULL,
    Download {
        name: "pull of a directory",
        is_archive: true,
        ..PULL
    },
    Download {
        name: "pull with a cache",
        hidden: "cache/ingest",
        cache: "cache",
        ..PULL
    },
    Download {
        name: "pull of a directory with a cache",
        hidden: "cache/ingest",
        cache: "cache",
        is_archive: true,
        ..PULL
    },
    Download {
        name: "blob fetch",
        arguments: "blob fetch --plain-http -o out/large @@#",
        ..PULL
    },
    Download {
        name: "cp to a layout",
        arguments: "cp --from-plain-http --to-oci-layout @:v1 layout:v1",
        hidden: "layout/ingest",
        ..PULL
    },
    Download {
        name: "backup",
        arguments: "backup --plain-http -o layout @",
        hidden: "layout/ingest",
        ..PULL
    },
    Download {
        name: "backup to an archive",
        arguments: "backup --plain-http -o out/saved.tar @",
        // Two directories, the config, and the header.
        offset: 5 * 512,
        ..PULL
    },
];

/// A registry with large content, and a directory to download it to.
struct Setting {
    registry: TestRegistry,
    oras: Oras,
    content: Vec<u8>,
    /// Path of the blob at the registry.
    blob: String,
    digest: String,
    download: &'static Download,
}

impl Setting {
    fn new(download: &'static Download) -> Self {
        let (registry, oras) = (TestRegistry::start(), Oras::new());
        let content = Rng::new(1).bytes(BYTES);
        let title = if download.is_archive { "dir" } else { "large" };
        oras.write("in/large", &content);
        oras.write("in/dir/large", &content);
        oras.write("out/.keep", "");
        let target = registry.reference("a:v1");
        let push = ["push", "--plain-http", &target, title];
        let in_directory = oras.command(push).in_directory(oras.directory().join("in"));
        in_directory.run().success();
        let sizes = registry.blobs("a").into_iter().map(|digest| {
            let size = registry.blob("a", &digest).map_or(0, |blob| blob.len());
            (size, digest)
        });
        let (_, digest) = sizes.max().expect("there is a layer");
        registry.clear_log();
        Self {
            blob: format!("/v2/a/blobs/{digest}"),
            registry,
            oras,
            content,
            digest,
            download,
        }
    }

    fn arguments(&self) -> Vec<String> {
        self.arguments_of(self.download.arguments)
    }

    fn arguments_of(&self, arguments: &str) -> Vec<String> {
        let repository = self.registry.reference("a");
        let arguments = arguments.replace("@@#", "@!");
        let arguments = arguments.replace('@', &repository);
        let arguments = arguments.replace('!', &format!("@{}", self.digest));
        arguments.split(' ').map(str::to_owned).collect()
    }

    /// Downloads until the connection is lost.
    fn interrupt(&self) {
        let cut = on("GET", &self.blob).close_after(2 * MIB as u64);
        self.registry.inject(cut);
        let ranges = on("GET", &self.blob).error(403, "DENIED", "no");
        self.registry.inject(ranges.after(1));
        let mut child = self.start();
        assert!(!child.wait().expect("it ends").success());
    }

    fn start(&self) -> Child {
        let command = self.oras.command(self.arguments());
        command.env("ORAS_CACHE", self.download.cache).spawn()
    }

    /// Downloads everything, and returns the text on stderr.
    fn complete(&self) -> String {
        let command = self.oras.command(self.arguments());
        let outcome = command.env("ORAS_CACHE", self.download.cache).run();
        outcome.success().stderr()
    }

    /// Returns the file with the beginning.
    fn beginnings(&self) -> Vec<PathBuf> {
        let directory = self.oras.directory().join(self.download.hidden);
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        paths
            .filter(|path| path.extension().is_some_and(|suffix| suffix == "part"))
            .collect()
    }

    fn beginning_bytes(&self) -> u64 {
        let sizes = self.beginnings().into_iter();
        let sizes = sizes.filter_map(|path| Some(fs::metadata(path).ok()?.len()));
        sizes.max().unwrap_or(0)
    }

    /// Returns the offsets of the requests for the blob.
    fn offsets(&self) -> Vec<u64> {
        let requests = self.registry.requests();
        let gets = requests
            .iter()
            .filter(|request| request.method == "GET" && request.target == self.blob);
        gets.map(|request| {
            let range = request.header("Range").unwrap_or("bytes=0-");
            let start = range.trim_start_matches("bytes=").split('-').next();
            start.and_then(|start| start.parse().ok()).expect("a start")
        })
        .collect()
    }

    fn assert_complete(&self) {
        let name = self.download.name;
        let layout = match self.download.arguments.rsplit_once(" -o ") {
            _ if self.download.hidden == "layout/ingest" => Some("layout:v1"),
            Some((_, "out/saved.tar @")) => Some("out/saved.tar:v1"),
            _ => None,
        };
        if let Some(layout) = layout {
            let pull = ["pull", "--oci-layout", "-o", "out", layout];
            self.oras.run(pull).success();
        }
        let path = if self.download.is_archive {
            "out/dir/large"
        } else {
            "out/large"
        };
        assert!(self.oras.read(path) == self.content, "{name}");
        let left = hidden(&self.oras.directory());
        assert_eq!(left, [""; 0], "{name}");
    }
}

/// Lists all hidden files of the product.
fn hidden(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("it can be listed").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(".oras-") {
            found.push(name);
        } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(hidden(&entry.path()));
        }
    }
    found
}

fn kill(child: &Child, signal: &str) {
    let process = child.id().to_string();
    let status = Command::new("kill").args([signal, &process]).status();
    assert!(status.is_ok_and(|status| status.success()));
}

#[test]
fn a_download_is_continued_after_any_signal() {
    for download in &DOWNLOADS {
        let name = download.name;
        let setting = Setting::new(download);
        let pause = Duration::from_millis(3);
        (setting.registry).inject(on("GET", &setting.blob).slow_body(pause));
        let mut wanted = vec![0];
        for (round, signal) in [(1, "-KILL"), (2, "-TERM"), (3, "-KILL")] {
            let mut child = setting.start();
            let goal = round * (BYTES as u64 / 5);
            let begin = Instant::now();
            while setting.beginning_bytes() < goal {
                assert!(begin.elapsed() < Duration::from_secs(30), "{name}: {round}");
                assert!(matches!(child.try_wait(), Ok(None)), "{name}: {round}");
                thread::sleep(Duration::from_millis(2));
            }
            kill(&child, signal);
            child.wait().expect("a child can be waited for");
            wanted.push(setting.beginning_bytes() - download.offset);
        }

        setting.registry.heal();
        let stderr = setting.complete();

        assert!(stderr.contains("continuing "), "{name}: {stderr}");
        assert_eq!(setting.offsets(), wanted, "{name}");
        setting.assert_complete();
    }
}

#[test]
fn a_wrong_beginning_is_discarded() {
    for download in &DOWNLOADS {
        let setting = Setting::new(download);
        setting.interrupt();
        let beginnings = setting.beginnings();
        let [beginning] = &beginnings[..] else {
            panic!("{}: {beginnings:?}", download.name);
        };
        let mut bytes = fs::read(beginning).expect("it can be read");
        assert!(bytes.len() as u64 + MAX_REPEATED >= 2 * MIB as u64);
        bytes[MIB] ^= 1;
        fs::write(beginning, bytes).expect("it can be written");
        setting.registry.heal();

        setting.complete();

        setting.assert_complete();
    }
}

/// A process that is killed while another one completes the content leaves a beginning.
#[test]
fn a_beginning_of_content_that_exists_is_removed() {
    for download in &DOWNLOADS {
        let setting = Setting::new(download);
        setting.interrupt();
        let beginning = setting.beginnings().pop().expect("there is a beginning");
        let bytes = fs::read(&beginning).expect("it can be read");
        setting.registry.heal();
        setting.complete();
        fs::create_dir_all(beginning.parent().expect("a directory")).expect("it can be created");
        fs::write(&beginning, bytes).expect("it can be written");
        if !download.cache.is_empty() {
            // A file that has the content is not read from the cache.
            let output = setting.oras.directory().join("out");
            fs::remove_dir_all(output).expect("it can be removed");
        }

        setting.complete();

        setting.assert_complete();
    }
}

#[test]
fn a_beginning_is_removed_by_a_pull_with_a_cache() {
    for download in &DOWNLOADS[..2] {
        let setting = Setting::new(download);
        setting.interrupt();
        setting.registry.heal();

        let command = setting.oras.command(setting.arguments());
        command.env("ORAS_CACHE", "cache").run().success();

        setting.assert_complete();
    }
}

#[test]
fn a_wrong_beginning_of_content_on_stdout_is_an_error_once() {
    let with_cache = DOWNLOADS.iter().find(|it| it.name == "pull with a cache");
    for output in [
        "pull --plain-http -o - @:v1",
        "blob fetch --plain-http -o - @@#",
    ] {
        let setting = Setting::new(with_cache.unwrap());
        setting.interrupt();
        let beginnings = setting.beginnings();
        let mut bytes = fs::read(&beginnings[0]).expect("it can be read");
        bytes[MIB] ^= 1;
        fs::write(&beginnings[0], bytes).expect("it can be written");
        setting.registry.heal();
        let run = || {
            let arguments = setting.arguments_of(output);
            let command = setting.oras.command(arguments).env("ORAS_CACHE", "cache");
            command.run()
        };

        let stderr = run().fails_with(6).stderr();
        let wanted = format!(
            "{}: it continued a wrong beginning, which is removed: please try again\n",
            setting.digest
        );
        assert!(stderr.contains(&wanted), "{output}: {stderr}");
        assert!(run().success().stdout_bytes == setting.content, "{output}");
        assert_eq!(hidden(&setting.oras.directory()), [""; 0], "{output}");
    }
}

#[test]
fn the_beginning_of_a_manifest_is_not_kept() {
    let setting = Setting::new(&PULL);
    let filler = "x".repeat(2 * MIB);
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[],"annotations":{{"a":"{filler}"}}}}"#
    );
    let digest = (setting.registry).seed_manifest("a", INDEX, manifest.as_bytes(), Some("v2"));
    let path = format!("/v2/a/manifests/{digest}");
    setting
        .registry
        .inject(on("GET", &path).close_after(MIB as u64 + 1));
    let reference = format!("{}@{digest}", setting.registry.reference("a"));
    let fetch = [
        "manifest",
        "fetch",
        "--plain-http",
        "--retries",
        "0",
        &reference,
    ];
    let run = || setting.oras.command(fetch).env("ORAS_CACHE", "cache").run();

    run().fails_with(5);

    assert_eq!(hidden(&setting.oras.directory()), [""; 0]);
    setting.registry.heal();
    assert!(run().success().stdout_bytes == manifest.as_bytes());
}

#[test]
fn a_lost_connection_leaves_a_beginning_and_says_so() {
    let setting = Setting::new(&PULL);
    let cut = on("GET", &setting.blob).close_after(2 * MIB as u64);
    setting.registry.inject(cut.nth(1));
    let refused = on("GET", &setting.blob).error(403, "DENIED", "no more");
    setting.registry.inject(refused.after(1));

    let outcome = setting.oras.run(setting.arguments());

    let stderr = outcome.stderr();
    let kept = "kept the first 2 MB of large for the next attempt: ";
    assert!(stderr.contains(kept), "{stderr}");
    setting.registry.heal();
    let stderr = setting.complete();
    assert!(stderr.contains("continuing large at 2 MB"), "{stderr}");
    setting.assert_complete();
}

#[test]
fn content_on_stdout_is_not_kept() {
    let setting = Setting::new(&PULL);
    let cut = on("GET", &setting.blob).close_after(2 * MIB as u64);
    setting.registry.inject(cut.nth(1));
    let refused = on("GET", &setting.blob).error(403, "DENIED", "no more");
    setting.registry.inject(refused.after(1));
    let reference = setting.registry.reference("a:v1");

    let pull = ["pull", "--plain-http", "-o", "-", &reference];
    let stderr = setting.oras.run(pull).stderr();

    assert!(!stderr.contains("kept the first"), "{stderr}");
    assert_eq!(hidden(&setting.oras.directory()), [""; 0]);
}

#[test]
fn a_push_of_a_directory_leaves_beginnings_out() {
    let setting = Setting::new(&PULL);
    let pause = Duration::from_millis(2);
    (setting.registry).inject(on("GET", &setting.blob).slow_body(pause));
    let mut child = setting.start();
    while setting.beginning_bytes() == 0 {
        thread::sleep(Duration::from_millis(2));
    }
    kill(&child, "-KILL");
    child.wait().expect("a child can be waited for");

    let push = ["push", "--oci-layout", "layout:v1", "out"];
    setting.oras.run(push).success();
    let pull = ["pull", "--oci-layout", "-o", "copy", "layout:v1"];
    setting.oras.run(pull).success();

    assert_eq!(hidden(&setting.oras.directory().join("copy")), [""; 0]);
    assert!(setting.oras.directory().join("copy/out/.keep").exists());
}
