//! The faults of the matrix.

use std::time::Duration;

use super::operations::{Operation, Scene};
use crate::support::registry::{Fault, TestRegistry};
#[cfg(feature = "tls")]
use crate::support::tls::{Clients, TlsFront};

/// The way in which a fault is injected.
pub(super) enum Injection {
    /// By the registry, in the response to the request of the operation.
    Response(fn(Fault, &Scene) -> Fault),
    /// By the registry, in the response, if its content is known or sent with it.
    Content(fn(Fault, &Scene) -> Fault),
    /// By the registry, in the response to a request before the operation.
    RequestBefore(fn(Fault, &Scene) -> Fault),
    /// By the registry, while it receives the body of the request.
    RequestBody(fn(Fault, &Scene) -> Fault),
    /// By the registry, in the body of the response.
    ResponseBody(fn(Fault, &Scene) -> Fault),
    /// The connection is refused.
    Refused,
    /// TLS ends during the handshake.
    #[cfg(feature = "tls")]
    TlsHandshake,
    /// TLS ends without a close notification during the body of the response.
    #[cfg(feature = "tls")]
    TlsBody,
}

use Injection::{Content, RequestBefore, RequestBody, Response, ResponseBody};

impl Injection {
    /// Whether the request of the operation has what the fault changes.
    pub(super) fn applies_to(&self, operation: &Operation) -> bool {
        match self {
            RequestBody(_) => matches!(operation.method, "PUT" | "PATCH"),
            ResponseBody(_) => operation.method == "GET",
            Content(_) => operation.method != "HEAD",
            #[cfg(feature = "tls")]
            Self::TlsBody => operation.method == "GET",
            _ => true,
        }
    }

    /// Starts a TLS server in front of a registry, if the fault is one of TLS. The first `times`
    /// connections are cut.
    #[cfg(feature = "tls")]
    pub(super) fn tls_front(
        &self,
        registry: &TestRegistry,
        times: Option<usize>,
    ) -> Option<TlsFront> {
        let cuts = match self {
            Self::TlsHandshake => times.unwrap_or(usize::MAX),
            Self::TlsBody => 0,
            _ => return None,
        };
        let upstream = registry.address();
        Some(TlsFront::start_cutting(
            cuts,
            "server",
            Clients::Anonymous,
            upstream,
        ))
    }
}

/// A wait that is longer than every timeout.
const SILENCE: Duration = Duration::from_secs(4);
/// A wait that is only accepted before the response to an upload.
const COMMIT: Duration = Duration::from_millis(700);
/// The wait of a slow server.
const SLOW: Duration = Duration::from_millis(70);
/// 25 seconds after the time of the test clock.
const DATE: &str = "Sun, 09 Sep 2001 01:47:05 GMT";

/// The name and the injection of each fault.
pub(super) const FAULTS: &[(&str, Injection)] = &[
    ("connection refused", Injection::Refused),
    (
        "connection closed before the response",
        Response(|it, _| it.close()),
    ),
    (
        "connection closed in the request",
        RequestBody(|it, _| it.close_after_receiving(1)),
    ),
    ("response lost", Response(|it, _| it.lose_response())),
    ("response cut", ResponseBody(|it, _| it.close_after(2))),
    (
        "idle connection closed",
        RequestBefore(|it, _| it.hang_up()),
    ),
    ("no response", Response(|it, _| it.delay(SILENCE))),
    ("slow commit", RequestBody(|it, _| it.delay(COMMIT))),
    (
        "response stops",
        ResponseBody(|it, _| it.slow_body(SILENCE)),
    ),
    ("slow response", ResponseBody(|it, _| it.slow_body(SLOW))),
    ("408", Response(|it, _| it.status(408))),
    (
        "429",
        Response(|it, _| it.error(429, "TOOMANYREQUESTS", "slow down")),
    ),
    (
        "429, Retry-After in seconds",
        Response(|it, _| it.status(429).retry_after(20)),
    ),
    (
        "429, Retry-After as a date",
        Response(|it, _| it.status(429).header("Retry-After", DATE)),
    ),
    (
        "429, Retry-After of an hour",
        Response(|it, _| it.status(429).retry_after(3600)),
    ),
    ("500", Response(|it, _| it.status(500))),
    (
        "502 with HTML",
        Response(|it, _| it.html_page().status(502)),
    ),
    ("503", Response(|it, _| it.status(503))),
    ("504", Response(|it, _| it.status(504))),
    ("403", Response(|it, _| it.error(403, "DENIED", "no"))),
    ("401 without a challenge", Response(|it, _| it.status(401))),
    (
        "expired token",
        Response(|it, _| {
            it.error(401, "UNAUTHORIZED", "expired")
                .header("WWW-Authenticate", "Basic realm=\"r\"")
        }),
    ),
    (
        "Content-Length too short",
        ResponseBody(|it, _| it.wrong_length(-1)),
    ),
    (
        "Content-Length too long",
        ResponseBody(|it, _| it.wrong_length(5)),
    ),
    (
        "Content-Length huge",
        ResponseBody(|it, _| it.wrong_length(1 << 50)),
    ),
    ("no Content-Length", ResponseBody(|it, _| it.no_length())),
    ("chunked body", ResponseBody(|it, _| it.chunked())),
    ("endless body", ResponseBody(|it, _| it.endless_body())),
    ("one byte changed", ResponseBody(|it, _| it.flip_byte(1))),
    (
        "wrong digest in the header",
        Content(|it, _| it.wrong_digest_header()),
    ),
    ("a login page", Response(|it, _| it.html_page())),
    (
        "a login page without a length",
        Response(|it, _| it.html_page().no_length()),
    ),
    (
        "redirect without Location",
        Response(|it, _| it.status(307)),
    ),
    (
        "redirect loop",
        Response(|it, scene| it.redirect_to(&scene.registry)),
    ),
    (
        "redirect to another host",
        Response(|it, scene| it.redirect_to(&scene.other)),
    ),
    (
        "redirect to a dead host",
        Response(|it, scene| it.redirect_to_origin(&format!("http://{}", scene.dead.address()))),
    ),
    (
        "not HTTP",
        Response(|it, _| it.before_head("garbage\r\n\r\n")),
    ),
    (
        "folded header",
        Response(|it, _| it.raw_lines("X-Policy: a;\r\n  b\r\n")),
    ),
    (
        "200 headers",
        Response(|it, _| it.raw_lines(&"X-Header: value\r\n".repeat(200))),
    ),
    (
        "header of 1 MiB",
        Response(|it, _| it.raw_lines(&format!("X-Header: {}\r\n", "v".repeat(1 << 20)))),
    ),
    ("HTTP/1.0", Response(|it, _| it.version("HTTP/1.0"))),
    (
        "interim responses",
        Response(|it, _| {
            it.before_head(
                "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
            )
        }),
    ),
    (
        "interim responses without end",
        Response(|it, _| it.before_head(&"HTTP/1.1 102 Processing\r\n\r\n".repeat(1001))),
    ),
    (
        "101",
        Response(|it, _| it.before_head("HTTP/1.1 101 Switching Protocols\r\n\r\n")),
    ),
    (
        "100 without a request for it",
        Response(|it, _| it.before_head("HTTP/1.1 100 Continue\r\nServer: x\r\n\r\n")),
    ),
    #[cfg(feature = "tls")]
    ("TLS cut in the handshake", Injection::TlsHandshake),
    #[cfg(feature = "tls")]
    ("TLS cut in the body", Injection::TlsBody),
];
