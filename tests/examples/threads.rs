//! One client in eight threads. In an async program, the same function runs in `spawn_blocking`:
//!
//! ```ignore
//! let client = client.clone();
//! let digests = tokio::task::spawn_blocking(move || resolve_all(&client, &references)).await??;
//! ```
//!
//! ```text
//! cargo run --example threads -- localhost:5000/hello:v1 localhost:5000/hello:v2
//! ```

use std::env;
use std::error::Error;
use std::io::{self, Write as _};
use std::sync::Mutex;
use std::thread;

use oras::Digest;
use oras::registry::Client;
use oras::store::Source;

const THREADS: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let references: Vec<String> = env::args().skip(1).collect();
    for (reference, digest) in resolve_all(&Client::new(), &references)? {
        writeln!(io::stdout(), "{reference} {digest}")?;
    }
    Ok(())
}

/// Resolves references in eight threads, which share the connections and tokens of the client.
fn resolve_all(client: &Client, references: &[String]) -> oras::Result<Vec<(String, Digest)>> {
    let queue = Mutex::new(references.iter());
    let next = || queue.lock().ok()?.next();
    let work = || -> oras::Result<Vec<(String, Digest)>> {
        let mut found = Vec::new();
        while let Some(reference) = next() {
            let (repository, tag) = client.open(reference)?;
            found.push((reference.clone(), repository.resolve(&tag)?.digest));
        }
        Ok(found)
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        let mut all = Vec::new();
        for thread in threads {
            let found = thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            all.extend(found?);
        }
        all.sort();
        Ok(all)
    })
}

#[cfg(test)]
mod tests {
    use oras::http::{Headers, Request, Response, Transport, TransportError};

    use super::*;

    /// Has each tag, with the digest of its path.
    struct Mock;

    impl Transport for Mock {
        fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
            let digest = Digest::of(request.url.path().as_bytes());
            let headers = Headers::new()
                .with("Content-Type", "application/vnd.oci.image.index.v1+json")
                .with("Content-Length", "2")
                .with("Docker-Content-Digest", digest.as_str());
            Ok(Response::new(200, headers, io::empty()))
        }
    }

    #[test]
    fn all_references_are_resolved() {
        let references: Vec<_> = (10..60).map(|n| format!("r.example/a:v{n}")).collect();
        let client = Client::builder().transport(Mock).build();
        let found = resolve_all(&client, &references).unwrap();
        let wanted = references.iter().zip(10..60).map(|(reference, n)| {
            let path = format!("/v2/a/manifests/v{n}");
            (reference.clone(), Digest::of(path.as_bytes()))
        });
        assert_eq!(found, wanted.collect::<Vec<_>>());
    }
}
