//! The operations of the matrix, and the scene of each run.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use oras::copy::{CopyOptions, copy};
use oras::credentials::Fixed;
use oras::error::TransportKind;
use oras::http::{Request, Response, Timeouts, Transport, TransportError, UreqTransport};
use oras::layout::LayoutStore;
use oras::manifest::MAX_MANIFEST_BYTES;
use oras::pull::{PullOptions, pull};
use oras::registry::{Client, PlainHttp, Repository};
use oras::store::{Delete, Referrers, Source, TagLister, Target};
use oras::url::{Locality, Origin};
use oras::{Credential, Descriptor, MediaType, RawManifest, Result};

use super::faults::Injection;
use crate::setup::blob;
use crate::support::clock::FakeClock;
use crate::support::closed_port::ClosedPort;
use crate::support::registry::{Fault, RegistryProfile, TestRegistry, on};
use crate::support::tempdir::TempDir;
#[cfg(feature = "tls")]
use crate::support::tls::TlsFront;

/// The silence after which the client gives up a request.
const IDLE: Duration = Duration::from_millis(300);
/// The silence after which the client gives up the response to an upload.
const COMMIT: Duration = Duration::from_millis(1200);
/// The content of the artifact that is pulled.
const CONTENT: &[u8] = b"hello";

/// An operation.
pub(super) struct Operation {
    pub(super) name: &'static str,
    /// The method and path of the request with the fault.
    pub(super) method: &'static str,
    path: &'static str,
    pub(super) run: fn(&Scene) -> Result<()>,
    /// Checks the state afterwards. Receives whether the operation succeeded.
    pub(super) check: fn(&Scene, bool),
}

pub(super) const OPERATIONS: [Operation; 11] = [
    Operation {
        name: "resolve",
        method: "HEAD",
        path: "/v2/a/manifests/*",
        run: |scene| {
            let descriptor = scene.repository.resolve("v1")?;
            assert_eq!(descriptor.digest, scene.root.digest);
            Ok(())
        },
        check: |_, _| {},
    },
    Operation {
        name: "pull",
        method: "GET",
        path: "/v2/a/blobs/*",
        run: |scene| {
            let options = updated!(PullOptions {
                output: scene.directory.join("out"),
                ..PullOptions::default()
            });
            pull(&scene.repository, "v1", options).map(drop)
        },
        check: |scene, succeeded| {
            let path = scene.directory.join("out/hello.txt");
            let content = fs::read(path).ok();
            assert_eq!(content.is_some(), succeeded);
            assert!(content.is_none_or(|it| it == CONTENT));
        },
    },
    Operation {
        name: "pull a manifest",
        method: "GET",
        path: "/v2/a/manifests/*",
        run: |scene| {
            let repository = &scene.repository;
            let manifest = repository.fetch_manifest_by_reference("v1", MAX_MANIFEST_BYTES)?;
            assert_eq!(manifest.descriptor().digest, scene.root.digest);
            Ok(())
        },
        check: |_, _| {},
    },
    Operation {
        name: "push a blob",
        method: "PUT",
        path: "/v2/a/blobs/uploads/*",
        run: |scene| {
            let content = b"pushed";
            scene
                .repository
                .push(&blob(content), &mut &content[..])
                .map(drop)
        },
        check: |scene, succeeded| check_blob(scene, b"pushed", succeeded),
    },
    Operation {
        name: "push in chunks",
        method: "PATCH",
        path: "/v2/a/blobs/uploads/*",
        run: |scene| {
            let content = large();
            (scene.repository)
                .push(&blob(&content), &mut content.as_slice())
                .map(drop)
        },
        check: |scene, succeeded| check_blob(scene, &large(), succeeded),
    },
    Operation {
        name: "push a stream",
        method: "PATCH",
        path: "/v2/a/blobs/uploads/*",
        run: |scene| {
            let content = large();
            let pushed = (scene.repository)
                .push_stream(&MediaType::OCTET_STREAM, &mut content.as_slice())?;
            assert_eq!(pushed.unwrap().0.digest, blob(&content).digest);
            Ok(())
        },
        check: |scene, succeeded| check_blob(scene, &large(), succeeded),
    },
    Operation {
        name: "push a manifest",
        method: "PUT",
        path: "/v2/a/manifests/*",
        run: |scene| {
            let index = index();
            (scene.repository)
                .push_reference(index.descriptor(), &mut &index, "v2")
                .map(drop)
        },
        check: |scene, succeeded| {
            let tag = scene.registry.resolve("a", "v2");
            assert!(!succeeded || tag == Some(index().descriptor().digest.to_string()));
        },
    },
    Operation {
        name: "list tags",
        method: "GET",
        path: "/v2/a/tags/list",
        run: |scene| {
            let mut tags = Vec::new();
            scene.repository.tags(None, &mut |page| {
                tags.extend_from_slice(page);
                ControlFlow::Continue(())
            })?;
            assert!(tags.contains(&"v1".to_owned()));
            Ok(())
        },
        check: |_, _| {},
    },
    Operation {
        name: "list referrers",
        method: "GET",
        path: "/v2/a/referrers/*",
        run: |scene| {
            let mut count = 0;
            scene.repository.referrers(&scene.root, None, &mut |page| {
                count += page.len();
                ControlFlow::Continue(())
            })?;
            assert_eq!(count, 1);
            Ok(())
        },
        check: |_, _| {},
    },
    Operation {
        name: "delete",
        method: "DELETE",
        path: "/v2/a/manifests/*",
        run: |scene| scene.repository.delete(&scene.root),
        check: |scene, succeeded| {
            let tag = scene.registry.resolve("a", "v1");
            assert!(!succeeded || tag.is_none());
        },
    },
    Operation {
        name: "cp",
        method: "GET",
        path: "/v2/a/blobs/*",
        run: |scene| {
            let layout = LayoutStore::create_or_open(scene.directory.join("layout"))?;
            copy(
                &scene.repository,
                "v1",
                &layout,
                Some("v1"),
                &mut CopyOptions::default(),
            )
            .map(drop)
        },
        check: |scene, succeeded| {
            let layout = LayoutStore::open(scene.directory.join("layout")).unwrap();
            assert_eq!(layout.resolve("v1").is_ok(), succeeded);
        },
    },
];

/// Bytes of a chunk.
const CHUNK: usize = 64 * 1024;

/// Content of three chunks.
fn large() -> Vec<u8> {
    vec![7; CHUNK * 2 + 1]
}

fn index() -> RawManifest {
    let index = br#"{"schemaVersion":2,"manifests":[]}"#;
    RawManifest::new(MediaType::IMAGE_INDEX, index.to_vec())
}

/// A blob whose push failed may be stored: the response may have been lost.
fn check_blob(scene: &Scene, content: &[u8], succeeded: bool) {
    let stored = scene.registry.blob("a", blob(content).digest.as_str());
    assert!(!succeeded || stored.is_some());
    assert!(stored.is_none_or(|it| it == content));
}

/// A registry with the artifact `a:v1` and a referrer of it, and clients.
pub(super) struct Scene {
    pub(super) registry: TestRegistry,
    /// A registry with the same content.
    pub(super) other: TestRegistry,
    /// A port that refuses connections.
    pub(super) dead: ClosedPort,
    directory: TempDir,
    repository: Repository,
    root: Descriptor,
    clock: FakeClock,
    #[cfg(feature = "tls")]
    _front: Option<TlsFront>,
}

impl Scene {
    /// Prepares a run with the fault the first `times` times, or every time.
    pub(super) fn new(operation: &Operation, injection: &Injection, times: Option<usize>) -> Self {
        let registry = seeded();
        let mut host = registry.host();
        #[cfg(feature = "tls")]
        let front = injection.tls_front(&registry, times);
        #[cfg(feature = "tls")]
        if let Some(front) = &front {
            host = front.address().to_string();
        }
        let clock = FakeClock::new();
        let refused = matches!(injection, Injection::Refused);
        let transport = FaultTransport {
            method: operation.method,
            path: operation.path.trim_end_matches('*'),
            refusals: AtomicUsize::new(if refused {
                times.unwrap_or(usize::MAX)
            } else {
                0
            }),
        };
        let is_plain = host == registry.host();
        let client = Client::builder()
            .plain_http(if is_plain {
                PlainHttp::Always
            } else {
                PlainHttp::Never
            })
            .clock(clock.clone())
            .credentials(Fixed(Credential::password("me", "secret")))
            .timeouts(
                Timeouts::default()
                    .with_idle(IDLE)
                    .with_upload_response(COMMIT),
            )
            .upload_chunk_bytes(CHUNK as u64)
            .transport(transport)
            .build();
        let repository = client.repository(&format!("{host}/a")).unwrap();
        // The fault must not hit the preparation.
        let root = registry.manifest("a", "v1").unwrap();
        let root = Descriptor::of(MediaType::IMAGE_MANIFEST, &root);
        let scene = Self {
            other: seeded(),
            dead: ClosedPort::new(),
            directory: TempDir::new(),
            registry,
            repository,
            root,
            clock,
            #[cfg(feature = "tls")]
            _front: front,
        };
        let limited = |fault: Fault| match times {
            Some(times) => fault.times(times),
            None => fault,
        };
        match injection {
            Injection::RequestBefore(fault) => {
                scene
                    .registry
                    .inject(limited(fault(on("GET", "/v2/"), &scene)));
                client.check(scene.repository.registry()).unwrap();
            }
            Injection::Response(fault)
            | Injection::Content(fault)
            | Injection::RequestBody(fault)
            | Injection::ResponseBody(fault) => {
                let fault = fault(on(operation.method, operation.path), &scene);
                scene.registry.inject(limited(fault));
            }
            #[cfg(feature = "tls")]
            Injection::TlsBody => {
                let fault = on(operation.method, operation.path).close_after(2);
                scene.registry.inject(limited(fault));
            }
            _ => {}
        }
        scene
    }

    /// The virtual time of all waits.
    pub(super) fn waited(&self) -> Duration {
        self.clock.waits().into_iter().sum()
    }

    /// Checks that there are only files with their final names.
    pub(super) fn check_no_leftovers(&self) {
        let mut directories = vec![self.directory.path().to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy();
                assert!(
                    !name.starts_with(".oras"),
                    "left behind: {}",
                    path.display()
                );
                // The lock file of the scratch directory stays.
                let is_scratch = path.parent().is_some_and(|it| it.ends_with("ingest"));
                assert!(
                    !is_scratch || name == ".lock",
                    "left behind: {}",
                    path.display()
                );
                if path.is_dir() {
                    directories.push(path);
                }
            }
        }
    }
}

/// A registry with an artifact and a referrer.
fn seeded() -> TestRegistry {
    let registry = TestRegistry::start_as(RegistryProfile {
        max_put_bytes: Some(CHUNK as u64),
        ..RegistryProfile::default()
    });
    let root = registry.seed_artifact("a", "v1", &[("hello.txt", CONTENT)]);
    let referrer = registry.seed_referrer("a", &root, "a/b");
    // A client that gets no index reads the list of a client without the API.
    registry.seed_index("a", &root.replace(':', "-"), &[&referrer]);
    registry
}

/// The transport of all runs, which trusts the certificates of the tests.
static TRANSPORT: LazyLock<UreqTransport> = LazyLock::new(|| {
    let builder = UreqTransport::builder();
    #[cfg(feature = "tls")]
    let builder = {
        let ca = crate::support::tls::fixture("ca.crt");
        builder.authorities(oras::http::CertificateAuthorities::from_pem(&ca).unwrap())
    };
    builder.build()
});

/// A transport to which connections are refused, for the requests of an operation.
struct FaultTransport {
    method: &'static str,
    path: &'static str,
    /// The number of requests that are still refused.
    refusals: AtomicUsize,
}

impl Transport for FaultTransport {
    fn send(&self, request: Request<'_>) -> std::result::Result<Response, TransportError> {
        let is_request =
            request.method.as_str() == self.method && request.url.path().starts_with(self.path);
        let take = |left: usize| left.checked_sub(1);
        if is_request
            && (self.refusals)
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                .is_ok()
        {
            let source = io::Error::from(io::ErrorKind::ConnectionRefused);
            return Err(TransportError::new(TransportKind::Connect, source));
        }
        TRANSPORT.send(request)
    }

    fn locality(&self, origin: &Origin) -> Option<Locality> {
        TRANSPORT.locality(origin)
    }
}
