//! Retries of requests that failed in a way that may pass. [`retry`](crate::http::retry) decides.

use std::time::{Duration, SystemTime};

use super::Client;
use super::attempt::RequestAuth;
use super::request::RegistryRequest;
use super::response::RegistryResponse;
use crate::error::{Error, Result, TransportKind};
use crate::http::retry::{Outcome, parse_retry_after, wait_before_retry};
use crate::text::random;

impl Client {
    /// Sends a request until it succeeds, fails in a way that a retry cannot change, or has used up
    /// its retries.
    pub(super) fn send_with_retries(
        &self,
        request: &mut RegistryRequest<'_>,
        auth: &RequestAuth<'_>,
    ) -> Result<RegistryResponse> {
        let mut retries = 0;
        loop {
            let result = self.send_with_redirects(request, auth);
            let wait = self
                .wait_before_retry(retries, &result)
                .filter(|_| request.body.is_retryable());
            let Some(wait) = wait else {
                return result.map(|response| RegistryResponse {
                    retries,
                    ..response
                });
            };
            if let Ok(response) = result {
                response.drain();
            }
            self.shared.clock.sleep(wait);
            retries += 1;
        }
    }

    /// Returns the wait before retry number `retries`, counted from 0, of a request that ended with
    /// `result`. `None` if a retry is of no use.
    pub(crate) fn wait_before_retry(
        &self,
        retries: u32,
        result: &Result<RegistryResponse>,
    ) -> Option<Duration> {
        retry_wait(retries, result, self.shared.clock.now(), random::fraction())
    }

    /// Same as [`wait_before_retry`](Self::wait_before_retry), for a request without a response.
    pub(crate) fn wait_after_failure(retries: u32, kind: TransportKind) -> Option<Duration> {
        wait_before_retry(retries, Outcome::Failed(kind), random::fraction())
    }
}

/// Same as [`Client::wait_before_retry`]. `jitter` is in `0.0..1.0`.
pub(crate) fn retry_wait(
    retries: u32,
    result: &Result<RegistryResponse>,
    now: SystemTime,
    jitter: f64,
) -> Option<Duration> {
    let outcome = match result {
        Ok(response) => {
            let asked = response
                .header("Retry-After")
                .and_then(|value| parse_retry_after(value, now));
            Outcome::Status(response.status(), asked)
        }
        Err(Error::Transport { kind, .. }) => Outcome::Failed(*kind),
        Err(_) => return None,
    };
    wait_before_retry(retries, outcome, jitter)
}
