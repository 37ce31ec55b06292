//! Client configuration: credentials, scheme, headers, TLS.

#[cfg(feature = "tls")]
use std::io::Read as _;

use oras::credentials::{CredentialStore, Fixed, Locations, Lookup};
#[cfg(feature = "tls")]
use oras::error::IoOp;
#[cfg(feature = "tls")]
use oras::http::{CertificateAuthorities, ClientCertificate, UreqTransportBuilder};
use oras::http::{ResolveRule, RetryPolicy, Timeouts, UreqTransport};
#[cfg(feature = "tls")]
use oras::internal::MAX_ROOTS_FILE_BYTES;
use oras::reference::{RegistryName, RepositoryName};
use oras::registry::{Client, PlainHttp};
use oras::{Credential, Secret};

use crate::cli::groups::{Debugging, Remote, Requests};
use crate::cli::value::{FlagValue, Seconds};
use crate::cli::{SetFlags, quote};
use crate::error::CliError;
use crate::process::{Process, credential_warnings, registry_warnings};
use crate::progress::live_line::LiveLine;

/// The configuration of a registry client, from flags and environment.
#[derive(Default)]
pub(crate) struct ClientConfig {
    /// The credential as typed. It is used for every registry, and no credential file is read.
    credential: Option<Credential>,
    /// The locations of credentials if none was typed.
    locations: Locations,
    plain_http: Option<bool>,
    /// Address rules (`--resolve`), as typed.
    resolve: Vec<String>,
    headers: Vec<(String, String)>,
    timeouts: Timeouts,
    retry_policy: RetryPolicy,
    debug: bool,
    /// The progress line, which warnings appear above.
    live_line: LiveLine,
    #[cfg(feature = "tls")]
    tls: Tls,
}

/// Clears the progress line before a credential lookup: a helper program may prompt on the
/// terminal.
struct ClearsProgress {
    lookup: Lookup,
    live_line: LiveLine,
}

impl CredentialStore for ClearsProgress {
    fn get(
        &self,
        registry: &RegistryName,
        repository: Option<&RepositoryName>,
    ) -> oras::Result<Option<Credential>> {
        self.live_line.clear();
        self.lookup.get(registry, repository)
    }

    fn refresh(
        &self,
        registry: &RegistryName,
        repository: Option<&RepositoryName>,
        rejected: &Credential,
    ) -> oras::Result<Option<Credential>> {
        self.live_line.clear();
        self.lookup.refresh(registry, repository, rejected)
    }

    fn allows_anonymous_pulls(&self) -> bool {
        self.lookup.allows_anonymous_pulls()
    }
}

/// TLS flags. An empty path means that the flag is not set.
#[cfg(feature = "tls")]
#[derive(Default)]
struct Tls {
    insecure: bool,
    ca_file: String,
    cert_file: String,
    key_file: String,
}

#[cfg(feature = "tls")]
impl Tls {
    fn apply(&self, builder: UreqTransportBuilder) -> Result<UreqTransportBuilder, CliError> {
        let mut builder = builder.insecure(self.insecure);
        if !self.ca_file.is_empty() {
            let authorities =
                CertificateAuthorities::from_pem(&read_pem(&self.ca_file)?).map_err(|_| {
                    CliError::new(format!(
                        "Failed to load certificate in file: {}",
                        self.ca_file
                    ))
                })?;
            builder = builder.authorities(authorities);
        }
        if !self.cert_file.is_empty() {
            let certificate = ClientCertificate::from_pem(
                &read_pem(&self.cert_file)?,
                &read_pem(&self.key_file)?,
            )
            .map_err(|error| CliError::new(error.to_string()))?;
            builder = builder.client_certificate(certificate);
        }
        Ok(builder)
    }
}

/// Reads a PEM file.
#[cfg(feature = "tls")]
fn read_pem(path: &str) -> Result<Vec<u8>, CliError> {
    let failed = |error| CliError::from(&oras::Error::io(IoOp::Open, path)(error));
    let file = oras::internal::open_once(path.as_ref()).map_err(failed)?;
    let mut text = Vec::new();
    file.take(MAX_ROOTS_FILE_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > MAX_ROOTS_FILE_BYTES {
        return Err(CliError::new(format!(
            "{path} has more than {MAX_ROOTS_FILE_BYTES} bytes"
        )));
    }
    Ok(text)
}

impl ClientConfig {
    /// Validates the flags. Files that they name are read when a client is built.
    pub(crate) fn parse(
        remote: &Remote,
        debugging: Debugging,
        set: &SetFlags,
        process: &mut Process,
    ) -> Result<Self, CliError> {
        set.exclusive(&["username", "identity-token", "identity-token-stdin"])?;
        set.exclusive(&[
            "password",
            "identity-token",
            "identity-token-stdin",
            "password-stdin",
        ])?;
        let headers = remote
            .headers
            .iter()
            .map(|header| parse_header(header))
            .collect::<Result<_, _>>()?;
        let (timeouts, retry_policy) = limits(&remote.requests, process)?;
        let certificate = ("cert-file", &remote.cert_file);
        let key = ("key-file", &remote.key_file);
        for ((one, file), (other, other_file)) in [(certificate, key), (key, certificate)] {
            let is_typed_alone = set.contains(one) && !set.contains(other);
            if is_typed_alone || (!file.is_empty() && other_file.is_empty()) {
                return Err(CliError::usage(format!(
                    "{} must be used in conjunction with {}",
                    set.typed(one),
                    set.typed(other)
                )));
            }
        }
        Ok(Self {
            credential: credential(remote, set, process)?,
            locations: Process::credential_locations(&remote.registry_config),
            plain_http: remote.plain_http,
            resolve: remote.resolve.clone(),
            headers,
            timeouts,
            retry_policy,
            debug: debugging.debug,
            live_line: process.live_line().clone(),
            #[cfg(feature = "tls")]
            tls: Tls {
                insecure: remote.insecure,
                ca_file: remote.ca_file.clone(),
                cert_file: remote.cert_file.clone(),
                key_file: remote.key_file.clone(),
            },
        })
    }

    /// Does not use the credential in `ORAS_USER` and `ORAS_PASS`.
    pub(crate) fn ignore_environment_credential(&mut self) {
        self.locations.username = None;
    }

    /// Returns the credential as typed. Prompts for missing parts, and keeps the answers for later
    /// clients.
    pub(crate) fn ask_for_credential(
        &mut self,
        process: &mut Process,
    ) -> Result<Credential, CliError> {
        let (mut username, mut secret) = match &self.credential {
            Some(Credential::Password {
                username, password, ..
            }) => (username.clone(), password.clone()),
            Some(Credential::IdentityToken(token)) => (Secret::new(""), token.clone()),
            _ => (Secret::new(""), Secret::new("")),
        };
        if secret.is_empty() {
            if username.is_empty() {
                username = process.ask("Username: ")?.trim().into();
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
            secret = process.ask_secret(prompt)?;
            if secret.is_empty() {
                return Err(CliError::usage(format!("{what} required")));
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

    /// The credential lookup.
    pub(crate) fn lookup(&self) -> Result<Lookup, CliError> {
        let lookup = Lookup::new(&self.locations).on_warning(credential_warnings(&self.live_line));
        lookup.check()?;
        Ok(lookup)
    }

    /// The recommendation for a missing or rejected credential.
    pub(crate) fn credential_hint(&self) -> String {
        let lookup = Lookup::new(&self.locations);
        if self.credential.is_none()
            && let Some((path, error)) = lookup.unreadable_file()
        {
            return format!(
                "The authentication file at {} cannot be read: {}. Please allow that, or name another file by --registry-config",
                quote::double(&path.display().to_string()),
                error.kind()
            );
        }
        let file = match (&self.credential, &self.locations.config_files[..]) {
            (None, [] | [_]) => lookup.file().map(|file| file.path().display().to_string()),
            _ => None,
        };
        let place = file.map_or_else(String::new, |file| format!("at {} ", quote::double(&file)));
        format!(
            "Please check whether the registry credential stored in the authentication file {place}is correct"
        )
    }

    /// Builds a client.
    pub(crate) fn client(&self) -> Result<Client, CliError> {
        self.client_accepting(&[])
    }

    /// Same as [`client`](Self::client), but requests only manifests of these media types, if there
    /// are any.
    pub(crate) fn client_accepting(&self, media_types: &[String]) -> Result<Client, CliError> {
        let mut builder = Client::builder()
            .accept_manifests(
                media_types
                    .iter()
                    .map(|media_type| media_type.as_str().into()),
            )
            .on_warning(registry_warnings(&self.live_line))
            .timeouts(self.timeouts)
            .retry_policy(self.retry_policy)
            .user_agent(concat!("oras/1.3.6+rs.", env!("CARGO_PKG_VERSION")))
            .plain_http(match self.plain_http {
                None => PlainHttp::Localhost,
                Some(true) => PlainHttp::Always,
                Some(false) => PlainHttp::Never,
            });
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        let transport = self.transport()?;
        builder = match &self.credential {
            Some(credential) => builder.credentials(Fixed(credential.clone())),
            None => builder.credentials(ClearsProgress {
                lookup: self.lookup()?,
                live_line: self.live_line.clone(),
            }),
        };
        let builder = if self.debug {
            let traced = oras::http::Traced::new(
                transport,
                std::io::stderr(),
                oras::http::clock::SystemClock,
            );
            builder.transport(traced)
        } else {
            builder.transport(transport)
        };
        Ok(builder.build())
    }

    fn transport(&self) -> Result<UreqTransport, CliError> {
        let builder = UreqTransport::builder().environment().sendfile(true);
        #[cfg(feature = "tls")]
        let builder = self.tls.apply(builder)?;
        let rules = self
            .resolve
            .iter()
            .map(|rule| parse_rule(rule))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(builder.resolve(rules).build())
    }
}

/// The timeouts and the retry policy, from flags or else from the environment.
fn limits(requests: &Requests, process: &Process) -> Result<(Timeouts, RetryPolicy), CliError> {
    let (mut timeouts, mut policy) = (Timeouts::default(), RetryPolicy::default());
    if let Some(Seconds(idle)) = value_or_variable(requests.timeout, "ORAS_TIMEOUT", process)? {
        timeouts.idle = idle;
        timeouts.connect = timeouts.connect.min(idle);
    }
    let connect = value_or_variable(requests.connect_timeout, "ORAS_CONNECT_TIMEOUT", process)?;
    if let Some(Seconds(connect)) = connect {
        timeouts.connect = connect;
    }
    if let Some(retries) = value_or_variable(requests.retries, "ORAS_RETRIES", process)? {
        policy.retries = u32::try_from(retries)
            .map_err(|_| CliError::usage(format!("invalid number of retries: {retries}")))?;
        policy.timeout_retries = policy.retries;
    }
    let wait = value_or_variable(requests.retry_max_wait, "ORAS_RETRY_MAX_WAIT", process)?;
    if let Some(Seconds(wait)) = wait {
        policy.max_retry_after = wait;
        policy.max_backoff = policy.max_backoff.min(wait);
    }
    Ok((timeouts, policy))
}

/// The value of a flag, or else that of an environment variable.
fn value_or_variable<T: FlagValue + Default>(
    flag: Option<T>,
    variable: &str,
    process: &Process,
) -> Result<Option<T>, CliError> {
    let Some(text) = process.variable(variable).filter(|_| flag.is_none()) else {
        return Ok(flag);
    };
    let mut value = T::default();
    value
        .set(text)
        .map_err(|error| CliError::usage(format!("invalid {variable}: {error}")))?;
    Ok(Some(value))
}

/// `host:port:address[:address_port]`
fn parse_rule(rule: &str) -> Result<ResolveRule, CliError> {
    rule.parse().map_err(|error| {
        CliError::usage(format!(
            "failed to parse resolve flag {}: {error}",
            quote::double(rule)
        ))
    })
}

/// `Name: value`, split at the first colon.
fn parse_header(header: &str) -> Result<(String, String), CliError> {
    match header.split_once(':') {
        Some((name, value))
            if is_header_name(name.trim()) && !value.trim().contains(char::is_control) =>
        {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err(CliError::usage(format!(
            "invalid header: {}",
            quote::double(header)
        ))),
    }
}

/// A token of RFC 9110 §5.6.2.
fn is_header_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}

/// The credential from flags or stdin. Without a user name, the secret is an identity token,
/// whichever flag set it.
fn credential(
    remote: &Remote,
    set: &SetFlags,
    process: &mut Process,
) -> Result<Option<Credential>, CliError> {
    // Commands with two sides cannot read secrets from stdin, so the advice would not help.
    let mut warn = |warning| {
        if !set.is_one_side() {
            process.warn(warning);
        }
    };
    let secret: Secret = if set.contains("identity-token") {
        warn(
            "WARNING! Using --identity-token via the CLI is insecure. Use --identity-token-stdin.\n",
        );
        remote.identity_token.as_str().into()
    } else if set.contains("password") {
        warn("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
        remote.password.as_str().into()
    } else if remote.identity_token_stdin || remote.password_stdin {
        process.read_secret()?
    } else {
        Secret::new("")
    };
    Ok(match (remote.username.as_str(), secret) {
        ("", secret) if secret.is_empty() => None,
        ("", token) => Some(Credential::IdentityToken(token)),
        (username, password) => Some(Credential::password(username, password)),
    })
}
