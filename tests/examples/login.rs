//! Logs in to a registry in three ways: with a config file, with the helper program that such a
//! file names (`credsStore`), or with a credential that the program has.
//!
//! ```text
//! PASSWORD=secret cargo run --example login -- registry.example me ~/.docker/config.json
//! PASSWORD=secret cargo run --example login -- registry.example me
//! ```

use std::env;
use std::error::Error;

use oras::Credential;
use oras::credentials::{Locations, Lookup, Memory};
use oras::login::login;
use oras::reference::RegistryName;
use oras::registry::{Client, ClientBuilder};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [registry, user, file @ ..] = arguments.as_slice() else {
        return Err("usage: login <registry> <user> [<config file>]".into());
    };
    let password = env::vars().find(|(name, _)| name == "PASSWORD");
    let (_, password) = password.ok_or("PASSWORD is not set")?;
    let registry: RegistryName = registry.parse()?;
    let credential = Credential::password(user.as_str(), password);

    let client = log_in(Client::builder(), &registry, credential.clone())?;
    if let [file] = file {
        // The helper program that the file names stores the credential, or else the file.
        login(&client, &registry, &credential, &lookup(file))?;
        // Later programs find it there.
        let client = Client::builder().credentials(lookup(file)).build();
        client.check(&registry)?;
    }
    client.check(&registry)?;
    Ok(())
}

/// The credentials of a config file, and of the helper programs that it names.
fn lookup(file: &str) -> Lookup {
    let mut locations = Locations::from_env();
    locations.config_files = vec![file.into()];
    Lookup::new(&locations)
}

/// A client with a credential for one registry, which accepted it.
fn log_in(
    builder: ClientBuilder,
    registry: &RegistryName,
    credential: Credential,
) -> oras::Result<Client> {
    let credentials = Memory::new().with(registry.as_str(), credential);
    let client = builder.credentials(credentials).build();
    client.check(registry)?;
    Ok(client)
}

#[cfg(test)]
mod tests {
    use oras::http::{Headers, Request, Response, Transport, TransportError};

    use super::*;

    /// A registry that accepts one password.
    struct Mock;

    impl Transport for Mock {
        fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
            // `me:secret`
            let is_known = request.headers.get("Authorization") == Some("Basic bWU6c2VjcmV0");
            let headers = Headers::new().with("WWW-Authenticate", "Basic realm=\"test\"");
            let status = if is_known { 200 } else { 401 };
            Ok(Response::new(status, headers, &b"{}"[..]))
        }
    }

    #[test]
    fn only_the_right_password_is_accepted() {
        let registry: RegistryName = "registry.example".parse().unwrap();
        let log_in = |password| {
            let builder = Client::builder().transport(Mock);
            log_in(builder, &registry, Credential::password("me", password))
        };
        assert!(log_in("wrong").unwrap_err().is_unauthorized());
        assert!(log_in("secret").is_ok());
    }
}
