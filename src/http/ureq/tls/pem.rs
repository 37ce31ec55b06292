//! Certificate authorities, client certificates and private keys, in PEM or DER.

use std::fmt;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::provider::default_provider;
use super::x509::Certificate;
use crate::limits::MAX_CERTIFICATES;

/// Certificate authorities to trust.
#[derive(Clone)]
pub struct CertificateAuthorities {
    pub(super) store: Arc<RootCertStore>,
    /// The certificates, for servers that use one of them as server certificate.
    pub(super) certificates: Arc<[CertificateDer<'static>]>,
}

impl CertificateAuthorities {
    /// Parses certificates in PEM, or one in DER. Malformed ones and other text are skipped.
    ///
    /// # Errors
    ///
    /// [`InvalidCertificate::NoAuthority`] if no valid certificate was found.
    pub fn from_pem(pem: &[u8]) -> Result<Self, InvalidCertificate> {
        Self::from_texts(&[pem]).ok_or(InvalidCertificate::NoAuthority)
    }

    /// Parses certificates in DER. Malformed ones are skipped.
    ///
    /// # Errors
    ///
    /// [`InvalidCertificate::NoAuthority`] if no valid certificate was found.
    pub fn from_der(certificates: &[impl AsRef<[u8]>]) -> Result<Self, InvalidCertificate> {
        Self::from_texts(certificates).ok_or(InvalidCertificate::NoAuthority)
    }

    /// Parses the certificates of several files. Returns `None` if there are none.
    pub(super) fn from_texts(texts: &[impl AsRef<[u8]>]) -> Option<Self> {
        let mut certificates: Vec<_> = texts
            .iter()
            .flat_map(|text| certificates(text.as_ref()))
            .collect();
        certificates.sort_unstable_by(|a, b| a.as_ref().cmp(b.as_ref()));
        certificates.dedup();
        let mut store = RootCertStore::empty();
        certificates.retain(|certificate| store.add(certificate.clone()).is_ok());
        (!certificates.is_empty()).then(|| Self {
            store: Arc::new(store),
            certificates: certificates.into(),
        })
    }
}

impl fmt::Debug for CertificateAuthorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateAuthorities({})", self.certificates.len())
    }
}

/// A client certificate with its private key.
#[derive(Clone)]
pub struct ClientCertificate {
    /// The certificate, followed by its chain.
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
}

impl ClientCertificate {
    /// Parses a certificate, optionally followed by its chain, and a private key in PKCS #8, PKCS
    /// #1 or SEC 1 that is not encrypted. Both arguments may be the same text.
    ///
    /// The key is checked with the default cryptography of the process, which is that of ring
    /// unless the process installed another one. A transport loads it with its own.
    ///
    /// # Errors
    ///
    /// If certificate or key is missing, the key is not usable, or the two do not match.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, InvalidCertificate> {
        let chain: Vec<_> = certificates(certificate).collect();
        let found_key = private_key(certificate).is_some();
        if chain.is_empty() {
            return Err(if found_key {
                InvalidCertificate::Switched
            } else {
                InvalidCertificate::NoCertificate
            });
        }
        let Some(key_der) = private_key(key) else {
            return Err(if certificates(key).next().is_some() {
                InvalidCertificate::CertificateForKey
            } else {
                InvalidCertificate::NoKey
            });
        };
        let certificate = Self {
            chain,
            key: Arc::new(key_der),
        };
        if let Some(provider) = default_provider() {
            certificate.load(&provider)?;
        }
        Ok(certificate)
    }

    /// Loads the key, and checks that it is that of the certificate.
    pub(super) fn load(
        &self,
        provider: &CryptoProvider,
    ) -> Result<CertifiedKey, InvalidCertificate> {
        let key = provider
            .key_provider
            .load_private_key(self.key.clone_key())
            .map_err(|_| InvalidCertificate::Unusable)?;
        let certified = self
            .chain
            .first()
            .and_then(|first| Some(Certificate::parse(first)?.public_key));
        if let (Some(public), Some(certified)) = (key.public_key(), certified)
            && public.as_ref() != certified
        {
            return Err(InvalidCertificate::KeyMismatch);
        }
        Ok(CertifiedKey::new(self.chain.clone(), key))
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").finish_non_exhaustive()
    }
}

fn certificates(text: &[u8]) -> impl Iterator<Item = CertificateDer<'static>> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let pem = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let der = Certificate::parse(text).map(|_| CertificateDer::from(text.to_vec()));
    let is_der = der.is_some();
    let pem = CertificateDer::pem_slice_iter(if is_der { &[] } else { pem });
    pem.take(MAX_CERTIFICATES).flatten().chain(der)
}

fn private_key(pem: &[u8]) -> Option<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem).ok()
}

/// An error parsing certificates and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidCertificate {
    /// The list of certificate authorities contains no certificate.
    NoAuthority,
    /// The text contains no certificate.
    NoCertificate,
    /// The certificate argument contains a private key instead.
    Switched,
    /// The text contains no private key.
    NoKey,
    /// The key argument contains a certificate instead.
    CertificateForKey,
    /// The key belongs to another certificate.
    KeyMismatch,
    /// The key is malformed or has an unsupported algorithm.
    Unusable,
}

impl fmt::Display for InvalidCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAuthority => "there is no valid certificate",
            Self::NoCertificate => "tls: failed to find any PEM data in certificate input",
            Self::Switched => {
                "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched"
            }
            Self::NoKey => "tls: failed to find any PEM data in key input",
            Self::CertificateForKey => {
                "tls: found a certificate rather than a key in the PEM for the private key"
            }
            Self::KeyMismatch => "tls: private key does not match public key",
            Self::Unusable => "tls: failed to parse private key",
        })
    }
}

impl std::error::Error for InvalidCertificate {}
