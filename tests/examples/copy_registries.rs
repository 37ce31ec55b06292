//! Copies an artifact with its referrers between two registries with two credentials.
//!
//! ```text
//! FROM=me:secret TO=bot:token cargo run --example copy_registries -- a.example/x:v1 b.example/x:v1
//! ```

use std::env;
use std::error::Error;

use oras::copy::{CopyOptions, copy_with_referrers};
use oras::credentials::Memory;
use oras::registry::Client;
use oras::{Credential, Descriptor, Reference};

fn main() -> Result<(), Box<dyn Error>> {
    let variables: Vec<(String, String)> = env::vars().collect();
    let credential = |name: &str| {
        let (_, value) = variables.iter().find(|(known, _)| known == name)?;
        let (user, password) = value.split_once(':')?;
        Some(Credential::password(user, password))
    };
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [from, to] = arguments.as_slice() else {
        return Err("usage: copy_registries <from> <to>".into());
    };
    let (from, to) = (from.parse()?, to.parse()?);
    let credentials = credentials([(&from, credential("FROM")), (&to, credential("TO"))]);
    copy_artifact(
        &Client::builder().credentials(credentials).build(),
        &from,
        &to,
    )?;
    Ok(())
}

/// One client has the credentials of both registries, and sends each to its own only.
fn credentials(list: [(&Reference, Option<Credential>); 2]) -> Memory {
    let mut credentials = Memory::new();
    for (reference, credential) in list {
        if let Some(credential) = credential {
            credentials.insert(reference.path(), credential);
        }
    }
    credentials
}

fn copy_artifact(client: &Client, from: &Reference, to: &Reference) -> oras::Result<Descriptor> {
    let (source, tag) = client.open(from)?;
    let (target, new_tag) = client.open(to)?;
    let mut options = CopyOptions::default();
    copy_with_referrers(&source, &tag, &target, Some(&new_tag), &mut options)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use oras::http::{Headers, Method, Request, Response, Transport, TransportError};

    use super::*;

    const INDEX: &[u8] = br#"{"schemaVersion":2,"manifests":[]}"#;

    /// Two registries that require Basic authentication. The second one is empty at first.
    struct Registries(Mutex<bool>);

    impl Transport for Registries {
        fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
            let mut is_stored = self.0.lock().unwrap();
            let (wanted, exists) = match request.url.host_and_port() {
                "a.example" => ("Basic YTph", true),
                _ => ("Basic Yjpi", *is_stored),
            };
            let mut headers = Headers::new().with("WWW-Authenticate", "Basic realm=\"test\"");
            let status = match request.headers.get("Authorization") {
                None => 401,
                Some(given) if given != wanted => 403,
                _ if request.method == Method::Put => 201,
                _ if exists && request.url.path().ends_with("/manifests/v1") => 200,
                _ => 404,
            };
            headers.add("Content-Type", "application/vnd.oci.image.index.v1+json");
            *is_stored |= status == 201;
            let body = if status == 200 { INDEX } else { b"" };
            Ok(Response::new(status, headers, body))
        }
    }

    #[test]
    fn each_registry_gets_its_own_credential() {
        let [from, to] = ["a.example/x:v1", "b.example/x:v1"].map(|text| text.parse().unwrap());
        let password = |text| Some(Credential::password(text, text));
        let credentials = credentials([(&from, password("a")), (&to, password("b"))]);
        let registries = Registries(Mutex::new(false));
        let client = Client::builder()
            .credentials(credentials)
            .transport(registries)
            .build();

        let copied = copy_artifact(&client, &from, &to).unwrap();

        assert_eq!(copied.digest, oras::Digest::of(INDEX));
    }
}
