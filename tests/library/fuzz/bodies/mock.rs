//! A transport that returns prepared responses, and checks every request.

use std::io::{self, Cursor};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oras::Credential;
use oras::credentials::Fixed;
use oras::error::TransportKind;
use oras::http::{
    Headers, OriginPolicy, Request, RequestBody, Response, Transport, TransportError,
};
use oras::registry::Client;
use oras::url::{Scheme, Url};

use crate::support::clock::FakeClock;

/// The registry of all requests.
pub(super) const REGISTRY: &str = "registry.example";
/// The password for the registry.
pub(super) const PASSWORD: &str = "canary-of-the-password";
/// The value of the custom header.
pub(super) const HEADER: &str = "canary-of-the-header";
/// The longest total wait of one operation, in virtual time.
const MAX_WAIT: Duration = Duration::from_secs(30 * 60);

/// A request that the transport received.
pub(super) struct Received {
    pub(super) url: Url,
    /// Whether the request has the header `Authorization`.
    pub(super) has_credentials: bool,
}

/// A response without transport errors.
pub(super) struct Prepared {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// Chooses the response to a request, by its number. `None` is a broken connection.
type Respond = dyn Fn(usize, &Url) -> Option<Prepared> + Send + Sync;

/// A registry that exists only as a function.
pub(super) struct Mock {
    received: Arc<Mutex<Vec<Received>>>,
    clock: FakeClock,
    pub(super) client: Client,
}

impl Mock {
    pub(super) fn new(
        respond: impl Fn(usize, &Url) -> Option<Prepared> + Send + Sync + 'static,
    ) -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let clock = FakeClock::new();
        let transport = MockTransport {
            received: Arc::clone(&received),
            respond: Box::new(respond),
        };
        let client = Client::builder()
            .transport(transport)
            .credentials(Fixed(Credential::password("me", PASSWORD)))
            .header("X-Canary", HEADER)
            .clock(clock.clone())
            .build();
        Self {
            received,
            clock,
            client,
        }
    }

    /// Returns the requests so far.
    pub(super) fn received(&self) -> Vec<Received> {
        std::mem::take(&mut lock(&self.received))
    }

    /// Checks that the operation did not wait for too long.
    pub(super) fn check_waits(&self) {
        let total: Duration = self.clock.waits().into_iter().sum();
        assert!(total <= MAX_WAIT, "waited {total:?}");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct MockTransport {
    received: Arc<Mutex<Vec<Received>>>,
    respond: Box<Respond>,
}

impl Transport for MockTransport {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        check_request(&request);
        if let RequestBody::Reader { reader, size, .. } = request.body {
            let copied = io::copy(reader, &mut io::sink()).expect("content in memory");
            assert_eq!(copied, size);
        }
        let number = {
            let mut received = lock(&self.received);
            received.push(Received {
                url: request.url.clone(),
                has_credentials: request.headers.get("Authorization").is_some(),
            });
            received.len() - 1
        };
        let Some(prepared) = (self.respond)(number, request.url) else {
            let source = io::Error::from(io::ErrorKind::ConnectionReset);
            return Err(TransportError::new(TransportKind::Io, source));
        };
        let mut headers = Headers::new();
        for (name, value) in prepared.headers {
            headers.add(name, value);
        }
        Ok(Response::new(
            prepared.status,
            headers,
            Cursor::new(prepared.body),
        ))
    }
}

/// Whether a URL has the origin of the registry.
pub(super) fn is_registry(url: &Url) -> bool {
    let registry = Url::parse(&format!("https://{REGISTRY}")).expect("a URL");
    url.origin() == registry.origin()
}

/// Checks that a request has no control characters, and secrets only where they belong.
fn check_request(request: &Request<'_>) {
    let url = request.url.exact();
    assert!(!url.contains(PASSWORD) && !url.contains(HEADER), "{url}");
    assert!(url.bytes().all(|byte| byte.is_ascii_graphic()), "{url}");
    let is_registry = is_registry(request.url);
    let is_third_party = request.origin_policy != OriginPolicy::SameOrigin;
    assert!(is_registry || is_third_party, "{url}");
    for (name, value) in request.headers.iter() {
        assert!(!value.contains(char::is_control), "{name}: {value:?}");
        assert!(is_registry || !value.contains(HEADER), "{name} at {url}");
        if name.eq_ignore_ascii_case("Authorization") {
            assert_eq!(request.url.scheme(), Scheme::Https, "{url}");
        }
    }
}
