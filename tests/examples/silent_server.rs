//! Gives up a server that is silent for five seconds, and reports the wait meanwhile.
//!
//! ```text
//! cargo run --example silent_server -- localhost:5000/hello:v1
//! ```

use std::env;
use std::error::Error;
use std::io::{self, Write as _};
use std::time::Duration;

use oras::http::{RetryPolicy, Timeouts};
use oras::progress::{Event, Observer};
use oras::registry::Client;
use oras::store::Source;
use oras::{Descriptor, Reference};

fn main() -> Result<(), Box<dyn Error>> {
    let reference = env::args()
        .nth(1)
        .ok_or("usage: silent_server <registry/repository:tag>")?;
    let observer = Observer::new(|event| {
        if let Event::Waiting { host, silence, .. } = event {
            writeln!(io::stderr(), "{host} is silent for {} s", silence.as_secs())?;
        }
        Ok(())
    });
    let client = client(Duration::from_secs(5));
    match observer.scope(|| resolve(&client, &reference.parse()?)) {
        Err(error) if error.is_timeout() => Err("the registry does not respond".into()),
        result => Ok(writeln!(io::stdout(), "{}", result?.digest)?),
    }
}

/// A client that waits once, and for this time.
fn client(silence: Duration) -> Client {
    let timeouts = Timeouts::default().with_connect(silence).with_idle(silence);
    Client::builder()
        .timeouts(timeouts)
        .retry_policy(RetryPolicy::default().with_timeout_retries(0))
        .build()
}

fn resolve(client: &Client, reference: &Reference) -> oras::Result<Descriptor> {
    let (repository, tag) = client.open(reference)?;
    repository.resolve(&tag)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_silent_server_is_given_up_and_the_wait_is_reported() {
        // Connections are accepted by the system, and nobody reads from them.
        let server = TcpListener::bind("localhost:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let reference = format!("localhost:{port}/hello:v1").parse().unwrap();
        let is_reported = Arc::new(AtomicBool::new(false));
        let waiting = Arc::clone(&is_reported);
        let observer = Observer::new(move |event| {
            waiting.fetch_or(matches!(event, Event::Waiting { .. }), Ordering::Relaxed);
            Ok(())
        });

        let client = client(Duration::from_secs(1));
        let error = observer.scope(|| resolve(&client, &reference)).unwrap_err();

        assert!(error.is_timeout());
        assert!(is_reported.load(Ordering::Relaxed));
    }
}
