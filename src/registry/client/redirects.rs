//! Redirects: which are followed, and what the redirected request may carry.
//!
//! [`Redirects`] decides; [`Client::send_with_redirects`] sends. The decisions:
//!
//! | response | method | next request |
//! |---|---|---|
//! | not 301, 302, 303, 307 or 308 | any | none: this is the response |
//! | any redirect, if the request does not follow redirects | any | none |
//! | 301, 302, 303 | not GET or HEAD | none |
//! | a followed redirect without a valid `Location` | any | error |
//! | to the registry's origin | any | with credentials, unless a redirect left the origin before |
//! | from http to https of the same host, default ports | GET, HEAD | credentials after a 401 |
//! | to another origin, as the [`OriginPolicy`] allows | GET, HEAD | no credentials |
//! | from https to http | GET, HEAD | no credentials; error unless the digest is known beforehand |
//! | to another origin | any other | error: content goes to the registry only |
//! | the eleventh | any | error |

use super::Client;
use super::attempt::RequestAuth;
use super::request::{Body, RegistryRequest};
use super::response::{RegistryResponse, Sender};
use crate::auth::{OriginPolicy, UrlRefusal, is_https_upgrade};
use crate::error::{Error, Result};
use crate::http::Method;
use crate::limits::MAX_REDIRECTS;
use crate::text::url::{Origin, Url};

/// The redirects of one request so far.
pub(super) struct Redirects {
    origin: Origin,
    method: Method,
    is_enabled: bool,
    has_known_digest: bool,
    has_body: bool,
    count: usize,
    sender: Sender,
}

/// The decision about a response.
#[derive(Debug, PartialEq, Eq)]
enum Redirect {
    /// The response is not a redirect, or the redirect is not followed.
    Finish,
    /// Send the request to this URL.
    Follow(Url),
    /// There were [`MAX_REDIRECTS`] redirects before this one.
    TooMany,
}

impl Redirects {
    fn new(request: &RegistryRequest<'_>) -> Self {
        Self {
            origin: request.url.origin(),
            method: request.method,
            is_enabled: request.follow_redirects,
            has_known_digest: request.has_known_digest,
            has_body: !matches!(request.body, Body::None | Body::Bytes(&[])),
            count: 0,
            sender: Sender::Registry,
        }
    }

    /// Decides what follows from `response`.
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`] if the redirect has no usable `Location`, or leads where the request
    /// must not go.
    fn on(&mut self, response: &RegistryResponse) -> Result<Redirect> {
        let is_read = matches!(self.method, Method::Get | Method::Head);
        let is_followed = match response.status() {
            301..=303 => is_read && self.is_enabled,
            307 | 308 => self.is_enabled,
            _ => false,
        };
        if !is_followed {
            return Ok(Redirect::Finish);
        }
        let location = response
            .header("Location")
            .ok_or_else(|| response.protocol_error("the redirect has no Location"))?;
        let next = response.resolve("Location", location)?;
        let to = next.origin();
        // A body may be as secret as a header.
        let is_bare_read = is_read && !self.has_body;
        let reason = match OriginPolicy::between(&self.origin, response.locality, &to) {
            Ok(OriginPolicy::SameOrigin) => None,
            Ok(OriginPolicy::NoCredentials { .. }) if is_bare_read => None,
            Err(UrlRefusal::LeavesHttps) if is_bare_read && self.has_known_digest => None,
            Ok(OriginPolicy::NoCredentials { .. }) => {
                Some("it would send content to another host".to_owned())
            }
            Err(refusal) => Some(refusal.to_string()),
        };
        if let Some(reason) = reason {
            return Err(response.protocol_error(format!(
                "refusing to follow the redirect to \"{next}\": {reason}"
            )));
        }
        self.sender = match self.sender {
            Sender::Registry if to == self.origin => Sender::Registry,
            Sender::Registry | Sender::UpgradedRegistry if is_https_upgrade(&self.origin, &to) => {
                Sender::UpgradedRegistry
            }
            _ => Sender::ThirdParty,
        };
        self.count += 1;
        Ok(if self.count > MAX_REDIRECTS {
            Redirect::TooMany
        } else {
            Redirect::Follow(next)
        })
    }
}

impl Client {
    /// Sends a request and follows its redirects.
    pub(super) fn send_with_redirects(
        &self,
        request: &mut RegistryRequest<'_>,
        auth: &RequestAuth<'_>,
    ) -> Result<RegistryResponse> {
        let mut url = request.url.clone();
        let mut redirects = Redirects::new(request);
        loop {
            let response = self.send_once(request, &url, auth, redirects.sender)?;
            match redirects.on(&response)? {
                Redirect::Finish => return Ok(response),
                Redirect::Follow(next) => url = next,
                Redirect::TooMany => {
                    response.drain()?;
                    return Err(Error::Protocol {
                        what: self.describe(request),
                        reason: format!("more than {MAX_REDIRECTS} redirects"),
                    });
                }
            }
            response.drain()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status and `Location` of a response to a request at `http://r:5000/v2/a`.
    fn decide(redirects: &mut Redirects, status: u16, location: &str) -> Result<Redirect> {
        let mut response = RegistryResponse::for_test(status, &[("Location", location)]);
        response.url = Url::parse("http://r:5000/v2/a").unwrap();
        redirects.on(&response)
    }

    fn redirects(method: Method) -> Redirects {
        let url = Url::parse("http://r:5000/v2/a").unwrap();
        Redirects::new(&RegistryRequest::new(method, url))
    }

    #[test]
    fn method_status_and_origin_decide_about_a_redirect() {
        let same = "http://r:5000/v2/b";
        let other = "http://cdn/b";
        for (method, status, location, wanted) in [
            (Method::Get, 200, same, None),
            (Method::Get, 300, same, None),
            (Method::Get, 304, same, None),
            (Method::Get, 301, same, Some((same, Sender::Registry))),
            (Method::Head, 302, same, Some((same, Sender::Registry))),
            (Method::Get, 303, other, Some((other, Sender::ThirdParty))),
            (Method::Get, 307, "/v2/b", Some((same, Sender::Registry))),
            (Method::Head, 308, other, Some((other, Sender::ThirdParty))),
            (Method::Post, 301, same, None),
            (Method::Put, 302, same, None),
            (Method::Patch, 303, same, None),
            (Method::Put, 307, same, Some((same, Sender::Registry))),
            (Method::Patch, 308, same, Some((same, Sender::Registry))),
        ] {
            let mut redirects = redirects(method);
            let decided = decide(&mut redirects, status, location).unwrap();
            let wanted =
                wanted.map(|(url, sender)| (Redirect::Follow(Url::parse(url).unwrap()), sender));
            let (action, sender) = wanted.unwrap_or((Redirect::Finish, Sender::Registry));
            assert_eq!(
                (decided, redirects.sender),
                (action, sender),
                "{method} {status}"
            );
        }
    }

    #[test]
    fn a_redirect_that_cannot_be_followed_is_an_error() {
        for (method, location, reason) in [
            (Method::Get, "", "the redirect has no Location"),
            (Method::Get, "http://[", "its Location is not valid"),
            (
                Method::Get,
                "http://127.0.0.1/b",
                "host \"127.0.0.1\" is 127.0.0.1, in blocked prefix 127.0.0.0/8",
            ),
            (
                Method::Put,
                "http://cdn/b",
                "it would send content to another host",
            ),
        ] {
            let error = decide(&mut redirects(method), 307, location).unwrap_err();
            assert!(error.to_string().contains(reason), "{location}: {error}");
        }
    }

    #[test]
    fn a_request_without_redirects_gets_the_redirect() {
        let url = Url::parse("http://r:5000/v2/a").unwrap();
        let request = RegistryRequest::new(Method::Head, url).without_redirects();
        let decided = decide(&mut Redirects::new(&request), 307, "http://cdn/b");
        assert_eq!(decided.unwrap(), Redirect::Finish);
    }

    #[test]
    fn credentials_stay_off_after_a_redirect_to_another_origin() {
        let mut redirects = redirects(Method::Get);
        decide(&mut redirects, 307, "http://cdn/b").unwrap();
        decide(&mut redirects, 307, "http://r:5000/v2/c").unwrap();
        assert_eq!(redirects.sender, Sender::ThirdParty);
    }

    #[test]
    fn every_hop_of_an_upgrade_is_at_the_registry() {
        use Sender::{Registry, ThirdParty, UpgradedRegistry};
        for (hops, wanted) in [
            (&["http://r/b"][..], Registry),
            (&["https://r/v2/a"], UpgradedRegistry),
            (
                &["http://r/b", "https://r/b", "https://r/c"],
                UpgradedRegistry,
            ),
            (&["https://r:5000/b"], ThirdParty),
            (&["https://r/b", "http://r/b"], ThirdParty),
            (&["http://cdn/b", "https://r/b"], ThirdParty),
            (&["https://r/b", "https://cdn/b"], ThirdParty),
        ] {
            let url = Url::parse("http://r/v2/a").unwrap();
            let request = RegistryRequest::new(Method::Get, url);
            let mut redirects = Redirects::new(&request);
            for hop in hops {
                decide(&mut redirects, 307, hop).unwrap();
            }
            assert_eq!(redirects.sender, wanted, "{hops:?}");
        }
    }

    #[test]
    fn only_reads_of_a_known_digest_leave_https() {
        for (method, has_known_digest, wanted) in [
            (Method::Get, true, true),
            (Method::Head, true, true),
            (Method::Get, false, false),
            (Method::Put, true, false),
        ] {
            let url = Url::parse("https://r/v2/a").unwrap();
            let mut request = RegistryRequest::new(method, url);
            request.has_known_digest = has_known_digest;
            let mut redirects = Redirects::new(&request);
            let decided = decide(&mut redirects, 307, "http://cdn/b");
            assert_eq!(decided.is_ok(), wanted, "{method} {has_known_digest}");
            assert_eq!(redirects.sender == Sender::ThirdParty, wanted);
            let decided = decide(&mut redirects, 307, "http://127.0.0.1/b");
            assert!(decided.is_err(), "{method}: its address is judged too");
        }
    }

    #[test]
    fn redirects_are_counted() {
        let mut redirects = redirects(Method::Get);
        for _ in 0..MAX_REDIRECTS {
            let decided = decide(&mut redirects, 302, "/v2/a").unwrap();
            assert!(matches!(decided, Redirect::Follow(_)));
        }
        assert_eq!(
            decide(&mut redirects, 302, "/v2/a").unwrap(),
            Redirect::TooMany
        );
    }
}
