//! Streams standard input into a registry and a blob to standard output, with progress, until a
//! limit of bytes.
//!
//! ```text
//! tar c src | cargo run --example stream -- push localhost:5000/hello:v1
//! cargo run --example stream -- pull localhost:5000/hello:v1 | tar t
//! ```

use std::env;
use std::error::Error;
use std::fmt;
use std::io::{self, Read, Write};

use oras::progress::{self, Event, Observer};
use oras::pull::{PullOptions, list};
use oras::push::{PushOptions, PushStream, push};
use oras::registry::Client;
use oras::store::{Source, Target};

const MAX_BYTES: u64 = 1024 * 1024 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [verb, reference] = arguments.as_slice() else {
        return Err("usage: stream push|pull <registry/repository:tag>".into());
    };
    let (repository, tag) = Client::new().open(reference)?;
    // The observer also applies to calls of a store, which have no options.
    observer(MAX_BYTES).scope(|| match verb.as_str() {
        "push" => push_stream(&repository, &tag, io::stdin()),
        _ => pull_stream(&repository, &tag, &mut io::stdout()),
    })?;
    Ok(())
}

/// The reason why the observer stops an operation.
#[derive(Debug, PartialEq)]
struct TooLong(u64);

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than {} bytes", self.0)
    }
}

impl Error for TooLong {}

/// Shows progress on standard error, and stops the operation after `limit` bytes.
fn observer(limit: u64) -> Observer {
    Observer::new(move |event| match event {
        Event::Reading { done, .. } | Event::Transferring { done, .. } if *done > limit => {
            Err(TooLong(limit).into())
        }
        Event::Reading { done, .. } => Ok(write!(io::stderr(), "\r{done} bytes sent")?),
        Event::Transferring { done, .. } => Ok(write!(io::stderr(), "\r{done} bytes received")?),
        Event::Waiting { host, .. } => Ok(writeln!(io::stderr(), "waiting for {host}")?),
        _ => Ok(()),
    })
}

/// Pushes an artifact with one layer, whose size and digest are not known beforehand.
fn push_stream(target: &dyn Target, tag: &str, input: impl Read + Send) -> oras::Result<()> {
    let mut options = PushOptions::default();
    options.artifact_type = Some("application/vnd.example.stream".into());
    options.streams.push(PushStream::new("stream", input));
    push(target, Some(tag), options).map(drop)
}

/// Writes the layers of an artifact to `output`. Only verified content ends without an error.
fn pull_stream(source: &dyn Source, tag: &str, output: &mut dyn Write) -> oras::Result<()> {
    for layer in list(source, tag, PullOptions::default())?.files {
        let content = source.fetch(&layer)?;
        let report = |done| progress::report(&Event::transferring(&layer, done));
        content.with_progress(report).copy_to(output, "output")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use oras::store::memory::MemoryStore;

    use super::*;

    #[test]
    fn a_stream_is_stored_and_a_long_one_is_cancelled() {
        let store = MemoryStore::new();
        observer(1000)
            .scope(|| push_stream(&store, "v1", &b"hello"[..]))
            .unwrap();
        let mut output = Vec::new();
        pull_stream(&store, "v1", &mut output).unwrap();
        assert_eq!(output, b"hello");

        let error = observer(1000)
            .scope(|| push_stream(&store, "v2", io::repeat(0).take(2000)))
            .unwrap_err();
        let cause = error.source().and_then(|source| source.downcast_ref());
        assert_eq!(cause, Some(&TooLong(1000)));
    }
}
