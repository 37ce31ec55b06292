//! Retries of requests that failed in a way that may pass. [`RetryPolicy`] decides.
//!
//! [`RetryPolicy`]: crate::http::RetryPolicy

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use super::Client;
use super::attempt::RequestAuth;
use super::request::RegistryRequest;
use super::response::RegistryResponse;
use crate::error::{Error, Result, TransportKind, status_text};
use crate::http::retry::{NextAttempt, Outcome, Reachability, Retries};
use crate::http::{DEADLINE_PASSED, SilentServer, Timeouts, TransportError};
use crate::progress::{self, Event};
use crate::text::random;
use crate::text::url::Url;

/// A retry that the policy allows.
#[derive(Debug)]
pub(crate) struct Retry {
    next: NextAttempt,
    /// Host and port of the server that failed.
    host: String,
    reason: String,
}

/// Longest wait between two reports to an observer, which can end a wait.
const WAKE: Duration = Duration::from_millis(250);

impl Client {
    /// Sends a request until it succeeds, fails in a way that a retry cannot change, or has used up
    /// its retries. `retries` are those of the request so far.
    pub(super) fn send_with_retries(
        &self,
        request: &mut RegistryRequest<'_>,
        auth: &RequestAuth<'_>,
        retries: &mut Retries,
    ) -> Result<RegistryResponse> {
        loop {
            let result = self.send_with_redirects(request, auth);
            let retry = Some(&result)
                .filter(|_| request.body.is_retryable())
                .and_then(|result| self.retry(retries, result));
            let Some(retry) = retry else {
                return result.map(|response| RegistryResponse {
                    retries: retries.count,
                    ..response
                });
            };
            if let Ok(response) = result {
                response.drain()?;
            }
            self.wait_for(&retry)?;
        }
    }

    /// Decides about a retry of a request that ended with `result`, and counts it.
    pub(crate) fn retry(
        &self,
        retries: &mut Retries,
        result: &Result<RegistryResponse>,
    ) -> Option<Retry> {
        match result {
            Ok(response) => {
                let status = response.status();
                let outcome = Outcome::Status(status, response.retry_after);
                let next = self.next_attempt(retries, outcome, Reachability::default())?;
                if status == 408 {
                    self.note_broken_connection(*retries, &response.url);
                }
                Some(Retry {
                    next,
                    host: response.url.host_and_port().to_owned(),
                    reason: format!("{status} {}", status_text(status)),
                })
            }
            Err(Error::Transport {
                kind, url, source, ..
            }) => self.retry_failure(retries, *kind, url, &**source),
            Err(_) => None,
        }
    }

    /// Same as [`retry`](Self::retry), for a request without a complete response.
    pub(crate) fn retry_failure(
        &self,
        retries: &mut Retries,
        kind: TransportKind,
        url: &str,
        source: &(dyn StdError + Send + Sync + 'static),
    ) -> Option<Retry> {
        let url = Url::parse(url).ok()?;
        if self.time_left() == Some(Duration::ZERO) {
            return None;
        }
        let limit = match kind {
            TransportKind::Timeout => {
                silent_server(source).map_or(self.settings.timeouts.connect, |server| server.limit)
            }
            _ => Duration::ZERO,
        };
        let silence = progress::operation(self.now())
            .silence
            .saturating_add(limit);
        progress::set_silence(silence);
        let server = Reachability {
            has_responded: self.shared.responders.lock().contains(&url.origin()),
            silence,
        };
        let next = self.next_attempt(retries, Outcome::Failed(kind), server)?;
        if kind == TransportKind::Io {
            self.note_broken_connection(*retries, &url);
        }
        let host = url.host_and_port();
        let reason = source.to_string();
        Some(Retry {
            next,
            reason: match reason.strip_suffix(host) {
                Some(start) => start.trim_end_matches(" from ").to_owned(),
                None => reason,
            },
            host: host.to_owned(),
        })
    }

    /// Ends the reuse of connections to a server if they broke twice while a request was sent. Some
    /// servers close a connection after each response and do not announce it, or announce it with a
    /// 408 for the next request. Each attempt to send a blob starts with other requests, so that
    /// the blob would always meet a connection that is about to close.
    fn note_broken_connection(&self, retries: Retries, url: &Url) {
        if retries.count > 1 {
            self.capabilities().entry(&url.origin()).breaks_connections = true;
        }
    }

    fn next_attempt(
        &self,
        retries: &mut Retries,
        outcome: Outcome,
        server: Reachability,
    ) -> Option<NextAttempt> {
        let policy = &self.settings.retry_policy;
        policy
            .next_attempt(retries, outcome, server, random::fraction())
            .filter(|next| self.time_left().is_none_or(|left| next.wait < left))
    }

    /// Reports a retry, and waits for it.
    pub(crate) fn wait_for(&self, retry: &Retry) -> Result<()> {
        progress::report(&Event::Retrying {
            host: &retry.host,
            reason: &retry.reason,
            attempt: retry.next.number,
            attempts: retry.next.last,
            wait: retry.next.wait,
        })?;
        let silence = progress::operation(self.now()).silence;
        if !silence.is_zero() {
            progress::set_silence(silence.saturating_add(retry.next.wait));
        }
        self.sleep(&retry.host, retry.next.wait)
    }

    /// Waits, until the deadline at most. `host` is the server that the wait is for.
    pub(crate) fn sleep(&self, host: &str, duration: Duration) -> Result<()> {
        let duration = self.time_left().map_or(duration, |left| left.min(duration));
        if !progress::is_observed() {
            self.shared.clock.sleep(duration);
            return Ok(());
        }
        let mut waited = Duration::ZERO;
        while waited < duration {
            let slice = duration.saturating_sub(waited).min(WAKE);
            self.shared.clock.sleep(slice);
            waited += slice;
            progress::report(&Event::waiting(host, waited))?;
        }
        Ok(())
    }

    /// The rest of the deadline of the operation.
    fn time_left(&self) -> Option<Duration> {
        let deadline = self.settings.timeouts.deadline?;
        let now = self.now();
        let passed = now.duration_since(progress::operation(now).start);
        Some(deadline.saturating_sub(passed.unwrap_or_default()))
    }

    /// The timeouts of the next request: the deadline limits all of an operation, and the policy
    /// limits the silence of several.
    pub(super) fn timeouts(&self) -> Result<Timeouts, TransportError> {
        let mut timeouts = self.settings.timeouts;
        timeouts.deadline = self.time_left();
        if timeouts.deadline == Some(Duration::ZERO) {
            return Err(TransportError::new(TransportKind::Timeout, DEADLINE_PASSED));
        }
        let silence = progress::operation(self.now()).silence;
        let left = (self.settings.retry_policy.max_silence).saturating_sub(silence);
        if silence.is_zero() || left.is_zero() {
            return Ok(timeouts);
        }
        Ok(timeouts.with_idle(timeouts.idle.min(left)))
    }
}

/// The cause of a timeout, if a server sent too little.
fn silent_server<'a>(
    error: &'a (dyn StdError + Send + Sync + 'static),
) -> Option<&'a SilentServer> {
    match error.downcast_ref::<io::Error>() {
        Some(error) => error.get_ref()?.downcast_ref(),
        None => error.downcast_ref(),
    }
}
