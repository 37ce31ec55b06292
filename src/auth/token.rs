//! Token requests, token responses, and the lifetime of tokens.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use super::scope::Scopes;
use crate::auth::credential::Credential;
use crate::text::percent::encode_component;
use crate::text::secret::Secret;
use crate::text::time::parse_rfc3339;
use crate::text::url::Url;

/// Lifetime of a token without `expires_in` (distribution's "Token Authentication").
const DEFAULT_LIFETIME: Duration = Duration::from_secs(60);
/// Maximum time before its expiry at which a token is no longer used, so that it does not expire
/// while the request is in transit. At most a tenth of the lifetime.
const EXPIRY_MARGIN: Duration = Duration::from_secs(10);
/// Maximum age of an `issued_at` that is used. An older one means that the clocks differ.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(300);

/// A request to a token service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenRequest {
    /// URL of the token service.
    pub(crate) realm: Url,
    /// Name of the registry at the token service.
    pub(crate) service: Option<String>,
    /// Scopes of the token.
    pub(crate) scopes: Scopes,
    /// Credential of the user. Without it the request is anonymous.
    pub(crate) credential: Option<Credential>,
    /// HTTP method and encoding of the request.
    pub(crate) method: TokenMethod,
    /// Whether the request is anonymous because the credential was rejected.
    pub(crate) is_after_rejection: bool,
}

/// The method of a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenMethod {
    /// GET, with user name and password in the `Authorization` header (distribution's "Token
    /// Authentication").
    Get,
    /// POST, with the secret in a form (distribution's "Token Authentication: OAuth2").
    OAuth2Post,
}

/// The client ID, which OAuth2 requires.
const CLIENT_ID: &str = "oras-rs";

impl TokenRequest {
    /// Returns the URL of a GET request: the realm, with scopes and service in its query.
    pub(crate) fn url(&self) -> Url {
        let mut url = self.realm.clone();
        for scope in self.scopes.iter() {
            url = url.with_parameter("scope", &scope);
        }
        if let Some(service) = &self.service {
            url = url.with_parameter("service", service);
        }
        url
    }

    /// Returns the form of a POST request, or `None` for GET.
    pub(crate) fn form(&self) -> Option<Secret> {
        if self.method != TokenMethod::OAuth2Post {
            return None;
        }
        let grant = match &self.credential {
            Some(Credential::IdentityToken(token)) => [
                ("grant_type", &b"refresh_token"[..]),
                ("refresh_token", token.expose_bytes()),
                ("", b""),
            ],
            Some(Credential::Password { username, password }) => [
                ("grant_type", &b"password"[..]),
                ("username", username.expose_bytes()),
                ("password", password.expose_bytes()),
            ],
            _ => return None,
        };
        let scopes: Vec<String> = self.scopes.iter().collect();
        let rest = [
            ("service", self.service.as_deref().unwrap_or_default()),
            ("client_id", CLIENT_ID),
            ("scope", &scopes.join(" ")),
        ];
        let fields: Vec<String> = grant
            .into_iter()
            .chain(rest.map(|(name, value)| (name, value.as_bytes())))
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", encode_component(value)))
            .collect();
        Some(fields.join("&").into())
    }
}

/// An access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// The token itself.
    pub(crate) secret: Secret,
    /// The time from which the token is no longer used.
    unusable_from: SystemTime,
}

impl Token {
    /// Parses the response to a token request that was sent at `requested_at`.
    ///
    /// # Errors
    ///
    /// A description of the problem, without any part of the response.
    pub(crate) fn parse(body: &[u8], requested_at: SystemTime) -> Result<Self, String> {
        let response: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
            if body.trim_ascii_start().starts_with(b"<") {
                "the answer is a web page".to_owned()
            } else {
                // serde's message may quote a token, so only the position is reported.
                let (line, column) = (error.line(), error.column());
                format!("the answer is not the expected JSON (line {line}, column {column})")
            }
        })?;
        // Go's decoder ignores case, and most clients read only the token. Token services that were
        // tested only with those are accepted too.
        let member = |wanted: &str| {
            let mut members = response.iter();
            let found = members.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value)
        };
        let secret = ["access_token", "token"]
            .into_iter()
            .filter_map(|name| member(name)?.as_str())
            .find(|token| !token.is_empty())
            .ok_or("the answer has none")?;
        if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("it contains characters that no header can carry".to_owned());
        }
        let lifetime = member("expires_in")
            .and_then(|seconds| match seconds {
                Value::String(seconds) => seconds.parse().ok(),
                other => other.as_f64(),
            })
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .map_or(DEFAULT_LIFETIME, |lifetime| lifetime.max(DEFAULT_LIFETIME));
        // A token service may return a token that it issued earlier.
        let issued = member("issued_at")
            .and_then(|issued| parse_rfc3339(issued.as_str()?))
            .filter(|&issued| issued < requested_at && requested_at <= issued + MAX_CLOCK_SKEW)
            .unwrap_or(requested_at);
        let usable = lifetime.saturating_sub(EXPIRY_MARGIN.min(lifetime / 10));
        Ok(Self {
            secret: secret.into(),
            unusable_from: issued.checked_add(usable).unwrap_or(issued),
        })
    }

    /// Returns whether the token can be used for a request that starts at `now`.
    pub(crate) fn is_usable(&self, now: SystemTime) -> bool {
        now < self.unusable_from
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn a_token_response_is_parsed_leniently_but_needs_a_token() {
        for (body, wanted) in [
            (r#"{"token":"t"}"#, Ok("t")),
            (r#"{"access_token":"a","token":"t"}"#, Ok("a")),
            (r#"{"access_token":"","token":"t"}"#, Ok("t")),
            (r#"{"token":"t","expires_in":1e300}"#, Ok("t")),
            (r#"{"token":"t","expires_in":-1}"#, Ok("t")),
            (r#"{"token":"t","expires_in":"3600"}"#, Ok("t")),
            (r#"{"token":"t","expires_in":[],"issued_at":{}}"#, Ok("t")),
            (r#"{"Token":"t"}"#, Ok("t")),
            (r#"{"Access_Token":"a","TOKEN":"t"}"#, Ok("a")),
            (r#"{"access_token":5,"token":"t"}"#, Ok("t")),
            (r#"{"token":"s","token":"t"}"#, Ok("t")),
            (r#"{"token":["t"]}"#, Err("the answer has none")),
            ("{}", Err("the answer has none")),
            ("<html>", Err("the answer is a web page")),
            (
                r#"{"token":"a b"}"#,
                Err("it contains characters that no header can carry"),
            ),
        ] {
            let got = Token::parse(body.as_bytes(), UNIX_EPOCH);
            assert_eq!(
                got.as_ref()
                    .map(|token| token.secret.expose().into_owned())
                    .map_err(String::as_str),
                wanted.map(str::to_owned),
                "{body}"
            );
        }
    }

    #[test]
    fn a_token_lives_at_least_a_minute_and_is_not_used_shortly_before_expiry() {
        let usable_after = |body: &str, seconds| {
            Token::parse(body.as_bytes(), UNIX_EPOCH)
                .unwrap()
                .is_usable(UNIX_EPOCH + Duration::from_secs(seconds))
        };
        assert!(usable_after(r#"{"token":"t"}"#, 53));
        assert!(!usable_after(r#"{"token":"t"}"#, 54));
        assert!(usable_after(r#"{"token":"t","expires_in":5}"#, 53));
        assert!(usable_after(r#"{"token":"t","expires_in":"5"}"#, 53));
        assert!(usable_after(r#"{"token":"t","expires_in":"300"}"#, 289));
        assert!(!usable_after(r#"{"token":"t","expires_in":"300"}"#, 290));
        assert!(usable_after(r#"{"token":"t","expires_in":300}"#, 289));
        assert!(!usable_after(r#"{"token":"t","expires_in":300}"#, 290));
    }

    #[test]
    fn issued_at_shortens_the_lifetime_if_the_clocks_agree() {
        let requested_at = UNIX_EPOCH + Duration::from_secs(3600);
        for (issued_at, lives) in [
            ("1970-01-01T00:59:00Z", 230),
            ("1970-01-01T00:59:00.5+00:00", 230),
            ("1970-01-01T01:59:00+01:00", 230),
            ("1970-01-01T01:00:00Z", 290),
            ("1970-01-01T01:00:01Z", 290),
            ("1970-01-01T00:54:59Z", 290),
            ("0000-00-00T00:00:00Z", 290),
            ("soon", 290),
        ] {
            let body = format!(r#"{{"token":"t","expires_in":300,"issued_at":"{issued_at}"}}"#);
            let token = Token::parse(body.as_bytes(), requested_at).unwrap();
            assert!(
                token.is_usable(requested_at + Duration::from_secs(lives - 1)),
                "{issued_at}"
            );
            assert!(
                !token.is_usable(requested_at + Duration::from_secs(lives)),
                "{issued_at}"
            );
        }
    }

    #[test]
    fn a_token_request_extends_the_query_of_the_realm() {
        let request = TokenRequest {
            realm: Url::parse("https://r/t?a=b").unwrap(),
            service: Some("my service".to_owned()),
            scopes: Scopes::parse("repository:x:pull,push repository:y:pull"),
            credential: None,
            method: TokenMethod::Get,
            is_after_rejection: false,
        };
        assert_eq!(
            request.url().exact(),
            "https://r/t?a=b&scope=repository%3Ax%3Apull%2Cpush&scope=repository%3Ay%3Apull&service=my%20service"
        );
        assert_eq!(request.form(), None);
        let form = |credential| {
            let method = TokenMethod::OAuth2Post;
            let credential = Some(credential);
            let request = TokenRequest {
                credential,
                method,
                ..request.clone()
            };
            request.form().unwrap().expose().into_owned()
        };
        let rest = "service=my%20service&client_id=oras-rs&scope=repository%3Ax%3Apull%2Cpush%20repository%3Ay%3Apull";
        assert_eq!(
            form(Credential::IdentityToken("a+b".into())),
            format!("grant_type=refresh_token&refresh_token=a%2Bb&{rest}")
        );
        assert_eq!(
            form(Credential::password("me&you", "a=b")),
            format!("grant_type=password&username=me%26you&password=a%3Db&{rest}")
        );
    }
}
