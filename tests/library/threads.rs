//! Values that several threads share.

use std::fmt::Debug;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;

use oras::layout::cache::Cache;
use oras::layout::{LayoutStore, LayoutTar, LayoutTarWriter};
use oras::registry::{Blobs, Client, ClientBuilder, Manifests, Repository};
use oras::store::content::VerifyReader;
use oras::store::memory::MemoryStore;
use oras::store::{Batch, Delete, Referrers, Source, TagLister, Target};
use oras::{Error, MediaType, RawManifest, credentials, http};

use crate::artifacts::{config, image};
use crate::setup::{builder, client, hello};
use crate::support::registry::{Bearer, TOKEN_PATH, TestRegistry};
use crate::support::tempdir::TempDir;

const THREADS: usize = 8;

#[test]
fn values_can_be_shared_and_sent() {
    fn shared<T: Send + Sync>() {}
    fn cloned<T: Clone + Debug + Send + Sync + 'static>() {}
    fn sent<T: Send>() {}

    cloned::<Client>();
    cloned::<Repository>();
    shared::<(Blobs, Manifests)>();
    shared::<(LayoutStore, LayoutTar, LayoutTarWriter, MemoryStore)>();
    shared::<(Cache, oras::internal::FileStore)>();
    shared::<(credentials::Lookup, credentials::ConfigFile)>();
    shared::<(credentials::Helpers, credentials::Memory)>();
    shared::<(http::UreqTransport, http::Traced<http::UreqTransport>)>();
    shared::<(Error, RawManifest, oras::Reference, oras::Credential)>();
    shared::<(
        oras::Descriptor,
        oras::Digest,
        MediaType,
        oras::url::Url,
        http::Headers,
    )>();
    shared::<Box<dyn Target>>();
    sent::<(ClientBuilder, http::Response, Batch<'static>)>();
    sent::<(VerifyReader<'static>, oras::push::PushStream<'static>)>();
    sent::<oras::store::Fetched<'static, MemoryStore>>();
    sent::<(oras::pull::PullOptions, oras::copy::CopyOptions<'static>)>();
}

/// Stores are used through pointers, of types that are known at run time.
#[test]
fn pointers_to_stores_are_stores() {
    fn check(store: impl Target + TagLister + Referrers + Delete) {
        store
            .push_reference(&hello(), &mut b"hello".as_slice(), "v1")
            .unwrap();
        assert_eq!(store.resolve("v1").unwrap(), hello());
        assert_eq!(tags(&store), ["v1"]);
        store.delete(&hello()).unwrap();
    }

    let store = MemoryStore::new();
    check(&store);
    check(Box::new(MemoryStore::new()));
    check(Arc::new(store));

    let registry = TestRegistry::start();
    let repository: Box<dyn Target> =
        Box::new(client().repository(&registry.reference("a")).unwrap());
    assert!(repository.as_indexed().is_some());
}

#[test]
fn pointers_to_settings_are_settings() {
    let registry = TestRegistry::requiring_basic("user", "secret");
    registry.seed_artifact("a", "v1", &[("a.txt", b"hello")]);
    let password = oras::Credential::password("user", "secret");
    let store: Arc<dyn credentials::CredentialStore> = Arc::new(credentials::Fixed(password));
    let transport: Box<dyn http::Transport> = Box::new(http::UreqTransport::new());
    let client = builder().credentials(store).transport(transport).build();

    client
        .repository(&registry.reference("a"))
        .unwrap()
        .resolve("v1")
        .unwrap();
}

#[test]
fn eight_threads_share_one_client() {
    let scopes = ["repository:*:pull,push"];
    let registry = TestRegistry::start().with_tokens(Bearer::new().anonymous(&scopes));
    let client = client();
    thread::scope(|scope| {
        for number in 0..THREADS {
            let client = client.clone();
            let name = registry.reference("a");
            scope.spawn(move || work(&client.repository(&name).unwrap(), number));
        }
    });

    let repository = client.repository(&registry.reference("a")).unwrap();
    assert_eq!(tags(&repository).len(), THREADS * 5);
    let tokens = registry
        .log()
        .iter()
        .filter(|line| line.contains(TOKEN_PATH))
        .count();
    // Threads may request the first token of a scope at the same time.
    assert!(tokens <= 2 * THREADS, "{tokens} tokens");
}

#[test]
fn eight_threads_share_one_store() {
    let directory = TempDir::new();
    let registry = TestRegistry::start();
    let stores: [Box<dyn Store>; 3] = [
        Box::new(LayoutStore::create_or_open(directory.path()).unwrap()),
        Box::new(client().repository(&registry.reference("a")).unwrap()),
        Box::new(MemoryStore::new()),
    ];
    for store in &stores {
        thread::scope(|scope| {
            for number in 0..THREADS {
                scope.spawn(move || work(store, number));
            }
        });
        assert_eq!(tags(store).len(), THREADS * 5);
    }
    let layout = LayoutStore::open(directory.path()).unwrap();
    assert_eq!(tags(&layout).len(), THREADS * 5);
}

/// Entries of an archive follow each other, whatever the order of the threads.
#[test]
fn eight_threads_write_one_archive() {
    let directory = TempDir::new();
    let path = directory.path().join("a.tar");
    let archive = LayoutTarWriter::create(&path).unwrap();
    thread::scope(|scope| {
        for number in 0..THREADS {
            let archive = &archive;
            scope.spawn(move || {
                for round in 0..20 {
                    let bytes = format!("{number} {round}").repeat(1000);
                    let content = RawManifest::new(MediaType::OCTET_STREAM, bytes.into_bytes());
                    archive.push(content.descriptor(), &mut &content).unwrap();
                    read(&archive, &content);
                }
                let tagged = image(&number.to_string(), "");
                let tag = format!("v{number}");
                archive
                    .push_reference(tagged.descriptor(), &mut &tagged, &tag)
                    .unwrap();
            });
        }
    });
    archive.finish().unwrap();

    let archive = LayoutTar::open(&path).unwrap();
    assert_eq!(tags(&archive).len(), THREADS);
    for number in 0..THREADS {
        let bytes = format!("{number} 19").repeat(1000);
        read(
            &archive,
            &RawManifest::new(MediaType::OCTET_STREAM, bytes.into_bytes()),
        );
    }
}

trait Store: Target + TagLister {}

impl<S: Target + TagLister> Store for S {}

/// Pushes, tags, lists and reads in turn.
fn work(store: &(impl Target + TagLister), thread: usize) {
    for round in 0..5 {
        store.push(&config(), &mut b"{}".as_slice()).unwrap();
        let manifest = image(&format!("{thread} {round}"), "");
        let batch = Batch::start(store);
        let tag = format!("v{thread}.{round}");
        store
            .push_reference(manifest.descriptor(), &mut &manifest, &tag)
            .unwrap();
        batch.finish().unwrap();
        assert!(tags(store).contains(&tag));
        assert_eq!(
            store.resolve(&tag).unwrap().digest,
            manifest.descriptor().digest
        );
        read(store, &manifest);
    }
}

fn read(store: &impl Source, content: &RawManifest) {
    let reader: VerifyReader<'_> = store.fetch(content.descriptor()).unwrap();
    assert_eq!(reader.read_all(1 << 20).unwrap(), content.bytes());
}

fn tags(store: &impl TagLister) -> Vec<String> {
    let mut all = Vec::new();
    let visit = &mut |page: &[String]| {
        all.extend_from_slice(page);
        ControlFlow::Continue(())
    };
    store.tags(None, visit).unwrap();
    all
}
