//! Many clients at once, each in a thread of its own: whatever the order in which they read and
//! write, nothing is lost.

use std::thread;

use oras::copy::{CopyOptions, copy_graph_with_referrers};
use oras::registry::Client;
use oras::store::Delete;
use oras::store::memory::MemoryStore;

use super::{digests, list, listed_at_tag, seed_list, signature, subject, without_api};
use crate::artifacts::push;
use crate::setup::{builder, client};
use crate::support::clock::SharedClock;

const CLIENTS: usize = 20;

/// Runs `work` in as many threads, each with its own client and number.
fn concurrently(clients: usize, work: impl Fn(usize, &Client) + Sync) {
    thread::scope(|scope| {
        for (number, clock) in SharedClock::for_threads(clients).into_iter().enumerate() {
            let work = &work;
            scope.spawn(move || work(number, &builder().clock(clock).build()));
        }
    });
}

fn sorted(mut digests: Vec<String>) -> Vec<String> {
    digests.sort();
    digests
}

#[test]
fn concurrent_attaches_lose_no_referrer() {
    let registry = without_api();
    let manifests: Vec<_> = (0..CLIENTS)
        .map(|number| signature(&number.to_string()))
        .collect();

    concurrently(CLIENTS, |number, client| {
        let repository = client.repository(&registry.reference("a")).unwrap();
        push(&repository, &manifests[number]);
    });

    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    assert_eq!(
        sorted(list(&repository).unwrap()),
        sorted(digests(&manifests.iter().collect::<Vec<_>>()))
    );
}

/// Half of the clients attach one manifest each, the others copy several manifests each.
#[test]
fn concurrent_copies_and_attaches_lose_no_referrer() {
    let registry = without_api();
    let each = 4;
    let manifests: Vec<_> = (0..CLIENTS * each)
        .map(|number| signature(&number.to_string()))
        .collect();
    let of = |number: usize| {
        let count = if number.is_multiple_of(2) { each } else { 1 };
        &manifests[number * each..][..count]
    };

    concurrently(CLIENTS, |number, client| {
        let repository = client.repository(&registry.reference("a")).unwrap();
        if let [one] = of(number) {
            return push(&repository, one);
        }
        let source = MemoryStore::new();
        push(&source, &subject());
        for manifest in of(number) {
            push(&source, manifest);
        }
        let root = subject();
        let options = &mut CopyOptions::default();
        copy_graph_with_referrers(&source, &repository, root.descriptor(), None, options).unwrap();
    });

    let client = client();
    let repository = client.repository(&registry.reference("a")).unwrap();
    let all: Vec<_> = (0..CLIENTS).flat_map(of).collect();
    assert_eq!(sorted(list(&repository).unwrap()), sorted(digests(&all)));
}

#[test]
fn deleted_referrers_stay_deleted_during_concurrent_attaches() {
    let registry = without_api();
    let [old, new] = ["old", "new"].map(|age| -> Vec<_> {
        (0..CLIENTS / 2)
            .map(|number| signature(&format!("{age} {number}")))
            .collect()
    });
    let setup = client();
    let repository = setup.repository(&registry.reference("a")).unwrap();
    for manifest in &old {
        push(&repository, manifest);
    }
    seed_list(&registry, &old.iter().collect::<Vec<_>>());

    concurrently(CLIENTS, |number, client| {
        let repository = client.repository(&registry.reference("a")).unwrap();
        match old.get(number) {
            Some(old) => repository.delete(old.descriptor()).unwrap(),
            None => push(&repository, &new[number - old.len()]),
        }
    });

    assert_eq!(
        sorted(listed_at_tag(&registry)),
        sorted(digests(&new.iter().collect::<Vec<_>>()))
    );
}
