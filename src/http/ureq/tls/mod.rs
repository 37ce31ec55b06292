//! TLS with rustls: trusted roots, client certificate, certificate verification and the stream.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, ClientConnection};
use ureq::unversioned::transport::{ConnectionDetails, Transport, TransportAdapter};

use self::pem::{CertificateAuthorities, ClientCertificate};
use self::stream::TlsStream;
use self::verify::{AnyCertificate, TrustedRoots};
use super::super::SystemRoots;
use super::error::ConnectError;
use crate::error::TransportKind;

mod error;
pub(super) mod pem;
mod stream;
mod verify;
mod x509;

/// TLS settings: trusted roots and client certificate.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) system: SystemRoots,
    pub(super) authorities: Option<CertificateAuthorities>,
    pub(super) client: Option<ClientCertificate>,
    pub(super) insecure: bool,
}

impl Settings {
    /// Returns whether some settings are for registries only.
    pub(super) const fn has_registry_settings(&self) -> bool {
        self.client.is_some() || self.insecure
    }

    /// Returns the settings for servers that are not the registry.
    pub(super) fn for_third_parties(&self) -> Self {
        Self {
            client: None,
            insecure: false,
            ..self.clone()
        }
    }

    fn config(&self) -> Result<ClientConfig, rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = if self.insecure {
            Arc::new(AnyCertificate::new(&provider))
        } else {
            match &self.authorities {
                Some(authorities) => Arc::new(TrustedRoots::custom(authorities, &provider)?),
                None => Arc::new(TrustedRoots::built_in_and_system(
                    self.system.clone(),
                    &provider,
                )?),
            }
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        Ok(match &self.client {
            Some(certificate) => builder.with_client_cert_resolver(Arc::new(
                SingleCertAndKey::from(certificate.key().clone()),
            )),
            None => builder.with_no_client_auth(),
        })
    }
}

/// Opens TLS connections. The configuration is created with the first one.
pub(super) struct Client {
    settings: Settings,
    config: OnceLock<Arc<ClientConfig>>,
}

impl Client {
    pub(super) const fn new(settings: Settings) -> Self {
        Self {
            settings,
            config: OnceLock::new(),
        }
    }

    /// Performs the TLS handshake with `host`, including certificate verification.
    pub(super) fn wrap(
        &self,
        connection: Box<dyn Transport>,
        details: &ConnectionDetails,
        host: &str,
    ) -> Result<Box<dyn Transport>, ConnectError> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        // Neither server names (RFC 6066 §3) nor names in certificates have the final dot.
        let bare = bare.strip_suffix('.').unwrap_or(bare);
        let name = ServerName::try_from(bare.to_owned()).map_err(|_| {
            ConnectError::new(
                TransportKind::Tls,
                format!("tls: \"{host}\" is no name that a certificate can have"),
            )
        })?;
        let config = self.config().map_err(error::connect_error)?;
        let mut client = ClientConnection::new(config, name).map_err(error::connect_error)?;
        let mut socket = TransportAdapter::new(connection, Arc::clone(&details.current_time));
        socket.set_timeout(details.timeout);
        client
            .complete_io(&mut socket)
            .map_err(error::io_connect_error)?;
        Ok(Box::new(TlsStream::new(client, socket, details.config)))
    }

    fn config(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.settings.config()?);
        Ok(Arc::clone(self.config.get_or_init(|| config)))
    }
}
