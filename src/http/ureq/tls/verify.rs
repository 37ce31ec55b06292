//! Verification of server certificates.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::super::super::SystemRoots;
use super::pem::CertificateAuthorities;
use super::x509;

/// Accepts certificates of trusted authorities: those of the user, or the built-in ones and those
/// of the system.
///
/// The authorities of the system are read only if no built-in one issued the certificate, because
/// parsing hundreds of files takes time that most programs never need.
#[derive(Debug)]
pub(super) struct TrustedRoots {
    first: RootVerifier,
    second: Option<(SystemRoots, OnceLock<Option<RootVerifier>>)>,
    provider: Arc<CryptoProvider>,
}

impl TrustedRoots {
    pub(super) fn custom(
        authorities: &CertificateAuthorities,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        Ok(Self {
            first: RootVerifier::new(authorities, provider)?,
            second: None,
            provider: Arc::clone(provider),
        })
    }

    pub(super) fn built_in_and_system(
        system: SystemRoots,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let built_in = CertificateAuthorities {
            store: Arc::new(RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
            }),
            // No registry uses the certificate of a public authority as server certificate.
            certificates: Arc::new([]),
        };
        Ok(Self {
            first: RootVerifier::new(&built_in, provider)?,
            second: Some((system, OnceLock::new())),
            provider: Arc::clone(provider),
        })
    }

    fn second(&self) -> Option<&RootVerifier> {
        let (system, authorities) = self.second.as_ref()?;
        authorities
            .get_or_init(|| {
                let authorities = CertificateAuthorities::from_texts(&system.read())?;
                RootVerifier::new(&authorities, &self.provider).ok()
            })
            .as_ref()
    }
}

impl ServerCertVerifier for TrustedRoots {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verify = |authorities: &RootVerifier| {
            authorities.verify(certificate, intermediates, name, ocsp, now)
        };
        let error = match verify(&self.first) {
            Err(error @ Error::InvalidCertificate(_)) => error,
            decided => return decided,
        };
        match self.second().map(verify) {
            Some(Ok(verified)) => Ok(verified),
            // The system's authorities contain the issuer, so their error is the relevant one.
            Some(Err(second)) if is_unknown_issuer(&error) => Err(second),
            _ => Err(error),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, self.algorithms())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, self.algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms().supported_schemes()
    }
}

impl TrustedRoots {
    fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.provider.signature_verification_algorithms
    }
}

fn is_unknown_issuer(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(CertificateError::UnknownIssuer)
    )
}

/// One set of certificate authorities.
#[derive(Debug)]
struct RootVerifier {
    verifier: Arc<WebPkiServerVerifier>,
    certificates: Arc<[CertificateDer<'static>]>,
}

impl RootVerifier {
    fn new(
        authorities: &CertificateAuthorities,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let store = Arc::clone(&authorities.store);
        let verifier = WebPkiServerVerifier::builder_with_provider(store, Arc::clone(provider))
            .build()
            .map_err(|error| Error::General(error.to_string()))?;
        Ok(Self {
            verifier,
            certificates: Arc::clone(&authorities.certificates),
        })
    }

    fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // A self-signed server certificate that is itself trusted, as in distribution's "Test an
        // insecure registry". It may be marked as an authority, which webpki rejects for servers.
        if self.certificates.iter().any(|other| other == certificate) {
            x509::check_validity(certificate, now)?;
            verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        self.verifier
            .verify_server_cert(certificate, intermediates, name, ocsp, now)
            .map_err(|error| match error {
                // webpki reports only that a certificate of an authority is not one of a server.
                Error::InvalidCertificate(CertificateError::Other(_))
                    if x509::is_self_issued(certificate) =>
                {
                    CertificateError::UnknownIssuer.into()
                }
                error => error,
            })
    }
}

/// Accepts any certificate.
pub(super) struct AnyCertificate {
    schemes: Vec<SignatureScheme>,
}

impl AnyCertificate {
    pub(super) fn new(provider: &CryptoProvider) -> Self {
        let algorithms = &provider.signature_verification_algorithms;
        Self {
            schemes: algorithms.supported_schemes(),
        }
    }
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    // With verification off an attacker can present any certificate, so checking the handshake
    // signature adds nothing. It would also reject certificates that webpki cannot parse.
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

impl fmt::Debug for AnyCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyCertificate")
    }
}
