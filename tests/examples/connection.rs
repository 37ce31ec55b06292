//! A client for a company network: timeouts, a certificate authority, a proxy, headers and retries.
//!
//! ```text
//! cargo run --example connection -- registry.example ca.pem http://proxy.example:3128
//! ```

use std::env;
use std::error::Error;
use std::fs;
use std::time::Duration;

use oras::http::{CertificateAuthorities, Proxies, RetryPolicy, Timeouts, UreqTransport};
use oras::registry::{Client, ClientBuilder};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [registry, authority, proxy] = arguments.as_slice() else {
        return Err("usage: connection <registry> <ca.pem> <proxy>".into());
    };
    let transport = transport(&fs::read(authority)?, proxy)?;
    let client = client().transport(transport).build();
    client.check(&registry.parse()?)?;
    Ok(())
}

/// A transport that trusts one certificate authority and uses one proxy.
fn transport(authority: &[u8], proxy: &str) -> Result<UreqTransport, Box<dyn Error>> {
    let proxies = Proxies::from_variables(|name| match name {
        "HTTPS_PROXY" => Some(proxy.into()),
        "NO_PROXY" => Some("localhost,.internal.example,10.0.0.0/8".into()),
        _ => None,
    });
    Ok(UreqTransport::builder()
        .authorities(CertificateAuthorities::from_pem(authority)?)
        .proxies(proxies)
        .build())
}

fn client() -> ClientBuilder {
    let timeouts = Timeouts::default()
        .with_connect(Duration::from_secs(3))
        .with_idle(Duration::from_secs(20))
        .with_deadline(Duration::from_secs(600));
    let retries = RetryPolicy::default()
        .with_retries(2)
        .with_max_backoff(Duration::from_millis(10));
    Client::builder()
        .timeouts(timeouts)
        .retry_policy(retries)
        .user_agent("example/1.0")
        .header("X-Request-Source", "build")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU16, Ordering};

    use oras::http::{Headers, Request, Response, Transport, TransportError};

    use super::*;

    /// Fails before the third request.
    struct Busy(AtomicU16);

    impl Transport for Busy {
        fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
            assert_eq!(request.headers.get("User-Agent"), Some("example/1.0"));
            assert_eq!(request.headers.get("X-Request-Source"), Some("build"));
            assert_eq!(request.timeouts.idle, Duration::from_secs(20));
            let status = if self.0.fetch_add(1, Ordering::Relaxed) < 2 {
                503
            } else {
                200
            };
            Ok(Response::new(status, Headers::new(), &b"{}"[..]))
        }
    }

    #[test]
    fn a_busy_registry_gets_three_requests_with_the_settings() {
        let busy = Arc::new(Busy(AtomicU16::new(0)));
        let client = client().transport(Arc::clone(&busy)).build();
        client.check(&"registry.example".parse().unwrap()).unwrap();
        assert_eq!(busy.0.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_wrong_authority_is_an_error_and_a_right_one_is_accepted() {
        let authority = include_bytes!("../../fixtures/tls/ca.crt");
        assert!(transport(authority, "http://proxy.example:3128").is_ok());
        assert!(transport(b"no certificate", "http://proxy.example:3128").is_err());
    }
}
