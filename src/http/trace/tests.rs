use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use super::*;

struct Fixed(Headers, &'static [u8]);

impl Transport for Fixed {
    fn send(&self, _: Request<'_>) -> Result<Response, TransportError> {
        Ok(Response {
            status: 200,
            headers: self.0.clone(),
            body: Box::new(self.1),
        })
    }
}

struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
    fn sleep(&self, _: Duration) {}
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn trace(response_headers: Headers, body: &'static [u8]) -> (String, Vec<u8>) {
    let out = Shared::default();
    let traced = Traced::new(Fixed(response_headers, body), out.clone(), Epoch);
    let url = Url::parse("http://r/v2/?sig=canary").unwrap();
    let headers = Headers::new()
        // me:canary-canary
        .with("Authorization", "Basic bWU6Y2FuYXJ5LWNhbmFyeQ==")
        .with("X-Mine", "canary-of-mine")
        .with("accept", "a/b");
    let request = Request {
        method: Method::Get,
        url: &url,
        headers: &headers,
        body: RequestBody::None,
        timeouts: crate::http::Timeouts::default(),
        origin_policy: crate::auth::OriginPolicy::SameOrigin,
    };
    let mut response = traced.send(request).unwrap();
    let mut got = Vec::new();
    response.body.read_to_end(&mut got).unwrap();
    let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    (text, got)
}

#[test]
fn a_record_shows_the_exchange_and_passes_the_body_on() {
    let (text, body) = trace(
        Headers::new().with("content-type", "application/json"),
        b"{\"a\":1}",
    );
    let wanted = "[1970-01-01T00:00:00Z][DEBUG]: --> Request #0\n> Request URL: \"http://r/v2/?sig=REDACTED\"\n\
        > Request method: \"GET\"\n> Request headers:\n   \"Authorization\": \"*****\"\n   \"X-Mine\": \"*****\"\n   \
        \"Accept\": \"a/b\"\n\n\n[1970-01-01T00:00:00Z][DEBUG]: <-- Response #0\n< Response Status: \"200 OK\"\n\
        < Response headers:\n   \"Content-Type\": \"application/json\"\n< Response body:\n{\"a\":1}\n\n\n";
    assert_eq!(text, wanted);
    assert_eq!(body, b"{\"a\":1}");
}

#[test]
fn quotes_in_a_header_value_are_escaped() {
    let (text, _) = trace(Headers::new().with("Etag", r#"W/"a\b""#), b"");
    assert!(text.contains(r#"   "Etag": "W/\"a\\b\"""#), "{text}");
}

#[test]
fn secrets_of_a_response_are_redacted_in_headers_and_body() {
    let headers = Headers::new()
        .with("content-type", "application/json")
        .with("Set-Cookie", "canary")
        .with("Location", "https://s3/x?X-Amz-Signature=canary");
    let (text, body) = trace(headers, b"{\"access_token\":\"canary\"}");
    assert!(!text.contains("canary"), "{text}");
    assert!(text.contains("redacted due to potential credentials"));
    assert_eq!(body, b"{\"access_token\":\"canary\"}");
}

#[test]
fn names_of_secrets_are_found_in_any_spelling() {
    for (body, is_secret) in [
        (r#"{"token":"x"}"#, true),
        (r#"{"\u0074oken":"x"}"#, true),
        (r#"{"access\u005Ftoken":"x"}"#, true),
        (r#"{"a":[{"Id\u005f\u0054OKEN" : 1}]}"#, true),
        (r#"{"refresh_token\u0022:1}"#, true),
        (r#"{"name":"a token of"}"#, false),
        (r#"{"name":"\u00e9\u0"}"#, false),
        ("\\u", false),
        ("\\u00é", false),
    ] {
        assert_eq!(may_contain_credentials(body), is_secret, "{body}");
    }
}

#[test]
fn a_long_body_is_not_printed_but_passed_on() {
    let long = Vec::leak(vec![b'x'; MAX_TRACED_BYTES + 1]);
    for (length, is_shown) in [(MAX_TRACED_BYTES, true), (MAX_TRACED_BYTES + 1, false)] {
        let headers = Headers::new().with("content-type", "text/plain");
        let (text, body) = trace(headers, &long[..length]);
        assert_eq!(text.contains("xx"), is_shown);
        assert_ne!(text.contains("exceeding the trace size limit"), is_shown);
        assert_eq!(body.len(), length);
    }
}

#[test]
fn secrets_of_a_request_are_redacted_in_the_response() {
    let headers = Headers::new()
        .with("content-type", "application/json")
        .with(
            "WWW-Authenticate",
            "Bearer realm=\"https://a/t?key=canary\",error=\"no bWU6Y2FuYXJ5LWNhbmFyeQ==\"",
        )
        .with("Warning", "299 - \"canary-of-mine: \u{9b}31m\"")
        .with("ETag", "canary-canary")
        .with("Location", "/bWU6Y2FuYXJ5LWNhbmFyeQ%3d%3d");
    let body = b"{\"message\":\"Basic bWU6Y2FuYXJ5LWNhbmFyeQ== at http:\\/\\/h\\/?canary\"}";
    let (text, got) = trace(headers, body);
    assert!(!text.contains("canary"), "{text}");
    assert!(!text.contains("Y2FuYXJ5"), "{text}");
    assert!(
        text.contains(r#"realm=\"https://a/t?key=REDACTED\",error=\"no *****==\""#),
        "{text}"
    );
    assert!(text.contains(r#"299 - \"*****: 31m\""#), "{text}");
    assert_eq!(got, body);
}

#[test]
fn a_body_that_is_not_text_is_not_printed() {
    let (text, _) = trace(
        Headers::new().with("content-type", "application/octet-stream"),
        b"\x00",
    );
    assert!(
        text.contains(
            "   Response body of content type \"application/octet-stream\" is not printed"
        )
    );
    let (text, _) = trace(Headers::new(), b"x");
    assert!(text.contains("   Response body without a content type is not printed"));
}
