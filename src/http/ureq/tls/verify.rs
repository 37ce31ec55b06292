//! Verification of server certificates.
//!
//! webpki builds and verifies the chain up to a trusted authority. This module adds the rules of
//! Go's `crypto/x509` for the authority itself: an authority that has expired, may not sign, or is
//! not for servers vouches for nothing.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

use super::super::super::SystemRoots;
use super::algorithm;
use super::lenient::LenientChain;
use super::pem::CertificateAuthorities;
use super::x509::Certificate;
use crate::text::redact::excerpt;

/// Accepts certificates of trusted authorities: those of the user, or the built-in ones and those
/// of the system.
#[derive(Debug)]
pub(super) struct TrustedRoots {
    sets: Vec<RootSet>,
    provider: Arc<CryptoProvider>,
}

/// A set of certificate authorities.
#[derive(Debug)]
enum RootSet {
    Certificates(CertificateAuthorities),
    BuiltIn,
    /// The authorities of the system, which are read only if the sets before do not contain the
    /// issuer, because parsing hundreds of files takes time that most programs never need.
    System(SystemRoots, OnceLock<Option<CertificateAuthorities>>),
}

impl TrustedRoots {
    /// Trusts these authorities, and if `system` is set, the built-in ones and those of the system.
    pub(super) fn new(
        authorities: Vec<CertificateAuthorities>,
        system: Option<SystemRoots>,
        provider: &Arc<CryptoProvider>,
    ) -> Self {
        let mut sets: Vec<_> = (authorities.into_iter())
            .map(RootSet::Certificates)
            .collect();
        if let Some(system) = system {
            sets.extend([RootSet::BuiltIn, RootSet::System(system, OnceLock::new())]);
        }
        Self {
            sets,
            provider: Arc::clone(provider),
        }
    }

    fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.provider.signature_verification_algorithms
    }
}

impl ServerCertVerifier for TrustedRoots {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = LenientChain::new(certificate, intermediates);
        let algorithms = chain.algorithms(self.algorithms().all);
        let algorithms: Vec<_> = algorithms
            .iter()
            .map(|it| it as &dyn SignatureVerificationAlgorithm)
            .collect();
        let server = ServerChain {
            original: certificate,
            leaf: ParsedCertificate::try_from(&chain.leaf)?,
            intermediates: &chain.intermediates,
            algorithms: &algorithms,
            name,
            now,
        };
        let mut error = Error::from(CertificateError::UnknownIssuer);
        for set in &self.sets {
            let verified = match set {
                RootSet::Certificates(authorities) => server.verify(authorities),
                RootSet::BuiltIn => {
                    let roots = webpki_roots::TLS_SERVER_ROOTS.to_vec();
                    server.verify_by(&RootCertStore { roots }, usize::MAX)
                }
                RootSet::System(system, authorities) => authorities
                    .get_or_init(|| CertificateAuthorities::from_texts(&system.read()))
                    .as_ref()
                    .map_or(Err(CertificateError::UnknownIssuer.into()), |it| {
                        server.verify(it)
                    }),
            };
            match verified {
                Ok(()) => return Ok(ServerCertVerified::assertion()),
                // The error of the set that contains the issuer is the relevant one.
                Err(newer) if is_unknown_issuer(&error) => error = newer,
                Err(_) => {}
            }
        }
        Err(error)
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

fn is_unknown_issuer(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(CertificateError::UnknownIssuer)
    )
}

/// The certificates of a server and the conditions that they must meet.
struct ServerChain<'a> {
    original: &'a CertificateDer<'a>,
    leaf: ParsedCertificate<'a>,
    intermediates: &'a [CertificateDer<'a>],
    algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
    name: &'a ServerName<'a>,
    now: UnixTime,
}

impl ServerChain<'_> {
    /// Verifies the chain by authorities whose certificates are known.
    fn verify(&self, authorities: &CertificateAuthorities) -> Result<(), Error> {
        let trusted = authorities.certificates.iter();
        // A server certificate that is itself trusted, such as the self-signed one of
        // distribution's "Test an insecure registry".
        if trusted.clone().any(|it| it == self.original) {
            let leaf = parse(self.original)?;
            leaf.check_validity(self.now)?;
            if !leaf.allows_servers() {
                return Err(CertificateError::InvalidPurpose.into());
            }
            return self.verify_name();
        }
        let certificates = std::iter::once(self.original).chain(self.intermediates);
        let issuers: Vec<&[u8]> = certificates
            .filter_map(|it| Some(Certificate::parse(it)?.issuer))
            .collect();
        // Reports what else is wrong if no authority is the issuer.
        let mut error = None;
        for (certificate, anchor) in trusted.zip(&authorities.store.roots) {
            let Some(authority) = Certificate::parse(certificate) else {
                continue;
            };
            if !issuers.contains(&authority.subject) {
                continue;
            }
            let verified = check_authority(&authority, self.now).and_then(|()| {
                let roots = vec![anchor.clone()];
                let max_intermediates = authority.path_length().unwrap_or(usize::MAX);
                self.verify_by(&RootCertStore { roots }, max_intermediates)
            });
            match verified {
                Ok(()) => return Ok(()),
                Err(newer) if error.as_ref().is_none_or(is_unknown_issuer) => {
                    error = Some(self.explain(newer, &authority));
                }
                Err(_) => {}
            }
        }
        error.map_or_else(|| self.verify_by(&RootCertStore::empty(), usize::MAX), Err)
    }

    /// Verifies the chain by trust anchors, with the first intermediate certificates.
    fn verify_by(&self, roots: &RootCertStore, max_intermediates: usize) -> Result<(), Error> {
        let (allowed, others) = self
            .intermediates
            .split_at(self.intermediates.len().min(max_intermediates));
        verify_server_cert_signed_by_trust_anchor(
            &self.leaf,
            roots,
            allowed,
            self.now,
            self.algorithms,
        )
        .map_err(|error| {
            if is_unknown_issuer(&error) && !others.is_empty() {
                rejection("too many intermediates for path length constraint", false)
            } else {
                error
            }
        })?;
        self.verify_name()
    }

    fn verify_name(&self) -> Result<(), Error> {
        verify_server_name(&self.leaf, self.name).map_err(|error| match &error {
            Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                presented,
                ..
            }) if presented.is_empty()
                && parse(self.original).is_ok_and(|leaf| leaf.common_name().is_some()) =>
            {
                rejection(
                    "certificate relies on legacy Common Name field, use SANs instead",
                    false,
                )
            }
            _ => error,
        })
    }

    /// Makes the error of a signature by this authority say more.
    fn explain(&self, error: Error, authority: &Certificate<'_>) -> Error {
        if error != Error::from(CertificateError::BadSignature) {
            return error;
        }
        let intermediates = self.intermediates.iter();
        let mut keys = intermediates
            .filter_map(|it| Certificate::parse(it)?.rsa_bits())
            .chain(authority.rsa_bits());
        match keys.find(|bits| *bits < MIN_RSA_BITS) {
            Some(bits) => rejection(&algorithm::short_key(bits), false),
            None => candidate_rejection("signature does not match", authority),
        }
    }
}

/// The shortest RSA key that ring verifies.
const MIN_RSA_BITS: usize = 2048;

fn parse<'a>(certificate: &'a CertificateDer<'a>) -> Result<Certificate<'a>, Error> {
    Certificate::parse(certificate).ok_or_else(|| CertificateError::BadEncoding.into())
}

/// Checks that an authority may vouch for servers now.
fn check_authority(authority: &Certificate<'_>, now: UnixTime) -> Result<(), Error> {
    authority.check_validity(now)?;
    if !authority.may_sign() {
        return Err(candidate_rejection(
            "invalid signature: parent certificate cannot sign this kind of certificate",
            authority,
        ));
    }
    if !authority.allows_servers() {
        return Err(CertificateError::InvalidPurpose.into());
    }
    Ok(())
}

/// The reason why a certificate is rejected, where rustls has none.
#[derive(Debug)]
pub(super) struct Rejection {
    pub(super) reason: String,
    /// Whether another authority can help.
    pub(super) is_unknown_authority: bool,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Rejection {}

fn rejection(reason: &str, is_unknown_authority: bool) -> Error {
    CertificateError::Other(OtherError(Arc::new(Rejection {
        reason: reason.to_owned(),
        is_unknown_authority,
    })))
    .into()
}

/// Returns the error of a chain whose authority has the name of the issuer and is not the issuer.
fn candidate_rejection(reason: &str, authority: &Certificate<'_>) -> Error {
    let name = authority.common_name().unwrap_or_default();
    let name = excerpt(&name, MAX_NAME_CHARS);
    let reason = format!(
        "certificate signed by unknown authority (possibly because of \"x509: {reason}\" while trying to verify candidate authority certificate \"{name}\")"
    );
    rejection(&reason, true)
}

/// Maximum number of characters of a name in a message: the upper bound of a common name (RFC 5280
/// appendix A.1).
const MAX_NAME_CHARS: usize = 64;

/// A verifier that checks no chain.
#[derive(Debug)]
pub(super) enum Unverified {
    /// Accepts any certificate, and signatures with these schemes.
    Accept(Vec<SignatureScheme>),
    /// Rejects every certificate, and names its key if this build does not support it.
    InspectKey,
}

impl Unverified {
    /// A verifier that accepts any certificate.
    pub(super) fn accept(provider: &CryptoProvider) -> Self {
        let algorithms = &provider.signature_verification_algorithms;
        Self::Accept(algorithms.supported_schemes())
    }

    /// With verification off an attacker can present any certificate, so checking the handshake
    /// signature adds nothing. It would also reject certificates that webpki cannot parse.
    fn verify_signature(&self) -> Result<HandshakeSignatureValid, Error> {
        match self {
            Self::Accept(_) => Ok(HandshakeSignatureValid::assertion()),
            Self::InspectKey => Err(CertificateError::BadSignature.into()),
        }
    }
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Self::Accept(_) = self {
            return Ok(ServerCertVerified::assertion());
        }
        let key = parse(certificate)?.key_algorithm().unwrap_or_default();
        Err(algorithm::unsupported_key(key).map_or_else(
            || Error::General("the key is supported".to_owned()),
            |reason| rejection(&reason, false),
        ))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_signature()
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_signature()
    }

    /// For the inspection of a key, the schemes that this build cannot verify: P-521, Ed448,
    /// RSA-PSS keys and the brainpool curves (RFC 8446 §4.2.3, RFC 8734).
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        if let Self::Accept(schemes) = self {
            return schemes.clone();
        }
        let unknown = [0x0809, 0x080a, 0x080b, 0x081a, 0x081b, 0x081c];
        let mut schemes = vec![
            SignatureScheme::ECDSA_NISTP521_SHA512,
            SignatureScheme::ED448,
        ];
        schemes.extend(unknown.map(SignatureScheme::from));
        schemes
    }
}
