//! The depth of the call stack between a verb and the transport, which a reader of a backtrace
//! sees.

use std::backtrace::Backtrace;
use std::sync::{Arc, Mutex};

use oras::http::{Request, Response, Transport, TransportError, UreqTransport};
use oras::push::{PushFile, PushOptions, push};
use oras::registry::{Client, PlainHttp};

use crate::support::registry::TestRegistry;
use crate::support::tempdir::TempDir;

/// Maximum number of frames of the library between `push` and the transport, both included.
const MAX_FRAMES: usize = 15;

/// Maximum number of those between the store trait and the transport, both included.
const MAX_REGISTRY_FRAMES: usize = 8;

/// The function that the stacks begin with.
const PUSH: &str = "oras::ops::push::artifact::push";

/// The requests, each with the frames that led to it.
type Stacks = Vec<(String, Vec<String>)>;

/// Sends requests and records the frames of the library from `push` on.
struct FrameCounter {
    inner: UreqTransport,
    stacks: Arc<Mutex<Stacks>>,
}

impl Transport for FrameCounter {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        let backtrace = Backtrace::force_capture().to_string();
        let frames = backtrace
            .lines()
            .filter_map(|line| line.trim_start().split_once(": "))
            .map(|(_, symbol)| symbol.to_owned())
            .filter(|symbol| symbol.trim_start_matches('<').starts_with("oras::"));
        let mut stack = Vec::new();
        for frame in frames {
            let is_push = frame == PUSH;
            stack.push(frame);
            if is_push {
                break;
            }
        }
        let request_line = format!("{} {}", request.method, request.url);
        self.stacks.lock().unwrap().push((request_line, stack));
        self.inner.send(request)
    }
}

#[test]
fn a_push_to_a_registry_reaches_the_transport_within_fifteen_frames() {
    let registry = TestRegistry::start();
    let stacks = Arc::default();
    let client = Client::builder()
        .transport(FrameCounter {
            inner: UreqTransport::new(),
            stacks: Arc::clone(&stacks),
        })
        .plain_http(PlainHttp::Always)
        .build();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let directory = TempDir::new();
    let path = directory.path().join("file");
    std::fs::write(&path, "content").unwrap();

    let options = updated!(PushOptions {
        files: vec![PushFile::from(&path)],
        artifact_type: Some("application/vnd.test".into()),
        ..PushOptions::default()
    });
    push(&repository, Some("v1"), options).unwrap();

    let stacks = stacks.lock().unwrap();
    let requested = |path: &str| stacks.iter().any(|(request, _)| request.contains(path));
    assert!(requested("PUT") && requested("/blobs/") && requested("/manifests/"));
    for (request, stack) in stacks.iter() {
        assert_eq!(stack.last().map(String::as_str), Some(PUSH));
        let is_registry = |frame: &&String| frame.contains("oras::registry::");
        // The transport's own `send` is a frame of this test.
        let frames = stack.len() + 1;
        let registry_frames = stack.iter().filter(is_registry).count() + 1;
        assert!(
            frames <= MAX_FRAMES && registry_frames <= MAX_REGISTRY_FRAMES,
            "{request}: {frames}, {registry_frames} of them in registry\n{}",
            stack.join("\n")
        );
    }
}
