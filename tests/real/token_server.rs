//! A token server for `docker-registry`: the token server of the test registry, with signed tokens
//! as distribution requires ("Token Authentication Implementation": JSON Web Tokens, RS256, the
//! signer's certificate in the header).
#![expect(
    clippy::disallowed_methods,
    reason = "the registry knows no time but that of the system"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use serde_json::{Value, json};

use crate::docker_registry::{PASSWORD, USER, Wire, address};
use crate::support::registry::{
    Bearer, Recorded, Scope, Signer, TOKEN_PATH, TestRegistry, on, parse_form,
};
use crate::support::tls::{self, Clients, TlsFront};

/// Identity token of the user.
pub(crate) const IDENTITY_TOKEN: &str = "identity of alice";
/// Issuer in the configuration of the registry.
pub(crate) const ISSUER: &str = "oras test issuer";
/// Service in the configuration of the registry.
pub(crate) const SERVICE: &str = "docker-registry";

/// Lifetime of tokens in seconds. Registries accept them for another minute.
const LIFETIME: u64 = 300;

/// A running token server with one user, who has all rights.
pub(crate) struct TokenServer {
    server: TestRegistry,
    issuer: Arc<Issuer>,
    front: Option<TlsFront>,
    wire: Wire,
}

impl TokenServer {
    pub(crate) fn start(wire: Wire) -> Self {
        let issuer = Arc::new(Issuer::new());
        let policy = Bearer::new()
            .service(SERVICE)
            .user(USER, PASSWORD)
            .identity_token(IDENTITY_TOKEN)
            .expires_in(Some(LIFETIME))
            .signed_by(issuer.clone());
        let server = TestRegistry::start().with_tokens(policy);
        let front = match wire {
            Wire::Plain => None,
            Wire::Tls => Some(TlsFront::start(
                "server",
                Clients::Anonymous,
                server.address(),
            )),
        };
        Self {
            server,
            issuer,
            front,
            wire,
        }
    }

    /// URL of the token server.
    pub(crate) fn realm(&self) -> String {
        let front = self.front.as_ref().map(TlsFront::address);
        let port = front.unwrap_or_else(|| self.server.address()).port();
        format!(
            "{}://{}{TOKEN_PATH}",
            self.wire.scheme(),
            address(self.wire, port)
        )
    }

    /// Returns the requests since the last call, each as `GET repository:a:pull (password)`.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        let requests = self.server.requests();
        self.server.clear_log();
        requests.iter().map(line).collect()
    }

    /// Issues expired tokens while `during` runs.
    pub(crate) fn issuing_expired(&self, during: impl FnOnce()) {
        self.issuer.expired.store(true, Ordering::SeqCst);
        during();
        self.issuer.expired.store(false, Ordering::SeqCst);
    }

    /// Rejects the identity token while `during` runs.
    pub(crate) fn with_identity_revoked(&self, during: impl FnOnce()) {
        let revoked = on("POST", TOKEN_PATH).error(401, "UNAUTHORIZED", "the token was revoked");
        self.server.inject(revoked);
        during();
        self.server.heal();
    }
}

/// Returns scope and kind of credential of a token request.
fn line(request: &Recorded) -> String {
    let (_, query) = request.target.split_once('?').unwrap_or_default();
    let members = match request.method.as_str() {
        "POST" => parse_form(&String::from_utf8_lossy(&request.body)),
        _ => parse_form(query),
    };
    let all = |name: &str| {
        let of_name = members.iter().filter(|(member, _)| member == name);
        let values: Vec<_> = of_name.map(|(_, value)| value.as_str()).collect();
        values.join(" ")
    };
    let shown = match (request.header("Authorization"), &*all("grant_type")) {
        (Some(basic), "") if basic.starts_with("Basic ") => "password",
        (None, "refresh_token") => "identity token",
        (None, "") => "nothing",
        _ => "something else",
    };
    let scope = match &*all("scope") {
        "" => "no scope".to_owned(),
        scope => scope.to_owned(),
    };
    format!("{} {scope} ({shown})", request.method)
}

/// A signer of tokens.
#[derive(Debug)]
struct Issuer {
    key: Box<dyn rustls::sign::Signer>,
    expired: AtomicBool,
}

impl Issuer {
    fn new() -> Self {
        let key = any_supported_type(&tls::key("token")).expect("ring knows RSA");
        let key = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]);
        Self {
            key: key.expect("the fixture is an RSA key"),
            expired: AtomicBool::new(false),
        }
    }
}

impl Signer for Issuer {
    fn sign(&self, service: &str, user: &str, access: &[Scope]) -> String {
        let header = json!({
            "typ": "JWT",
            "alg": "RS256",
            "x5c": [STANDARD.encode(tls::certificate("token"))],
        });
        let access = access.iter().map(
            |scope| json!({ "type": scope.kind, "name": scope.name, "actions": scope.actions }),
        );
        let mut begin = seconds_since_1970();
        if self.expired.load(Ordering::SeqCst) {
            begin -= 2 * LIFETIME;
        }
        let claims = json!({
            "iss": ISSUER,
            "sub": user,
            "aud": service,
            "nbf": begin,
            "iat": begin,
            "exp": begin + LIFETIME,
            "access": access.collect::<Value>(),
        });
        let encode = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = self.key.sign(signed.as_bytes()).expect("RSA can sign");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn seconds_since_1970() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("it is later than 1970").as_secs()
}
