//! How a registry is reached: credentials, scheme, headers, trust.

use oras::credentials::{Fixed, Lookup, Places};
use oras::registry::{Client, PlainHttp};
#[cfg(feature = "tls")]
use oras::transport::{
    CertificateAuthorities, ClientCertificate, SystemRoots, UreqTransportBuilder,
};
use oras::transport::{Proxies, ResolveRule, UreqTransport};
use oras::{Credential, Secret};

use crate::context::{Context, warn_of};
use crate::failure::Failure;
use crate::flags::groups::{Debugging, Remote};
use crate::flags::{Given, quote};

/// How a registry is reached.
#[derive(Default)]
pub(crate) struct Access {
    /// What was typed. It answers every registry that is talked to, and no file is read.
    credential: Option<Credential>,
    /// Where credentials are kept, unless one was typed.
    places: Places,
    plain_http: Option<bool>,
    proxies: Proxies,
    rules: Vec<ResolveRule>,
    headers: Vec<(String, String)>,
    debug: bool,
    #[cfg(feature = "tls")]
    tls: Tls,
}

/// Whom to trust over https, and as whom to be known.
#[cfg(feature = "tls")]
#[derive(Default)]
struct Tls {
    insecure: bool,
    authorities: Option<CertificateAuthorities>,
    /// Certificate and private key, in PEM.
    client_pem: Option<(Vec<u8>, Vec<u8>)>,
    system: SystemRoots,
}

#[cfg(feature = "tls")]
impl Tls {
    fn apply(&self, builder: UreqTransportBuilder) -> Result<UreqTransportBuilder, Failure> {
        let mut builder = builder
            .insecure(self.insecure)
            .system_roots(self.system.clone());
        if let Some(authorities) = &self.authorities {
            builder = builder.authorities(authorities.clone());
        }
        if let Some((certificate, key)) = &self.client_pem {
            let certificate = ClientCertificate::from_pem(certificate, key)
                .map_err(|error| Failure::new(error.to_string()))?;
            builder = builder.client_certificate(certificate);
        }
        Ok(builder)
    }
}

impl Access {
    /// Reads what was typed.
    pub(crate) fn parse(
        remote: &Remote,
        debugging: &Debugging,
        given: &Given,
        context: &mut Context,
    ) -> Result<Self, Failure> {
        given.exclusive(&["username", "identity-token", "identity-token-stdin"])?;
        given.exclusive(&[
            "password",
            "identity-token",
            "identity-token-stdin",
            "password-stdin",
        ])?;
        let rules = remote
            .resolve
            .iter()
            .map(|rule| parse_rule(rule))
            .collect::<Result<_, _>>()?;
        let headers = remote
            .headers
            .iter()
            .map(|header| parse_header(header))
            .collect::<Result<_, _>>()?;
        for (one, other, is_alone) in [
            (
                "--cert-file",
                "--key-file",
                !remote.cert_file.is_empty() && remote.key_file.is_empty(),
            ),
            (
                "--key-file",
                "--cert-file",
                !remote.key_file.is_empty() && remote.cert_file.is_empty(),
            ),
        ] {
            if is_alone {
                return Err(Failure::usage(format!(
                    "{one} must be used in conjunction with {other}"
                )));
            }
        }
        Ok(Self {
            credential: credential(remote, context)?,
            places: context.places(&remote.registry_config),
            plain_http: remote.plain_http,
            proxies: context.proxies(),
            rules,
            headers,
            debug: debugging.debug,
            #[cfg(feature = "tls")]
            tls: tls(remote, context)?,
        })
    }

    /// The credential that was typed. What is missing of it is asked for, and from then on counts as typed.
    pub(crate) fn ask_for_credential(
        &mut self,
        context: &mut Context,
    ) -> Result<Credential, Failure> {
        let (mut username, mut secret) = match &self.credential {
            Some(Credential::Password { username, password }) => {
                (username.clone(), password.clone())
            }
            Some(Credential::IdentityToken(token)) => (String::new(), token.clone()),
            _ => (String::new(), Secret::new("")),
        };
        if secret.is_empty() {
            if username.is_empty() {
                username = context.ask("Username: ")?;
            }
            let what = if username.is_empty() {
                "token"
            } else {
                "password"
            };
            let prompt = if username.is_empty() {
                "Token: "
            } else {
                "Password: "
            };
            secret = context.ask_secret(prompt)?;
            if secret.is_empty() {
                return Err(Failure::usage(format!("{what} required")));
            }
        }
        let credential = if username.is_empty() {
            Credential::IdentityToken(secret)
        } else {
            Credential::password(username, secret)
        };
        self.credential = Some(credential.clone());
        Ok(credential)
    }

    /// Where credentials are kept.
    pub(crate) fn lookup(&self) -> Result<Lookup, Failure> {
        let lookup = Lookup::new(&self.places).on_warning(warn_of);
        lookup.check().map_err(|error| Failure::of(&error))?;
        Ok(lookup)
    }

    /// What to do when a credential is missing or wrong.
    pub(crate) fn credential_hint(&self) -> String {
        let file = match (&self.credential, &self.places.config_files[..]) {
            (None, [] | [_]) => Lookup::new(&self.places)
                .file()
                .map(|file| file.path().display().to_string()),
            _ => None,
        };
        let place = file.map_or_else(String::new, |file| format!("at {} ", quote::double(&file)));
        format!(
            "Please check whether the registry credential stored in the authentication file {place}is correct"
        )
    }

    /// What talks to registries.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        self.client_accepting(&[])
    }

    /// As [`client`](Self::client), asking for manifests of these media types only, if there are any.
    pub(crate) fn client_accepting(&self, media_types: &[String]) -> Result<Client, Failure> {
        let mut builder = Client::builder()
            .accept_manifests(
                media_types
                    .iter()
                    .map(|media_type| media_type.as_str().into()),
            )
            .user_agent(concat!("oras/1.3.3+rs.", env!("CARGO_PKG_VERSION")))
            .plain_http(match self.plain_http {
                None => PlainHttp::Localhost,
                Some(true) => PlainHttp::Always,
                Some(false) => PlainHttp::Never,
            });
        builder = match &self.credential {
            Some(credential) => builder.credentials(Fixed(credential.clone())),
            None => builder.credentials(self.lookup()?),
        };
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        let transport = self.transport()?;
        let builder = if self.debug {
            let traced = oras::transport::Traced::new(
                transport,
                std::io::stderr(),
                oras::clock::SystemClock,
            );
            builder.transport(traced)
        } else {
            builder.transport(transport)
        };
        Ok(builder.build())
    }

    fn transport(&self) -> Result<UreqTransport, Failure> {
        let builder = UreqTransport::builder()
            .proxies(self.proxies.clone())
            .resolve(self.rules.clone());
        #[cfg(feature = "tls")]
        let builder = self.tls.apply(builder)?;
        Ok(builder.build())
    }
}

/// `host:port:address[:address_port]`
fn parse_rule(rule: &str) -> Result<ResolveRule, Failure> {
    rule.parse().map_err(|error| {
        Failure::usage(format!(
            "failed to parse resolve flag {}: {error}",
            quote::double(rule)
        ))
    })
}

/// `Name: value`, split at the first colon.
fn parse_header(header: &str) -> Result<(String, String), Failure> {
    match header.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err(Failure::usage(format!(
            "invalid header: {}",
            quote::double(header)
        ))),
    }
}

fn credential(remote: &Remote, context: &mut Context) -> Result<Option<Credential>, Failure> {
    if !remote.identity_token.is_empty() {
        context.warn("WARNING! Using --identity-token via the CLI is insecure. Use --identity-token-stdin.\n");
        return Ok(Some(Credential::IdentityToken(
            remote.identity_token.as_str().into(),
        )));
    }
    if remote.identity_token_stdin {
        return Ok(Some(Credential::IdentityToken(
            context.read_secret()?.into(),
        )));
    }
    let password = if remote.password_stdin {
        context.read_secret()?
    } else {
        if !remote.password.is_empty() {
            context
                .warn("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
        }
        remote.password.clone()
    };
    Ok(match (remote.username.as_str(), password) {
        ("", password) if password.is_empty() => None,
        ("", token) => Some(Credential::IdentityToken(token.into())),
        (username, password) => Some(Credential::password(username, password)),
    })
}

#[cfg(feature = "tls")]
fn tls(remote: &Remote, context: &Context) -> Result<Tls, Failure> {
    let read = |path: &str| {
        std::fs::read(path).map_err(|error| Failure::of(&oras::Error::io("open", path)(error)))
    };
    let mut tls = Tls {
        insecure: remote.insecure,
        system: context.system_roots(),
        ..Tls::default()
    };
    if !remote.ca_file.is_empty() {
        let authorities = CertificateAuthorities::from_pem(&read(&remote.ca_file)?);
        tls.authorities = Some(authorities.map_err(|_| {
            Failure::new(format!(
                "Failed to load certificate in file: {}",
                remote.ca_file
            ))
        })?);
    }
    if !remote.cert_file.is_empty() {
        tls.client_pem = Some((read(&remote.cert_file)?, read(&remote.key_file)?));
    }
    Ok(tls)
}
