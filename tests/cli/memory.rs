//! Peak memory of a command on an artifact with many files.
#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    reason = "the product asks others for time; its tests are those others"
)]

use std::fmt::Write as _;
use std::fs;
use std::process::Child;
use std::thread;
use std::time::Duration;

use crate::support::cli::Oras;
use crate::support::registry::sha256;

const FILES: usize = 20_000;

/// The part of the limit that does not depend on the manifest, in bytes.
const FIXED_BYTES: usize = 8 * 1024 * 1024;

/// Additional bytes for a debug build: its program is larger, and its values are moved by copies.
const DEBUG_BYTES: usize = 8 * 1024 * 1024;

const EMPTY: &str = r#"{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}"#;

/// Writes a layout with an artifact of small files, tagged `v1`, and returns the size of its
/// manifest. The library would do the same, but flush every blob to the disk.
fn write_layout(oras: &Oras) -> usize {
    let blob = |content: &str| {
        let digest = sha256(content.as_bytes());
        oras.write(
            &format!("layout/blobs/{}", digest.replace(':', "/")),
            content,
        );
        digest
    };
    oras.write("layout/oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    blob("{}");
    let mut layers = String::new();
    for number in 0..FILES {
        let content = number.to_string();
        let separator = if number == 0 { "" } else { "," };
        write!(
            layers,
            r#"{separator}{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{}","size":{},"annotations":{{"org.opencontainers.image.title":"{number:05}.txt"}}}}"#,
            blob(&content),
            content.len(),
        )
        .expect("a string can be written");
    }
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{media_type}","config":{EMPTY},"layers":[{layers}]}}"#
    );
    let digest = blob(&manifest);
    let size = manifest.len();
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"{media_type}","digest":"{digest}","size":{size},"annotations":{{"org.opencontainers.image.ref.name":"v1"}}}}]}}"#
    );
    oras.write("layout/index.json", index);
    size
}

/// Waits for the end of a successful command, and returns its peak memory in bytes. The system
/// forgets it at the end, so it is read often while the command runs.
fn peak_bytes(mut command: Child) -> usize {
    let path = format!("/proc/{}/status", command.id());
    let mut peak = 0;
    loop {
        let status = fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
        peak = kib.map_or(peak, |kib| kib * 1024);
        if let Some(status) = command.try_wait().expect("a child can be waited for") {
            assert!(status.success(), "{status}");
            return peak;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn the_memory_of_a_pull_grows_with_the_manifest_only() {
    let oras = Oras::new();
    let manifest_bytes = write_layout(&oras);
    let limit = 8 * manifest_bytes + FIXED_BYTES + DEBUG_BYTES;
    let pull = ["pull", "--oci-layout", "-o", "out", "layout:v1"];

    let pull = peak_bytes(oras.command(pull).spawn());
    assert!(pull <= limit, "pull: {pull} of {limit}");
}
