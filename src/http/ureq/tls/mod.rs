//! TLS with rustls: trusted roots, client certificate, certificate verification and the stream.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WantsClientCert;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, ClientConnection, ConfigBuilder};
use ureq::unversioned::transport::{ConnectionDetails, Transport, TransportAdapter};

use self::pem::{CertificateAuthorities, ClientCertificate};
use self::provider::default_provider;
use self::stream::TlsStream;
use self::verify::{TrustedRoots, Unverified};
use super::super::certificate_directories::HostCertificates;
use super::super::{CertificateDirectories, SystemRoots, TransportError};
use super::tcp::handshake_timeout;
use crate::error::TransportKind;
use crate::text::url::without_brackets;

mod algorithm;
mod error;
mod lenient;
pub(super) mod pem;
mod provider;
mod stream;
mod verify;
mod x509;

/// TLS settings: trusted roots and client certificate.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) system: SystemRoots,
    /// The authorities that replace the built-in ones and those of the system and directories.
    pub(super) authorities: Option<CertificateAuthorities>,
    pub(super) additional: Vec<CertificateAuthorities>,
    /// The cryptography. The default is that of the process, or else ring.
    pub(super) provider: Option<Arc<CryptoProvider>>,
    pub(super) directories: CertificateDirectories,
    pub(super) client: Option<ClientCertificate>,
    pub(super) insecure: bool,
    /// Whether the settings are for servers that are not the registry, which get no client
    /// certificate.
    pub(super) is_third_party: bool,
}

impl Settings {
    /// Returns whether some settings are for registries only.
    pub(super) const fn has_registry_settings(&self) -> bool {
        self.client.is_some() || self.insecure || !self.directories.is_empty()
    }

    /// Returns the settings for servers that are not the registry.
    pub(super) fn for_third_parties(&self) -> Self {
        Self {
            client: None,
            insecure: false,
            is_third_party: true,
            ..self.clone()
        }
    }

    fn provider(&self) -> Result<Arc<CryptoProvider>, TransportError> {
        self.provider.clone().or_else(default_provider).ok_or_else(|| {
            let reason = "tls: the process has no default CryptoProvider of rustls, no other one was \
                 set, and this build has none (feature \"tls\" is off)";
            TransportError::new(TransportKind::Tls, reason)
        })
    }

    /// Creates the configuration for a host, with the certificates in `directory`.
    fn config(&self, directory: Option<&Path>) -> Result<ClientConfig, TransportError> {
        let invalid = |reason: String| TransportError::new(TransportKind::Tls, reason);
        let in_directory = directory.map(HostCertificates::read).transpose();
        let in_directory = in_directory.map_err(invalid)?.unwrap_or_default();
        let provider = self.provider()?;
        let verifier: Arc<dyn ServerCertVerifier> = if self.insecure {
            Arc::new(Unverified::accept(&provider))
        } else {
            let mut authorities = self.additional.clone();
            let system = if let Some(only) = &self.authorities {
                authorities.push(only.clone());
                None
            } else {
                let texts = &in_directory.authorities;
                authorities.extend(CertificateAuthorities::from_texts(texts));
                Some(self.system.clone())
            };
            Arc::new(TrustedRoots::new(authorities, system, &provider))
        };
        let client = match (&self.client, in_directory.client) {
            (None, Some((certificate, key))) if !self.is_third_party => Some(
                ClientCertificate::from_pem(&certificate, &key)
                    .map_err(|error| invalid(error.to_string()))?,
            ),
            (client, _) => client.clone(),
        };
        let key = client.map(|certificate| certificate.load(&provider));
        let key = key
            .transpose()
            .map_err(|error| invalid(error.to_string()))?;
        let builder = client_config(provider, verifier).map_err(error::connect_error)?;
        Ok(match key {
            Some(key) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key))),
            None => builder.with_no_client_auth(),
        })
    }
}

fn client_config(
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, rustls::Error> {
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier))
}

/// Opens TLS connections. A configuration is created with the first connection that needs it.
pub(super) struct Client {
    settings: Settings,
    /// The configurations by directory of the host.
    configs: Mutex<HashMap<Option<PathBuf>, Arc<ClientConfig>>>,
}

impl Client {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            configs: Mutex::default(),
        }
    }

    /// Performs the TLS handshake with `host`, including certificate verification.
    pub(super) fn wrap(
        &self,
        connection: Box<dyn Transport>,
        details: &ConnectionDetails,
        host: &str,
        port: u16,
    ) -> Result<Box<dyn Transport>, TransportError> {
        let config = self.config(self.settings.directories.find(host, port))?;
        handshake(config, connection, details, host)
    }

    /// Performs a handshake that offers algorithms that the provider cannot verify. Returns the
    /// error that names the key of the server, if it is not supported.
    pub(super) fn unsupported_key(
        &self,
        connection: Box<dyn Transport>,
        details: &ConnectionDetails,
        host: &str,
    ) -> Option<TransportError> {
        let provider = self.settings.provider().ok()?;
        let config = client_config(provider, Arc::new(Unverified::InspectKey)).ok()?;
        let config = Arc::new(config.with_no_client_auth());
        let error = handshake(config, connection, details, host).err()?;
        (error.kind == TransportKind::Certificate).then_some(error)
    }

    fn config(&self, directory: Option<PathBuf>) -> Result<Arc<ClientConfig>, TransportError> {
        let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = configs.get(&directory) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.settings.config(directory.as_deref())?);
        configs.insert(directory, Arc::clone(&config));
        Ok(config)
    }
}

fn handshake(
    config: Arc<ClientConfig>,
    connection: Box<dyn Transport>,
    details: &ConnectionDetails,
    host: &str,
) -> Result<Box<dyn Transport>, TransportError> {
    let bare = without_brackets(host);
    // Neither server names (RFC 6066 §3) nor names in certificates have the final dot.
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    let name = ServerName::try_from(bare.to_owned()).map_err(|_| {
        TransportError::new(
            TransportKind::Tls,
            format!("tls: \"{host}\" is no name that a certificate can have"),
        )
    })?;
    let mut client = ClientConnection::new(config, name).map_err(error::connect_error)?;
    let mut socket = TransportAdapter::new(connection, Arc::clone(&details.current_time));
    socket.set_timeout(handshake_timeout(details));
    client
        .complete_io(&mut socket)
        .map_err(error::io_connect_error)?;
    Ok(Box::new(TlsStream::new(client, socket, details.config)))
}

#[cfg(not(feature = "tls"))]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_provider_connecting_is_an_error_that_says_what_is_missing() {
        let error = Settings::default().config(None).unwrap_err();
        assert_eq!(error.kind, TransportKind::Tls);
        assert_eq!(
            error.to_string(),
            "tls: the process has no default CryptoProvider of rustls, no other one was set, and \
             this build has none (feature \"tls\" is off)"
        );
    }
}
